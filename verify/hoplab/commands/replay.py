"""The verb `replay`: judge a run again from its directory."""

import argparse
from pathlib import Path

from hoplab.commands.arguments import add_flow, add_run, chosen_flow, compared_directories, run_directory
from hoplab.commands.compared import write_comparison
from hoplab.commands.forms import add_forms, is_table, write_report
from hoplab.model.errors import EXIT_HOLDS, ConfigurationError
from hoplab.report.document import Document
from hoplab.report.output import print_message
from hoplab.report.terminal import result_line
from hoplab.run.record import LATEST, read_record
from hoplab.session.judge_run import exit_status, judge_run


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    add_run(verb, default=False)
    add_flow(verb)
    add_forms(verb)


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab replay`; return the exit status. Needs no lab, and writes nothing into the run's directory."""
    if arguments.compare:
        first, second = (_judged(arguments, directory) for directory in compared_directories(arguments))
        write_comparison(arguments, first, second)
        return EXIT_HOLDS
    if arguments.run is None:
        raise ConfigurationError(f"name the run that is to be judged again, such as runs/{LATEST}")
    directory = run_directory(arguments)
    document = _judged(arguments, directory)
    try:
        write_report(arguments, document)
    finally:  # Whatever could not be written: this is what the run came to.
        if not arguments.json:
            print_message(f"run {directory}" if is_table(arguments) else result_line(document))
    return exit_status(document["result"])


def _judged(arguments: argparse.Namespace, directory: Path) -> Document:
    catalogue, flow = chosen_flow(arguments, read_record(directory).journey)
    return judge_run(directory, catalogue, flow, write=False)
