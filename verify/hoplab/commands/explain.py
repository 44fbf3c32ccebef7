"""The verb `explain`: what a hop is, and what the last run has of it."""

import argparse
from pathlib import Path

from rich.console import Console

from hoplab.commands.arguments import add_journey, add_runs, chosen_flow, load_report, runs_directory
from hoplab.flow.loader import load_all
from hoplab.flow.model import Catalogue, Flow
from hoplab.lab.deployment import Deployment, find_lab, load
from hoplab.model.errors import EXIT_HOLDS, ConfigurationError
from hoplab.report.explanation import LastRun, explain, find_hop, list_hops
from hoplab.run.record import LATEST, REPORT


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    verb.add_argument("hop", nargs="?", metavar="HOP", help="a hop's name or its number (default: list them all)")
    verb.add_argument(
        "--flow", metavar="FLOW", help="the documented list that the number is of (launch-58, or the journey's own)"
    )
    add_journey(verb)
    add_runs(verb)


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab explain`; return the exit status. Needs neither a lab nor a run."""
    catalogue, flow = _asked(arguments)
    console = Console()
    if arguments.hop is None:
        list_hops(catalogue, flow, console)
        return EXIT_HOLDS
    deployment = lab_if_any(arguments.lab)
    last = last_run(runs_directory(arguments, deployment))
    for index, hop in enumerate(find_hop(catalogue, flow, arguments.hop)):
        if index:
            console.print()
        explain(catalogue, hop, console, deployment, last)
    if last.damaged:
        raise ConfigurationError(last.problem)
    return EXIT_HOLDS


def _asked(arguments: argparse.Namespace) -> tuple[Catalogue, Flow]:
    """Return the journey that is meant, and its list: the one that has the hop, if none is named."""
    asked = chosen_flow(arguments)
    if arguments.journey is None and arguments.flow is None and arguments.hop not in asked[0].hops:
        for catalogue in load_all().values():
            if arguments.hop in catalogue.hops:
                return catalogue, catalogue.flows[catalogue.main]
    return asked


def lab_if_any(argument: str | None) -> Deployment | None:
    """Return the lab; None where there is none and none was asked for."""
    try:
        return load(find_lab(argument))
    except ConfigurationError:
        if argument is not None:
            raise
        return None


def last_run(runs: Path) -> LastRun:
    """Return the run that `latest` leads to, with its report if it can be read."""
    directory = runs / LATEST
    if not directory.is_dir():
        return LastRun()
    try:
        return LastRun(directory.resolve(), load_report(directory.resolve()), "")
    except ConfigurationError as error:
        return LastRun(directory.resolve(), None, str(error), damaged=(directory / REPORT).exists())
