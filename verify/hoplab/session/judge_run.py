"""From a run's directory to its verdicts, and the two files that say them: events.jsonl and report.json."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hoplab.flow.actors import SERVICES
from hoplab.flow.model import LAUNCH, Catalogue, Flow
from hoplab.flow.visibility import HOST, narrowed
from hoplab.join.ids import learn, learn_host
from hoplab.join.sieve import Sieve
from hoplab.judge.judging import judge
from hoplab.judge.pace import read_usual
from hoplab.judge.retry import find_rescheduling
from hoplab.judge.told import Told, read_told
from hoplab.judge.verdicts import JudgedHop, KnownLaunch, Result, Verdict, Verdicts
from hoplab.judge.waits import Wait, find_waits, within
from hoplab.model.errors import EXIT_FAILS, EXIT_HOLDS, EXIT_UNREADABLE
from hoplab.model.events import Event, Ids, write_events
from hoplab.parse.raw_files import RawFiles, unread
from hoplab.parse.trouble import find_troubles
from hoplab.report.document import Document, document
from hoplab.report.failure import LogReaders, failure
from hoplab.run.record import EVENTS, REPORT, RunRecord, read_record, write_json

BROKER: Final = "rabbitmq"
"""Who tells when an answer was delivered."""
STATUS: Mapping[str, int] = {
    Result.PROVED: EXIT_HOLDS,
    Result.FAILED: EXIT_FAILS,
    Result.INCONCLUSIVE: EXIT_UNREADABLE,
}


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """What came of judging a run.

    events: the launch's own, and no others'; launch: as it was judged; ids: all that are known of the launch, with
    those that were learnt; reading: of its raw files, with what all actors said; told: what was told beforehand of how
    much can be seen.
    """

    record: RunRecord
    events: tuple[Event, ...]
    reading: RawFiles
    launch: KnownLaunch
    ids: Ids
    judgement: Verdicts
    told: Told | None = None


def exit_status(result: str) -> int:
    """Return the exit status for a run's result."""
    return STATUS[Result(result)]


def judge_record(directory: Path, record: RunRecord, catalogue: Catalogue, flow: Flow) -> RunAnalysis:
    """Judge what was captured in a directory, with what is known of the launch."""
    return judge_reading(RawFiles(directory, record), record, catalogue, flow, read_told(directory))


def judge_reading(
    reading: RawFiles, record: RunRecord, catalogue: Catalogue, flow: Flow, told: Told | None = None
) -> RunAnalysis:
    """Judge what is read of a launch, with what is known of it.

    told: what was told beforehand of how much can be seen there, None where all can.
    """
    if record.unprepared is not None:
        did = "launched" if record.journey == LAUNCH else "done"
        why = f"nothing was {did}: {record.unprepared.service} did not give the {record.unprepared.step}"
        launch = KnownLaunch(record.ids, record.host, failed=True)
        return RunAnalysis(record, (), reading, launch, record.ids, unlaunched(catalogue, flow, why))
    failed = not catalogue.succeeded(record.status)
    known = record.ids
    whole, catalogue = catalogue, as_told(catalogue, told, record)
    events = _own(reading, catalogue, known)
    ids = learn(events, known, catalogue.lessons)
    if any(lesson.instead and not ids.get(lesson.name) for lesson in catalogue.lessons):
        # What would have taught this id may come after what it is needed for.
        catalogue = as_told(replace(whole, instead=()), told, record)
    retry = find_rescheduling(events, ids, record.clocks, catalogue.tries)
    if failed and retry is not None:
        # Where the launch broke is told by its first try, whose events a port of the last one would leave out.
        known = retry.any_try_ids(known)
        events = _own(reading, catalogue, known)
        ids = learn(events, known, catalogue.lessons)
    # The host that the client sees last is another than the first one if Nova tried again.
    first = learn_host(events, ids, catalogue.tries)
    host = (failed and first) or record.host or first
    launch = KnownLaunch(
        known,
        host,
        record.clocks,
        unread(reading.sources, catalogue.asked),
        failed=failed,
        down=frozenset(actor for unit in record.down for actor, service in SERVICES.items() if service == unit.service),
        told=told.hops if told else None,
    )
    judgement = judge(catalogue, flow, events, launch)
    if retry is not None and len(retry.hosts) > 1:
        record = replace(record, notes=(*record.notes, retry.explanation(find_troubles(reading.logs(), ids))))
    return RunAnalysis(replace(record, host=host), events, reading, launch, ids, judgement, told)


def as_told(catalogue: Catalogue, told: Told | None, record: RunRecord) -> Catalogue:
    """Return a journey as the cloud of a run can show it by what was told beforehand; as it is where nothing was."""
    if told is None:
        return catalogue
    known = {name for name, values in record.ids.items() if values}
    return narrowed(catalogue, told.sources, known | {HOST} if record.host else known)


def _own(reading: RawFiles, catalogue: Catalogue, known: Ids) -> tuple[Event, ...]:
    """Return the events of the launch with these ids."""
    with Sieve(catalogue, known) as sieve:
        for event in reading.events():
            sieve.add(event)
        return sieve.own()


def unlaunched(catalogue: Catalogue, flow: Flow, why: str) -> Verdicts:
    """Return the judgement of a launch that was never asked for: all hops are blocked. why: the reason, in words."""
    counted = [hop for name, hop in catalogue.hops.items() if flow.numbers(name) or name in flow.also]
    hops = tuple(
        JudgedHop(hop, Verdict.BLOCKED, (), (), (), None, None, whole=False, unread=False, why=why) for hop in counted
    )
    return Verdicts(hops, Result.FAILED, None)


def judge_run(directory: Path, catalogue: Catalogue, flow: Flow, *, write: bool = True) -> Document:
    """Judge a run by what is in its directory alone; return its report.

    write: also write events.jsonl and report.json there. Raises ConfigurationError for a directory that is no run.
    """
    judging = judge_record(directory, read_record(directory), catalogue, flow)
    made = report_on(judging, directory, flow)
    if write:
        write_events(judging.events, directory / EVENTS)
        write_json(directory / REPORT, made)
    return made


def report_on(judging: RunAnalysis, directory: Path, flow: Flow) -> Document:
    """Return the report on what came of judging the run in a directory."""
    reading = judging.reading
    said = LogReaders(reading.actor_events, reading.logs, reading.console())
    return document(
        judging.record,
        flow,
        judging.judgement,
        ids=judging.ids,
        sources=reading.sources,
        failure=failure(judging.record, flow, judging.judgement, judging.events, judging.ids, said=said),
        pace=read_usual(directory),
        waits=_waits(judging),
        told=judging.told,
    )


def _waits(judging: RunAnalysis) -> list[Wait] | None:
    """Return the calls of a launch whose answers were there before the caller went on; None where nothing tells."""
    reading, record = judging.reading, judging.record
    if record.unprepared is not None:
        return None
    offsets = {node: clock.offset for node, clock in record.clocks.items()}
    messages = (event for event in reading.actor_events(BROKER) if event.kind.startswith("rpc."))
    return within(find_waits(messages, reading.logs(), judging.ids, offsets), judging.judgement) or None
