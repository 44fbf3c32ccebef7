"""How exactly it could be told where a launch broke in a cloud: each hop in turn is taken not to happen."""

from collections.abc import Mapping
from dataclasses import dataclass

from hoplab.flow.model import NEEDED, Catalogue, Flow, Hop
from hoplab.join.ids import Found
from hoplab.judge.interval import Standing, locate
from hoplab.judge.judging import overdue_hops, without_late
from hoplab.judge.order import is_last
from hoplab.model.events import Event

SOME: Event = Event(0.0, "", "", "", "", {}, {}, "")
"""Stands for whatever event a witness is."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would be told where a launch breaks.

    candidates: by the hop at which it breaks, all at which it may have; of one whose break shows nowhere, all of those.
    silent: the hops whose break shows nowhere.
    """

    candidates: Mapping[str, tuple[str, ...]]
    silent: tuple[str, ...]

    @property
    def mean(self) -> float:
        """The mean number of candidates."""
        return sum(map(len, self.candidates.values())) / len(self.candidates)

    @property
    def exact(self) -> int:
        """How many hops would be named alone."""
        return sum(len(names) == 1 for names in self.candidates.values())


def foresee(catalogue: Catalogue, flow: Flow) -> Foresight:
    """Return what would be told where a launch breaks. catalogue: as the cloud can show it."""
    found: dict[str, tuple[str, ...]] = {}
    silent: list[str] = []
    counted = [name for name in catalogue.hops if flow.numbers(name) or name in flow.also]
    order = tuple(dict.fromkeys([*counted, *catalogue.hops]))
    for name in counted:
        standings = _standings(catalogue.hops, _from(catalogue.hops, name))
        missing = [other for other in order if standings[other].missing]
        if missing:
            found[name] = locate(catalogue.hops, order, standings, missing[0]).candidates
        else:
            silent.append(name)
    return Foresight({**found, **dict.fromkeys(silent, tuple(silent))}, tuple(silent))


def _from(hops: Mapping[str, Hop], first: str) -> set[str]:
    """Return a hop and all that must follow it."""
    found = {first}
    for name, hop in hops.items():
        if not found.isdisjoint(hop.after):
            found.add(name)
    return found


def _standings(hops: Mapping[str, Hop], gone: set[str]) -> dict[str, Standing]:
    """Return what would be known of each hop by itself, if these did not happen, and all others did."""
    speaks: dict[str, Found] = {
        name: tuple((witness, () if name in gone else (SOME,)) for witness in hop.evidence)
        for name, hop in hops.items()
    }
    overdue = overdue_hops(hops, speaks)
    found = {}
    for name, asked in hops.items():
        hop, _left = without_late(asked, speaks)
        if name in gone:
            found[name] = Standing(missing=name in overdue or bool(hop.evidence and not hop.unexcused))
        else:
            actors = {witness.who for witness in hop.evidence}
            proved = len(actors) >= NEEDED and hop.needs in {"", *actors}
            seen = [(witness.who, witness.event) for witness in hop.evidence]
            whole = proved or bool(actors and not hop.hidden) or is_last(seen, (*hop.evidence, *hop.hidden))
            found[name] = Standing(evident=bool(actors), whole=whole)
    return found
