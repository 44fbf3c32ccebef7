"""The command `hoplab`: verbs and exit status.

0: all holds. 1: something does not. 2: wrong usage or configuration. 3: something could not be read. 130: Ctrl-C.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from openstack.connection import Connection
from rich.console import Console

from hoplab import __version__
from hoplab.checks.findings import exit_code
from hoplab.checks.outcome import Outcome
from hoplab.commands.drill import add_drill
from hoplab.commands.launch_table import as_json, show
from hoplab.commands.runs import FLOW, add_runs, add_verbs, flow_of, prove, report_of, runs_of, seconds, worst
from hoplab.commands.runs import show as show_reports
from hoplab.lab.connection import connect, new_request_id, told_plainly
from hoplab.lab.deployment import ENVIRONMENT, Deployment, find_lab, load
from hoplab.launch.cleanup import cleanup
from hoplab.launch.plan import Plan
from hoplab.launch.removal import Removal
from hoplab.model.errors import (
    EXIT_FAILS,
    EXIT_HOLDS,
    EXIT_INTERRUPTED,
    EXIT_UNREADABLE,
    EXIT_USAGE,
    ConfigurationError,
    HoplabError,
)
from hoplab.model.files import reason
from hoplab.report.document import Document
from hoplab.report.explanation import LastRun, explain, find_hop, list_hops
from hoplab.report.output import EXIT_PIPE, safe_line, say, standard_streams
from hoplab.report.output import as_json as dump
from hoplab.run.record import LATEST, REPORT
from hoplab.session.background import Beside
from hoplab.session.checked_launch import launch
from hoplab.session.judge_run import status_of
from hoplab.session.readiness import SECONDS, wait_ready
from hoplab.session.verification import Wish

Verb = Callable[[argparse.Namespace], int]
TRACEBACK = "HOPLAB_TRACEBACK"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in words that can do nothing to the terminal."""

    def error(self, message: str) -> NoReturn:
        """End with the exit status for wrong usage."""
        super().error(safe_line(message))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; each verb's function is in the attribute `verb`."""
    top: argparse.ArgumentParser = _Parser(
        prog="hoplab",
        description="Launches an instance in the lab, shows from the running system what became of it, and explains "
        "the documented flow of a launch.",
        epilog="Exit status: 0 all holds, 1 something does not, 2 wrong usage or configuration, 3 unreadable source, "
        "130 interrupted (Ctrl-C).",
    )
    top.add_argument("--version", action="version", version=f"hoplab {__version__}")
    top.add_argument(
        "--lab",
        metavar="DIR_OR_FILE",
        help=f"the lab's directory or its lab.json (default: ${ENVIRONMENT}, else .lab/local/lab.json upwards)",
    )
    verbs = top.add_subparsers(dest="name", metavar="VERB", required=True)
    one = verbs.add_parser("launch", help="boot an instance with a volume and check every part of it")
    one.add_argument("--json", action="store_true", help="print the result as JSON")
    one.add_argument(
        "--keep",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="leave the instance running (default), or take away all that the launch made",
    )
    one.add_argument(
        "--existing",
        action="store_true",
        help="take the instance of an earlier launch if it still runs, and only check it",
    )
    one.add_argument(
        "--verify",
        action="store_true",
        help="while its guest boots, launch another one and prove each hop of that, as `hoplab verify` does",
    )
    add_runs(one)
    one.set_defaults(verb=run_launch, flow=FLOW)
    two = verbs.add_parser("cleanup", help="take away what launches made")
    two.add_argument("--json", action="store_true", help="print the result as JSON")
    two.set_defaults(verb=run_cleanup)
    wait = verbs.add_parser("wait", help="wait until every service of the lab answers, as after a start of its nodes")
    wait.add_argument(
        "--timeout", type=seconds, default=SECONDS, metavar="SECONDS", help=f"how long, at most ({SECONDS:.0f})"
    )
    wait.set_defaults(verb=run_wait)
    three = verbs.add_parser("explain", help="say what a hop of the flow is, and what the last run has of it")
    three.add_argument("hop", nargs="?", metavar="HOP", help="a hop's name or its number (default: list them all)")
    three.add_argument(
        "--flow", default=FLOW, metavar="FLOW", help=f"the documented list that the number is of ({FLOW})"
    )
    add_runs(three)
    three.set_defaults(verb=run_explain)
    add_verbs(verbs)
    add_drill(verbs)
    return top


def _shown(outcome: Outcome, proof: Beside[dict[Path, Document]], *, json: bool) -> int:
    """Show what became of a launch, and of the one that was recorded meanwhile; return the exit status."""
    if not json:
        show(outcome, Console())
        sys.stdout.flush()
    found = proof.end() or {}
    if json:
        sys.stdout.write(as_json(outcome, next(iter(found.values()), None)))
    elif found:
        show_reports(list(found.values()), list(found), json=False)
    sys.stdout.flush()
    return worst([exit_code(outcome.verdict), *(status_of(document["result"]) for document in found.values())])


