"""Which events belong to a launch: by the ids that they carry, never by the time alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from hoplab.flow.model import PLACEHOLDER, Hop, Lesson, Tries, Witness
from hoplab.flow.vocabulary import ASKED, EXCHANGE
from hoplab.join.agreement import agreed, foreign_ids, relaxed_witnesses, without_foreign_ids
from hoplab.model.events import Event, Ids

_NONE: Final[frozenset[str]] = frozenset()

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


def learn(events: Iterable[Event], known: Ids, lessons: Iterable[Lesson]) -> Ids:
    """Return the ids of a launch with those that its events teach, but for messages' own (see `gather`).

    known: what the client knows of its launch; lessons: how its journey's ids are learnt.
    """
    events = tuple(events)
    ids = {name: frozenset(values) for name, values in known.items()}
    for lesson in lessons:
        if ids.get(lesson.name):
            continue
        teaching = [event for event in events if event.kind in lesson.kinds and teaches_ids(event, lesson, ids)]
        own = [event for event in teaching if any(owned(event, other, ids) for other in lesson.beside)]
        ids[lesson.name] = _NONE.union(*(event.ids.get(lesson.name, _NONE) for event in without_foreign_ids(own, ids)))
    return ids


def teaches_ids(event: Event, lesson: Lesson, ids: Ids | None = None) -> bool:
    """Tell whether an event is of those from which an id is learnt.

    ids: of the launch, for fields with an {id} in them; None for whosever it is: then these may be anything.
    """
    return event.kind in lesson.kinds and all(
        event.fields.get(key) in _filled((value,), ids or {}, "")
        for key, value in lesson.where.items()
        if ids is not None or not PLACEHOLDER.search(value)
    )


def orders(events: Iterable[Event], ids: Ids, tries: Tries | None) -> Iterator[Event]:
    """Yield each event by which a host was told to do the work: another one after each that failed."""
    if tries is None:
        return
    for event in events:
        fits = event.kind == tries.event and all(event.fields.get(key) == said for key, said in tries.where.items())
        if fits and owned(event, tries.by, ids):
            yield event


def learn_host(events: Iterable[Event], ids: Ids, tries: Tries | None) -> str:
    """Return the first host that was told to do the work; empty if none was."""
    first = next(orders(events, ids, tries), None)
    return tries.compute_host(first) if first and tries else ""


def speaking(events: Voices, witness: Witness, ids: Ids, host: str) -> tuple[Event, ...]:
    """Return the events that are what a witness asks for, in the launch with these ids on this compute host.

    Of a message's own ids they only have to carry those that are asked for; `gather` looks whose they are.
    """
    some = events.get((witness.who, witness.event))
    if not some:
        return ()
    exchange = [name for name in witness.by if name in EXCHANGE]
    own = [(name, ids.get(name, frozenset())) for name in witness.by if name not in EXCHANGE]
    where = [(key, _filled(wanted, ids, host)) for key, wanted in witness.where.items()]
    # One condition after the other, each on what is left: this is most of what judging does.
    for key, wanted in where:
        some = [event for event in some if event.fields.get(key) in wanted]
    for name, values in own:
        some = [event for event in some if not event.ids.get(name, _NONE).isdisjoint(values)]
    for name in exchange:
        some = [event for event in some if event.ids.get(name)]
    return tuple(some)


def gather(hop: Hop, events: Voices, ids: Ids, host: str, exchanges: Mapping[str, Ids]) -> tuple[Found, Ids]:
    """Return what speaks for a hop, and the messages' ids in it.

    exchanges: the messages' ids of the hops before. A witness that carries an id of the launch says which message it
    is, unless the hop whose exchange this hop goes on with has said that; one that has only the message's id must have
    that of such a witness or hop. So an answer to another call of the same launch is no evidence.
    """
    going_on = exchanges.get(hop.exchange, {})
    found: dict[int, tuple[Event, ...]] = {}
    own: dict[str, frozenset[str]] = {}
    for number, witness in enumerate(hop.evidence):
        if not ASKED.isdisjoint(witness.by):
            some = _own(events, witness, ids, host)
            found[number] = tuple(one for one in some if tied(one, witness, going_on))
            for name in set(EXCHANGE).intersection(witness.by):
                own[name] = own.get(name, frozenset()).union(*(one.ids[name] for one in found[number]))
    said = {name: own.get(name) or going_on.get(name, frozenset()) for name in {*own, *going_on}}
    nothing: dict[str, frozenset[str]] = dict.fromkeys(EXCHANGE, frozenset())
    for number, witness in enumerate(hop.evidence):
        if number not in found:
            some = _own(events, witness, ids, host)
            found[number] = tuple(one for one in some if tied(one, witness, nothing | said))
    found, _split = agreed(hop, found, ids)
    return tuple((witness, found[number]) for number, witness in enumerate(hop.evidence)), said


def disagreement(hop: Hop, found: Found, events: Voices, ids: Ids, host: str) -> str:
    """Return in words what the witnesses of a hop do not agree in; empty if they do.

    A witness that should speak for the hop and says only what is another launch's contradicts the others: it is not as
    if it had said nothing.
    """
    _kept, split = agreed(hop, {number: some for number, (_witness, some) in enumerate(found)}, ids)
    said = [f"no two witnesses name the same {name}" for name in split]
    for witness, some in found:
        if some:
            continue
        for loose, name in relaxed_witnesses(witness):
            if any(name in foreign_ids(event, ids) for event in speaking(events, loose, ids, host)):
                said.append(f"{witness.event} of {witness.who} names another {name}")
    return "; ".join(dict.fromkeys(said))


def _own(events: Voices, witness: Witness, ids: Ids, host: str) -> tuple[Event, ...]:
    """Return the events that are what a witness asks for, and of nothing that is another launch's."""
    return without_foreign_ids(speaking(events, witness, ids, host), ids)


def tied(event: Event, witness: Witness, said: Ids) -> bool:
    """Tell whether an event's message is one of those, where there is anything to be said of them."""
    return all(not said[name].isdisjoint(event.ids[name]) for name in witness.by if name in EXCHANGE and name in said)


def _filled(wanted: Iterable[str], ids: Ids, host: str) -> set[str]:
    """Return wanted values with their {placeholders} filled in, one text for each id that it may be."""
    found = set()
    for text in wanted:
        texts = {text.replace("{host}", host)}
        for name in PLACEHOLDER.findall(text):
            if name != "host":
                texts = {each.replace(f"{{{name}}}", value) for each in texts for value in ids.get(name, ())}
        found |= texts
    return found
