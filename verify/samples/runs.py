"""Recorded launches of a real lab, unpacked and read once, for tests that judge them again."""

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hoplab.flow.loader import load, load_journey
from hoplab.flow.model import PLACEHOLDER, Catalogue, Witness
from hoplab.flow.vocabulary import EXCHANGE
from hoplab.join.ids import teaches_ids
from hoplab.join.pairing import pair_statements
from hoplab.judge.judging import judge
from hoplab.judge.verdicts import KnownLaunch, Verdict, Verdicts
from hoplab.model.events import Event, Ids
from hoplab.model.sources import Source
from hoplab.parse.raw_files import RawFiles
from hoplab.run.record import RunRecord, read_record
from hoplab.session.judge_run import judge_record

ARCHIVES: Final = Path(__file__).parent.parent / "tests" / "runs"
CATALOGUE: Final = load()
FLOW: Final = CATALOGUE.flows["launch-58"]
OTHERS: Final = {"cold": ("warm", 0), "warm": ("cold", 0), "interleaved": ("interleaved", 1)}
"""By recording: a launch whose ids are put in the place of its own."""
_place = TemporaryDirectory(prefix="hoplab-runs-")


@dataclass(frozen=True)
class Recorded:
    """A launch of a recording.

    events: those that a witness might be or that teach an id, of all launches, and judgement: by these; whole: as
    `hoplab replay` judges; ids: all that are known of the launch, with those that were learnt.
    """

    directory: Path
    record: RunRecord
    sources: tuple[Source, ...]
    events: tuple[Event, ...]
    launch: KnownLaunch
    ids: Ids
    whole: Verdicts
    judgement: Verdicts
    catalogue: Catalogue = CATALOGUE

    def judge(self, events: Iterable[Event] | None = None, launch: KnownLaunch | None = None) -> Verdicts:
        """Judge this launch by other events, or another launch by these."""
        flow = self.catalogue.flows[self.catalogue.main]
        return judge(self.catalogue, flow, self.events if events is None else events, launch or self.launch)


def unpack(name: str, place: Path) -> tuple[Path, ...]:
    """Unpack a recording into a directory; return the directories of its launches, by name."""
    with tarfile.open(ARCHIVES / f"{name}.tar.xz") as archive:
        # Debian 12's Python has no such filter, and its tarfile ignores the attribute; later ones warn without it.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(place)
    return tuple(sorted(path for path in place.iterdir() if path.is_dir()))


@cache
def unpacked(name: str) -> tuple[Path, ...]:
    """Return the directories of a recording's launches. They are shared: who changes one copies it first."""
    return unpack(name, Path(_place.name) / name)


@cache
def launches() -> tuple[tuple[str, int], ...]:
    """Return all recorded launches: the recording's name, and the launch's number there."""
    return tuple((name, number) for name in recordings() for number in range(len(unpacked(name))))


def recordings(journey: str = "") -> tuple[str, ...]:
    """Return the names of all recordings of a journey, each in a directory of its own; empty for launches."""
    names = sorted(path.name.removesuffix(".tar.xz") for path in (ARCHIVES / journey).glob("*.tar.xz"))
    return tuple(f"{journey}/{name}" if journey else name for name in names)


@cache
def recorded(name: str, number: int = 0) -> Recorded:
    """Return a launch of a recording, read and judged as `hoplab replay` does."""
    directory = unpacked(name)[number]
    record = read_record(directory)
    catalogue = CATALOGUE if record.journey == CATALOGUE.name else load_journey(record.journey)
    flow = catalogue.flows[catalogue.main]
    judging = judge_record(directory, record, catalogue, flow)
    found, sources = read_run(directory, record)
    kept = relevant(pair_statements(found), catalogue)
    judgement = judge(catalogue, flow, kept, judging.launch)
    whole, launch = judging.judgement, judging.launch
    return Recorded(directory, record, sources, kept, launch, judging.ids, whole, judgement, catalogue)


def read_run(directory: Path, record: RunRecord) -> tuple[list[Event], tuple[Source, ...]]:
    """Return all events of a run, whosever they are, and its sources with what is wrong with them."""
    reading = RawFiles(directory, record)
    return list(reading.events()), reading.sources


def relevant(events: Iterable[Event], catalogue: Catalogue = CATALOGUE) -> tuple[Event, ...]:
    """Return the events that may mean something to the judge, whosever they are."""
    wanted: dict[tuple[str, str], list[Witness]] = {}
    for witness in catalogue.witnesses:
        wanted.setdefault((witness.who, witness.event), []).append(witness)
    return tuple(
        event
        for event in events
        if any(_may_be(event, witness) for witness in wanted.get((event.who, event.kind), ()))
        or any(teaches_ids(event, lesson) for lesson in catalogue.lessons)
    )


def _may_be(event: Event, witness: Witness) -> bool:
    """Tell whether an event is what a witness asks for, but for the launch that it belongs to."""
    return all(event.ids.get(name) for name in witness.by) and all(
        event.fields.get(key) in values or any(PLACEHOLDER.search(value) for value in values)
        for key, values in witness.where.items()
    )


def verdicts(judgement: Verdicts) -> dict[str, Verdict]:
    """Return the verdicts by the hops' names."""
    return {judged_hop.hop.name: judged_hop.verdict for judged_hop in judgement.hops}


def exchanged(event: Event, own: Ids, other: Ids, only: str = "") -> Event:
    """Return an event with the ids of another launch where it has those of its own. only: of this kind."""
    ids = dict(event.ids)
    for name, values in event.ids.items():
        mine = own.get(name, values if name in EXCHANGE else frozenset())
        if (not only or name == only) and not values.isdisjoint(mine):
            theirs = other.get(name, frozenset()) - mine
            ids[name] = theirs or frozenset(f"other-{value}" for value in values)
    return replace(event, ids=ids)
