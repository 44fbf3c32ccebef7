"""Joining events as they come: the same verdicts as from all at once, with memory for the launches under way alone."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from hoplab.flow.actors import BY_ACCOUNT
from hoplab.join.ids import teaches_ids
from hoplab.join.interest import Interests
from hoplab.join.pairing import CARRIED, pair_statements
from hoplab.judge.judging import judge
from hoplab.judge.verdicts import KnownLaunch, Result
from hoplab.model.events import Event
from hoplab.run.record import RunRecord, read_record
from samples.follow import HOLD, LATE, WAIT, Outcome, Stream
from samples.rate import Reading
from samples.runs import CATALOGUE, FLOW, read_run, recorded, relevant, unpacked, verdicts
from samples.stream import LEARNS, STARTS, Made

TAKES = 10.0
"""Seconds of events after which a client of these tests knows its instance."""
BUSY = 32
"""Launches of the longest stream: some twelve of them are under way at once."""


@cache
def events_of(run: str) -> tuple[list[Event], list[RunRecord]]:
    """Return all events of a recording in the order of their times, not yet paired, and its launches."""
    records = [read_record(directory) for directory in unpacked(run)]
    found = read_run(unpacked(run)[0], records[0])[0]
    for directory, record in list(zip(unpacked(run), records, strict=True))[1:]:
        found += [event for event in read_run(directory, record)[0] if event.who == "guest"]
    return sorted(found, key=lambda event: event.time), records


def named(record: RunRecord, names: tuple[str, ...]) -> dict[str, frozenset[str]]:
    return {name: record.ids[name] for name in names}


def stream(run: str) -> dict[str, Outcome]:
    """Return what comes of a recording's launches when its events are told one by one."""
    events, records = events_of(run)
    told: dict[str, Outcome] = {}
    some = Stream(CATALOGUE, FLOW, lambda outcome: told.update({outcome.name: outcome}))
    for record in records:
        some.begin(record.run, named(record, STARTS))
    known = False
    for event in events:
        if not known and event.time > events[0].time + TAKES:
            known = True
            for record in records:
                some.know(record.run, named(record, LEARNS))
        some.add(event)
    for record in records:
        some.end(record.run, KnownLaunch(record.ids, record.host, record.clocks))
    some.close()
    assert some.held <= len(events)
    return told


def teaches_nothing(event: Event) -> bool:
    """Tell whether an event would teach an id, had it one."""
    lessons = [lesson for lesson in CATALOGUE.lessons if teaches_ids(event, lesson)]
    return bool(lessons) and not any(
        {each_lesson.name} <= set(event.ids) and each_lesson.beside & set(event.ids) for each_lesson in lessons
    )


def made(launches: int) -> Made:
    (directory,), (other,) = unpacked("cold"), unpacked("warm")
    return Made(directory, other, launches)


class Watched(Stream):
    """Remembers how many events were kept, now and then."""

    def __init__(self) -> None:
        self.told: list[Outcome] = []
        self.most: list[int] = []
        self._count = 0
        super().__init__(CATALOGUE, FLOW, self.told.append)

    def add(self, event: Event) -> None:
        super().add(event)
        self._count += 1
        if self._count % 2000 == 0:
            self.most.append(self.held)


@cache
def busy() -> tuple[Made, Reading, Watched]:
    """Return what came of the longest stream of these tests."""
    source, some = made(BUSY), Watched()
    reading = Reading(source, some)
    reading.run()
    return source, reading, some


