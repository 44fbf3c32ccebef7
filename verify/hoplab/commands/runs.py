"""The verbs about runs: verify and watch make them, replay judges them again, report shows what was judged."""

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from rich.console import Console

from hoplab.flow.loader import load as load_flows
from hoplab.flow.model import Catalogue, Flow
from hoplab.judge.pace import write_usual
from hoplab.judge.verdicts import Result
from hoplab.lab.deployment import Deployment, find_lab, load
from hoplab.model.errors import EXIT_HOLDS, ConfigurationError
from hoplab.report.document import Document
from hoplab.report.form import read_report
from hoplab.report.html import render_html
from hoplab.report.junit import render_junit
from hoplab.report.output import as_json, print_page, safe_line, say
from hoplab.report.terminal import result_line, show_report
from hoplab.run.record import LATEST, REPORT, point_latest
from hoplab.session.judge_run import judge_run, status_of
from hoplab.session.verification import MOST, Wish, verify
from hoplab.session.watching import Watching

RUNS: Final = "runs"
ENVIRONMENT: Final = "HOPLAB_RUNS"
FLOW: Final = "launch-58"
WORST_LAST: Final = (0, 3, 1)
"""Exit statuses of several runs: the last of these that is among them counts."""


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs to the command line's parser."""
    _add_launching(verbs, "verify", "launch while the lab is recorded, and prove each hop of it", run_verify)
    _add_launching(verbs, "watch", "do as verify, and show the hops as they happen", run_watch)
    replay = verbs.add_parser("replay", help="judge a run again from its directory; needs no lab")
    _add_run(replay, required=True)
    add_flow(replay)
    replay.add_argument("--json", action="store_true", help="print the report as JSON")
    replay.set_defaults(verb=run_replay)
    report = verbs.add_parser("report", help="show a run's report, or write it as a page, for CI or as JSON")
    _add_run(report, required=False)
    form = report.add_mutually_exclusive_group()
    form.add_argument("--html", action="store_true", help="as one self-contained page")
    form.add_argument("--junit", action="store_true", help="as JUnit XML")
    form.add_argument("--json", action="store_true", help="as it is in report.json")
    report.add_argument("--output", metavar="FILE", type=path, help="where to write it (default: standard output)")
    report.set_defaults(verb=run_report)


def _add_launching(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    told: str,
    verb: Callable[[argparse.Namespace], int],
) -> None:
    one = verbs.add_parser(name, help=told)
    add_flow(one)
    one.add_argument("--warm", action="store_true", help="with an image that the hosts may have already")
    one.add_argument("--keep", action="store_true", help="leave the instances, volumes and images")
    one.add_argument(
        "--timeout",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="for an instance to be ACTIVE (120); preparing has as long and a minute more, and taking away at least 90",
    )
    add_runs(one)
    if verb is run_verify:
        one.add_argument(
            "--count", type=whole_number(MOST), default=1, metavar="N", help=f"launches at once, at most {MOST}"
        )
        one.add_argument("--json", action="store_true", help="print the report as JSON")
    one.set_defaults(verb=verb)


def _add_run(one: argparse.ArgumentParser, *, required: bool) -> None:
    one.add_argument(
        "run",
        metavar="RUN",
        type=path,
        nargs=None if required else "?",
        help="a run's directory" + ("" if required else f" (default: {RUNS}/{LATEST})"),
    )
    add_runs(one)


def add_runs(one: argparse.ArgumentParser) -> None:
    """Add the option that says where runs are kept (see `runs_of`)."""
    one.add_argument("--runs", type=path, metavar="DIR", help=f"where runs are kept (${ENVIRONMENT}, else {RUNS}/)")


def add_flow(one: argparse.ArgumentParser) -> None:
    """Add the option that says which documented list is meant (see `flow_of`)."""
    one.add_argument("--flow", default=FLOW, metavar="FLOW", help=f"launch-58, cli-28 or deck-17 ({FLOW})")


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


