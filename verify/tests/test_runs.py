"""Recorded launches of a real lab judged again. What is asked of each hop comes from the flow files."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from hoplab.capture.redact import redact
from hoplab.flow.vocabulary import ASKED, EXCHANGE
from hoplab.join.ids import gather, speaking, teaches_ids, voices
from hoplab.judge.verdicts import JudgedHop, Result, Verdict
from hoplab.model.events import Event, Ids
from samples.pack import SUSPECTS, pack
from samples.runs import ARCHIVES, CATALOGUE, OTHERS, exchanged, recorded, unpacked, verdicts

HOPS = list(CATALOGUE.hops)
LEARNT = {lesson.name for lesson in CATALOGUE.lessons}
KNOWN = ("global-request", "image", "instance", "request", "volume")
"""What only the client can know of its launch."""
BESIDE = {
    name: hops
    for name in KNOWN
    if (
        hops := [
            hop
            for hop, asked in CATALOGUE.hops.items()
            if all(name in one.by and {*one.by} & {*KNOWN} - {name} for one in asked.evidence)
        ]
    )
}
"""Hops all of whose evidence must carry an id beside another one of those."""
MISSING = {Verdict.ABSENT, Verdict.BLOCKED}
EARLIER = 60.0


@cache
def by_name(run: str) -> dict[str, JudgedHop]:
    return {hop.hop.name: hop for hop in recorded(run).judgement.hops}


@cache
def exchanges(run: str) -> Mapping[str, Ids]:
    one, spoken = recorded(run), voices(recorded(run).events)
    found: dict[str, Ids] = {}
    for name, hop in CATALOGUE.hops.items():
        found[name] = gather(hop, spoken, one.ids, one.launch.host, found)[1]
    return found


def heard(run: str, hop: str, events: Iterable[Event]) -> dict[int, tuple[Event, ...]]:
    """Return the events that speak for a hop, by the number of the part of its evidence, where there are any."""
    one = recorded(run)
    found, _said = gather(CATALOGUE.hops[hop], voices(events), one.ids, one.launch.host, exchanges(run))
    return {number: some for number, (_witness, some) in enumerate(found) if some}


@cache
def excuses(run: str, hop: str) -> tuple[Event, ...]:
    """Return the events by which a hop may be missing."""
    one, asked, spoken = recorded(run), CATALOGUE.hops[hop], voices(recorded(run).events)
    exemptions = [exemption for exemption in (asked.cached, asked.not_applicable) if exemption is not None]
    return tuple(event for one_of in exemptions for event in speaking(spoken, one_of.when, one.ids, one.launch.host))


@cache
def teachers(run: str, hop: str) -> tuple[Event, ...]:
    """Return the events by which the ids are known that a hop's evidence is joined by."""
    one, asked = recorded(run), CATALOGUE.hops[hop]
    names = {name for witness in asked.evidence for name in witness.by}
    taught = [lesson for lesson in CATALOGUE.lessons if lesson.name in names and lesson.name not in one.launch.ids]
    found = [
        event
        for event in one.events
        for lesson in taught
        if teaches_ids(event, lesson) and not event.ids.get(lesson.name, frozenset()).isdisjoint(one.ids[lesson.name])
    ]
    return (*found, *(began(run, asked.exchange) if asked.exchange and not names.isdisjoint(EXCHANGE) else ()))


def began(run: str, hop: str) -> tuple[Event, ...]:
    """Return the events by which it is known which message an exchange is about, back to the hop that began it."""
    earlier = CATALOGUE.hops[hop].exchange
    return (*by_name(run)[hop].witnesses, *(began(run, earlier) if earlier else ()))


@cache
def speakers(run: str, hop: str) -> tuple[Event, ...]:
    """Return all events that may speak for a hop: of several clients of Ceph the witnesses are of one alone."""
    found: list[Event] = []
    while more := _witnesses(run, hop, keys(found)):
        found += more
    return tuple(found)


def _witnesses(run: str, hop: str, gone: Collection[int]) -> tuple[Event, ...]:
    judgement = recorded(run).judge(without(run, gone)) if gone else recorded(run).judgement
    return next(judged_hop.witnesses for judged_hop in judgement.hops if judged_hop.hop.name == hop)


