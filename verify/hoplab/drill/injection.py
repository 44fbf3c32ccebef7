"""Puts a fault in and takes it out again, whatever happens in between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hoplab.deployment import Deployment
from hoplab.drill.journal import Entry, Journal
from hoplab.drill.means import KINDS, Place
from hoplab.drill.model import Fault
from hoplab.errors import ConfigurationError, HoplabError, SourceError
from hoplab.transport import Nodes

Say = Callable[[str], None]


@contextmanager
def fault_in(deployment: Deployment, fault: Fault) -> Iterator[None]:
    """Have a fault in the lab for as long as this lasts; it is taken out after an error and Ctrl-C, too.

    Raises ConfigurationError if a fault is in already, SourceError if this one can't be put in or taken out.
    """
    put_in(deployment, fault)
    try:
        yield
    finally:
        heal(deployment)


def put_in(deployment: Deployment, fault: Fault) -> None:
    """Put a fault in and leave it there, for `heal` to take out; what fails half way is taken out at once."""
    for means in fault.means:
        if not deployment.running(means.at):
            raise ConfigurationError(f"fault {fault.name}: at is {means.at!r}: no node of this lab runs that")
    journal = Journal(deployment.directory)
    journal.begin(fault.name)
    try:
        with Nodes(deployment.ssh) as nodes:
            for means in fault.means:
                kind = KINDS[means.kind]
                for node, service in deployment.running(means.at):
                    place = Place(nodes, deployment, node, service, means.options)
                    journal.add(Entry(means.kind, means.at, node.name, means.options, kind.keep(place)))
                    kind.do(place)
    except BaseException:
        heal(deployment)
        raise


def heal(deployment: Deployment) -> str:
    """Take out the fault that is in the lab; return its name, empty if there is none.

    Raises SourceError, with all that could not be undone, which stays noted for another try.
    """
    journal = Journal(deployment.directory)
    if not journal.read():
        return ""
    with Nodes(deployment.ssh) as nodes:
        while journal.entries:
            try:
                _undo(nodes, deployment, journal.entries[-1])
            except HoplabError as error:
                raise SourceError(
                    f"the fault {journal.fault} is still in: {error}; try `hoplab drill --heal`"
                ) from None
            journal.undone()
    journal.end()
    return journal.fault


def _undo(nodes: Nodes, deployment: Deployment, entry: Entry) -> None:
    places = [(node, service) for node, service in deployment.running(entry.at) if node.name == entry.node]
    if not places or entry.kind not in KINDS:
        # Another lab.json or another hoplab than the one that put it in: never take that for undone.
        raise SourceError(
            f"{entry.kind} at {entry.at} on {entry.node}: nobody here knows that any more: undo it by hand"
        )
    for node, service in places:
        KINDS[entry.kind].undo(Place(nodes, deployment, node, service, entry.options), entry.kept)
