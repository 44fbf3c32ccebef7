"""The picture of a run as data: what stands where, and which arrow lights up when; the page's script draws it."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from hoplab.flow.actors import ACTORS, ON_HOST
from hoplab.report.explanation import TODAY
from hoplab.report.lags import waited
from hoplab.report.layout import Layout, lay_out
from hoplab.report.looks import LOOKS, RESULTS
from hoplab.report.outline import (
    Document,
    Entry,
    began,
    by_time,
    failure_lines,
    hop_seconds,
    journey,
    number,
    preparation_lines,
    read,
    sentence,
    start,
    when,
)
from hoplab.report.svg import verdict_class

SHORTEST, LONGEST = 0.5, 1.5
"""Seconds of the screen's time that a hop has at least and at most, however soon the next one was."""
CLIENT: Final = "client"
"""The client's node, as witnesses have it."""
NOT_REACHED: Final = frozenset({"absent", "blocked"})
"""Verdicts of hops that are no part of what happened: the picture stops before them."""
WORST: Final = (
    "absent",
    "out of order",
    "unknown",
    "blocked",
    "weak",
    "not observable",
    "seen",
    "not applicable",
    "cached",
    "proved",
)
"""All verdicts, the worst first: an arrow of several hops is shown as its worst one."""

Data = dict[str, Any]


def picture(document: Document, *, live: bool = False) -> Data:
    """Return the picture of a run, of which verify/page/src/data.ts tells what is in it.

    document: as report.json has it; live: of a run that is not over, in which what was not seen may still come. Raises
    KeyError for a document without what the schema has, ValueError for a time that is none.
    """
    document = read(document)
    ends = _Ends(document)
    hops = _in_order(document, live=live)
    reached = [hop for hop in hops if _is_reached(hop, document, live=live)]
    layout = lay_out(ends.acting(), ends.running, CLIENT)
    bent = bent_times([began(hop) for hop in reached])
    end = round((bent[-1] if bent else 0.0) + LONGEST, 3)
    # What was not reached stands behind the end, where one can step to, and nothing plays.
    bent += [round(end + SHORTEST * number, 3) for number in range(1, len(hops) - len(reached) + 1)]
    return {
        "run": document["run"],
        "title": document["title"],
        "journey": journey(document),
        "result": {"verdict": RESULTS.get(document["result"], "unknown"), "name": document["result"]},
        "sentence": sentence(document),
        "live": live,
        "looks": {
            verdict: {"sign": look.sign, "kind": verdict_class(verdict), "short": look.short}
            for verdict, look in LOOKS.items()
        },
        **_still(layout),
        "worst": list(WORST),
        "steps": [_step(hop, ends, document, at) for hop, at in zip(hops, bent, strict=True)],
        "reached": len(reached),
        "end": end,
        "broken": _broken(document),
    }


def embedded(data: Data) -> str:
    """Return data as JSON that may stand in a page's script element: nothing in it can end that, or be markup."""
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _in_order(document: Document, *, live: bool) -> list[Entry]:
    """Return the hops as they are played: by time, then the one at which the run broke, then what was not reached."""
    first = document["first_unproven"] or {"name": None}

    def place(hop: Entry) -> int:
        if not _is_reached(hop, document, live=live):
            return 2
        # What came too early is played when it came.
        return 1 if hop["name"] == first["name"] and hop["verdict"] != "out of order" else 0

    return sorted(by_time(document["hops"]), key=place)


def _is_reached(hop: Entry, document: Document, *, live: bool) -> bool:
    """Tell whether the picture plays a hop: one that happened, may have, or is where the run broke."""
    if live:
        return hop["at"] is not None
    first = document["first_unproven"]
    broke_here = first is not None and hop["name"] == first["name"]
    return broke_here or hop["at"] is not None or hop["verdict"] not in NOT_REACHED


def bent_times(times: Sequence[float | None]) -> list[float]:
    """Return when each hop begins on the screen, in seconds: as far apart as they were, as far as eyes like.

    times: when each hop really began, in seconds; None for one that nobody saw.
    """
    found = [SHORTEST] if times else []
    for since, at in pairwise(times):
        gap = SHORTEST if at is None or since is None else at - since
        found.append(round(found[-1] + min(max(gap, SHORTEST), LONGEST), 3))
    return found


