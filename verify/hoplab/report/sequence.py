"""The sequence diagram: who called whom, in the order of the times."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from hoplab.report.outline import Document, Entry, began, by_time, label, route, start, when
from hoplab.report.svg import add, parts, svg_root, text_fits, verdict_class, written

ROWS: Final = 25  # of one part: with the names on top it fits on a screen, and on a sheet
GUTTER, ROW, EDGE = 74, 28, 40
FITTING, WIDEST, NARROWEST = 1340, 60, 36
"""The width that fits into a window of 1400 pixels, and the most and the least that is between two lifelines for it."""
LOOP = 22
# Names stand on three levels by turns, so that each has three times the room between two lifelines.
LINE, LONGEST, LEVEL, LEVELS, HEAD = 12, 14, 28, 3, 90


def lifelines(hops: Sequence[Entry]) -> list[str]:
    """Return all actors of some hops, frequent partners beside each other and who begins the launch first.

    The fewest lifelines that arrows have to cross are a hard problem: this moves one actor at a time for as long as
    that helps, which is the same for the same hops.
    """
    line = list(dict.fromkeys(actor for hop in hops for actor in (hop["from"], hop["to"])))
    weights = Counter(tuple(sorted((hop["from"], hop["to"]))) for hop in hops)

    def length(some: Sequence[str]) -> int:
        at = {actor: place for place, actor in enumerate(some)}
        return sum(abs(at[left] - at[other]) * number for (left, other), number in weights.items())

    best, improved = length(line), True
    while improved:
        improved = False
        for actor in line[1:]:
            rest = [other for other in line if other != actor]
            for place in range(1, len(line)):
                tried = [*rest[:place], actor, *rest[place:]]
                if (found := length(tried)) < best:
                    line, best, improved = tried, found, True
    return line


def sequence(document: Document) -> list[str]:
    """Return the diagram as SVG drawings, one below the other, each with all lifelines and some of the hops."""
    hops = by_time(document["hops"])
    actors = lifelines(hops)
    first = start(document)
    drawn = list(parts(hops, ROWS))
    return [_part(part, actors, first, number, len(drawn)) for number, part in enumerate(drawn, 1)]


def _part(hops: Sequence[Entry], actors: Sequence[str], first: float | None, number: int, total: int) -> str:
    between = min(max((FITTING - GUTTER - EDGE) / len(actors), NARROWEST), WIDEST)
    places = {actor: GUTTER + between * (index + 0.5) for index, actor in enumerate(actors)}
    width, height = GUTTER + between * len(actors) + EDGE, HEAD + ROW * len(hops) + 18
    svg = svg_root(
        width,
        height,
        name=f"sequence-{number}",
        title=f"Who called whom, part {number} of {total}: from {label(hops[0])} to {label(hops[-1])}",
        describe=f"{len(hops)} arrows between {len(actors)} lifelines, from above in the order of the times, those not "
        "seen where they should have been. The list of hops says the same in words.",
    )
    for index, (actor, x) in enumerate(places.items()):
        top = HEAD - LEVEL * (index % LEVELS)
        add(svg, "line", x1=x, y1=top, x2=x, y2=height - 4, kind="life")
        _head(svg, actor, x, top)
    for index, hop in enumerate(hops):
        _arrow(svg, hop, places, HEAD + ROW * (index + 1), width=width, time=when(hop, first))
    return written(svg)


def _head(svg: ET.Element, actor: str, x: float, bottom: float) -> None:
    begin, hyphen, end = actor.rpartition("-")
    lines = [begin + hyphen, end] if begin and len(actor) > LONGEST else [actor]
    text = add(svg, "text", text_anchor="middle", kind="actor")
    for index, line in enumerate(lines):
        add(text, "tspan", line, x=x, y=bottom - 5 - LINE * (len(lines) - 1 - index))


def _arrow(svg: ET.Element, hop: Entry, places: Mapping[str, float], y: float, *, width: float, time: str) -> None:
    begin, end = places[hop["from"]], places[hop["to"]]
    verdict = hop["verdict"]
    unseen = " unseen" if began(hop) is None else ""
    group = add(svg, "g", kind=f"arrow {verdict_class(verdict)}{unseen}")
    add(group, "title", f"{label(hop)}: {route(hop)}, {verdict}{', ' if time else ''}{time}")
    add(group, "text", time.removesuffix(" s"), x=GUTTER - 8, y=y + 4, text_anchor="end", kind="time")
    if begin == end:
        path = f"M{begin:.1f} {y - 6:.1f} h{LOOP} v12 h-{LOOP - 6}"
        add(group, "path", d=path, kind="stroke")
        _tip(group, end, y + 6, -1)
    else:
        side = 1 if end > begin else -1
        add(group, "line", x1=begin, y1=y, x2=end - 6 * side, y2=y, kind="stroke")
        _tip(group, end, y, side)
    add(group, "circle", cx=begin, cy=y if begin != end else y - 6, r="2.5", kind="fill")
    said = label(hop) if verdict == "proved" else f"{label(hop)}: {verdict}"
    left, right = sorted((begin, end))
    if text_fits(said, left + 6, width):
        add(group, "text", said, x=left + 6, y=y - 6, kind="said")
    else:
        add(group, "text", said, x=min(right, width - 4) - 6, y=y - 6, text_anchor="end", kind="said")


def _tip(group: ET.Element, x: float, y: float, side: int) -> None:
    add(group, "path", d=f"M{x:.1f} {y:.1f} l{-9 * side} -4 v8 z", kind="fill")
