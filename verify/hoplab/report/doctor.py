"""What a cloud can show of a journey, told before anything is asked of it: hop by hop, and level by level."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hoplab.flow.model import Catalogue, Flow, Hop, Witness
from hoplab.flow.sources import HIGHEST, source_kinds, sources_of
from hoplab.flow.visibility import HOST, narrowed
from hoplab.flow.vocabulary import SHOWN
from hoplab.judge.foresight import Foresight, foresee
from hoplab.judge.reasons import one_side
from hoplab.judge.told import least_verdict
from hoplab.judge.verdicts import Verdict
from hoplab.lab.profile import Profile
from hoplab.report.looks import LOOKS
from hoplab.report.wording import level_words

Document = dict[str, Any]

KNOWN: Final = SHOWN | {HOST}
"""Ids that the client of a journey knows in the end, if all goes well."""
NARROWER: Final = 0.05
"""By so many candidates a further level must narrow the answer to be worth a look."""
WITNESSES: Final[Mapping[str, str]] = {
    Verdict.PROVED: "two witnesses",
    Verdict.SEEN: "one",
    Verdict.NOT_OBSERVABLE: "none for sure",
}


@dataclass(frozen=True, slots=True)
class View:
    """What a cloud shows at a level. sources: of the kinds that are there; foresight: what would be told of a break."""

    level: int
    sources: tuple[str, ...]
    hops: Mapping[str, Hop]
    foresight: Foresight

    def count(self, verdict: Verdict) -> int:
        """Return of how many hops this is the least that would be said, if all goes well."""
        return sum(least_verdict(self.hops[name]) is verdict for name in self.foresight.candidates)


def examine(catalogue: Catalogue, flow: Flow, profile: Profile, level: int, silent: Iterable[str] = ()) -> Document:
    """Return as a document what can be seen of a journey in a kind of cloud.

    level: how much may be switched on; silent: actors that the cloud's description does not have.
    """
    silent = sorted(silent)
    views = [_view(catalogue, flow, profile, each_level, silent) for each_level in range(HIGHEST + 1)]
    now = views[level]
    listed = [(step.number, name) for step in flow.steps for name in step.hops]
    return {
        "profile": profile.name,
        "level": level,
        "flow": flow.name,
        "silent": silent,
        "hops": [_hop(number, name, views, level) for number, name in [*listed, *_left_out(flow)]],
        "levels": [_level(view, earlier) for view, earlier in zip(views, [None, *views], strict=False)],
        "candidates": {name: list(names) for name, names in now.foresight.candidates.items()},
        "silent_breaks": list(now.foresight.silent),
        "next": _next(profile, views, now),
    }


def _left_out(flow: Flow) -> Iterator[tuple[str, str]]:
    return (("+", name) for name in flow.also)


def _view(catalogue: Catalogue, flow: Flow, profile: Profile, level: int, silent: Sequence[str]) -> View:
    sources = profile.sources(level)
    shown = narrowed(catalogue, sources, KNOWN, silent)
    return View(level, sources, shown.hops, foresee(shown, flow))


def _hop(number: str, name: str, views: Sequence[View], level: int) -> Document:
    hop = views[level].hops[name]
    told = least_verdict(hop)
    actors = sorted({witness.who for witness in hop.evidence})
    better = (view.level for view in views[level:] if least_verdict(view.hops[name]) is Verdict.PROVED)
    return {
        "hop": number,
        "name": name,
        "from": hop.sender,
        "to": hop.receiver,
        "told": str(told),
        "seen_by": actors,
        "why": "" if told is Verdict.PROVED else _why(hop, actors),
        "missing": [] if told is Verdict.PROVED else [_missing(witness) for witness in hop.hidden],
        "two_witnesses_from": next(better, None),
    }


def _why(hop: Hop, actors: Sequence[str]) -> str:
    """Return in words why no two witnesses of a hop can be seen."""
    if not actors:
        kinds = {name: source_kinds()[name] for witness in hop.hidden for name in sources_of(witness, source_kinds())}
        needed = [f"{kind.called} ({level_words(kind)})" for kind in kinds.values()]
        return f"it takes {' or '.join(needed)}"
    seen = one_side(hop, actors)
    return f"{seen}, nor whether it was needed" if hop.unexcused else seen


def _missing(witness: Witness) -> Document:
    """Return a witness that can't be seen, and which kinds of sources would show it."""
    kinds = [source_kinds()[name] for name in sources_of(witness, source_kinds())]
    return {
        "who": witness.who,
        "event": witness.event,
        "sources": [{"source": kind.name, "called": kind.called, "level": kind.level} for kind in kinds],
    }