def _step(hop: Entry, ends: "_Ends", document: Document, bent: float) -> Data:
    """Return a hop as the picture has it. bent: when it begins on the screen, in seconds."""
    at, first = began(hop), start(document)
    sender, receiver = (f"{hop[end]}@{ends.node(hop, hop[end])}" for end in ("from", "to"))
    return {
        "number": number(hop),
        "name": hop["name"],
        "from": sender,
        "to": receiver,
        "verdict": hop["verdict"],
        "bent": bent,
        "real": None if at is None or first is None else round(at - first, 3),
        "took": round(hop_seconds(hop), 3),
        "when": when(hop, first),
        "waited": waited(hop),
        "meaning": hop["meaning"],
        "why": hop["why"],
        "today": TODAY.get(hop["today"], hop["today"]),
        "how": hop["how"],
        "reason": hop["reason"],
        "after": hop["after"],
        "witnesses": hop["witnesses"],
        "denials": hop.get("denials", []),
        "hint": hop["hint"],
    }


def _still(layout: Layout) -> Data:
    """Return what does not move."""
    frames = {"nodes": layout.nodes, "groups": layout.groups}
    return {
        "width": layout.width,
        "height": layout.height,
        **{name: [dataclasses.asdict(frame) for frame in some] for name, some in frames.items()},
        "boxes": [
            {
                "id": f"{box.actor}@{box.node}",
                **dataclasses.asdict(box),
                "is": ACTORS[box.actor].what if box.actor in ACTORS else "",
            }
            for box in layout.boxes
        ],
    }


def _broken(document: Document) -> Data | None:
    """Return what is missing where a run broke, as titles with texts; None where nothing is."""
    first = document["first_unproven"]
    if first is None:
        return None
    preparation, failure = document.get("preparation"), document["failure"]
    lines: Iterable[tuple[str, str]] = ()
    if preparation:
        lines = preparation_lines(preparation)
    elif failure:
        lines = failure_lines(failure)
    return {"name": first["name"], "lines": [[title, text] for title, text in lines]}


class _Ends:
    """On which node each end of a hop is. running: by node, the actors that are known to be there."""

    def __init__(self, document: Document) -> None:
        self._hops = document["hops"]
        self._host = document["launch"].get("host") or ""
        known = document.get("nodes") or [{"name": name, "actors": []} for name in document["clocks"]]
        self.running: Mapping[str, list[str]] = {node["name"]: list(node["actors"]) for node in known}
        self._places: dict[str, list[str]] = {}
        for name, actors in self.running.items():
            for actor in actors:
                self._places.setdefault(actor, []).append(name)
        acting = {name: len(ON_HOST.intersection(actors)) for name, actors in self.running.items()}
        self._hosts = {name for name, number in acting.items() if number == max(acting.values())}
        self._seen = {(witness["who"], witness["node"]) for hop in self._hops for witness in hop["witnesses"]}

    def node(self, hop: Entry, actor: str) -> str:
        """Return the node of an actor in a hop: where it was seen, where it must be, or where it could be."""
        if actor == CLIENT:
            return CLIENT
        places = self._places.get(actor, [])
        own = [witness["node"] for witness in hop["witnesses"] if witness["who"] == actor]
        # A guest speaks on its console, which the client reads.
        seen = [node for node in own if (node in places if places else node != CLIENT)]
        host = [self._host] if actor in ON_HOST and self._host else []
        elsewhere = sorted(node for who, node in self._seen if who == actor and node != CLIENT)
        # Of a launch that no host was chosen for, any host's will do, and no other node's.
        likely = [node for node in places if actor in ON_HOST and node in self._hosts]
        known = [node for node in elsewhere if node in places]
        return next(iter([*seen, *host, *known, *likely, *places, *elsewhere]), "")

    def acting(self) -> dict[str, list[str]]:
        """Return by node the actors that have a part in the run, in the order of the document's hops."""
        found: dict[str, list[str]] = {}
        for hop in self._hops:
            for actor in (hop["from"], hop["to"]):
                actors = found.setdefault(self.node(hop, actor), [])
                if actor not in actors:
                    actors.append(actor)
        return found
