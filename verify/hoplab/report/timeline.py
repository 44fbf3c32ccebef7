"""The timeline: when each hop was, and where the launch waited longest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from xml.etree import ElementTree as ET

from hoplab.report.outline import Document, Entry, began, by_time, hop_seconds, label, moment, start
from hoplab.report.svg import LETTER, add, parts, svg_root, text_fits, verdict_class, written

ROWS: Final = 48
GAPS: Final = 6
"""How many of the longest gaps are named."""
SHORTEST: Final = 0.001
"""Seconds that a gap has at least: the document's times go no further."""

LEFT, RIGHT, TOP, ROW, WIDTH = 14, 60, 40, 17, 940
TICKS: Final = 12
SMALLEST_BAR: Final = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nothing was seen of the launch.

    letter: its mark in the drawing; begin, end: in seconds since the launch's first hop; before, behind: the event
    that ends it and the one that begins it.
    """

    letter: str
    begin: float
    end: float
    behind: str
    before: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin


def longest_gaps(document: Document) -> list[Gap]:
    """Return the longest gaps between consecutive events of the launch, the longest first.

    A hop that is out of order is left out: its time says nothing about when the launch waited.
    """
    first = start(document)
    if first is None:
        return []
    events = sorted(event for hop in document["hops"] for event in _events(hop, document))
    # The sort is stable: of gaps of the same length the earlier one comes first.
    gaps = sorted(pairwise(events), key=lambda pair: pair[0][0] - pair[1][0])
    return [
        Gap(chr(ord("A") + index), begin - first, end - first, behind, before)
        for index, ((begin, behind), (end, before)) in enumerate(gaps[:GAPS])
        if end - begin >= SHORTEST
    ]


def timeline(document: Document, gaps: Sequence[Gap]) -> list[str]:
    """Return the timeline as SVG drawings, one below the other, each with the whole time and some of the hops."""
    first = start(document)
    seen = [hop for hop in by_time(document["hops"]) if began(hop) is not None]
    if first is None:
        return []
    begin = min(moment(hop["at"]) - first for hop in seen)
    end = max(moment(hop["at"]) - first + hop_seconds(hop) for hop in seen)
    scale = _Scale(first, begin, max(end - begin, SHORTEST))
    drawn = list(parts(seen, ROWS))
    return [_part(part, gaps, scale, number, len(drawn)) for number, part in enumerate(drawn, 1)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """first: of the launch, in seconds since 1970; begin: of the drawing, against that; span: of it, in seconds."""

    first: float
    begin: float
    span: float

    def x(self, seconds: float) -> float:
        return LEFT + (seconds - self.begin) / self.span * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> Iterator[float]:
        """Yield round numbers of seconds."""
        step = next(
            size * 10**power for power in range(-4, 9) for size in (1, 2, 5) if self.span / (size * 10**power) <= TICKS
        )
        number = -int(-self.begin // step)
        while number * step <= self.begin + self.span:
            yield number * step
            number += 1


def _events(hop: Entry, document: Document) -> Iterator[tuple[float, str]]:
    """Yield when something was seen of a hop, by our clock, and what."""
    at = began(hop)
    if at is None or hop["verdict"] == "out of order":
        return
    end = at + hop_seconds(hop)
    for witness in hop["witnesses"]:
        # A witness has the time of its node's clock; the hop's own times are by ours.
        offset = document["clocks"].get(witness["node"], {}).get("offset", 0.0)
        said = f"{label(hop)} ({witness['who']}: {witness['kind']})"
        yield min(max(moment(witness["time"]) - offset, at), end), said


def _part(hops: Sequence[Entry], gaps: Sequence[Gap], scale: _Scale, number: int, total: int) -> str:
    height = TOP + ROW * len(hops) + 8
    svg = svg_root(
        WIDTH,
        height,
        name=f"timeline-{number}",
        title=f"When each hop was, part {number} of {total}: from {label(hops[0])} to {label(hops[-1])}",
        describe=f"{len(hops)} hops on an axis of {scale.span:.1f} seconds. "
        + ("The shaded times are the longest gaps; the table below names them." if gaps else ""),
    )
    for gap in gaps:
        left, right = scale.x(gap.begin), scale.x(gap.end)
        add(svg, "rect", x=left, y=16, width=max(right - left, 1), height=height - 20, kind="gap")
        add(svg, "text", gap.letter, x=(left + right) / 2, y=12, text_anchor="middle", kind="letter")
    for tick in scale.ticks():
        x = scale.x(tick)
        add(svg, "line", x1=x, y1=TOP - 8, x2=x, y2=height - 4, kind="tick")
        add(svg, "text", f"{tick:g} s", x=x, y=TOP - 12, text_anchor="middle", kind="time")
    for index, hop in enumerate(hops):
        _bar(svg, hop, scale, TOP + ROW * index)
    return written(svg)


def _bar(svg: ET.Element, hop: Entry, scale: _Scale, y: float) -> None:
    verdict = hop["verdict"]
    begin = moment(hop["at"]) - scale.first
    left = scale.x(begin)
    width = max(scale.x(begin + hop_seconds(hop)) - left, SMALLEST_BAR)
    group = add(svg, "g", kind=f"bar {verdict_class(verdict)}")
    add(group, "title", f"{label(hop)}: {begin:+.3f} s, for {hop_seconds(hop):.3f} s, {verdict}")
    add(group, "rect", x=left, y=y + 3, width=width, height=ROW - 7, rx="1.5", kind="fill")
    said = label(hop) if verdict == "proved" else f"{label(hop)}: {verdict}"
    if text_fits(said, left + width + 5, WIDTH):
        add(group, "text", said, x=left + width + 5, y=y + 12, kind="said")
    elif left - 5 >= len(said) * LETTER:
        add(group, "text", said, x=left - 5, y=y + 12, text_anchor="end", kind="said")
    else:
        # A bar from one edge to the other: there is no room beside it.
        add(group, "text", said, x=left + 5, y=y + 12, kind="said")
