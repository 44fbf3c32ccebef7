"""The verb `replay`: judge a run again from its directory."""

import argparse

from hoplab.commands.arguments import add_flow, add_run, chosen_flow, run_directory
from hoplab.commands.judged import show
from hoplab.run.record import read_record
from hoplab.session.judge_run import exit_status, judge_run


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    add_run(verb, required=True)
    add_flow(verb)
    verb.add_argument("--json", action="store_true", help="print the report as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab replay`; return the exit status. Needs no lab and writes nothing."""
    directory = run_directory(arguments)
    catalogue, flow = chosen_flow(arguments, read_record(directory).journey)
    document = judge_run(directory, catalogue, flow, write=False)
    show([document], [directory], json=arguments.json)
    return exit_status(document["result"])
