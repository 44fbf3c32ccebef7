"""Which actors run on which node, as a run tells."""

from collections.abc import Collection, Iterable
from typing import Any

from hoplab.flow.actors import ACTORS, SERVICES, Actor
from hoplab.run.record import Unit


def node_names(actor: str, states: Iterable[Unit]) -> list[str]:
    """Return the nodes on which an actor runs, by the daemons' states."""
    service = SERVICES.get(actor)
    return list(dict.fromkeys(unit.node for unit in states if unit.service == service))


def nodes_and_actors(states: Iterable[Unit], others: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return all nodes in the order in which they are told of, each as `{"name": ..., "actors": [...]}`.

    states: of the daemons; others: nodes of which perhaps no daemon is known. Actors that are no daemons stand where
    the daemon is that runs them, or beside which they are recorded.
    """
    services: dict[str, set[str]] = {}
    for unit in states:
        services.setdefault(unit.node, set()).add(unit.service)
    for name in others:
        services.setdefault(name, set())
    return [{"name": name, "actors": _actors(running)} for name, running in services.items()]


def _actors(services: Collection[str]) -> list[str]:
    """Return the actors that are where some services are."""
    return [actor.name for actor in ACTORS.values() if not _services(actor).isdisjoint(services)]


def _services(actor: Actor) -> set[str]:
    """Return the services that tell by themselves where an actor is."""
    own = actor.service or actor.run_by
    return {own} if own else {service for recorder in actor.recorders.values() for service in recorder.beside}
