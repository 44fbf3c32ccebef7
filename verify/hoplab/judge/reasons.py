"""Why a verdict is as it is, in words: what was seen, what is missing, and what a cloud can't show."""

from collections.abc import Collection, Iterable

from hoplab.flow.model import Hop, Witness
from hoplab.model.clocks import Clocks, drifting_nodes
from hoplab.model.events import Event


def named(witnesses: Iterable[Witness], heard: Collection[str] = ()) -> str:
    """Return witnesses in words: those of others than whom was heard, or all where there are no others."""
    witnesses = tuple(witnesses)
    others = [witness for witness in witnesses if witness.who not in heard]
    return ", ".join(f"{witness.event} of {witness.who}" for witness in others or witnesses)


def untimed(events: Iterable[Event], clocks: Clocks) -> str:
    """Return in words why it can't be told when events were; empty where it can."""
    nodes = drifting_nodes(events, clocks)
    return (
        f"when it was can't be told: the clock of {', '.join(nodes)} moved, or could not be measured" if nodes else ""
    )


def one_side(hop: Hop, actors: Collection[str]) -> str:
    """Return in words why a hop is only seen from one side. actors: who saw it."""
    return f"{' and '.join(sorted(actors))} saw it; this cloud can't show {named(hop.hidden, actors)}"


def unseen(hop: Hop) -> str:
    """Return in words why nothing that is seen, or not, tells whether a hop happened."""
    if hop.evidence:
        return f"no evidence found: {named(hop.evidence)}; but this cloud can't show whether it was needed"
    return f"this cloud can't show {named(hop.hidden)}"
