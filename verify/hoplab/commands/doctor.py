"""The verb `doctor`: what can be seen in a cloud, and how exactly a break would be located; it launches nothing."""

import argparse
import sys

from rich.console import Console

from hoplab.commands.arguments import add_flow, add_journey, chosen_flow
from hoplab.flow.actors import ACTORS
from hoplab.flow.model import Catalogue
from hoplab.flow.sources import HIGHEST
from hoplab.lab.deployment import Deployment, find_lab, load
from hoplab.lab.profile import load_profile, profile_path
from hoplab.model.errors import EXIT_HOLDS
from hoplab.report.doctor import examine, show_examination
from hoplab.report.output import as_json


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    add_flow(verb)
    add_journey(verb)
    verb.add_argument(
        "--profile", default="lab", metavar="NAME", help="the kind of cloud that it is: lab (default) or plain"
    )
    verb.add_argument(
        "--level",
        type=int,
        default=0,
        choices=range(HIGHEST + 1),
        metavar="N",
        help="how much may be switched on: 0 nothing (default), 1 listening, 2 trace, 3 verbosity, 4 Ceph's debug",
    )
    verb.add_argument("--json", action="store_true", help="print it as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab doctor`; return the exit status. Reads the cloud's description alone, and changes nothing."""
    catalogue, flow = chosen_flow(arguments)
    profile = load_profile(profile_path(arguments.profile))
    silent = silent_actors(catalogue, load(find_lab(arguments.lab)))
    found = examine(catalogue, flow, profile, arguments.level, silent)
    if arguments.json:
        sys.stdout.write(as_json(found))
    else:
        show_examination(found, Console())
    return EXIT_HOLDS


def silent_actors(catalogue: Catalogue, deployment: Deployment) -> set[str]:
    """Return the actors of a journey whose daemon no node of a cloud runs, by its description."""
    heard = {witness.who for witness in catalogue.witnesses}
    services = {name: ACTORS[name].service or ACTORS[name].run_by for name in heard}
    return {name for name, service in services.items() if service and not deployment.running(service)}
