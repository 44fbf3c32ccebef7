"""A made stream of many launches, one begun every few seconds, from the raw lines of one that was recorded.

Each launch is the recording again, later and with ids of its own: every line is there, those of the lab's own doings,
too. What another recording of the same lab has as well is the lab's (its network, its projects, its connections) and
stays as it is. Lines are made as they are asked for, so a stream may be of any length.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from hoplab.model.sources import Source
from hoplab.run.record import RAW, RunRecord, read_record

ODD: Final = 2654435761
"""An odd number: multiplying by it gives each of 2^32 numbers another one, spread over all."""
FRACTION: Final = re.compile(r"[.,]?(\d+)")
SERVERS: Final = "/v2.1/servers"
STARTS: Final = ("global-request", "image", "volume", "network")
"""What a client knows before it asks for anything, and what it learns when its instance is there."""
LEARNS: Final = ("token", "auth-request", "cache-key", "request", "instance")

FORMS: Final[Mapping[str, str]] = {
    "date": "%Y-%m-%d %H:%M:%S",
    "iso": "%Y-%m-%dT%H:%M:%S",
    "journal": "%d/%b/%Y:%H:%M:%S",
    "short": "%b %d %H:%M:%S",
    "epoch": "",
}
"""How a second is written."""
SLOT: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
    r"|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"
    r"|(?P<journal>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)"
    r"|(?P<short>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"
    r"|(?<![\d.])(?P<epoch>\d{10})(?=\.\d|\d{3}\b|\d{6}\b)"
    r"|(?<=:0/)(?P<nonce>\d+)"
    r"|(?:\b|(?<=\\n))f[ae]:16:3e:(?P<mac>[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2})\b"
    r"|(?<![\d.])(?P<address>\d{1,3}(?:\.\d{1,3}){3})(?![\d.])"
    r"|(?:(?<![0-9a-f])|(?<=tx00000))(?!\d{8,}(?![0-9a-f-]))(?P<head>[0-9a-f]{8})"
)
"""What differs from launch to launch: times, and ids. Of an id its first eight digits are enough, for where it is cut
short (the name of a tap, a disk's serial) it has at least these; a number of nothing but decimal digits is none."""
BATCH: Final = 128
"""So many lines are made at a time: more would have left the processor's caches before they are read."""
NEAR: Final = 40
"""A line that has a time among so many of its first characters is no continuation of the one before."""

Slot = tuple[str, str]
"""What stands there, and as it was recorded."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that a client does. step: begin, know or end; number: of the launch; time: in seconds since 1970."""

    time: float
    number: int
    step: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line, with those that go on with it. form: with places for what differs; time: when it was written."""

    time: float
    form: str
    values: Callable[[list[str]], Any] | None

    def filled(self, values: list[str]) -> str:
        """Return the text with a launch's own values."""
        return self.form % (self.values(values) if self.values else ())


@dataclass
class Made:
    """A stream of launches. directory: of the recorded run; other: of another one of the same lab.

    launches: how many; under_way: how many of them at each time, about. count: of lines so far; making: seconds of the
    processor that it took to make them, which is no part of reading them.
    """

    directory: Path
    other: Path
    launches: int
    under_way: int = 10
    count: int = 0
    making: float = 0.0
    record: RunRecord = field(init=False)
    step: int = field(init=False)

    def __post_init__(self) -> None:
        self.record = read_record(self.directory)
        self._began = int(self.record.started)
        self.step = max(1, round((self.record.ended - self._began) / self.under_way))
        seconds = range(self._began - 1, int(self.record.ended) + 2)
        self._seconds = {(kind, _written(kind, second)): second for second in seconds for kind in FORMS}
        self._own = self._ids_of_launch()
        self._shared = self._found_in(self.other)
        self._places: dict[Slot, int] = {}
        self._pieces = {source: self._read(source) for source in self.record.sources}
        self._known: dict[int, list[str]] = {}

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources that go on for all launches: not the consoles, of which each guest has its own."""
        return tuple(source for source in self.record.sources if source.form != "console" and self._pieces[source])

    def lines(self, source: Source, *, counted: bool = True) -> Iterator[str]:
        """Yield a source's lines in the order of their times, as if it were read now. counted: in `count`, too."""
        segments: list[list[_Piece]] = []
        for piece in self._pieces[source]:
            number = int(piece.time - self._began) // self.step
            segments += [[] for _missing in range(number + 1 - len(segments))]
            segments[number].append(piece)
        for chunk in range(self.launches + len(segments) - 1):
            began = time.process_time()
            due: list[tuple[float, _Piece, list[str]]] = []
            for number in range(max(0, chunk - len(segments) + 1), min(chunk + 1, self.launches)):
                values, shift = self._values(number), number * self.step
                due += [(piece.time + shift, piece, values) for piece in segments[chunk - number]]
            due.sort(key=itemgetter(0))
            for begin in range(0, len(due), BATCH):
                texts = [piece.filled(values) for _time, piece, values in due[begin : begin + BATCH]]
                lines = [line for text in texts for line in text.splitlines(keepends=True)]
                self.count += counted * len(lines)
                self.making += time.process_time() - began
                yield from lines
                began = time.process_time()
            self.making += time.process_time() - began

    def console(self, number: int) -> tuple[Source, list[str]]:
        """Return a guest's console."""
        (source,) = [source for source in self.record.sources if source.form == "console"]
        text = "".join(piece.filled(self._values(number)) for piece in self._pieces[source])
        return source, text.splitlines(keepends=True)

    def ids(self, number: int, names: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return ids of a launch, as its client knows them."""
        values, ids = self._values(number), self.record.ids
        return {name: frozenset(self._piece(0.0, one).filled(values) for one in ids[name]) for name in names}

    def moments(self) -> Iterator[Moment]:
        """Yield what the clients do, in the order of the times."""
        (source,) = [source for source in self.record.sources if source.form == "client"]
        requests = [json.loads(line) for line in _file(self.directory, source)]
        known = next(
            request["answered"] for request in requests if request["method"] == "POST" and request["path"] == SERVERS
        )
        steps = (("begin", requests[0]["sent"]), ("know", known), ("end", requests[-1]["answered"]))

        def of(step: str, when: float) -> Iterator[Moment]:
            return (Moment(when + number * self.step, number, step) for number in range(self.launches))

        return merge(*(of(step, when) for step, when in steps), key=lambda moment: moment.time)

    def _ids_of_launch(self) -> set[Slot]:
        """Return what the client knows to be its launch's: the lab may still speak of it in the other recording."""
        names = [name for name in self.record.ids if name != "network"]
        return {slot for name in names for value in self.record.ids[name] for _found, slot in _slots(value)}

    def _found_in(self, directory: Path) -> set[Slot]:
        sources = read_record(directory).sources
        lines = (line for source in sources for line in _file(directory, source))
        return {slot for line in lines for _found, slot in _slots(line)}

    def _differs(self, slot: Slot) -> bool:
        if slot[0] in FORMS:
            return slot in self._seconds
        return slot in self._own or (slot[0] != "address" and slot not in self._shared)

    def _read(self, source: Source) -> list[_Piece]:
        """Return a source's lines with places for what differs."""
        pieces: list[_Piece] = []
        text, now = "", float(self._began)
        for line in chain(_file(self.directory, source), self._removal(source)):
            when = self._time(line)
            if when is not None:
                if text:
                    pieces.append(self._piece(now, text))
                text, now = "", min(max(now, when), self.record.ended)
            text += line
        return [*pieces, self._piece(now, text)] if text else pieces

    def _time(self, line: str) -> float | None:
        for found, slot in _slots(line[: 2 * NEAR]):
            if slot in self._seconds and found.start() < NEAR:
                fraction = FRACTION.match(line, found.end())
                return self._seconds[slot] + (float(f"0.{fraction[1]}") if fraction else 0.0)
        return None

    def _piece(self, when: float, text: str) -> _Piece:
        form, places, end = "", [], 0
        for found, slot in _slots(text):
            if self._differs(slot):
                begin, after = found.span(slot[0])
                form += text[end:begin].replace("%", "%%") + "%s"
                places.append(self._places.setdefault(slot, len(self._places)))
                end = after
        return _Piece(when, form + text[end:].replace("%", "%%"), itemgetter(*places) if places else None)

    def _removal(self, source: Source) -> Iterator[str]:
        """Yield what the switch would tell when the instance is deleted, which was not recorded."""
        if source.form != "switch":
            return
        gone: dict[str, dict[str, Any]] = {}
        for line in _file(self.directory, source):
            for table, rows in json.loads(line).get("update", {}).items():
                gone.setdefault(table, {}).update({row: {"old": {}} for row in rows})
        yield json.dumps({"t": self.record.ended, "update": gone}) + "\n"

    def _values(self, number: int) -> list[str]:
        """Return what stands in the places for a launch."""
        if number not in self._known:
            # Those that are over are not asked for again.
            self._known = {other: some for other, some in self._known.items() if other > number - 3 * self.under_way}
            self._known[number] = [self._value(number, slot, place) for slot, place in self._places.items()]
        return self._known[number]

    def _value(self, number: int, slot: Slot, place: int) -> str:
        kind = slot[0]
        serial = number * len(self._places) + place
        if kind in FORMS:
            return _written(kind, self._seconds[slot] + number * self.step)
        if kind == "nonce":
            return str(10**9 + serial)
        if kind == "mac":
            return re.sub(r"(..)(..)(..)", r"\1:\2:\3", f"{serial % 2**24:06x}")
        if kind == "address":
            return f"10.78.{number // 250}.{number % 250 + 2}"
        return f"{serial * ODD % 2**32:08x}"


def _slots(text: str) -> Iterator[tuple[re.Match[str], Slot]]:
    for found in SLOT.finditer(text):
        kind = str(found.lastgroup)
        yield found, (kind, found[kind])


def _written(kind: str, second: int) -> str:
    return time.strftime(FORMS[kind], time.gmtime(second)) if kind != "epoch" else str(second)


def _file(directory: Path, source: Source) -> Iterator[str]:
    path = directory / RAW / source.node / source.name
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as stream:
            yield from stream