def run_verify(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab verify`; return the exit status."""
    deployment = load(find_lab(arguments.lab))
    wish = Wish(arguments.count, arguments.warm, arguments.keep, arguments.timeout)
    found = prove(arguments, deployment, wish)
    show(list(found.values()), list(found), json=arguments.json)
    return worst(status_of(document["result"]) for document in found.values())


def worst(statuses: Iterable[int]) -> int:
    """Return the exit status of several things: what does not hold before what could not be read."""
    return max(statuses, key=WORST_LAST.index)


def prove(arguments: argparse.Namespace, deployment: Deployment, wish: Wish) -> dict[Path, Document]:
    """Launch what is wished for while the lab is recorded; return each run's report by its directory."""
    catalogue, flow = flow_of(arguments)
    runs, found = runs_of(arguments, deployment), dict[Path, Document]()
    verify(deployment, runs, wish, say=say, recorded=lambda made: found.update(judge_all(made, catalogue, flow)))
    return found


def run_watch(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab watch`; return the exit status."""
    catalogue, flow = flow_of(arguments)
    deployment = load(find_lab(arguments.lab))
    found: dict[Path, Document] = {}
    with Watching(catalogue, flow, Console()) as watching:
        verify(
            deployment,
            runs_of(arguments, deployment),
            Wish(1, arguments.warm, arguments.keep, arguments.timeout),
            say=watching.say,
            recorded=lambda directories: found.update(judge_all(directories, catalogue, flow)),
            began=watching.began,
        )
    ((directory, document),) = found.items()
    show([document], [directory], json=False)
    return status_of(document["result"])


def run_replay(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab replay`; return the exit status. Needs no lab and writes nothing."""
    catalogue, flow = flow_of(arguments)
    directory = run_of(arguments)
    document = judge_run(directory, catalogue, flow, write=False)
    show([document], [directory], json=arguments.json)
    return status_of(document["result"])


def run_report(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab report`; return the exit status."""
    document = report_of(run_of(arguments))
    if arguments.html:
        text = render_html(document)
    elif arguments.junit:
        text = render_junit(document)
    elif arguments.json:
        text = as_json(document)
    elif arguments.output:
        shown = io.StringIO()
        show_report(document, Console(file=shown))
        text = shown.getvalue()
    else:
        show_report(document, Console())
        return EXIT_HOLDS
    if arguments.output:
        write_page("--output", arguments.output, text)
    else:
        print_page(text)
    return EXIT_HOLDS


def write_page(option: str, file: Path, text: str) -> None:
    """Write what was asked for with an option; ConfigurationError that names it if that can't be done."""
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(f"{option} {file}: {error.strerror}: name another file") from None
    say(f"written to {file}")


def judge_all(directories: Iterable[Path], catalogue: Catalogue, flow: Flow) -> dict[Path, Document]:
    """Judge runs that were just made, and write each one's report as data and as a page."""
    found = {}
    for directory in directories:
        write_usual(directory)
        found[directory] = document = judge_run(directory, catalogue, flow)
        (directory / "report.html").write_text(render_html(document), encoding="utf-8")
        if document["result"] != Result.PROVED:
            say(result_line(document))
    point_latest(next(iter(found)))
    return found


def show(documents: list[Document], directories: "tuple[Path, ...] | list[Path]", *, json: bool) -> None:
    """Show reports: the only one as a whole, of several a line each and those that are not proved as a whole."""
    if json:
        found = documents[0] if len(documents) == 1 else documents
        sys.stdout.write(as_json(found))
        return
    console = Console()
    for document in documents:
        if len(documents) == 1 or document["result"] != "proved":
            show_report(document, console)
        else:
            console.print(safe_line(result_line(document)), soft_wrap=True, highlight=False, markup=False)
    for directory in directories:
        say(f"run {directory}")


def flow_of(arguments: argparse.Namespace) -> tuple[Catalogue, Flow]:
    """Return all hops and the flow that was asked for; ConfigurationError if there is none of that name."""
    catalogue = load_flows()
    flow = catalogue.flows.get(arguments.flow)
    if flow is None:
        raise ConfigurationError(f"there is no flow {arguments.flow!r}: there are {', '.join(catalogue.flows)}")
    return catalogue, flow


def runs_of(arguments: argparse.Namespace, deployment: Deployment | None = None) -> Path:
    """Return where runs are kept: as asked for, else beside the lab's `.lab`, else here."""
    named = arguments.runs or os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser().absolute()
    if deployment is not None and deployment.directory.parent.name == ".lab":
        return deployment.directory.parent.parent / RUNS
    return Path.cwd() / RUNS


def run_of(arguments: argparse.Namespace) -> Path:
    """Return the run's directory that was asked for, by its path or its name; ConfigurationError if there is none."""
    runs = runs_of(arguments)
    wanted: Path = arguments.run or Path(LATEST)
    for place in (wanted, runs / wanted) if arguments.run else (runs / wanted,):
        if place.is_dir():
            return place.resolve()
    raise ConfigurationError(f"there is no run {wanted} here or in {runs}: run `hoplab verify`, or name another")


def report_of(directory: Path) -> Document:
    """Return a run's report as it was written; ConfigurationError if it has none that can be read."""
    return read_report(directory / REPORT)
