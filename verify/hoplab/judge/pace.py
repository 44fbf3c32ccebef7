"""How long each hop was waited for, and which one made a launch slow: against the lab's own earlier good runs.

A hop's lag is the time from the end of the last hop that it must follow to its own end. So what comes after a slow hop
is not slow itself.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from hoplab.flow.model import LAUNCH
from hoplab.judge.verdicts import JudgedHop, Result, Verdicts
from hoplab.model.errors import ConfigurationError
from hoplab.model.schemas import COUNT, TEXT, SchemaReader, list_schema, map_schema, nullable, object_schema
from hoplab.run.record import REPORT, write_json

USUAL: Final = "usual.json"
SCHEMA: Final = 1
RUNS: Final = 20
"""As many of the latest good runs are compared with."""
FEWEST: Final = 3
"""Fewer good runs than these say nothing of what is usual."""
SECONDS: Final = 2.0
TIMES: Final = 1.5
"""A hop is slow if its lag is longer than in the slowest good run by so many seconds, and by this factor."""

ADVICE: Final = "remove it, and no hop of this run is called slow"
_PAIR: Final = list_schema({"type": "number", "minimum": 0}, minItems=2, maxItems=2)
READER: Final = SchemaReader(object_schema({"schema": {"const": SCHEMA}, "runs": COUNT, "hops": map_schema(_PAIR)}))
COMPARED: Final = SchemaReader(
    object_schema(
        {"result": {}, "hops": list_schema(object_schema({"name": TEXT}, {"lag_s": nullable({"type": "number"})}))}
    )
)
"""What is read of other runs' reports."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class UsualLag:
    """How long a hop was waited for in good runs. middle: the median; longest; both in seconds."""

    middle: float
    longest: float

    def is_slow(self, lag: float) -> bool:
        """Tell whether a lag, in seconds, is longer than ever, and by more than chance."""
        return lag - self.longest > SECONDS and lag > TIMES * self.longest


@dataclass(frozen=True, slots=True)
class Pace:
    """What is usual in a lab. runs: how many good runs say so; hops: by name."""

    runs: int
    hops: Mapping[str, UsualLag]


def lags(judgement: Verdicts) -> dict[str, float]:
    """Return the lag of each hop, in seconds, of which it can be told."""
    judged = {judged_hop.hop.name: judged_hop for judged_hop in judgement.hops}
    found = {name: _lag(each_judged_hop, judged) for name, each_judged_hop in judged.items()}
    return {name: lag for name, lag in found.items() if lag is not None}


def _lag(judged_hop: JudgedHop, judged: Mapping[str, JudgedHop]) -> float | None:
    if judged_hop.end is None or judged_hop.begin is None:
        return None
    before = [judged[name].end for name in judged_hop.hop.after if name in judged]
    ends = [end for end in before if end is not None]
    # Without one that it must follow nothing was waited for but itself.
    return max(0.0, judged_hop.end - (max(ends) if ends else judged_hop.begin))


def slow_hop(judgement: Verdicts, pace: Pace) -> str | None:
    """Return the name of the hop that made a launch slow; None if none did.

    Of several slow ones it is the first one by time that was at least half as late as the latest: what the documented
    order does not tie to it may have waited for it all the same.
    """
    late = {
        name: lag - pace.hops[name].longest
        for name, lag in lags(judgement).items()
        if name in pace.hops and pace.hops[name].is_slow(lag)
    }
    most = max(late.values(), default=0.0)
    ends = {judged_hop.hop.name: judged_hop.end or 0.0 for judged_hop in judgement.hops}
    return min((name for name, excess in late.items() if 2 * excess >= most), key=ends.__getitem__, default=None)


def write_usual(directory: Path, journey: str = LAUNCH) -> None:
    """Write into a run's directory what was usual in the runs beside it, so that judging it again says the same.

    journey: the run's.
    """
    made = usual_pace(proved_runs(directory.parent, journey, but=directory))
    write_json(
        directory / USUAL,
        {
            "schema": SCHEMA,
            "runs": made.runs,
            "hops": {name: [round(usual.middle, 6), round(usual.longest, 6)] for name, usual in made.hops.items()},
        },
    )


def read_usual(directory: Path) -> Pace | None:
    """Return what was usual when a run was made; None if that is not known, or of too few runs.

    Raises ConfigurationError for a file that is damaged.
    """
    path = directory / USUAL
    if not os.path.lexists(path):
        return None
    found = READER.read(path, advice=ADVICE)
    pace = Pace(found["runs"], {name: UsualLag(*map(float, some)) for name, some in found["hops"].items()})
    return pace if pace.runs >= FEWEST else None


def usual_pace(reports: Iterable[Document]) -> Pace:
    """Return what is usual in reports of good runs."""
    seen: dict[str, list[float]] = {}
    runs = 0
    for report in reports:
        runs += 1
        for name, lag in {hop["name"]: hop.get("lag_s") for hop in report["hops"]}.items():
            if isinstance(lag, int | float):
                seen.setdefault(name, []).append(float(lag))
    return Pace(runs, {name: UsualLag(median(some), max(some)) for name, some in seen.items() if len(some) >= FEWEST})


def proved_runs(runs: Path, journey: str = LAUNCH, *, but: Path | None = None) -> Iterator[Document]:
    """Yield the latest reports of a journey's proved runs that were alone; several at once wait for each other.

    runs: where runs are kept; but: the one that is to be compared with them.
    """
    beside = [path for path in runs.iterdir() if path.is_dir() and not path.is_symlink()] if runs.is_dir() else []
    stamps = Counter(path.name.partition("-")[0] for path in beside)
    found = 0
    for path in sorted(beside, reverse=True):
        if path == but or stamps[path.name.partition("-")[0]] > 1 or found == RUNS:
            continue
        try:
            report = COMPARED.read(path / REPORT, advice=ADVICE)
        except ConfigurationError:
            continue  # Of another version, or damaged: it is no run to be compared with.
        if report.get("journey", LAUNCH) == journey and report["result"] == Result.PROVED and not report.get("slow"):
            found += 1
            yield report
