"""Of all events of a run, those of its launch: found as they are read, so that memory holds what is the launch's alone.

It keeps what judging all events at once would look at. What may still turn out to be the launch's, when another id of
it is learnt, waits in a temporary database.
"""

import hashlib
import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Final, Self

from hoplab.flow.model import Catalogue
from hoplab.join.interest import Interest, catalogue_interests
from hoplab.join.pairing import AHEAD, CARRIED, Key, Pairing, pairing_key
from hoplab.model.events import Event, Ids

TABLES: Final = """
create table waiting (number integer primary key, event blob not null);
create table waits_for (id text not null, number integer not null);
create index by_id on waits_for (id);
create table paired (number integer primary key, key blob not null, time real not null, event blob not null);
create table owners (id text not null, key blob not null, primary key (id, key)) without rowid;
"""
PAGES: Final = -16_000
"""What of the database is kept in memory: 16 MB (sqlite.org/pragma.html#pragma_cache_size; negative: in KiB)."""
BATCH: Final = 1000
"""So many statements and notes of one group are looked at before those that can be settled are."""


class Sieve:
    """Takes all events of a run, in any order, and returns those of its launch. Use it in a with statement.

    known: what the client knows of its launch. What it knows is never widened: of an id under such a name that is
    another's, an event is another launch's, and forgotten at once.
    """

    def __init__(self, catalogue: Catalogue, known: Ids) -> None:
        self._interests = catalogue_interests(catalogue)
        self._ids = {name: set(values) for name, values in known.items() if values}
        self._final = frozenset(self._ids)
        self._own: dict[int, Event] = {}
        self._better: dict[int, Event] = {}
        self._count = 0
        # An empty name is a file that nobody else sees, written only if the cache in memory is too small.
        self._store = sqlite3.connect("", isolation_level=None)
        self._store.executescript(f"pragma journal_mode = off; pragma cache_size = {PAGES}; {TABLES} begin;")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._store.close()

    def add(self, event: Event) -> None:
        """Take an event."""
        number = self._count
        self._count += 1
        if event.kind in {"db.statement", "db.sent"} and self._interests.paired(event):
            self._keep_pair(number, event)
        self._place(number, event)

    def own(self) -> tuple[Event, ...]:
        """Return the events of the launch in the order in which they came, statements with their requests' ids."""
        settled: set[bytes] = set()
        while keys := self._own_keys() - settled:
            for key in sorted(keys):
                self._settle(key)
            settled |= keys
        return tuple(self._own[number] for number in sorted(self._own))

    def _place(self, number: int, event: Event) -> None:
        """Keep an event that is the launch's, and have one wait that may be, when more is known."""
        interests = self._possible(event)
        if interests and self._offer(number, event, interests):
            names = {name for interest in interests for name in interest.owned if name not in self._final}
            missing = [id_ for name in names for value in event.ids[name] if (id_ := _id(name, value))]
            self._store.execute("insert or replace into waiting values (?, ?)", (number, pickle.dumps(event)))
            self._store.executemany("insert into waits_for values (?, ?)", ((one, number) for one in missing))

    def _possible(self, event: Event) -> list[Interest]:
        """Return the ways in which an event can be the launch's, now or when more of its ids are known."""
        ids, own, final = event.ids, self._ids, self._final
        return [
            interest
            for interest in self._interests.match(event).interests
            if not any(name in final and own[name].isdisjoint(ids[name]) for name in interest.owned)
        ]

    def _offer(self, number: int, event: Event, interests: Iterable[Interest]) -> bool:
        """Keep an event if it is the launch's, and learn what it teaches; True if more may be learnt from it later."""
        waits = False
        for interest in interests:
            if any(self._ids.get(name, set()).isdisjoint(event.ids[name]) for name in interest.owned):
                waits = True
                continue
            self._own[number] = event
            for name in interest.taught:
                if name not in self._final:
                    self._learn(name, event.ids[name])
        return waits

    def _learn(self, name: str, values: Iterable[str]) -> None:
        """Note ids of the launch, and look at the events that have waited for them."""
        own = self._ids.setdefault(name, set())
        fresh = set(values) - own
        own |= fresh
        for value in sorted(fresh):
            numbers = self._store.execute("select number from waits_for where id = ?", (_id(name, value),)).fetchall()
            for (number,) in numbers:
                with closing(self._store.execute("select event from waiting where number = ?", (number,))) as rows:
                    event = pickle.loads(rows.fetchone()[0])  # Written by us, and nobody else sees it.
                self._offer(number, self._better.get(number, event), self._possible(event))

    def _keep_pair(self, number: int, event: Event) -> None:
        """Keep a statement, or a service's note of one, until it is known whether its group has any of the launch's."""
        key = _digest(pairing_key(event))
        self._store.execute("insert into paired values (?, ?, ?, ?)", (number, key, event.time, pickle.dumps(event)))
        if event.kind == "db.sent":
            ids = (
                _id(name, value) for name in CARRIED for value in event.ids.get(name, ()) if self._may_be(name, value)
            )
            self._store.executemany("insert or ignore into owners values (?, ?)", ((one, key) for one in ids))

    def _may_be(self, name: str, value: str) -> bool:
        return name not in self._final or value in self._ids[name]

    def _own_keys(self) -> set[bytes]:
        """Return the groups of statements in which a note carries one of the launch's ids."""
        ids = [_id(name, value) for name in CARRIED for value in self._ids.get(name, ())]
        found: set[bytes] = set()
        for one in ids:
            found.update(key for (key,) in self._store.execute("select key from owners where id = ?", (one,)))
        return found

    def _settle(self, key: bytes) -> None:
        """Pair a group's statements with their notes, and look at those that now carry their request's ids."""
        pairing = Pairing()
        numbers: dict[int, int] = {}
        for count, (number, event) in enumerate(self._group(key), 1):
            if event.kind == "db.statement":
                numbers[id(event)] = number
            pairing.add(event)
            if count % BATCH == 0:
                self._join(pairing.settled(event.time - AHEAD), numbers)
        self._join(pairing.settled(float("inf")), numbers)

    def _group(self, key: bytes) -> Iterator[tuple[int, Event]]:
        """Yield a group's members by their times."""
        rows = self._store.execute("select number, event from paired where key = ? order by time, number", (key,))
        for number, event in rows:
            yield number, pickle.loads(event)

    def _join(self, settled: Iterable[tuple[Event, Event]], numbers: dict[int, int]) -> None:
        for before, after in settled:
            number = numbers.pop(id(before))
            if after is not before:
                self._better[number] = after
                self._offer(number, after, self._possible(after))


def _id(name: str, value: str) -> str:
    return f"{name}={value}"


def _digest(key: Key) -> bytes:
    who, statement, literal = key
    text = repr((who, sorted(statement), [(name, sorted(values)) for name, values in literal]))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