class TestVerdicts:
    @pytest.mark.parametrize("run", ["cold", "warm", "interleaved"])
    def test_one_by_one_they_are_the_same_as_all_at_once(self, run: str) -> None:
        told = stream(run)
        for number, directory in enumerate(unpacked(run)):
            whole, outcome = recorded(run, number).whole, told[directory.name]
            assert verdicts(outcome.judgement) == verdicts(whole)
            for one, other in zip(outcome.judgement.hops, whole.hops, strict=True):
                assert {repr(event) for event in one.witnesses} == {repr(event) for event in other.witnesses}

    def test_an_outcome_has_what_it_was_judged_by(self) -> None:
        (outcome,) = stream("cold").values()
        again = judge(CATALOGUE, FLOW, outcome.events, outcome.launch)
        assert verdicts(again) == verdicts(outcome.judgement)
        assert len(outcome.events) < len(events_of("cold")[0]) / 4

    def test_the_host_is_learnt_where_the_client_does_not_know_it(self) -> None:
        events, (record,) = events_of("cold")
        told: list[Outcome] = []
        some = Stream(CATALOGUE, FLOW, told.append)
        some.begin("x", record.ids)
        for event in events:
            some.add(event)
        some.end("x", KnownLaunch(record.ids, "", record.clocks))
        some.close()
        assert told[0].launch.host == record.host
        assert told[0].judgement.result is Result.PROVED

    def test_each_launch_of_a_made_stream_is_judged_as_the_recorded_one(self) -> None:
        source, reading, some = busy()
        wanted = verdicts(recorded("cold").whole)
        assert [outcome.name for outcome in some.told] == [str(number) for number in range(BUSY)]
        assert all(verdicts(outcome.judgement) == wanted for outcome in some.told)
        assert reading.events == pytest.approx(BUSY * len(events_of("cold")[0]), rel=0.01)
        assert source.count > 2 * reading.events

    def test_no_launch_has_what_is_another_ones(self) -> None:
        source, _reading, some = busy()
        own = [source.ids(number, source.record.ids) for number in range(BUSY)]
        for number, outcome in enumerate(some.told):
            others = own[number - 1]["instance"] | own[(number + 1) % BUSY]["instance"]
            seen = [event for event in outcome.events if not event.ids.get("instance", frozenset()).isdisjoint(others)]
            assert all(not event.ids["instance"].isdisjoint(own[number]["instance"]) for event in seen)


class TestMemory:
    def test_it_does_not_grow_with_the_length(self) -> None:
        _source, _reading, some = busy()
        third = len(some.most) // 3
        assert max(some.most[-2 * third : -third]) < 1.1 * max(some.most[third : 2 * third])

    def test_nothing_of_a_launch_is_left_when_it_is_over(self) -> None:
        _source, _reading, some = busy()
        assert not some._index
        assert len(some._pairing) == 0

    def test_what_no_launch_owns_is_kept_for_a_while_only(self) -> None:
        events, _records = events_of("cold")
        told: list[Outcome] = []
        some = Stream(CATALOGUE, FLOW, told.append)
        kept = []
        length = events[-1].time - events[0].time
        for number in range(6):
            for event in events:
                some.add(replace(event, time=event.time + number * length))
            kept.append(some.held)
        assert length > WAIT / 2
        # It is forgotten in steps, which fall differently each time.
        assert max(kept[3:]) < 1.15 * max(kept[:3])
        assert max(kept) < 2 * len(relevant(pair_statements(events)))

    def test_after_a_pause_nothing_is_left(self) -> None:
        events, _records = events_of("warm")
        some = Stream(CATALOGUE, FLOW, lambda _outcome: None)
        for event in events:
            some.add(event)
        later = replace(events[-1], time=events[-1].time + 3 * WAIT, kind="something.else")
        some.add(later)
        some.add(later)
        assert some.held == 0


