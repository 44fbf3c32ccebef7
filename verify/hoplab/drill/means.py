"""How faults are put in and undone, kind by kind. What is undone twice, or was never done, does no harm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hoplab.deployment import Deployment, Node, Service
from hoplab.errors import SourceError
from hoplab.transport import Nodes

SECONDS: Final = 120.0
"""For one command on a node: to stop a daemon may last as long as systemd lets it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A service on one node, where something is done to it. options: what the means says."""

    nodes: Nodes
    deployment: Deployment
    node: Node
    service: Service
    options: Mapping[str, str]

    def ask(self, *argv: str) -> str:
        """Return what a command prints on the node; SourceError if it fails."""
        return self.nodes.read(self.node, argv, timeout=SECONDS)


Kept = dict[str, str]
"""What has to be known to undo it, as it was before."""


def _nothing(_place: Place) -> Kept:
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of means.

    keep: reads what undoing will need, and changes nothing; do: puts the fault in; undo: takes it out again, given
    what was kept; options: names of what it has to be told.
    """

    do: Callable[[Place], None]
    undo: Callable[[Place, Kept], None]
    keep: Callable[[Place], Kept] = _nothing
    options: frozenset[str] = field(default=frozenset())


def _active(place: Place) -> Kept:
    """Keep which units run: a service's unit may be a pattern."""
    argv = ("systemctl", "list-units", "--plain", "--no-legend", "--state=active", "--", place.service.unit)
    return {"units": " ".join(line.split()[0] for line in place.ask(*argv).splitlines())}


def _stop(place: Place) -> None:
    place.ask("systemctl", "stop", "--", place.service.unit)


def _start(place: Place, kept: Kept) -> None:
    if kept["units"]:
        place.ask("systemctl", "start", "--", *kept["units"].split())


def _freeze(place: Place) -> None:
    place.ask("systemctl", "kill", "--signal=SIGSTOP", "--", place.service.unit)


def _thaw(place: Place, _kept: Kept) -> None:
    place.ask("systemctl", "kill", "--signal=SIGCONT", "--", place.service.unit)


def _sql(place: Place, statement: str) -> str:
    return place.ask("mariadb", "--batch", "--skip-column-names", "--execute", statement)


def _host(place: Place) -> Kept:
    account = place.options["account"]
    hosts = _sql(place, f"SELECT Host FROM mysql.user WHERE User = '{account}'").split()
    if not hosts:
        raise SourceError(f"{place.node.name}: the database has no account {account}")
    return {"hosts": " ".join(hosts)}


def _lock_account(place: Place) -> None:
    account = place.options["account"]
    for host in _host(place)["hosts"].split():
        _sql(place, f"ALTER USER '{account}'@'{host}' ACCOUNT LOCK; KILL CONNECTION USER '{account}'@'{host}'")


def _unlock_account(place: Place, kept: Kept) -> None:
    for host in kept["hosts"].split():
        _sql(place, f"ALTER USER '{place.options['account']}'@'{host}' ACCOUNT UNLOCK")


KINDS: Final[Mapping[str, Kind]] = {
    "stop": Kind(_stop, _start, _active),
    "freeze": Kind(_freeze, _thaw),
    "lock-account": Kind(_lock_account, _unlock_account, _host, frozenset({"account"})),
}
