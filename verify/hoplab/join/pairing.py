"""Which request a statement is for: the database notes no request id, but the service that sends it does.

The two notes of one statement are paired: the same service, the same statement without its values, the same ids in it,
and the database's note next after the service's. What has no partner stays as it is.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final

from hoplab.flow.actors import BY_ACCOUNT
from hoplab.model.events import Event, Ids

CARRIED: Final = ("request", "global-request", "poll-request")
"""What the database's event is given of its partner's."""
LIMIT: Final = 2.0
AHEAD: Final = 2 * LIMIT
"""Seconds of later statements that are looked at. One that is more than the limit away can't take the same note, but it
can take that of one between them, which then takes this one."""

Key = tuple[str, frozenset[str], tuple[tuple[str, frozenset[str]], ...]]


@dataclass(slots=True)
class _Group:
    """Notes and statements that nothing but their time tells apart. sorted: whether both are in their order."""

    notes: deque[Event] = field(default_factory=deque)
    statements: deque[Event] = field(default_factory=deque)
    sorted: bool = False

    def sort(self) -> None:
        if not self.sorted:
            self.notes = deque(sorted(self.notes, key=_place))
            self.statements = deque(sorted(self.statements, key=_place))
            self.sorted = True


class Pairing:
    """Pairs statements with the services' notes as they come, in any order.

    speakers: actor by account in the database; doubt: by how many seconds the database's time may be
    before the service's, for the clocks of two nodes differ (none where both are on one: with more doubt than there is
    a statement may take the note after its own); limit: how many seconds it may be after it.

    Each note is used once. In a group of statements that nothing tells apart the last is paired with the last note
    before it, and so on backwards: notes and statements whose numbers match never cross, and where a statement is
    missing it is its own note that is left over. What comes more than AHEAD later does not matter, so that a statement
    can be settled then.
    """

    def __init__(self, *, speakers: Mapping[str, str] = BY_ACCOUNT, doubt: float = 0.0, limit: float = LIMIT) -> None:
        self._speakers = speakers
        self._doubt = doubt
        self._limit = limit
        self._groups: dict[Key, _Group] = {}

    def add(self, event: Event) -> None:
        """Take a `db.sent` or a `db.statement`; others are left out."""
        if event.kind in {"db.sent", "db.statement"}:
            group = self._groups.setdefault(pairing_key(event, self._speakers), _Group())
            (group.notes if event.kind == "db.sent" else group.statements).append(event)
            group.sorted = False

    def settled(self, until: float) -> Iterator[tuple[Event, Event]]:
        """Yield each statement up to this time, as it came and with its request's ids; these are forgotten.

        It must not be called before all is there that happened up to AHEAD after that time.
        """
        for key, group in list(self._groups.items()):
            group.sort()
            while group.statements and group.statements[0].time <= until:
                note = self._partner(group) if group.notes else None
                statement = group.statements.popleft()
                yield statement, _with(statement, note) if note else statement
            # Notes that no statement that is still to come can take.
            while group.notes and group.notes[0].time + self._limit < until:
                group.notes.popleft()
            if not group.notes and not group.statements:
                del self._groups[key]

    def __len__(self) -> int:
        """Return how many notes and statements are kept."""
        return sum(len(group.notes) + len(group.statements) for group in self._groups.values())

    def _partner(self, group: _Group) -> Event | None:
        """Return the note of a group's first statement, and forget those up to it, which no later one takes."""
        window = _before(group.statements, group.statements[0].time + AHEAD)
        waiting = _before(group.notes, window[-1].time + self._doubt)
        found = None
        for statement in reversed(window):
            while waiting and waiting[-1].time > statement.time + self._doubt:
                waiting.pop()
            found = waiting.pop() if waiting and statement.time - waiting[-1].time <= self._limit else None
        if found is not None:
            while group.notes.popleft() is not found:
                pass
        return found


def pair_statements(
    events: Iterable[Event],
    *,
    speakers: Mapping[str, str] = BY_ACCOUNT,
    doubt: float = 0.0,
    limit: float = LIMIT,
) -> tuple[Event, ...]:
    """Return the events in their order, each `db.statement` with the ids of the request that its service notes.

    For the rest see `Pairing`.
    """
    events = tuple(events)
    pairing = Pairing(speakers=speakers, doubt=doubt, limit=limit)
    for event in events:
        pairing.add(event)
    paired = {id(before): after for before, after in pairing.settled(float("inf")) if after is not before}
    return tuple(paired.get(id(event), event) for event in events)


def pairing_key(event: Event, speakers: Mapping[str, str] = BY_ACCOUNT) -> Key:
    """Return what the two notes of one statement have in common: who sends it, and all that stands in it.

    event: a `db.sent` or a `db.statement`; speakers: see `Pairing`.
    """
    account = event.fields.get("account", "")
    who = event.who if event.kind == "db.sent" else speakers.get(account, account)
    literal = ((name, values) for name, values in event.ids.items() if name not in CARRIED and name != "statement")
    return who, event.ids.get("statement", frozenset()), tuple(sorted(literal, key=lambda one: one[0]))


def _before(events: Iterable[Event], end: float) -> list[Event]:
    """Return those of the events, which are in order, that are not after a time."""
    return list(takewhile(lambda event: event.time <= end, events))


def _place(event: Event) -> tuple[float, str, str, str]:
    return event.time, event.node, event.source, event.line


def _with(event: Event, note: Event) -> Event:
    ids: dict[str, frozenset[str]] = dict(event.ids)
    for name in CARRIED:
        values: Ids = note.ids
        if values.get(name):
            ids[name] = ids.get(name, frozenset()) | values[name]
    return replace(event, ids=ids)
