"""Arguments and options that several verbs have, and what they name: flows, runs, times."""

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hoplab.flow.loader import journeys, load_journey
from hoplab.flow.model import LAUNCH, Catalogue, Flow
from hoplab.lab.deployment import Deployment
from hoplab.model.errors import ConfigurationError
from hoplab.report.document import Document
from hoplab.report.form import read_report
from hoplab.run.record import LATEST, REPORT

RUNS: Final = "runs"
ENVIRONMENT: Final = "HOPLAB_RUNS"


def add_run(parser: argparse.ArgumentParser, *, default: bool) -> None:
    """Add the arguments that name a run, or two that are to be compared (see `run_directory`, `compared_directories`).

    default: whether the latest run is meant where none is named.
    """
    parser.add_argument(
        "run",
        metavar="RUN",
        type=path,
        nargs="?",
        help="a run's directory" + (f" (default: {RUNS}/{LATEST})" if default else ""),
    )
    parser.add_argument(
        "--compare", nargs=2, metavar="RUN", type=path, help="show what differs between two runs of one journey"
    )
    add_runs(parser)


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where runs are kept (see `runs_directory`)."""
    parser.add_argument("--runs", type=path, metavar="DIR", help=f"where runs are kept (${ENVIRONMENT}, else {RUNS}/)")


def add_flow(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which documented list is meant (see `chosen_flow`)."""
    parser.add_argument(
        "--flow", metavar="FLOW", help="the documented list: of a launch launch-58 (default), cli-28, deck-17"
    )


def add_journey(parser: argparse.ArgumentParser, default: str = LAUNCH) -> None:
    """Add the option that says which journey is meant (see `chosen_flow`)."""
    parser.add_argument("--journey", metavar="JOURNEY", help=f"{' or '.join(journeys())} (default: {default})")


def seconds(text: str) -> float:
    """Read an argument that is a time in seconds, 1 to 3600; raises argparse.ArgumentTypeError for others."""
    value = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0
    if not 1 <= value <= 3600:  # noqa: PLR2004 as the message says
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 3600: give seconds")
    return value


def whole_number(most: int) -> Callable[[str], int]:
    """Return what reads an argument that is a whole number from 1; it raises argparse.ArgumentTypeError for others."""

    def read(text: str) -> int:
        value = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {most}")
        return value

    return read


def path(text: str) -> Path:
    """Return a path that was given as an argument; argparse.ArgumentTypeError for an empty one."""
    if not text:
        raise argparse.ArgumentTypeError("is empty: name a file or a directory")
    return Path(text)


def chosen_flow(arguments: argparse.Namespace, journey: str = "") -> tuple[Catalogue, Flow]:
    """Return all hops of a journey and the flow that was asked for; ConfigurationError if there is none of that name.

    journey: its name, empty for the one that was asked for, or else a launch.
    """
    catalogue = load_journey(journey or getattr(arguments, "journey", None) or LAUNCH)
    name = catalogue.main if arguments.flow is None else arguments.flow
    flow = catalogue.flows.get(name)
    if flow is None:
        raise ConfigurationError(
            f"there is no flow {name!r} of the journey {catalogue.name}: there are {', '.join(catalogue.flows)}"
        )
    return catalogue, flow


def runs_directory(arguments: argparse.Namespace, deployment: Deployment | None = None) -> Path:
    """Return where runs are kept: as asked for, else beside the lab's `.lab`, else here."""
    named = arguments.runs or os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser().absolute()
    if deployment is not None and deployment.directory.parent.name == ".lab":
        return deployment.directory.parent.parent / RUNS
    return Path.cwd() / RUNS


def run_directory(arguments: argparse.Namespace) -> Path:
    """Return the run's directory that was asked for, by its path or its name; ConfigurationError if there is none."""
    return _find_run(runs_directory(arguments), arguments.run)


def compared_directories(arguments: argparse.Namespace) -> tuple[Path, Path]:
    """Return the directories of the two runs that are to be compared; ConfigurationError if they are not two."""
    if arguments.run is not None:
        raise ConfigurationError(f"{arguments.run}: --compare names both runs: leave out the third")
    runs = runs_directory(arguments)
    first, second = (_find_run(runs, wanted) for wanted in arguments.compare)
    if first == second:
        raise ConfigurationError(f"--compare: both names are of one run, {first}: name two runs")
    return first, second


def _find_run(runs: Path, wanted: Path | None) -> Path:
    """Return a run's directory by its path or its name. runs: where runs are kept; wanted: None for the latest."""
    for place in (runs / LATEST,) if wanted is None else (wanted, runs / wanted):
        if place.is_dir():
            return place.resolve()
        if place.is_file():
            raise ConfigurationError(f"{place} is a file, and a run is a directory: unpack it, or name a directory")
    raise ConfigurationError(
        f"there is no run {wanted or LATEST} here or in {runs}: run `hoplab verify`, or name another"
    )


def load_report(directory: Path) -> Document:
    """Return a run's report as it was written; ConfigurationError if it has none that can be read."""
    return read_report(directory / REPORT)
