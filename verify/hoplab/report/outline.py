"""What all reports read from a result document alike: order, times, and the words for what it came to."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from hoplab.flow.model import LAUNCH
from hoplab.report.less import all_happened, broke, interval_lines, was_told
from hoplab.report.looks import LOOKS

Document = Mapping[str, Any]
Entry = Mapping[str, Any]

EXCUSED: Final = frozenset({"cached", "not applicable"})
"""Verdicts of hops that need no witness of their own."""

# What no XML may hold, what moves a terminal's cursor, and what turns the direction of the text around it: evidence is
# shown as it is, and must not change what is shown beside it.
_CONTROLS: Final = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)} | {0x7F: 0x2421}
_HIDDEN: Final = (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFFFE, 0xFFFF)
_VISIBLE: Final = {**_CONTROLS, **dict.fromkeys((*_HIDDEN, *range(0xD800, 0xE000)), 0xFFFD)}


def read(document: Document) -> Document:
    """Return a document as the reports show it: safe texts, and one entry for a hop that is several steps."""
    safe: dict[str, Any] = cleaned(document)
    hops: dict[str, dict[str, Any]] = {}
    for hop in safe["hops"]:
        known = hops.setdefault(hop["name"], {**hop})
        if known["hop"] != hop["hop"]:
            known["hop"] = f"{known['hop']}, {hop['hop']}"
    return {**safe, "hops": list(hops.values())}


def cleaned(value: Any) -> Any:
    """Return a document, or a part of one, with its texts safe to be shown: control characters as their pictures."""
    if isinstance(value, str):
        return value.translate(_VISIBLE)
    if isinstance(value, Mapping):
        return {cleaned(key): cleaned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [cleaned(member) for member in value]
    return value


def one_line(text: str) -> str:
    """Return a text without line breaks and runs of blanks."""
    return " ".join(text.split())


def number(hop: Entry) -> str:
    """Return a hop's number, or `+` for one that the documented list leaves out, as `hoplab explain` has it."""
    return "+" if hop["hop"] is None else str(hop["hop"])


def label(hop: Entry) -> str:
    """Return a hop's number and name."""
    return f"{number(hop)} {hop['name']}"


def route(hop: Entry) -> str:
    """Return between whom a hop is."""
    return f"{hop['from']} -> {hop['to']}"


def moment(text: str) -> float:
    """Return a time of the document in seconds since 1970. Raises ValueError for what is no ISO 8601 time."""
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def began(hop: Entry) -> float | None:
    """Return when a hop began, in seconds since 1970; None if it wasn't seen."""
    return None if hop["at"] is None else moment(hop["at"])


def hop_seconds(hop: Entry) -> float:
    """Return the seconds between a hop's first and last witness, 0 without any."""
    at = began(hop)
    return 0.0 if at is None or hop["end"] is None else max(0.0, moment(hop["end"]) - at)


def start(document: Document) -> float | None:
    """Return when the launch's first hop began, in seconds since 1970; None if no hop was seen.

    A hop that is out of order doesn't count unless there are no others, so its time stands out as a negative one.
    """
    hops = [(began(hop), hop["verdict"]) for hop in document["hops"]]
    seen = [at for at, verdict in hops if at is not None and verdict != "out of order"]
    return min(seen or [at for at, _verdict in hops if at is not None], default=None)


def since(hop: Entry, first: float | None) -> str:
    """Return the seconds from the launch's first hop to this one (`+3.214 s`), empty for one that wasn't seen."""
    at = began(hop)
    return "" if at is None or first is None else f"{at - first:+.3f} s"


def when(hop: Entry, first: float | None) -> str:
    """Return the same for a reader who wonders why there is nothing: `not seen` for what should have been seen."""
    return since(hop, first) or ("" if hop["verdict"] in EXCUSED else "not seen")


def voices(hop: Entry) -> str:
    """Return who saw a hop."""
    return ", ".join(dict.fromkeys(witness["who"] for witness in hop["witnesses"]))