def keys(events: Iterable[Event]) -> set[int]:
    return {id(event) for event in events}


@cache
def rests_on(run: str, hop: str) -> frozenset[int]:
    return frozenset(keys([*speakers(run, hop), *excuses(run, hop), *teachers(run, hop)]))


def without(run: str, gone: Collection[int]) -> list[Event]:
    return [event for event in recorded(run).events if id(event) not in gone]


def expected(run: str, hop: str) -> set[Verdict]:
    asked = CATALOGUE.hops[hop]
    good = {Verdict.WEAK if asked.one_witness else Verdict.PROVED}
    return good | {Verdict.CACHED} if recorded(run).record.warm and asked.cached else good


class TestRecordings:
    def test_nothing_secret_is_in_them_and_they_are_small(self) -> None:
        archives = list(ARCHIVES.rglob("*.tar.xz"))
        assert {archive.name.removesuffix(".tar.xz") for archive in archives} >= set(OTHERS)
        assert sum(archive.stat().st_size for archive in archives) < 4_000_000
        for archive in archives:
            name = str(archive.relative_to(ARCHIVES)).removesuffix(".tar.xz")
            for directory in unpacked(name):
                for path in (path for path in directory.rglob("*") if path.is_file()):
                    text = path.read_text(encoding="utf-8", errors="replace")
                    assert redact(text) == text, path
                    assert not any(pattern.search(text) for pattern in SUSPECTS), path

    def test_packed_again_they_are_the_same_bytes(self, tmp_path: Path) -> None:
        pack(tmp_path / "again.tar.xz", unpacked("warm"))
        assert (tmp_path / "again.tar.xz").read_bytes() == (ARCHIVES / "warm.tar.xz").read_bytes()

    @pytest.mark.parametrize("run", OTHERS)
    def test_all_hops_are_as_expected(self, run: str) -> None:
        one = recorded(run)
        assert {hop: verdict for hop, verdict in verdicts(one.whole).items() if verdict not in expected(run, hop)} == {}
        assert one.whole.result is Result.PROVED
        assert not one.launch.unread
        assert (Verdict.CACHED in verdicts(one.whole).values()) is one.record.warm

    @pytest.mark.parametrize("run", OTHERS)
    def test_what_is_left_out_here_means_nothing_to_the_judge(self, run: str) -> None:
        assert verdicts(recorded(run).judgement) == verdicts(recorded(run).whole)

    def test_each_part_of_the_evidence_is_there_in_some_launch(self) -> None:
        """Otherwise it asks for what nobody says, and the hop rests on fewer witnesses than its file has."""
        dead = [
            f"{hop}: {witness.event} of {witness.who}"
            for hop, asked in CATALOGUE.hops.items()
            for number, witness in enumerate(asked.evidence)
            if not any(number in heard(run, hop, recorded(run).events) for run in OTHERS)
        ]
        assert dead == []


