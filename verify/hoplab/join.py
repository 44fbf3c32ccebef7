"""Which events belong to a launch: by the ids that they carry, never by the time alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hoplab.events import Event, Ids
from hoplab.flow.model import ASKED, EXCHANGE, PLACEHOLDER, Hop, Witness

TAUGHT: Final = (
    ("attachment", ("db.statement", "http.answered", "http.served"), frozenset({"instance", "volume"})),
    (
        "ceph-client",
        ("watch.held", "object.read", "object.written", "connection.held"),
        frozenset({"instance", "volume"}),
    ),
)
"""Other ids that are learnt: which, from events of which kinds, and beside which ids of the launch."""

Found = tuple[tuple[Witness, tuple[Event, ...]], ...]
"""Each witness that a hop asks for, with the events that are it."""


Voices = Mapping[tuple[str, str], Sequence[Event]]
"""Events by who said them and what kind they are: a witness asks for one of each."""


def voices(events: Iterable[Event]) -> Voices:
    """Return events by who and kind, in their order: a run has many of them, and each hop asks for few."""
    found: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        found.setdefault((event.who, event.kind), []).append(event)
    return found


def owned(event: Event, name: str, ids: Ids) -> bool:
    """Tell whether an event carries an id of the launch under this name."""
    return not event.ids.get(name, frozenset()).isdisjoint(ids.get(name, frozenset()))


def learn(events: Iterable[Event], known: Ids) -> Ids:
    """Return the ids of a launch with those that its events teach, but for messages' own (see `gather`).

    known: what the client knows of its launch.
    """
    events = tuple(events)
    ids = {name: frozenset(values) for name, values in known.items()}
    for name, kinds, beside in TAUGHT:
        found = set(ids.get(name, frozenset()))
        for event in events:
            if event.kind in kinds and any(owned(event, other, ids) for other in beside):
                found |= event.ids.get(name, frozenset())
        ids[name] = frozenset(found)
    return ids


def speaking(events: Voices, witness: Witness, ids: Ids, host: str) -> tuple[Event, ...]:
    """Return the events that are what a witness asks for, in the launch with these ids on this compute host.

    Of a message's own ids they only have to carry those that are asked for; `gather` looks whose they are.
    """
    return tuple(
        event
        for event in events.get((witness.who, witness.event), ())
        if all(event.ids.get(name) if name in EXCHANGE else owned(event, name, ids) for name in witness.by)
        and all(_fits(event.fields.get(key), wanted, ids, host) for key, wanted in witness.where.items())
    )


def gather(hop: Hop, events: Voices, ids: Ids, host: str, exchanges: Mapping[str, Ids]) -> tuple[Found, Ids]:
    """Return what speaks for a hop, and the messages' ids in it.

    exchanges: the messages' ids of the hops before. A witness that carries an id of the launch says which message it
    is; one that has only the message's id must have that of such a witness, or else of the hop whose exchange this hop
    goes on with. So an answer to another call of the same launch is no evidence.
    """
    going_on = exchanges.get(hop.exchange, {})
    found: dict[int, tuple[Event, ...]] = {}
    own: dict[str, frozenset[str]] = {}
    for number, witness in enumerate(hop.evidence):
        if not ASKED.isdisjoint(witness.by):
            some = speaking(events, witness, ids, host)
            found[number] = tuple(one for one in some if _tied(one, witness, going_on))
            for name in set(EXCHANGE).intersection(witness.by):
                own[name] = own.get(name, frozenset()).union(*(one.ids[name] for one in found[number]))
    said = {name: own.get(name) or going_on.get(name, frozenset()) for name in EXCHANGE}
    for number, witness in enumerate(hop.evidence):
        if number not in found:
            some = speaking(events, witness, ids, host)
            found[number] = tuple(one for one in some if _tied(one, witness, said, strict=True))
    return tuple((witness, found[number]) for number, witness in enumerate(hop.evidence)), said


def _tied(event: Event, witness: Witness, said: Ids, *, strict: bool = False) -> bool:
    """Tell whether an event's message is one of those. Not strict: also where nothing is known of them."""
    for name in set(EXCHANGE).intersection(witness.by):
        values = said.get(name, frozenset())
        if (values or strict) and values.isdisjoint(event.ids[name]):
            return False
    return True


def _fits(value: str | None, wanted: tuple[str, ...], ids: Ids, host: str) -> bool:
    return value is not None and any(value in _filled(text, ids, host) for text in wanted)


def _filled(text: str, ids: Ids, host: str) -> set[str]:
    """Return a wanted value with its {placeholders} filled in, one text for each id that it may be."""
    texts = {text.replace("{host}", host)}
    for name in PLACEHOLDER.findall(text):
        if name != "host":
            texts = {each.replace(f"{{{name}}}", value) for each in texts for value in ids.get(name, ())}
    return texts
