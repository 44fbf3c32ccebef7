"""The verb `report`: show a run's report, write it in other forms, or compare it with another run's."""

import argparse

from hoplab.commands.arguments import add_run, compared_directories, load_report, run_directory
from hoplab.commands.compared import write_comparison
from hoplab.commands.forms import add_forms, write_report
from hoplab.model.errors import EXIT_HOLDS


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    add_run(verb, default=True)
    add_forms(verb)


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab report`; return the exit status."""
    if arguments.compare:
        first, second = compared_directories(arguments)
        write_comparison(arguments, load_report(first), load_report(second))
    else:
        write_report(arguments, load_report(run_directory(arguments)))
    return EXIT_HOLDS
