"""The verb `cleanup`: delete what launches made."""

import argparse
import sys
from collections.abc import Sequence

from openstack.connection import Connection

from hoplab.lab.connection import connect, new_request_id, translate_errors
from hoplab.lab.deployment import find_lab, load
from hoplab.launch.cleanup import cleanup
from hoplab.launch.plan import Plan
from hoplab.launch.removal import Removal
from hoplab.model.errors import EXIT_FAILS, EXIT_HOLDS
from hoplab.report.output import as_json, print_message, safe_line


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    verb.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab cleanup`; return the exit status."""
    deployment = load(find_lab(arguments.lab))
    with translate_errors("cleanup"):
        cloud = connect(deployment, new_request_id())
        removals = cleanup(cloud, Plan(), print_message, runs=True)
    if arguments.json:
        rows = [{"kind": row.kind, "removed": row.removed, "problem": row.problem} for row in removals]
        sys.stdout.write(as_json({"schema": 1, "verb": "cleanup", "removals": rows}))
    else:
        sys.stdout.write("".join(f"{safe_line(removal_line(removal))}\n" for removal in removals))
    return removal_code(removals)


def delete_all(cloud: Connection, plan: Plan) -> Sequence[Removal]:
    """Remove what a launch made, and say what could not be removed."""
    with translate_errors("cleanup"):
        removals = cleanup(cloud, plan, print_message)
    for removal in removals:
        if removal.problem:
            print_message(f"{removal.kind}: {removal.problem}")
    return removals


def removal_line(removal: Removal) -> str:
    """Return one line on what became of one kind of thing."""
    if removal.problem:
        return f"{removal.kind}: left: {removal.problem}"
    return f"{removal.kind}: {'removed ' + ', '.join(removal.removed) if removal.removed else 'none there'}"


def removal_code(removals: Sequence[Removal]) -> int:
    """Return the exit status of a cleanup: 1 if anything is left."""
    return EXIT_FAILS if any(removal.problem for removal in removals) else EXIT_HOLDS
