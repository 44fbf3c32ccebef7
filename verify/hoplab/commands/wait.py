"""The verb `wait`: until every service of the lab answers."""

import argparse

from hoplab.commands.arguments import seconds
from hoplab.lab.deployment import find_lab, load
from hoplab.model.errors import EXIT_HOLDS
from hoplab.report.output import print_message
from hoplab.session.readiness import SECONDS, wait_ready


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    verb.add_argument(
        "--timeout", type=seconds, default=SECONDS, metavar="SECONDS", help=f"how long, at most ({SECONDS:.0f})"
    )


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab wait`; return the exit status."""
    wait_ready(load(find_lab(arguments.lab)), print_message, arguments.timeout)
    return EXIT_HOLDS