class TestTimes:
    """When events come, when ids become known, and when a launch is judged."""

    @staticmethod
    def told(*, know: float, end: float, extra: float) -> Iterator[Outcome]:
        """Yield the outcome where the client knows its ids, is at its end, and events stop, so many seconds late."""
        events, (record,) = events_of("cold")
        found: list[Outcome] = []
        some = Stream(CATALOGUE, FLOW, found.append)
        some.begin("x", named(record, STARTS))
        known = over = False
        tick = [replace(events[-1], time=events[-1].time + step, kind="something.else") for step in range(60)]
        for event in [*events, *tick]:
            if not known and event.time > events[0].time + know:
                known = True
                some.know("x", named(record, LEARNS))
            if not over and event.time > events[-1].time + end:
                over = True
                some.end("x", KnownLaunch(record.ids, record.host, record.clocks))
            if event.time <= events[-1].time + extra:
                some.add(event)
        yield from found

    def test_it_is_judged_some_seconds_after_its_end(self) -> None:
        assert list(self.told(know=TAKES, end=0.5, extra=HOLD - 1)) == []
        (outcome,) = self.told(know=TAKES, end=0.5, extra=HOLD + 4)
        assert outcome.judgement.result is Result.PROVED

    def test_events_that_come_after_its_end_count(self) -> None:
        (outcome,) = self.told(know=TAKES, end=-(HOLD - LATE) / 2, extra=2 * HOLD)
        assert outcome.judgement.result is Result.PROVED

    def test_those_that_come_much_later_do_not(self) -> None:
        (outcome,) = self.told(know=2.0, end=-20.0, extra=0.0)
        assert outcome.judgement.result is not Result.PROVED

    def test_ids_may_become_known_late(self) -> None:
        (outcome,) = self.told(know=WAIT - 6, end=0.5, extra=2 * HOLD)
        assert outcome.judgement.result is Result.PROVED

    def test_a_time_that_is_wrong_ends_nothing(self) -> None:
        events, (record,) = events_of("cold")
        found: list[Outcome] = []
        some = Stream(CATALOGUE, FLOW, found.append)
        some.begin("x", record.ids)
        for number, event in enumerate(events):
            if number % 100 == 0:
                some.add(replace(event, time=event.time + 1e6, kind="something.else"))
            some.add(event)
        some.end("x", KnownLaunch(record.ids, record.host, record.clocks))
        assert found == []
        some.close()
        assert found[0].judgement.result is Result.PROVED


class TestMisuse:
    def test_two_launches_of_one_name(self) -> None:
        some = Stream(CATALOGUE, FLOW, lambda _outcome: None)
        some.begin("x", {})
        with pytest.raises(ValueError, match="x is under way already"):
            some.begin("x", {})

    def test_a_launch_that_was_never_begun(self) -> None:
        some = Stream(CATALOGUE, FLOW, lambda _outcome: None)
        with pytest.raises(KeyError):
            some.know("x", {})
        with pytest.raises(KeyError):
            some.end("x", KnownLaunch({}, ""))

    def test_a_launch_without_events_is_judged(self) -> None:
        told: list[Outcome] = []
        some = Stream(CATALOGUE, FLOW, told.append)
        some.begin("x", {})
        some.end("x", KnownLaunch({}, ""))
        some.close()
        assert [outcome.judgement.result for outcome in told] == [Result.FAILED]


class TestInterests:
    """They are made from the flow files: each event that some launch's verdict rests on is of interest."""

    @pytest.mark.parametrize("run", ["cold", "warm", "interleaved"])
    def test_what_may_mean_something_to_the_judge_is_of_interest(self, run: str) -> None:
        interests = Interests(CATALOGUE)
        events = pair_statements(events_of(run)[0])
        wanted = {id(event) for event in relevant(events) if not teaches_nothing(event)}
        found = {id(event) for event in events if interests.match(event).interests}
        assert wanted - found == set()
        assert len(found) < len(events) / 2

    def test_statements_are_paired_where_a_witness_asks_for_what_only_the_note_has(self) -> None:
        interests = Interests(CATALOGUE)
        rows = [each_witness for each_witness in CATALOGUE.witnesses if each_witness.event == "db.statement"]
        asked = [each_row for each_row in rows if not set(CARRIED).isdisjoint(each_row.by)]
        assert asked
        for witness in asked:
            fields = {name: values[0] for name, values in witness.where.items()}
            row = Event(1.0, "n", "s", "database", "db.statement", fields, {}, "")
            sender = BY_ACCOUNT.get(fields.get("account", ""), fields.get("account", ""))
            assert interests.paired(row)
            assert interests.paired(replace(row, kind="db.sent", who=sender))
            assert not interests.paired(replace(row, fields={**fields, "table": "no such table"}))
