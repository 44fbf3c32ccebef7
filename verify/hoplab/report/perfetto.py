"""The report in Chrome's trace event format, which ui.perfetto.dev opens.

A process is a node, a thread an actor on it, a slice a hop; arrows (flow events) lead from what a hop must follow to
the hop. Witnesses are instants on threads of their own, each where it was seen.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from hoplab.report.outline import Document
from hoplab.report.trace import PREFIX, Attributes, Sighting, Span, Trace, trace

Event = dict[str, Any]
SHORTEST: Final = 1
"""Microseconds that a slice has at least: arrows end at none without a length, and times go no further than 1,000."""
NOWHERE: Final = "node not known"
ORDER: Final = "MXisf"
"""Which of several events at the same time comes first, by their phase: an arrow binds to a slice that has begun."""


def render_perfetto(document: Document) -> str:
    """Return the report of a result document (report.json) as a JSON text of trace events.

    Raises KeyError for a document without what the schema has, ValueError for a time that is none.
    """
    made = trace(document)
    told = {
        "displayTimeUnit": "ms",
        "otherData": {"trace_id": made.trace_id, **_told(made.whole.attributes)},
        "traceEvents": trace_events(made),
    }
    return json.dumps(told, separators=(",", ":")) + "\n"


def trace_events(made: Trace) -> list[Event]:
    """Return a trace's events in the order of their times; those that name processes and threads come first."""
    threads = _Threads()
    spans = sorted((made.whole, *made.hops), key=lambda span: (span.begin, -span.end))
    slices = {span.span_id: (span, _slice(span, threads)) for span in spans}
    events = [one for _span, one in slices.values()]
    events += [_instant(sighting, threads) for span in spans for sighting in span.sightings]
    events += _arrows(slices)
    return [*threads.names(), *sorted(events, key=lambda event: (event["ts"], ORDER.index(event["ph"])))]


class _Threads:
    """Numbers of processes and threads, given as they are asked for.

    Slices of a thread may lie in each other, but may not overlap: what overlaps goes to a further thread of the actor.
    """

    def __init__(self) -> None:
        self._processes: dict[str, int] = {}
        self._threads: dict[tuple[str, str], int] = {}
        self._ends: dict[tuple[str, str], int] = {}

    def place(self, node: str, thread: str) -> Event:
        """Return the numbers of a thread on a node."""
        pid = self._processes.setdefault(node or NOWHERE, len(self._processes) + 1)
        return {"pid": pid, "tid": self._threads.setdefault((node or NOWHERE, thread), len(self._threads) + 1)}

    def free(self, node: str, actor: str, begin: int, end: int) -> Event:
        """Return the numbers of an actor's first thread that has nothing from a time on, and have it busy until `end`.

        To be asked in the order of the times.
        """
        number, name = 1, actor
        while self._ends.get((node, name), begin) > begin:
            number += 1
            name = f"{actor} ({number})"
        self._ends[node, name] = end
        return self.place(node, name)

    def names(self) -> Iterator[Event]:
        """Yield the events that name all of them."""
        for node, pid in self._processes.items():
            yield {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": node}}
            yield {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": {"sort_index": pid}}
        for (node, thread), tid in self._threads.items():
            pid = self._processes[node]
            yield {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": thread}}


def _slice(span: Span, threads: _Threads) -> Event:
    begin = span.begin // 1000
    length = max(SHORTEST, span.end // 1000 - begin)
    verdict = str(span.attributes.get(f"{PREFIX}verdict", ""))
    return {
        "ph": "X",
        "name": span.name if verdict in {"", "proved"} else f"{span.name}: {verdict}",
        "cat": verdict or "journey",
        **threads.free(span.node, span.actor, begin, begin + length),
        "ts": begin,
        "dur": length,
        "args": _told(span.attributes) | {"status": span.status, "message": span.message},
    }


def _instant(sighting: Sighting, threads: _Threads) -> Event:
    return {
        "ph": "i",
        "s": "t",
        "name": sighting.name,
        "cat": "witness",
        **threads.place(sighting.node, f"{sighting.who}: witnesses"),
        "ts": sighting.time // 1000,
        "args": _told(sighting.attributes),
    }


def _arrows(slices: Mapping[str, tuple[Span, Event]]) -> Iterable[Event]:
    number = 0
    for span, to in slices.values():
        for link in span.links:
            since = slices[link][1]
            time = max(to["ts"], since["ts"])
            if time >= to["ts"] + to["dur"]:
                continue  # It is over before what it must follow begins: no arrow leads back in time.
            number += 1
            one = {"cat": "after", "name": "after", "id": number}
            yield {"ph": "s", **one, **_thread(since), "ts": since["ts"]}
            yield {"ph": "f", "bp": "e", **one, **_thread(to), "ts": time}


def _thread(event: Event) -> Event:
    return {"pid": event["pid"], "tid": event["tid"]}


def _told(attributes: Attributes) -> Event:
    return {name.removeprefix(PREFIX): value for name, value in attributes.items()}
