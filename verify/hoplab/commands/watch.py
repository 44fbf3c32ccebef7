"""The verb `watch`: do as verify, and show the hops as they happen."""

import argparse
from pathlib import Path

from rich.console import Console

from hoplab.commands.arguments import chosen_flow, runs_directory
from hoplab.commands.judged import judge_all, show
from hoplab.commands.verify import add_launching, options_of
from hoplab.lab.deployment import find_lab, load
from hoplab.report.document import Document
from hoplab.session.judge_run import exit_status
from hoplab.session.live_table import LiveTable
from hoplab.session.recorded_launches import verify


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    add_launching(verb)


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab watch`; return the exit status."""
    catalogue, flow = chosen_flow(arguments)
    options = options_of(arguments)
    deployment = load(find_lab(arguments.lab))
    found: dict[Path, Document] = {}
    with LiveTable(catalogue, flow, Console()) as watching:
        verify(
            deployment,
            runs_directory(arguments, deployment),
            options,
            say=watching.say,
            recorded=lambda directories: found.update(judge_all(directories, catalogue, flow)),
            began=watching.began,
        )
    ((directory, document),) = found.items()
    show([document], [directory], json=False)
    return exit_status(document["result"])
