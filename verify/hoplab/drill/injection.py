"""Puts a fault in and takes it out again, whatever happens in between."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from hoplab.drill.journal import Entry, FaultJournal
from hoplab.drill.means import KINDS, Place
from hoplab.drill.means.packets import CLIENT
from hoplab.drill.model import Fault
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import NodeConnections
from hoplab.model.errors import ConfigurationError, HoplabError, SourceError

Say = Callable[[str], None]


@contextmanager
def fault_in(
    deployment: Deployment, fault: Fault, launches: Sequence[Mapping[str, str]] = ()
) -> Iterator[tuple[str, ...]]:
    """Have a fault in the lab for as long as this lasts; it is taken out after an error and Ctrl-C, too.

    Gives the names of the nodes on which something was done.

    Raises ConfigurationError if a fault is in already, SourceError if this one can't be put in or taken out.
    """
    nodes = put_in(deployment, fault, launches)
    try:
        yield nodes
    finally:
        heal(deployment)


def put_in(deployment: Deployment, fault: Fault, launches: Sequence[Mapping[str, str]] = ()) -> tuple[str, ...]:
    """Put a fault in and leave it there, for `heal` to take out; what fails half way is taken out at once.

    launches: the ids of those that it is for, by name, as far as they are known; without any it is for all. Returns the
    names of the nodes on which something was done.
    """
    for means in fault.means:
        for name in {means.at, means.options.get("peer", CLIENT)} - {CLIENT}:
            if not deployment.running(name):
                raise ConfigurationError(f"fault {fault.name}: {name!r} runs on no node of this lab")
    journal = FaultJournal(deployment.directory)
    journal.begin(fault.name)
    try:
        with NodeConnections(deployment.ssh) as nodes:
            for means in fault.means:
                kind = KINDS[means.kind]
                places = deployment.running(means.at)
                for node, service in places if means.everywhere else places[:1]:
                    place = Place(nodes, deployment, node, service, means.options, launches)
                    journal.add(Entry(means.kind, means.at, node.name, means.options, kind.keep(place)))
                    kind.do(place)
    except BaseException:
        heal(deployment)
        raise
    return tuple(entry.node for entry in journal.entries)


def heal(deployment: Deployment) -> str:
    """Take out the fault that is in the lab; return its name, empty if there is none.

    Raises SourceError, with all that could not be undone, which stays noted for another try.
    """
    journal = FaultJournal(deployment.directory)
    if not journal.read():
        return ""
    with NodeConnections(deployment.ssh) as nodes:
        while journal.entries:
            try:
                _undo(nodes, deployment, journal.entries[-1])
            except HoplabError as error:
                raise SourceError(
                    f"the fault {journal.fault} is still in: {error}; try `hoplab drill --heal`, and where that does "
                    "not help, go back to a snapshot of the lab: `make snapshots`, then `make restore NAME=...`"
                ) from None
            journal.undone()
    journal.end()
    return journal.fault


def _undo(nodes: NodeConnections, deployment: Deployment, entry: Entry) -> None:
    places = [(node, service) for node, service in deployment.running(entry.at) if node.name == entry.node]
    if not places or entry.kind not in KINDS:
        # Another lab.json or another hoplab than the one that put it in: never take that for undone.
        raise SourceError(
            f"{entry.kind} at {entry.at} on {entry.node}: nobody here knows that any more: undo it by hand"
        )
    for node, service in places:
        KINDS[entry.kind].undo(Place(nodes, deployment, node, service, entry.options), entry.kept)