@pytest.mark.parametrize("run", OTHERS)
@pytest.mark.parametrize("hop", HOPS)
class TestEachHop:
    def test_without_its_events_it_is_absent_and_no_other_changes(self, run: str, hop: str) -> None:
        lost = keys([*speakers(run, hop), *excuses(run, hop)])
        after = recorded(run).judge(without(run, lost))
        assert verdicts(after)[hop] in MISSING
        assert after.result is Result.FAILED
        assert after.first_unproven is not None
        first = after.first_unproven.hop.name
        assert first == hop or rests_on(run, first) & lost
        for other, verdict in verdicts(after).items():
            if not rests_on(run, other) & lost:
                assert verdict is by_name(run)[other].verdict, other

    def test_without_its_witnesses_alone_it_is_not_green(self, run: str, hop: str) -> None:
        """What may excuse it stays: what a cache has later, say, is no excuse for a hop that was not served from it."""
        witnesses = speakers(run, hop)
        if witnesses:
            after = recorded(run).judge(without(run, keys(witnesses)))
            assert verdicts(after)[hop] in MISSING
            assert after.result is Result.FAILED

    def test_with_one_voice_less_it_is_weak(self, run: str, hop: str) -> None:
        witnesses = speakers(run, hop)
        found = set()
        for kept in {event.who for event in witnesses} if not CATALOGUE.hops[hop].one_witness else ():
            lost = keys(event for event in witnesses if event.who != kept)
            after = recorded(run).judge(without(run, lost))
            found.add(verdicts(after)[hop])
            assert after.result is not Result.PROVED
        assert found <= {Verdict.WEAK, *MISSING}
        assert Verdict.WEAK in found or not found

    def test_the_same_events_of_another_launch_prove_nothing(self, run: str, hop: str) -> None:
        one, other, foreign = recorded(run), recorded(*OTHERS[run]), rests_on(run, hop)
        events = [exchanged(event, one.ids, other.ids) if id(event) in foreign else event for event in one.events]
        assert verdicts(one.judge(events))[hop] in MISSING

    def test_each_id_that_it_asks_for_counts(self, run: str, hop: str) -> None:
        one, other, before = recorded(run), recorded(*OTHERS[run]), heard(run, hop, recorded(run).events)
        for number, some in before.items():
            asked = {*CATALOGUE.hops[hop].evidence[number].by}
            if asked & ASKED:
                # This event says itself which message it is, where no hop before has said so.
                asked -= {*EXCHANGE} - {*exchanges(run).get(CATALOGUE.hops[hop].exchange, {})}
            for name in asked:
                mine = keys(some) | keys(event for event in speakers(run, hop) if event.kind == some[0].kind)
                events = [
                    exchanged(event, one.ids, other.ids, name) if id(event) in mine else event for event in one.events
                ]
                assert set(heard(run, hop, events)) < set(before), (number, name)

    def test_before_a_hop_that_it_must_follow_it_is_out_of_order(self, run: str, hop: str) -> None:
        own = by_name(run)[hop]
        for earlier in CATALOGUE.hops[hop].after:
            begin, shared = by_name(run)[earlier].begin, keys(by_name(run)[earlier].witnesses)
            if begin is None or not own.firsts or shared & keys(own.firsts):
                continue  # it came from a cache, or the same event speaks for both, so they can't be apart
            moving = keys(own.witnesses) - shared
            moved = [
                replace(event, time=begin - EARLIER) if id(event) in moving else event for event in recorded(run).events
            ]
            assert verdicts(recorded(run).judge(moved))[hop] is Verdict.OUT_OF_ORDER, earlier


class TestLaunches:
    """Launches of one recording, whose events lie between each other's."""

    @pytest.mark.parametrize("number", [0, 1])
    def test_the_events_of_another_launch_prove_nothing(self, number: int) -> None:
        one, other = recorded("interleaved", number), recorded("interleaved", 1 - number)
        alone = {name: values - other.ids.get(name, frozenset()) for name, values in one.ids.items()}
        theirs = [
            event
            for event in one.events
            if all(alone.get(name, frozenset()).isdisjoint(values) for name, values in event.ids.items())
        ]
        assert len(theirs) > len(one.events) / 4
        after = one.judge(theirs)
        assert set(verdicts(after).values()) <= MISSING
        assert all(not judged.witnesses for judged in after.hops)

    @pytest.mark.parametrize(("run", "other"), [("cold", "warm"), ("warm", "cold"), ("cold", "interleaved")])
    def test_another_recording_proves_nothing(self, run: str, other: str) -> None:
        assert set(verdicts(recorded(run).judge(recorded(other).events)).values()) <= MISSING

    @pytest.mark.parametrize("run", ["cold", "warm"])
    def test_another_recording_beside_it_changes_nothing(self, run: str) -> None:
        one, other = recorded(run), recorded(*OTHERS[run])
        shift = one.record.started - other.record.started
        strangers = [replace(event, time=event.time + shift) for event in other.events]
        assert verdicts(one.judge([*one.events, *strangers])) == verdicts(one.judgement)

    @pytest.mark.parametrize("name", BESIDE)
    def test_a_launch_that_is_partly_another_is_not_proved(self, name: str) -> None:
        one, other = recorded("interleaved"), recorded("interleaved", 1)
        assert one.launch.ids[name].isdisjoint(other.launch.ids[name])
        mixed = replace(one.launch, ids={**one.launch.ids, name: other.launch.ids[name]})
        after = one.judge(launch=mixed)
        assert after.result is not Result.PROVED
        assert all(verdicts(after)[hop] is not Verdict.PROVED for hop in BESIDE[name])
