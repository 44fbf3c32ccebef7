"""Whether witnesses speak of the same things: each of this launch's, and all those of a hop of the same one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from hoplab.flow.model import PLACEHOLDER, Hop, Witness
from hoplab.flow.vocabulary import EXCHANGE, TELLING, THINGS
from hoplab.model.events import Event, Ids

SEVERAL: Final = 2


def foreign_ids(event: Event, ids: Ids) -> tuple[str, ...]:
    """Return the kinds of things of which an event names others than the launch's; an event may name several."""
    return tuple(name for name in THINGS if ids.get(name) and (event.ids.get(name) or ids[name]).isdisjoint(ids[name]))


def without_foreign_ids(events: Iterable[Event], ids: Ids) -> tuple[Event, ...]:
    """Return the events that name no other things than the launch's (see `foreign_ids`)."""
    for name in THINGS:
        own = ids.get(name)
        if own:
            events = [event for event in events if not (event.ids.get(name) or own).isdisjoint(own)]
    return tuple(events)


def relaxed_witnesses(witness: Witness) -> Iterator[tuple[Witness, str]]:
    """Yield what a witness asks for but for one thing, where the rest still tells whose launch it is; and the thing."""
    for name in THINGS:
        by = tuple(other for other in witness.by if other != name)
        if name in witness.by and not TELLING.isdisjoint(by):
            where = {key: some for key, some in witness.where.items() if not _asks(some, name)}
            yield replace(witness, where=where, by=by), name


def _asks(wanted: Iterable[str], name: str) -> bool:
    return any(name in PLACEHOLDER.findall(text) for text in wanted)


def agreed(
    hop: Hop, found: Mapping[int, tuple[Event, ...]], ids: Ids
) -> tuple[dict[int, tuple[Event, ...]], tuple[str, ...]]:
    """Return of what speaks for a hop the events that agree, and the kinds of ids in which there is no agreement.

    Of an id that may have several values in a launch (two ports, each client of Ceph) all witnesses that are joined by
    it must have one and the same; the events of the others are left out.
    """
    kept, split = dict(found), []
    names = dict.fromkeys(name for witness in hop.evidence for name in witness.by if name not in EXCHANGE)
    for name in names:
        own = ids.get(name, frozenset())
        joined = [number for number, witness in enumerate(hop.evidence) if name in witness.by and kept.get(number)]
        if min(len(own), len(joined)) < SEVERAL:
            continue
        said = [frozenset().union(*(event.ids[name] for event in kept[number])) & own for number in joined]
        common = frozenset.intersection(*said)
        if not common:
            split.append(name)
            continue
        for number in joined:
            kept[number] = tuple(event for event in kept[number] if not event.ids[name].isdisjoint(common))
    return kept, tuple(split)