def run_launch(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab launch`; return the exit status."""
    deployment = load(find_lab(arguments.lab))
    plan = Plan()
    request_id = new_request_id()
    cloud = connect(deployment, request_id)
    proof = Beside(lambda: prove(arguments, deployment, Wish()))
    outcome = launch(
        cloud,
        deployment,
        plan,
        global_request_id=request_id,
        say=say,
        existing=arguments.existing,
        active=proof.begin if arguments.verify else lambda: None,
    )
    try:
        status = _shown(outcome, proof, json=arguments.json)
    finally:  # Also where nobody reads the outcome.
        removals = _taken_away(cloud, plan) if not arguments.keep else []
    return status or removal_code(removals)


def _taken_away(cloud: Connection, plan: Plan) -> Sequence[Removal]:
    with told_plainly("cleanup"):
        removals = cleanup(cloud, plan, say)
    for removal in removals:
        if removal.problem:
            say(f"{removal.kind}: {removal.problem}")
    return removals


def run_cleanup(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab cleanup`; return the exit status."""
    deployment = load(find_lab(arguments.lab))
    with told_plainly("cleanup"):
        cloud = connect(deployment, new_request_id())
        removals = cleanup(cloud, Plan(), say, runs=True)
    if arguments.json:
        rows = [{"kind": row.kind, "removed": row.removed, "problem": row.problem} for row in removals]
        sys.stdout.write(dump({"schema": 1, "verb": "cleanup", "removals": rows}))
    else:
        sys.stdout.write("".join(f"{safe_line(removal_line(removal))}\n" for removal in removals))
    return removal_code(removals)


def run_wait(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab wait`; return the exit status."""
    wait_ready(load(find_lab(arguments.lab)), say, arguments.timeout)
    return EXIT_HOLDS


def run_explain(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab explain`; return the exit status. Needs neither a lab nor a run."""
    catalogue, flow = flow_of(arguments)
    console = Console()
    if arguments.hop is None:
        list_hops(catalogue, flow, console)
        return EXIT_HOLDS
    deployment = lab_if_any(arguments.lab)
    last = last_run(runs_of(arguments, deployment))
    for index, hop in enumerate(find_hop(catalogue, flow, arguments.hop)):
        if index:
            console.print()
        explain(catalogue, hop, console, deployment, last)
    if last.damaged:
        raise ConfigurationError(last.problem)
    return EXIT_HOLDS


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
        return LastRun(directory.resolve(), report_of(directory.resolve()), "")
    except ConfigurationError as error:
        return LastRun(directory.resolve(), None, str(error), damaged=(directory / REPORT).exists())


def removal_line(removal: Removal) -> str:
    """Return one line on what became of one kind of thing."""
    if removal.problem:
        return f"{removal.kind}: left: {removal.problem}"
    return f"{removal.kind}: {'removed ' + ', '.join(removal.removed) if removal.removed else 'none there'}"


def removal_code(removals: Sequence[Removal]) -> int:
    """Return the exit status of a cleanup: 1 if anything is left."""
    return EXIT_FAILS if any(removal.problem for removal in removals) else EXIT_HOLDS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status. No traceback reaches the user for an error that is his."""
    arguments = parser().parse_args(argv)
    # Libraries would otherwise write their warnings between our lines; what matters of them is in our errors.
    logging.getLogger().addHandler(logging.NullHandler())
    verb: Verb = arguments.verb
    # Runs, keys and reports tell of a whole cloud: they are for their owner alone, whatever the shell's own mask is.
    loose = os.umask(0o077)
    try:
        with standard_streams():
            return verb(arguments)
    except BrokenPipeError:
        return EXIT_PIPE
    except HoplabError as error:
        say(f"error: {error}")
        return error.exit_code
    except OSError as error:
        if os.environ.get(TRACEBACK):
            raise
        # A disk, a right or a name that is in the way is no fault of ours.
        where = "this machine" if error.filename is None else error.filename
        say(f"error: {where}: {reason(error)}: make room for it, or name another place")
        return EXIT_USAGE
    except KeyboardInterrupt:
        say("interrupted; what was made so far stays: do it again, or run `hoplab cleanup` to remove it")
        return EXIT_INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        say(f"error: a fault in hoplab itself: {type(error).__name__}: {error} (run again with {TRACEBACK}=1 for more)")
        return EXIT_UNREADABLE
    finally:
        os.umask(loose)


if __name__ == "__main__":
    sys.exit(main())
