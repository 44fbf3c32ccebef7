"""Reports of recorded runs as `hoplab verify` writes them, for tests and pictures of the page."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import TemporaryDirectory
from typing import Any, Final

from hoplab.flow.loader import load_journey
from hoplab.run.record import RAW, REPORT, RunRecord, read_record
from hoplab.session.judge_run import judge_record, report_on
from samples.runs import unpack, unpacked

Document = dict[str, Any]

RUNS: Final = {
    "cold": ("cold", 0, ""),
    "warm": ("warm", 0, ""),
    "failed": ("failed", 0, ""),
    "rescheduled": ("rescheduled", 0, ""),
    "two-at-once": ("interleaved", 1, ""),
    "unknown": ("cold", 0, "ceph1"),
    "volume-attach": ("volume-attach/proved", 0, ""),
    "volume-attach-failed": ("volume-attach/failed", 0, ""),
}
"""By name: the recording, the run's number there, and a node of which nothing could be read, empty for none."""


def run_report(name: str) -> Document:
    """Return the report of a run of RUNS; whoever asks may change it."""
    recording, number, lost = RUNS[name]
    return copy.deepcopy(recorded_report(recording, number, lost=lost))


@cache
def recorded_report(recording: str, number: int = 0, flow: str = "", lost: str = "") -> Document:
    """Return the report of a recording's run, as `hoplab replay` gives it. It is shared: change a copy of it.

    flow: the documented list by which it is judged, empty for the journey's own; lost: a node of which nothing could be
    read, empty for none.
    """
    with _without(unpacked(recording)[number], lost) as (directory, record):
        catalogue = load_journey(record.journey)
        judged_by = catalogue.flows[flow or catalogue.main]
        return report_on(judge_record(directory, record, catalogue, judged_by), directory, judged_by)


def sent_run(directory: Path) -> Path:
    """Unpack a recorded run there, with the report on it, as if someone had sent it; return where it is."""
    (run,) = unpack("cold", directory)
    (run / REPORT).write_text(json.dumps(recorded_report("cold")))
    return run


@contextmanager
def _without(directory: Path, lost: str) -> Iterator[tuple[Path, RunRecord]]:
    """Give a run as it would have been recorded if SSH to a node had failed."""
    record = read_record(directory)
    if not lost:
        yield directory, record
        return
    problem = f"ssh: connect to host {lost}: No route to host"
    sources = (replace(one, problem=problem, size=0) if one.node == lost else one for one in record.sources)
    with TemporaryDirectory(prefix="hoplab-runs-") as place:
        copied = copytree(directory, Path(place) / directory.name)
        rmtree(copied / RAW / lost)
        yield copied, replace(record, sources=tuple(sources))
