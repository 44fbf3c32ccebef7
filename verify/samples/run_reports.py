"""Reports of recorded runs as `hoplab verify` writes them, for tests and pictures of the page."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final

from hoplab.flow.loader import load_journey
from hoplab.run.record import RunRecord, read_record
from hoplab.session.judge_run import judge_record, report_on
from samples.runs import unpacked

Document = dict[str, Any]


def run_report(name: str) -> Document:
    """Return the report of a run of RUNS; whoever asks may change it."""
    return copy.deepcopy(_reported(name))


@cache
def _reported(name: str) -> Document:
    recording, number, change = RUNS[name]
    directory = unpacked(recording)[number]
    record = change(read_record(directory))
    catalogue = load_journey(record.journey)
    flow = catalogue.flows[catalogue.main]
    return report_on(judge_record(directory, record, catalogue, flow), directory, flow)


def _as_it_is(record: RunRecord) -> RunRecord:
    return record


def _storage_unread(record: RunRecord) -> RunRecord:
    """Return a run as it is recorded where nothing of the node with the storage could be read."""
    sources = (
        replace(source, problem="ssh: connect to host ceph1: No route to host") if source.node == "ceph1" else source
        for source in record.sources
    )
    return replace(record, sources=tuple(sources))


RUNS: Final[dict[str, tuple[str, int, Callable[[RunRecord], RunRecord]]]] = {
    "cold": ("cold", 0, _as_it_is),
    "warm": ("warm", 0, _as_it_is),
    "failed": ("failed", 0, _as_it_is),
    "rescheduled": ("rescheduled", 0, _as_it_is),
    "two-at-once": ("interleaved", 1, _as_it_is),
    "unknown": ("cold", 0, _storage_unread),
    "volume-attach": ("volume-attach/proved", 0, _as_it_is),
    "volume-attach-failed": ("volume-attach/failed", 0, _as_it_is),
}
"""By name: the recording, the run's number there, and what is changed of it."""