def _level(view: View, before: View | None) -> Document:
    added = [name for name in view.sources if before is None or name not in before.sources]
    kinds = [source_kinds()[name] for name in added]
    return {
        "level": view.level,
        "two_witnesses": view.count(Verdict.PROVED),
        "one_witness": view.count(Verdict.SEEN),
        "not_observable": view.count(Verdict.NOT_OBSERVABLE),
        "named_exactly": view.foresight.exact,
        "candidates_mean": round(view.foresight.mean, 2),
        "adds": [
            {"source": kind.name, "called": kind.called, "is": kind.what, "costs": kind.costs, "undone": kind.undone}
            for kind in kinds
        ],
    }


def _next(profile: Profile, views: Sequence[View], now: View) -> str:
    """Return the one command to run next."""
    if all(least_verdict(hop) is Verdict.PROVED for hop in now.hops.values()):
        return "hoplab verify"
    for view in views[now.level + 1 :]:
        if view.foresight.mean < now.foresight.mean - NARROWER:
            return f"hoplab doctor --profile {profile.name} --level {view.level}"
    widest = max(now.foresight.candidates, key=lambda name: len(now.foresight.candidates[name]))
    return f"hoplab explain {widest}"


def show_examination(document: Document, console: Console) -> None:
    """Print what `examine` returns. Sentences are never cut, so that they can be searched."""
    table = Table(box=None, pad_edge=False)
    for column in ("NO", "FROM -> TO", "HOP", "CAN BE SEEN", "TWO FROM", "BY, OR WHY NOT"):
        table.add_column(column, overflow="fold")
    for hop in document["hops"]:
        look = LOOKS[hop["told"]]
        two = hop["two_witnesses_from"]
        table.add_row(
            hop["hop"],
            f"{hop['from']} -> {hop['to']}",
            hop["name"],
            f"[{look.terminal}]{WITNESSES[hop['told']]}[/]",
            "never" if two is None else "now" if two == document["level"] else f"level {two}",
            escape(hop["why"] or ", ".join(hop["seen_by"])),
        )
    console.print(table)
    for line in _lines(document):
        console.print(escape(line), soft_wrap=True, highlight=False)


def _lines(document: Document) -> Iterator[str]:
    yield ""
    for actor in document["silent"]:
        yield f"not in the description: no node runs {actor}, so its word is not to be had"
    for one in document["levels"]:
        mark = " (this one)" if one["level"] == document["level"] else ""
        yield (
            f"level {one['level']}{mark}: {one['two_witnesses']} hops by two witnesses, {one['one_witness']} by one, "
            f"{one['not_observable']} not for sure; a break is located to {one['candidates_mean']:.2f} hops in the "
            f"mean, {one['named_exactly']} of {len(document['candidates'])} exactly"
        )
        for source in one["adds"] if one["level"] else ():
            yield f"  adds {source['called']}: costs {source['costs']}; undone: {source['undone']}"
    if document["silent_breaks"]:
        yield f"a break would show nowhere: {', '.join(document['silent_breaks'])}"
    yield "nothing was changed, and nothing was launched"
    yield f"run next: {document['next']}"
