"""The verb `verify`: launch, or do another journey, while the lab is recorded, and prove each hop."""

import argparse
from pathlib import Path

from hoplab.commands.arguments import (
    add_flow,
    add_journey,
    add_runs,
    chosen_flow,
    runs_directory,
    seconds,
    whole_number,
)
from hoplab.commands.judged import judge_all, show, worst_status
from hoplab.lab.deployment import Deployment, find_lab, load
from hoplab.report.document import Document
from hoplab.report.output import print_message
from hoplab.session.judge_run import exit_status
from hoplab.session.options import Options
from hoplab.session.recorded_launches import MOST, verify


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    add_launching(verb)
    verb.add_argument(
        "--count", type=whole_number(MOST), default=1, metavar="N", help=f"launches at once, at most {MOST}"
    )
    verb.add_argument("--json", action="store_true", help="print the report as JSON")


def add_launching(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of a verb that launches while the lab is recorded."""
    add_flow(verb)
    add_journey(verb)
    verb.add_argument("--warm", action="store_true", help="with an image that the hosts may have already")
    verb.add_argument("--keep", action="store_true", help="leave the instances, volumes and images")
    verb.add_argument(
        "--timeout",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="for an instance to be ACTIVE, or a volume to be attached (120); preparing has as long and a minute more, "
        "and deleting at least 90",
    )
    add_runs(verb)


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab verify`; return the exit status."""
    options = options_of(arguments, arguments.count)
    deployment = load(find_lab(arguments.lab))
    found = prove(arguments, deployment, options)
    show(list(found.values()), list(found), json=arguments.json)
    return worst_status(exit_status(document["result"]) for document in found.values())


def options_of(arguments: argparse.Namespace, count: int = 1) -> Options:
    """Return what is asked for; ConfigurationError for what the journey can't do."""
    options = Options(count, arguments.warm, arguments.keep, arguments.timeout, journey=chosen_flow(arguments)[0].name)
    options.check()
    return options


def prove(arguments: argparse.Namespace, deployment: Deployment, options: Options) -> dict[Path, Document]:
    """Do a journey while the lab is recorded; return each run's report by its directory."""
    catalogue, flow = chosen_flow(arguments)
    runs, found = runs_directory(arguments, deployment), dict[Path, Document]()
    verify(
        deployment,
        runs,
        options,
        say=print_message,
        recorded=lambda made: found.update(judge_all(made, catalogue, flow)),
    )
    return found