def ordered(hops: Sequence[Entry]) -> list[Entry]:
    """Return hops in the documented order, each that the list leaves out behind those that it must follow."""
    ranks = _ranks(hops)
    return sorted(hops, key=lambda hop: ranks[hop["name"]])


def by_time(hops: Sequence[Entry]) -> list[Entry]:
    """Return hops in the order of their times, each that wasn't seen at the place where it should have been."""
    ranks = _ranks(hops)
    named = {hop["name"]: hop for hop in hops}
    places: dict[str, tuple[float, bool, tuple[float, ...]]] = {}

    def place(name: str) -> tuple[float, bool, tuple[float, ...]]:
        if name not in places:
            at = began(named[name])
            places[name] = (-math.inf if at is None else at, at is None, ranks[name])
            if at is None:
                behind = [place(earlier) for earlier in named[name]["after"] if earlier in named]
                time = max((end for end, _unseen, _rank in behind), default=-math.inf)
                # Of those that weren't seen the document says the order, but none stands before what it must follow.
                follows = [(*rank, 1.0) for each_end, unseen, rank in behind if unseen and each_end == time]
                places[name] = (time, True, max([ranks[name], *follows]))
        return places[name]

    return sorted(hops, key=lambda hop: place(hop["name"]))


def problems(document: Document) -> list[Entry]:
    """Return the hops, in the documented order, for whose sake a result is not `proved`; none where it is."""
    if document["result"] == "proved":
        return []
    return [hop for hop in ordered(document["hops"]) if not happened(hop, document)]


def happened(hop: Entry, document: Document) -> bool:
    """Tell whether a hop counts as having happened.

    A weak hop counts where the flow allows one witness: `one_witness` says so; in a document without it the result
    does, which is `proved` only if all weak hops are allowed (`judge._result`).
    """
    if hop["verdict"] == "weak":
        return bool(hop.get("one_witness", document["result"] == "proved"))
    return hop["verdict"] in {"proved", *EXCUSED} or was_told(hop)


def journey(document: Document) -> str:
    """Return the name of a report's journey."""
    return str(document.get("journey", LAUNCH))


def counted(document: Document) -> list[tuple[str, int]]:
    """Return the verdicts that occur, with how often they do."""
    counts = document["counts"]
    known = [*LOOKS, *(verdict for verdict in counts if verdict not in LOOKS)]
    return [(verdict, counts[verdict]) for verdict in known if counts.get(verdict)]


def sentence(document: Document) -> str:
    """Return in one sentence what a run came to."""
    if document.get("preparation"):
        return unprepared(document["preparation"], journey(document))
    what, total = journey(document), len(document["hops"])
    match document["result"]:
        case "proved":
            spared = any(hop["verdict"] in EXCUSED for hop in document["hops"])
            return all_happened(document, what, spared=spared)
        case "failed":
            first = document["first_unproven"]
            if first is None:
                return f"The {what} failed, and no single hop is known to be the first that did not happen."
            wrong = next((hop for hop in document["hops"] if hop["name"] == first["name"]), None)
            return broke(document, what) or _broken(first, wrong)
        case _:
            wanting = len(problems(document))
            if not wanting:
                return f"All {total} hops of the {what} happened, but not all that was recorded could be read."
            verb = "is" if wanting == 1 else "are"
            return f"Nothing shows that a hop is missing, but {wanting} of {total} hops {verb} not proved."


def _broken(first: Entry, wrong: Entry | None) -> str:
    """Return in one sentence where a launch broke. wrong: the hop with its verdict, None if the list leaves it out."""
    if wrong is None:
        return f"{first['name']}, which this list leaves out and its hops must follow, did not happen."
    what = "happened out of order" if wrong["verdict"] == "out of order" else "did not happen"
    return f"{label(wrong)}, from {wrong['from']} to {wrong['to']}, is the first hop that {what}."


