"""Changed recordings, judged as `hoplab replay` judges, but that what was not changed is parsed only once."""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hoplab.join.interest import catalogue_interests
from hoplab.model.events import Event
from hoplab.model.sources import Source
from hoplab.parse.dnsmasq import HostWrite
from hoplab.parse.forms import Context
from hoplab.parse.raw_files import RawFiles
from hoplab.run.record import JOURNEY, RAW, RunRecord, read_record, write_record
from hoplab.session.judge_run import RunAnalysis, judge_reading
from samples.runs import CATALOGUE, FLOW, recorded

Run = tuple[str, int]
"""A launch: the recording's name, and its number there."""
Place = tuple[str, str]
"""A source: its node, and its name."""
Lines = list[str]

BOOTED: Final = "domain.changed"
"""What says when the guest began to run, for its console."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed run.

    what: in words; texts: the sources that are changed, whole; shifted: a node, and the seconds by which its times are
    later than they were.
    """

    run: Run
    what: str
    texts: Mapping[Place, Lines]
    shifted: tuple[str, float] = ("", 0.0)


@cache
def original(run: Run) -> dict[Place, Lines]:
    """Return the lines of all sources of a run."""
    one = recorded(*run)
    return {(source.node, source.name): _read(one.directory, source) for source in one.sources}


def _read(directory: Path, source: Source) -> Lines:
    path = directory / RAW / source.node / source.name
    if not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)


@contextmanager
def written(mutant: Mutant) -> Iterator[Path]:
    """Write a changed run to a directory of its own, which is gone afterwards; its unchanged files are the run's."""
    one = recorded(*mutant.run)
    with TemporaryDirectory(prefix="hoplab-mutant-") as place:
        directory = Path(place) / one.directory.name
        shutil.copytree(one.directory, directory, copy_function=os.link)
        sources = []
        for source in one.record.sources:
            lines = mutant.texts.get((source.node, source.name))
            if lines is None:
                sources.append(source)
                continue
            path = directory / RAW / source.node / source.name
            path.unlink(missing_ok=True)  # The others' name of it stays as it is.
            path.parent.mkdir(parents=True, exist_ok=True)
            data = "".join(lines).encode("utf-8", "surrogateescape")
            path.write_bytes(data)
            sources.append(replace(source, size=len(data)))
        (directory / JOURNEY).unlink()
        node, seconds = mutant.shifted
        clocks = dict(one.record.clocks)
        if node:
            # As if all times in its files were later: what is to be taken from them is not what was measured.
            clocks[node] = replace(clocks[node], offset=clocks[node].offset - seconds)
        write_record(replace(one.record, sources=tuple(sources), clocks=clocks), directory)
        yield directory


class Rereading(RawFiles):
    """The reading of a changed run. What the judge has no use for is left out: it would be at once."""

    def __init__(self, directory: Path, record: RunRecord, mutant: Mutant) -> None:
        self._mutant = mutant
        self.seen: list[Event] = []
        super().__init__(directory, record)

    def events(self) -> Iterator[Event]:
        """Yield the events, and note them as those that were seen."""
        self.seen = []
        for event in super().events():
            self.seen.append(event)
            yield event

    def _parsed(self, source: Source, context: Context) -> Iterable[Event]:
        if (source.node, source.name) in self._mutant.texts:
            return super()._parsed(source, context)
        key = (self._mutant.run, source.node, source.name, context.boot_time if source.form == "console" else 0.0)
        others = (context.images, context.writes)
        known = _known.get(key)
        if known is None or known[0] != others:
            found = tuple(event for event in super()._parsed(source, context) if _matters(event))
            if any(
                (each_source.node, each_source.name) == (source.node, source.name) and each_source.problem
                for each_source in self.sources
            ):
                return found  # What is wrong with it must be told each time.
            known = _known[key] = (others, found)
        return known[1]

    @property
    def context(self) -> Context:
        """What parsers must know of other sources than their own; that of the run itself where those are as they are.

        Only logs of Ceph's OSDs and of OpenStack's services teach it.
        """
        forms = {source.form for source in self.sources if (source.node, source.name) in self._mutant.texts}
        if self._context is None and forms.isdisjoint({"ceph-osd", "openstack"}):
            images, writes = _learnt(self._mutant.run)
            self._context = Context(self._record, images, writes, self._record.started)
        return super().context


@cache
def _learnt(run: Run) -> tuple[Mapping[str, str], Mapping[str, Collection[HostWrite]]]:
    one = recorded(*run)
    context = RawFiles(one.directory, one.record).context
    return context.images, context.writes


_known: dict[tuple[Run, str, str, float], tuple[object, tuple[Event, ...]]] = {}
"""Events of a run's sources as they are, with what they depend on beside their lines."""
_INTERESTS: Final = catalogue_interests(CATALOGUE)


def _matters(event: Event) -> bool:
    """Tell whether an event may be some launch's: what `hoplab.join.sieve` keeps, or what the reading itself needs."""
    if event.kind == BOOTED or _INTERESTS.match(event).interests:
        return True
    return event.kind in {"db.statement", "db.sent"} and _INTERESTS.paired(event)


def judged(mutant: Mutant) -> tuple[RunAnalysis, tuple[Event, ...]]:
    """Return what comes of judging a mutant, and all its events that may be some launch's."""
    with written(mutant) as directory:
        judging, seen = _reread(directory, mutant)
        return judging, tuple(seen)


def judged_copy(directory: Path, run: Run, changed: Collection[Place]) -> RunAnalysis:
    """Return what comes of judging a copy of a run in which these sources are not as they were."""
    return _reread(directory, Mutant(run, "", {place: [] for place in changed}))[0]


def _reread(directory: Path, mutant: Mutant) -> tuple[RunAnalysis, list[Event]]:
    record = read_record(directory)
    reading = Rereading(directory, record, mutant)
    return judge_reading(reading, record, CATALOGUE, FLOW), reading.seen
