"""A run as a trace: a span for each hop. The forms for trace viewers (`otlp.py`, `perfetto.py`) are made of it.

All ids are derived from the run, so the same report gives the same trace at any time; another list of the same run is
another trace.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from hoplab.flow.actors import ACTORS
from hoplab.report.outline import Document, Entry, by_time, happened, journey, label, one_line, read, sentence

Value = str | int | float | bool | tuple[str, ...]
Attributes = Mapping[str, Value]
Status = Literal["ok", "error", "unset"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
LAST: Final = (1 << 63) - 1
"""The last nanosecond that all formats can tell, in the year 2262."""
CUT: Final = 1_000_000
"""Nanoseconds by which a witness may lie outside its hop because a report's times are cut to milliseconds."""
IDS: Final = ("instance", "volume", "image", "port", "request", "global_request")
WORDS: Final = ("meaning", "today", "how", "why")
SECONDS: Final = ("lag_s", "usual_s", "waited_s")
PREFIX: Final = "hoplab."
"""Of the names of all attributes that are our own; the others are OpenTelemetry's semantic conventions."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a witness saw, or what denies a hop. time: in nanoseconds since 1970 by our clock."""

    name: str
    who: str
    node: str
    time: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """A hop, or the whole journey.

    span_id: 16 hexadecimal digits; name: to be shown; actor: who acts, and node: where, empty if nothing tells; begin,
    end: in nanoseconds since 1970 by our clock; seen: whether there is a time, else it stands where it should have
    been; links: the ids of the hops that it must follow.
    """

    span_id: str
    name: str
    actor: str
    node: str
    begin: int
    end: int
    seen: bool
    status: Status
    message: str
    attributes: Attributes
    sightings: tuple[Sighting, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """A run. trace_id: 32 hexadecimal digits; whole: the journey; hops: in the order of their times."""

    trace_id: str
    whole: Span
    hops: tuple[Span, ...]
    inventory: str
    release: str


def trace(document: Document) -> Trace:
    """Return the trace of a result document (report.json).

    Raises KeyError for a document without what the schema has, ValueError for a time that is none.
    """
    document = read(document)
    hops = by_time(document["hops"])
    times = _times(hops, document)
    nodes = _nodes(hops)
    named = {hop["name"] for hop in hops}
    identity = "\n".join((document["run"], document["started"], document["flow"]))
    spans = tuple(
        Span(
            span_id=_digest(16, identity, hop["name"]),
            name=label(hop),
            actor=hop["from"],
            node=_node(hop, nodes),
            begin=times[hop["name"]][0],
            end=times[hop["name"]][1],
            seen=hop["at"] is not None,
            status=_status(hop, document),
            message=one_line(f"{hop['verdict']}: {hop['why']}"),
            attributes=dict(_attributes(hop)),
            sightings=tuple(_sightings(hop, times[hop["name"]], document)),
            links=tuple(_digest(16, identity, name) for name in hop["after"] if name in named),
        )
        for hop in hops
    )
    return Trace(
        trace_id=_digest(32, identity),
        whole=_whole(document, spans, _digest(16, identity, "")),
        hops=spans,
        inventory=document["inventory"],
        release=document["release"],
    )


def nanoseconds(text: str) -> int:
    """Return a time of the document in nanoseconds since 1970. Raises ValueError for what is no ISO 8601 time."""
    time = datetime.fromisoformat(text)
    # In whole numbers: as a float, a time of today is wrong by up to 200 ns.
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND * 1000


def _possible(time: int, first: int = 0) -> int:
    """Return the time nearest to one, in nanoseconds, that a trace can have; first: the earliest."""
    return min(max(time, first), LAST)


def namespace(actor: str) -> str:
    """Return the project that an actor is of; empty for one that no flow knows."""
    return ACTORS[actor].project if actor in ACTORS else ""


def _digest(digits: int, *parts: str) -> str:
    return hashlib.sha256("\n".join(("hoplab", *parts)).encode()).hexdigest()[:digits]


def _times(hops: Iterable[Entry], document: Document) -> dict[str, tuple[int, int]]:
    """Return from when to when each hop was; of one that was not seen, twice when it should have been.

    hops: in the order of their times, where one that was not seen stands behind what it must follow.
    """
    found: dict[str, tuple[int, int]] = {}
    last = min(
        (nanoseconds(hop["at"]) for hop in document["hops"] if hop["at"]), default=nanoseconds(document["started"])
    )
    for hop in hops:
        if hop["at"] is None:
            last = max([last, *(found[name][1] for name in hop["after"] if name in found)])
            found[hop["name"]] = (last, last)
        else:
            last = nanoseconds(hop["at"])
            found[hop["name"]] = (last, max(last, nanoseconds(hop["end"] or hop["at"])))
    return found


def _nodes(hops: Iterable[Entry]) -> dict[str, str]:
    """Return on which node each actor was seen most."""
    seen: dict[str, Counter[str]] = {}
    for hop in hops:
        for witness in hop["witnesses"]:
            seen.setdefault(witness["who"], Counter())[witness["node"]] += 1
    return {who: min(nodes, key=lambda node: (-nodes[node], node)) for who, nodes in seen.items()}


def _node(hop: Entry, nodes: Mapping[str, str]) -> str:
    """Return where a hop's sender was: as it says itself, else where it was seen most."""
    own = (witness["node"] for witness in hop["witnesses"] if witness["who"] == hop["from"])
    return str(next(own, nodes.get(hop["from"], "")))


def _status(hop: Entry, document: Document) -> Status:
    """Return what a viewer is to make of a verdict.

    Only what did not happen is an error: what is blocked hangs on that, and what could not be read or is not there in
    this cloud is neither good nor bad.
    """
    if hop["verdict"] in {"blocked", "not applicable", "unknown"}:
        return "unset"
    return "ok" if happened(hop, document) else "error"


def _attributes(hop: Entry) -> Iterator[tuple[str, Value]]:
    yield f"{PREFIX}hop", hop["name"]
    yield f"{PREFIX}verdict", hop["verdict"]
    yield f"{PREFIX}from", hop["from"]
    yield f"{PREFIX}to", hop["to"]
    if hop["to"] != hop["from"]:
        yield "peer.service", hop["to"]
    yield f"{PREFIX}seen", hop["at"] is not None
    yield from ((f"{PREFIX}{name}", hop[name]) for name in WORDS if hop[name])
    yield from ((f"{PREFIX}{name}", float(hop[name])) for name in SECONDS if hop.get(name) is not None)
    if hop["hint"]["run"]:
        yield f"{PREFIX}see", f"{hop['hint']['where']}: {hop['hint']['run']}"
    ids: dict[str, list[str]] = {}
    for witness in hop["witnesses"]:
        kind, _equals, value = witness["id"].partition("=")
        if value and value not in ids.setdefault(kind, []):
            ids[kind].append(value)
    for kind, values in sorted(ids.items()):
        yield f"{PREFIX}id.{kind}", values[0] if len(values) == 1 else tuple(values)


def _sightings(hop: Entry, times: tuple[int, int], document: Document) -> Iterator[Sighting]:
    """Yield a hop's witnesses and what denies it."""
    entries: list[tuple[Entry, bool]] = [(witness, False) for witness in hop["witnesses"]]
    entries += [(denial, True) for denial in hop.get("denials", ())]
    for entry, denies in entries:
        clock = document["clocks"].get(entry["node"], {})
        # A witness has its own node's time, a hop ours.
        time = _possible(nanoseconds(entry["time"]) - round(clock.get("offset", 0.0) * 1e6) * 1000)
        nearest = min(max(time, times[0]), times[1])
        words = {name: entry[name] for name in ("who", "node", "source", "id", "line", "time") if entry[name]}
        yield Sighting(
            name=f"{'denied by ' if denies else ''}{entry['who']}: {entry['kind']}",
            who=entry["who"],
            node=entry["node"],
            time=nearest if abs(nearest - time) < CUT else time,
            attributes={f"{PREFIX}{name}": value for name, value in words.items()} | {f"{PREFIX}denies": denies},
        )


def _whole(document: Document, hops: Sequence[Span], span_id: str) -> Span:
    """Return the span of the journey, from the first hop to the last."""
    launch, begin = document["launch"], nanoseconds(document["started"])
    seen = [hop for hop in hops if hop.seen]
    client = next((hop for hop in hops if hop.actor == "client"), None)
    told = {
        **{name: document[name] for name in ("run", "flow", "title", "release", "inventory", "result", "warm")},
        **{f"id.{name.replace('_', '-')}": launch[name] for name in IDS if launch[name]},
        **{name: launch[name] for name in ("name", "host", "status", "error") if launch[name]},
        **({} if launch["seconds_to_active"] is None else {"seconds_to_active": float(launch["seconds_to_active"])}),
    }
    status: Mapping[str, Status] = {"proved": "ok", "failed": "error"}
    return Span(
        span_id=span_id,
        name=journey(document),
        actor="client",
        node=client.node if client else "",
        begin=min((hop.begin for hop in seen), default=begin),
        end=max(
            (hop.end for hop in seen), default=_possible(begin + round(document["duration_s"] * 1e6) * 1000, begin)
        ),
        seen=bool(seen),
        status=status.get(document["result"], "unset"),
        message=sentence(document),
        attributes={f"{PREFIX}{name}": value for name, value in told.items()},
    )