def unprepared(preparation: Entry, journey: str) -> str:
    """Return in one sentence what a preparation that failed could not get."""
    asked = f": {preparation['request']}" if preparation["request"] else ""
    did = "launched" if journey == LAUNCH else "done"
    return f"Nothing was {did}: {preparation['service']} did not give the {preparation['step']}{asked}."


def preparation_lines(preparation: Entry) -> Iterator[tuple[str, str]]:
    """Yield all that helps with a preparation that failed, each with a title, which is empty for further lines."""
    nodes = ", ".join(preparation["nodes"])
    yield "service", f"{preparation['service']}{f' on {nodes}' if nodes else ''}"
    if preparation["request"]:
        told = f" ({preparation['request_id']})" if preparation["request_id"] else ""
        yield "request", f"{preparation['request']}{told}"
    yield "answer", preparation["answer"]
    for index, line in enumerate(preparation["down"]):
        yield "" if index else "down", line
    for index, line in enumerate(preparation["log"]):
        yield "" if index else "logs", f"{line['node']} {line['file']}: {line['line']}"
    for command in preparation["next"]:
        yield "look next", command


def failure_lines(failure: Entry) -> Iterator[tuple[str, str]]:
    """Yield all that helps with the first unproven hop, each with a title, which is empty for further lines.

    What leads to the cause comes first: errors and warnings about the launch, the guest's last words, the API's.
    """
    yield from interval_lines(failure)
    yield from _titled("errors", map(trouble_line, failure.get("errors", ())))
    yield from _titled("guest said", failure.get("guest", ()))
    if failure.get("error"):
        yield "API said", failure["error"]
    yield from _titled(
        "down", (f"{unit['unit']} on {unit['node']} is {unit['state']}" for unit in failure.get("down", ()))
    )
    service, last = failure["service"], failure["last"]
    yield "actor", f"{failure['actor']}{' on ' + failure['node'] if failure['node'] else ''}"
    if service:
        yield "service", f"{service['unit']} is {service['state']}"
    if last:
        yield "did last", f"{last['time']} {last['kind']}, {last['source']}"
        yield "", last["line"]
    else:
        yield "did last", "nothing of it was seen"
    yield from _titled("its log", failure["log"])
    for command in failure["next"]:
        yield "look next", command


def _titled(title: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for index, line in enumerate(lines):
        yield "" if index else title, line


def trouble_line(entry: Entry) -> str:
    """Return an error or a warning as one line: when, where, what, and the exception behind it."""
    again = f" (said {entry['times']} times)" if entry["times"] > 1 else ""
    cause = f" <- {entry['cause']}" if entry["cause"] not in entry["line"] else ""
    return f"{entry['time']} {entry['level']} on {entry['node']}, {entry['source']}: {entry['line']}{cause}{again}"


def verdict_summary(document: Document) -> str:
    """Return the counts as a text: `70 proved, 3 weak`."""
    return ", ".join(f"{count} {verdict}" for verdict, count in counted(document))


def _ranks(hops: Iterable[Entry]) -> dict[str, tuple[float, ...]]:
    """Return by which place of the documented list each hop is sorted."""
    named = {hop["name"]: hop for hop in hops}
    ranks: dict[str, tuple[float, ...]] = {}

    def rank(name: str) -> tuple[float, ...]:
        if name not in ranks:
            listed = named[name]["hop"]
            # For a circle, which no flow has: the place is there before it is asked for again.
            ranks[name] = _place(listed)
            if listed is None:
                behind = [rank(earlier) for earlier in named[name]["after"] if earlier in named]
                ranks[name] = (*max(behind, default=(0.0,)), 1.0)
        return ranks[name]

    for name in named:
        rank(name)
    return ranks


def _place(listed: int | str | None) -> tuple[float, ...]:
    """Return a documented number (`8`, `8a`, `4, 5`) as something to sort by."""
    digits = str(listed or 0).split(",")[0].strip()
    whole = digits.rstrip("abcdefghijklmnopqrstuvwxyz")
    return (float(whole) if whole.isdigit() else math.inf, float(ord(digits[-1])) if whole != digits else 0.0)
