"""Recorded runs as a cloud that shows less would have them: without the events, fields and ids that it can't give."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from hoplab.flow.model import Catalogue, Hop
from hoplab.flow.sources import HIGHEST, Given, SourceKind, source_kinds
from hoplab.flow.visibility import HOST
from hoplab.flow.vocabulary import SHOWN
from hoplab.judge.judging import judge
from hoplab.judge.order import is_last
from hoplab.judge.told import foretell
from hoplab.lab.profile import load_profile, profile_path
from hoplab.model.events import Event
from hoplab.parse.raw_files import RawFiles
from hoplab.run.record import RunRecord
from hoplab.session.judge_run import RunAnalysis, judge_reading
from samples.runs import Recorded

PLAIN: Final = load_profile(profile_path("plain"))
INFO: Final = PLAIN.sources(0)
TRACE: Final = PLAIN.sources(2)
UNASKED: Final = frozenset({"noted", "precision", "reason"})
"""Fields that say how exact an event is, not what it is."""
GOOD_IDS: Final = SHOWN | {HOST}
"""Ids that the client of a launch knows in the end, if all goes well."""
LEVELS: Final = {
    "level 0, no database": tuple(name for name in INFO if name != "binlog"),
    "level 0": INFO,
    "level 2": TRACE,
    "level 2 and Ceph's debug": (*TRACE, "ceph-debug"),
    "level 3": PLAIN.sources(3),
    "level 4": PLAIN.sources(4),
}
"""By what a class of clouds is called: the kinds of sources that it has."""


def shown(events: Iterable[Event], sources: Iterable[str]) -> Iterator[Event]:
    """Yield the events that these kinds of sources give, each with the fields and ids that it has there."""
    kinds = {name: source_kinds()[name] for name in sources}
    for event in events:
        given = [(kind, one) for kind in kinds.values() for one in kind.gives if _gives(one, event)]
        if given:
            fields = frozenset().union(*(_with_added(kind, one.fields, "fields", kinds) for kind, one in given))
            ids = frozenset().union(*(_with_added(kind, one.ids, "ids", kinds) for kind, one in given))
            yield replace(
                event,
                fields={name: value for name, value in event.fields.items() if name in fields or name in UNASKED},
                ids={name: values for name, values in event.ids.items() if name in ids},
            )


def _gives(given: Given, event: Event) -> bool:
    return (
        event.kind in given.events
        and (not given.of or event.who in given.of)
        and event.who not in given.but
        and all(event.fields.get(key) in wanted for key, wanted in given.where.items())
    )


def _with_added(kind: SourceKind, names: frozenset[str], what: str, kinds: dict[str, SourceKind]) -> frozenset[str]:
    added = [addition for other in kinds.values() for addition in other.adds if kind.name in addition.to]
    return names.union(*(getattr(addition, what) for addition in added))


class LessFiles(RawFiles):
    """A run's raw files as a cloud that has these kinds of sources would have recorded them."""

    def __init__(self, directory: Path, record: RunRecord, kinds: Iterable[str]) -> None:
        super().__init__(directory, record)
        self._kinds = tuple(kinds)

    def events(self) -> Iterator[Event]:
        """Yield what is left of the run's events."""
        return shown(super().events(), self._kinds)


def judged_with_less(run: Recorded, kinds: Iterable[str]) -> RunAnalysis:
    """Judge a recorded run as a cloud with these kinds of sources would have it, all that being told before."""
    kinds = tuple(kinds)
    told = foretell(run.catalogue, "made", HIGHEST, kinds, GOOD_IDS)
    flow = run.catalogue.flows[run.catalogue.main]
    return judge_reading(LessFiles(run.directory, run.record, kinds), run.record, run.catalogue, flow, told)


def broken_at(run: Recorded, hop: str, views: Iterable[tuple[Catalogue, Iterable[str]]], *, half: bool) -> list[Event]:
    """Return the events of a good run that are left if a hop, and so all that must follow it, did not happen.

    views: the journey as some clouds show it, with their kinds of sources: what speaks for these hops there is gone;
    half: of the hop itself that is left which comes before its other witnesses, as when a request came nowhere.
    """
    views = [(catalogue, tuple(kinds)) for catalogue, kinds in views]
    flow = run.catalogue.flows[run.catalogue.main]
    lost = {name for name in run.catalogue.hops if _follows(run.catalogue, name, hop)}
    own = {_key(event) for one in run.judgement.hops if one.hop.name == hop for event in one.witnesses}
    # What speaks for a hop that need not follow it stays, too, where it does not speak for the hop itself.
    others = [one for one in run.judgement.hops if one.hop.name not in lost]
    kept = {_key(event) for one in others for event in one.firsts if not _is_late(event, one.hop, lost)} - own
    kept |= {_key(event) for event in _first_side(run, hop)} if half else set()
    events = list(run.events)
    while True:
        judged = [run.judge(events), *(judge(one, flow, tuple(shown(events, some)), run.launch) for one, some in views)]
        gone = {
            _key(event)
            for judgement in judged
            for judged_hop in judgement.hops
            if judged_hop.hop.name in lost
            for event in judged_hop.witnesses
        } - kept
        if not gone:
            return events
        events = [event for event in events if _key(event) not in gone]


def _is_late(event: Event, hop: Hop, lost: set[str]) -> bool:
    """Tell whether an event that speaks for a hop comes after one of those that did not happen."""
    same = [witness for witness in hop.evidence if (witness.who, witness.event) == (event.who, event.kind)]
    return any(not lost.isdisjoint(witness.late) for witness in same)


def _first_side(run: Recorded, hop: str) -> Iterator[Event]:
    """Yield the events that speak for a hop, without the last one of those that come one after the other."""
    asked = run.catalogue.hops[hop].evidence
    for event in next(one for one in run.judgement.hops if one.hop.name == hop).witnesses:
        own = [witness for witness in asked if (witness.who, witness.event) == (event.who, event.kind)]
        others = [witness for witness in asked if witness not in own]
        if any(is_last([(other.who, other.event)], [*own, other]) for other in others):
            yield event


def _follows(catalogue: Catalogue, name: str, hop: str) -> bool:
    return name == hop or any(_follows(catalogue, earlier, hop) for earlier in catalogue.hops[name].after)


def _key(event: Event) -> tuple[str, str, float, str, str]:
    """Return what tells an event from all others, also when fields and ids of it are left out."""
    return event.who, event.kind, event.time, event.source, event.line
