"""One observed fact, whatever source it was read from, and its form in a run's events.jsonl."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hoplab.model.errors import ConfigurationError

GARBLED: Final = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError),
    *(OverflowError, RecursionError),
)
"""What a record that is not as it was written may raise while it is read."""

Ids = Mapping[str, frozenset[str]]
"""Values by the kind of id (`instance`, `call`, ...), as the flows name them."""


@dataclass(frozen=True, slots=True)
class Event:
    """One observed fact.

    time: seconds since 1970 in UTC, by the clock of its node; who: whose word it is, an actor of the flows; kind: what
    happened (`rpc.published`); fields: what the flows ask of it (`routing_key`); ids: all ids that it carries; source:
    where it was read, and line: what stood there, redacted. A time that is only known to lie within some seconds is
    their beginning, and the field `precision` says how many.
    """

    time: float
    node: str
    source: str
    who: str
    kind: str
    fields: Mapping[str, str]
    ids: Ids
    line: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What all events of one source have in common: where it was read, and whose word it is."""

    node: str
    source: str
    who: str

    def event(
        self, time: float, kind: str, fields: Mapping[str, str], ids: Mapping[str, Iterable[str]], line: str
    ) -> Event:
        """Return an event of this source; of its ids, those that have a value. line: with or without its end.

        Raises ValueError for a time that is none (JSON as Python reads it has NaN and Infinity), TypeError for a field
        or an id that is no text.
        """
        if not math.isfinite(time):
            raise ValueError(f"{time} is no time")
        known = {name: values for name, some in ids.items() if (values := frozenset(some) - {""})}
        for value in (*fields.values(), *(value for values in known.values() for value in values)):
            if not isinstance(value, str):
                raise TypeError(f"{value!r} is no text")
        return Event(time, self.node, self.source, self.who, kind, dict(fields), known, line.rstrip("\n"))


def write_events(events: Iterable[Event], path: Path) -> None:
    """Write events to a file, one JSON object on each line, in the order of their times."""
    with path.open("w", encoding="utf-8") as stream:
        for event in sorted(events, key=lambda event: (event.time, event.node, event.line)):
            stream.write(json.dumps(_plain(event), ensure_ascii=False) + "\n")


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a file. Raises ConfigurationError that names the file and the line of what is no event."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        for number, text in enumerate(stream, 1):
            try:
                yield _event(json.loads(text))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ConfigurationError(
                    f"{path}:{number}: not an event ({type(error).__name__}: {error}): the run is damaged, make another"
                ) from None


def _plain(event: Event) -> dict[str, Any]:
    return {
        "time": event.time,
        "node": event.node,
        "source": event.source,
        "who": event.who,
        "kind": event.kind,
        "fields": dict(event.fields),
        "ids": {name: sorted(values) for name, values in sorted(event.ids.items())},
        "line": event.line,
    }


def _event(entry: dict[str, Any]) -> Event:
    texts = {key: entry[key] for key in ("node", "source", "who", "kind", "line")}
    if not all(isinstance(value, str) for value in [*texts.values(), *entry["fields"].values()]):
        raise TypeError("node, source, who, kind, line and fields are texts")
    ids = {name: frozenset(map(str, values)) for name, values in entry["ids"].items()}
    return Event(time=float(entry["time"]), fields=dict(entry["fields"]), ids=ids, **texts)
