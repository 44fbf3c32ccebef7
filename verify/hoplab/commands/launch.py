"""The verb `launch`: boot an instance and check every part of it, and if asked to, prove another one meanwhile."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from hoplab.checks.findings import exit_code
from hoplab.checks.outcome import LaunchOutcome
from hoplab.commands import judged
from hoplab.commands.arguments import add_runs
from hoplab.commands.cleanup import delete_all, removal_code
from hoplab.commands.launch_table import as_json, show
from hoplab.commands.verify import prove
from hoplab.flow.model import LAUNCH
from hoplab.lab.connection import connect, new_request_id
from hoplab.lab.deployment import find_lab, load
from hoplab.launch.plan import Plan
from hoplab.report.document import Document
from hoplab.report.output import print_message
from hoplab.session.background import BackgroundTask
from hoplab.session.checked_launch import launch
from hoplab.session.judge_run import exit_status
from hoplab.session.options import Options


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    verb.add_argument("--json", action="store_true", help="print the result as JSON")
    verb.add_argument(
        "--keep",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="leave the instance running (default), or delete all that the launch made",
    )
    verb.add_argument(
        "--existing",
        action="store_true",
        help="take the instance of an earlier launch if it still runs, and only check it",
    )
    verb.add_argument(
        "--verify",
        action="store_true",
        help="while its guest boots, launch another one and prove each hop of that, as `hoplab verify` does",
    )
    add_runs(verb)
    verb.set_defaults(flow=None, journey=LAUNCH)


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab launch`; return the exit status."""
    deployment = load(find_lab(arguments.lab))
    plan = Plan()
    request_id = new_request_id()
    cloud = connect(deployment, request_id)
    proof = BackgroundTask(lambda: prove(arguments, deployment, Options()))
    outcome = launch(
        cloud,
        deployment,
        plan,
        global_request_id=request_id,
        say=print_message,
        existing=arguments.existing,
        active=proof.begin if arguments.verify else lambda: None,
    )
    try:
        status = _shown(outcome, proof, json=arguments.json)
    finally:  # Also where nobody reads the outcome.
        removals = delete_all(cloud, plan) if not arguments.keep else []
    return status or removal_code(removals)


def _shown(outcome: LaunchOutcome, proof: BackgroundTask[dict[Path, Document]], *, json: bool) -> int:
    """Show what became of a launch, and of the one that was recorded meanwhile; return the exit status."""
    if not json:
        show(outcome, Console())
        sys.stdout.flush()
    found = proof.end() or {}
    if json:
        sys.stdout.write(as_json(outcome, next(iter(found.values()), None)))
    elif found:
        judged.show(list(found.values()), list(found), json=False)
    sys.stdout.flush()
    return judged.worst_status(
        [exit_code(outcome.verdict), *(exit_status(document["result"]) for document in found.values())]
    )
