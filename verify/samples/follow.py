"""Joining events as they come, for any number of launches at once, with memory for those under way alone.

It gives the verdicts that judging all events at once gives (`hoplab.judge.verdicts`, which judges here, too), as long
as a launch's ids become known within WAIT seconds of what carries them, and its events come within HOLD seconds of its
end.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from hoplab.flow.model import Catalogue, Flow
from hoplab.join.ids import learn_host
from hoplab.join.interest import Interest, Match, catalogue_interests
from hoplab.join.pairing import AHEAD, Pairing
from hoplab.judge.judging import judge
from hoplab.judge.verdicts import KnownLaunch, Verdicts
from hoplab.model.events import Event, Ids

WAIT: Final = 30.0
"""Seconds for which an event that no launch owns is kept. Its id becomes a launch's when the client gets an answer or a
service writes it to the database or a message. That takes some seconds, and a client gives a request up after 30 to 60;
only what a launch does before its first answer has to wait at all."""
STEP: Final = 5.0
"""Seconds of events that are forgotten together."""
LATE: Final = 2.0
"""Seconds by which an event may come after others that happened later: recorders read each second, and files are
written within one."""
HOLD: Final = AHEAD + LATE
"""Seconds for which a statement waits to be settled, and so a launch that is over for its last events."""

Key = tuple[str, str]
"""Kind of id, and value."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A launch that is over. launch: as it was judged; events: its own, in the order in which they came."""

    name: str
    launch: KnownLaunch
    events: tuple[Event, ...]
    judgement: Verdicts


@dataclass(slots=True, eq=False)
class _Owner:
    """A launch under way. ids: known and learnt; known: as the client knows them; ended: when it was over."""

    name: str
    ids: dict[str, set[str]] = field(default_factory=dict)
    known: dict[str, frozenset[str]] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    launch: KnownLaunch | None = None
    ended: float = 0.0

    def owns(self, event: Event, interest: Interest) -> bool:
        """Tell whether an event that fits is the launch's."""
        own, ids = self.ids, event.ids
        return not any(name not in own or own[name].isdisjoint(ids[name]) for name in interest.owned)


_Kept = tuple[Event, tuple[Interest, ...]]


class Stream:
    """Takes events roughly in the order of their times, and launches that begin and end among them.

    tell: is given each launch's outcome, some seconds of events after its end (see HOLD).
    """

    def __init__(self, catalogue: Catalogue, flow: Flow, tell: Callable[[Outcome], None]) -> None:
        self._catalogue = catalogue
        self._flow = flow
        self._tell = tell
        self._interests = catalogue_interests(catalogue)
        self._pairing = Pairing()
        self._owners: dict[str, _Owner] = {}
        self._index: dict[Key, dict[str, _Owner]] = {}
        self._recent: deque[dict[Key, list[_Kept]]] = deque([{}], maxlen=int(WAIT / STEP) + 1)
        self._ending: deque[_Owner] = deque()
        self._now = self._last = self._turn = self._tick = float("-inf")

    def begin(self, name: str, ids: Ids) -> None:
        """Begin a launch, with what the client knows of it. Raises ValueError if one of this name is under way."""
        if name in self._owners:
            raise ValueError(f"{name} is under way already")
        self._owners[name] = _Owner(name)
        self.know(name, ids)

    def know(self, name: str, ids: Ids) -> None:
        """Note what else the client knows of its launch now. Raises KeyError if none of this name is under way."""
        owner = self._owners[name]
        for kind, values in ids.items():
            owner.known[kind] = owner.known.get(kind, frozenset()) | values
            self._learn(owner, kind, values)

    def end(self, name: str, launch: KnownLaunch) -> None:
        """End a launch, with what is known of it in the end. Raises KeyError if none of this name is under way."""
        self.know(name, launch.ids)
        owner = self._owners.pop(name)
        owner.launch = replace(launch, ids=owner.known)
        owner.ended = self._now
        self._ending.append(owner)

    def add(self, event: Event) -> None:
        """Take an event."""
        if event.time > self._now:
            # Time is what two events in a row have reached: a single one may be wrong.
            now = min(event.time, self._last)
            if now > self._now:
                self._now = now
                if now >= self._tick:
                    self._pass()
        self._last = event.time
        if event.kind in {"db.statement", "db.sent"} and self._interests.paired(event):
            self._pairing.add(event)
            if event.kind == "db.statement":
                return
        fitting = self._interests.match(event)
        if fitting.interests:
            self._place(event, fitting)

    def close(self) -> None:
        """Judge all launches that are over; no more events come."""
        for _before, event in self._pairing.settled(float("inf")):
            self._place(event, self._interests.match(event))
        while self._ending:
            self._judge(self._ending.popleft())

    @property
    def held(self) -> int:
        """How many events are kept, those of a launch and those that wait for one."""
        waiting = {id(event) for some in self._recent for kept in some.values() for event, _interests in kept}
        own = {number for owner in (*self._owners.values(), *self._ending) for number in owner.events}
        return len(waiting | own) + len(self._pairing)

    def _pass(self) -> None:
        """Do what is due, about once in each second of events."""
        self._tick = self._now + 1.0
        for _before, event in self._pairing.settled(self._now - HOLD):
            self._place(event, self._interests.match(event))
        while self._ending and self._ending[0].ended + HOLD < self._now:
            self._judge(self._ending.popleft())
        if self._now >= self._turn:
            if self._now >= self._turn + WAIT:
                self._recent.clear()
            self._turn = self._now + STEP
            self._recent.append({})

    def _place(self, event: Event, fitting: Match) -> None:
        """Give an event to the launches that own it, and keep it for others that may learn that they do."""
        interests, names = fitting
        kept = (event, interests)
        recent = self._recent[-1]
        owners: dict[str, _Owner] = {}
        for name in names:
            for value in event.ids[name]:
                key = (name, value)
                if key in recent:
                    recent[key].append(kept)
                else:
                    recent[key] = [kept]
                if key in self._index:
                    owners |= self._index[key]
        for owner in owners.values():
            self._offer(owner, event, interests)

    def _offer(self, owner: _Owner, event: Event, interests: Iterable[Interest]) -> None:
        """Give a launch an event that it may own, and learn what that teaches."""
        for interest in interests:
            if owner.owns(event, interest):
                owner.events[id(event)] = event
                for name in interest.taught:
                    self._learn(owner, name, event.ids[name])

    def _learn(self, owner: _Owner, name: str, values: Iterable[str]) -> None:
        """Note a launch's ids, and give it the events that have waited for them."""
        own = owner.ids.setdefault(name, set())
        for value in [value for value in values if value not in own]:
            own.add(value)
            self._index.setdefault((name, value), {})[owner.name] = owner
            for event, interests in list(self._waiting((name, value))):
                self._offer(owner, event, interests)

    def _waiting(self, key: Key) -> Iterator[_Kept]:
        for some in self._recent:
            yield from some.get(key, ())

    def _judge(self, owner: _Owner) -> None:
        """Judge a launch and forget it."""
        for name, values in owner.ids.items():
            for value in values:
                owners = self._index[name, value]
                owners.pop(owner.name, None)
                if not owners:
                    del self._index[name, value]
        events = tuple(owner.events.values())
        launch = owner.launch or KnownLaunch(owner.known, "")
        launch = replace(launch, host=launch.host or learn_host(events, launch.ids, self._catalogue.tries))
        judgement = judge(self._catalogue, self._flow, events, launch)
        self._tell(Outcome(owner.name, launch, events, judgement))
