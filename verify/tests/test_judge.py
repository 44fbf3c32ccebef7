"""Joining and judging, on runs made from the flow files themselves: no hop can be added without these tests."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hoplab.join.agreement import relaxed_witnesses
from hoplab.join.ids import learn
from hoplab.judge.judging import judge
from hoplab.judge.order import AFTER
from hoplab.judge.verdicts import Result, Verdict
from hoplab.model.clocks import NOTED_LATE, NodeClock
from hoplab.model.errors import ConfigurationError
from hoplab.model.events import Event, read_events, write_events
from samples.made_runs import (
    BY_NAME,
    CATALOGUE,
    HOPS,
    LAUNCH,
    RUN,
    WHOLE,
    follows,
    judged,
    learnt_id,
    made,
    other_launch,
    rests_on,
    verdicts,
    without,
)

GREEN = {Verdict.PROVED, Verdict.CACHED, Verdict.NOT_APPLICABLE}


def unseen(hop: str) -> list[Event]:
    """Return the whole run without a hop that came from a cache, and those that came from there with it."""
    cached = CATALOGUE.hops[hop].cached
    return without(event for name in HOPS if CATALOGUE.hops[name].cached == cached for event in BY_NAME[name].witnesses)


def test_a_whole_run_is_proved() -> None:
    assert WHOLE.result is Result.PROVED
    assert WHOLE.first_unproven is None
    expected = {name: Verdict.WEAK if hop.one_witness else Verdict.PROVED for name, hop in CATALOGUE.hops.items()}
    assert verdicts(WHOLE) == expected


@pytest.mark.parametrize("hop", HOPS)
class TestEachHop:
    def test_without_its_events_it_is_absent_and_no_other_changes(self, hop: str) -> None:
        gone = BY_NAME[hop].witnesses
        after = judged(without(gone))
        assert verdicts(after)[hop] in {Verdict.ABSENT, Verdict.BLOCKED}
        assert after.result is Result.FAILED
        assert after.first_unproven is not None
        lost = {id(event) for event in gone}
        for other, verdict in verdicts(after).items():
            if not rests_on(other) & lost:
                assert verdict is BY_NAME[other].verdict, other

    def test_it_is_the_first_unproven_one_unless_an_earlier_one_shares_its_events(self, hop: str) -> None:
        gone = BY_NAME[hop].witnesses
        first = judged(without(gone)).first_unproven
        assert first is not None
        lost = {id(event) for event in gone}
        assert first.hop.name == hop or rests_on(first.hop.name) & lost

    def test_with_one_voice_less_it_is_weak(self, hop: str) -> None:
        voices = {event.who for event in BY_NAME[hop].witnesses}
        if CATALOGUE.hops[hop].one_witness:
            assert len(voices) == 1
            return
        kept = min(voices)
        after = judged(without(event for event in BY_NAME[hop].witnesses if event.who != kept))
        assert verdicts(after)[hop] in {Verdict.WEAK, Verdict.ABSENT, Verdict.BLOCKED}
        assert after.result is not Result.PROVED

    def test_events_of_another_launch_prove_nothing(self, hop: str) -> None:
        foreign = rests_on(hop)
        after = judged([other_launch(event) if id(event) in foreign else event for event in RUN])
        assert verdicts(after)[hop] in {Verdict.ABSENT, Verdict.BLOCKED}

    def test_before_a_hop_that_it_must_follow_it_is_out_of_order(self, hop: str) -> None:
        for earlier in CATALOGUE.hops[hop].after:
            begin = BY_NAME[earlier].begin
            assert begin is not None
            shared = {id(event) for event in BY_NAME[earlier].witnesses}
            own = {id(event) for event in BY_NAME[hop].witnesses}
            if own & shared:
                continue  # the same event speaks for both, so they can't be apart
            moved = [replace(event, time=begin - 60) if id(event) in own else event for event in RUN]
            assert verdicts(judged(moved))[hop] is Verdict.OUT_OF_ORDER

    def test_what_could_not_be_read_is_unknown_and_never_green(self, hop: str) -> None:
        unread = {(witness.who, witness.event) for witness in CATALOGUE.hops[hop].evidence}
        after = judged(without(BY_NAME[hop].witnesses), replace(LAUNCH, unread=unread))
        assert verdicts(after)[hop] is Verdict.UNKNOWN
        assert after.result is not Result.PROVED

    def test_from_a_cache_only_with_the_evidence_of_that(self, hop: str) -> None:
        exemption = CATALOGUE.hops[hop].cached
        if exemption is None:
            return
        events, now = unseen(hop), BY_NAME[hop].begin
        assert now is not None
        said = made(CATALOGUE.hops[hop], exemption.when, now)
        assert verdicts(judged([*events, said]))[hop] is Verdict.CACHED
        assert verdicts(judged([*events, other_launch(said)]))[hop] is not Verdict.CACHED
        assert exemption.unless
        for witness in exemption.unless:
            against = made(CATALOGUE.hops[hop], witness, now - 0.2)
            assert verdicts(judged([*events, said, against]))[hop] not in GREEN, witness
            assert verdicts(judged([*events, said, replace(against, time=said.time)]))[hop] not in GREEN, witness
            assert verdicts(judged([*events, said, other_launch(against)]))[hop] is Verdict.CACHED, witness

    def test_what_a_cache_had_earlier_or_later_excuses_nothing(self, hop: str) -> None:
        exemption = CATALOGUE.hops[hop].cached
        if exemption is None:
            return
        for other in HOPS:
            begin = BY_NAME[other].begin
            assert begin is not None
            if CATALOGUE.hops[other].cached == exemption:
                continue  # It is not seen, either, and tells no time.
            if other in CATALOGUE.hops[hop].after:
                said = made(CATALOGUE.hops[hop], exemption.when, begin - 1)
            elif hop in CATALOGUE.hops[other].after:
                said = made(CATALOGUE.hops[hop], exemption.when, begin + 1)
            else:
                continue
            assert verdicts(judged([*unseen(hop), said]))[hop] is Verdict.ABSENT, other

    def test_a_cache_s_word_by_an_unmeasured_clock_is_unknown(self, hop: str) -> None:
        exemption = CATALOGUE.hops[hop].cached
        if exemption is None:
            return
        said = made(CATALOGUE.hops[hop], exemption.when, BY_NAME[hop].begin or 0.0)
        clocks = {node: clock for node, clock in LAUNCH.clocks.items() if node != said.node}
        after = judged([*unseen(hop), said], replace(LAUNCH, clocks=clocks))
        assert verdicts(after)[hop] is Verdict.UNKNOWN

    def test_a_witness_that_names_another_thing_is_not_made_up_for_by_others(self, hop: str) -> None:
        for witness in CATALOGUE.hops[hop].evidence:
            said = {
                id(event) for event in BY_NAME[hop].witnesses if (event.who, event.kind) == (witness.who, witness.event)
            }
            for _loose, name in relaxed_witnesses(witness):
                other = [
                    replace(event, ids={**event.ids, name: frozenset({"other"})}) if id(event) in said else event
                    for event in RUN
                ]
                assert verdicts(judged(other))[hop] not in GREEN, (witness, name)

    def test_who_gets_before_it_was_sent_is_out_of_order(self, hop: str) -> None:
        for sender in CATALOGUE.hops[hop].evidence:
            for receiver in CATALOGUE.hops[hop].evidence:
                if receiver.event in AFTER.get(sender.event, ()) and receiver.who != sender.who:
                    early = 0.1 + NOTED_LATE.get(sender.event, 0.0)
                    for by, wanted in ((early, Verdict.OUT_OF_ORDER), (0.001, Verdict.PROVED)):
                        run = [
                            replace(event, time=event.time - by)
                            if event.line == f"{hop} {receiver.who} {receiver.event}"
                            else event
                            for event in RUN
                        ]
                        assert verdicts(judged(run))[hop] is wanted, (sender, receiver)

    def test_by_an_unmeasured_clock_it_is_unknown(self, hop: str) -> None:
        assert verdicts(judged(RUN, replace(LAUNCH, clocks={})))[hop] is Verdict.UNKNOWN


class TestWholeRuns:
    @settings(deadline=None, max_examples=25)
    @given(st.randoms(use_true_random=False), st.integers(0, 40))
    def test_order_in_the_file_and_doubles_change_nothing(self, random: Random, doubles: int) -> None:
        events = [*RUN, *random.choices(RUN, k=doubles)]
        random.shuffle(events)
        assert verdicts(judged(events)) == verdicts(WHOLE)

    @settings(deadline=None, max_examples=25)
    @given(st.dictionaries(st.sampled_from(sorted({event.node for event in RUN})), st.floats(-9, 9)))
    def test_measured_clocks_seconds_apart_change_nothing(self, offsets: dict[str, float]) -> None:
        events = [replace(event, time=event.time + offsets.get(event.node, 0.0)) for event in RUN]
        clocks = {**LAUNCH.clocks, **{node: NodeClock(offset, 0.01) for node, offset in offsets.items()}}
        assert verdicts(judged(events, replace(LAUNCH, clocks=clocks))) == verdicts(WHOLE)

    @settings(deadline=None, max_examples=50)
    @given(st.sets(st.integers(0, len(RUN) - 1), min_size=1, max_size=30))
    def test_fewer_events_never_prove_more(self, gone: set[int]) -> None:
        after = judged(event for number, event in enumerate(RUN) if number not in gone)
        good = {Verdict.PROVED, Verdict.WEAK}
        for name, verdict in verdicts(after).items():
            assert verdict is not Verdict.PROVED or verdicts(WHOLE)[name] is Verdict.PROVED
            assert verdict not in good or BY_NAME[name].verdict in good

    @settings(deadline=None, max_examples=25)
    @given(st.lists(st.sampled_from(RUN), max_size=60), st.floats(-30, 30))
    def test_another_launch_at_the_same_time_changes_nothing(self, noise: list[Event], shift: float) -> None:
        strangers = [other_launch(replace(event, time=event.time + shift)) for event in noise]
        assert verdicts(judged([*RUN, *strangers])) == verdicts(WHOLE)
        assert set(verdicts(judged(strangers)).values()) <= {Verdict.ABSENT, Verdict.BLOCKED}

    def test_only_a_first_broken_hop_is_absent_and_what_follows_blocked(self) -> None:
        lost = {name for name in HOPS if name == "build-cast" or follows(name, "build-cast")}
        after = judged(without(event for name in lost for event in BY_NAME[name].witnesses))
        assert after.first_unproven is not None
        assert after.first_unproven.hop.name == "build-cast"
        assert verdicts(after)["build-take"] is Verdict.BLOCKED
        assert verdicts(after)["server-accepted"] is Verdict.PROVED

    def test_a_hop_that_a_flow_leaves_out_is_named_where_it_blocks_the_flow(self) -> None:
        short = CATALOGUE.flows["cli-28"]
        lost = {name for name in HOPS if name == "disk-import" or follows(name, "disk-import")}
        events = without(event for name in lost for event in BY_NAME[name].witnesses)
        after = judge(CATALOGUE, short, events, LAUNCH)
        assert "disk-import" not in {hop.hop.name for hop in after.hops}
        assert after.result is Result.FAILED
        assert after.first_unproven is not None
        assert after.first_unproven.hop.name == "disk-import"


class TestExchanges:
    """A message is a launch's by what it carries, and what has only the message's id must be of the same message."""

    def without_own(self, hop: str, names: set[str]) -> Verdict:
        lost = {id(event) for event in BY_NAME[hop].witnesses}
        bare = [
            replace(event, ids={name: value for name, value in event.ids.items() if name not in names})
            if id(event) in lost
            else event
            for event in RUN
        ]
        return verdicts(judged(bare))[hop]

    def test_a_message_about_the_instance_alone_is_no_evidence(self) -> None:
        assert self.without_own("conductor-call", {"request"}) is Verdict.ABSENT
        assert self.without_own("build-cast", {"request"}) in {Verdict.ABSENT, Verdict.BLOCKED}

    def test_the_answer_to_another_call_of_the_launch_is_no_evidence(self) -> None:
        answer = {id(event) for event in BY_NAME["conductor-reply"].witnesses}
        other = frozenset({learnt_id("call", CATALOGUE.hops["scheduler-call"])})
        events = [replace(event, ids={"call": other}) if id(event) in answer else event for event in RUN]
        assert verdicts(judged(events))["conductor-reply"] is Verdict.ABSENT

    def test_the_sender_s_line_of_another_message_is_no_second_witness(self) -> None:
        lines = [event for event in BY_NAME["state-call"].witnesses if event.who == "nova-compute"]
        assert len(lines) == 1
        assert verdicts(judged(without(lines)))["state-call"] is Verdict.WEAK

    @pytest.mark.parametrize(("own", "taught"), [("volume-1", True), ("volume-2", False)])
    def test_an_attachment_is_learnt_from_the_launch_s_volume(self, own: str, taught: bool) -> None:
        ids = {"volume": frozenset({own}), "attachment": frozenset({"a"})}
        event = Event(1.0, "ctl1", "made", "database", "db.statement", {"verb": "INSERT"}, ids, "")
        assert ("a" in learn([event], LAUNCH.ids, CATALOGUE.lessons)["attachment"]) is taught

    @pytest.mark.parametrize("name", ["port", "mac", "address"])
    def test_what_the_client_knows_is_never_widened(self, name: str) -> None:
        ids = {"instance": LAUNCH.ids["instance"], "port": LAUNCH.ids["port"] | {"other"}, name: frozenset({"other"})}
        event = Event(1.0, "ctl1", "made", "database", "db.statement", {"verb": "INSERT"}, ids, "")
        assert learn([event], LAUNCH.ids, CATALOGUE.lessons)[name] == LAUNCH.ids[name]
        unknown = {kind: some for kind, some in LAUNCH.ids.items() if kind != name}
        assert learn([event], unknown, CATALOGUE.lessons)[name] == ids[name]

    def test_of_an_id_with_several_values_all_witnesses_name_one(self) -> None:
        hop = "volume-map-answer"
        clients = {"asked": "client-1", "sent": "client-2"}
        run = [
            replace(event, ids={**event.ids, "ceph-client": frozenset({clients[event.fields["step"]]})})
            if event.kind == "map.fetched"
            else event
            for event in RUN
        ]
        taught = [
            replace(event, ids={**event.ids, "ceph-client": frozenset(clients.values())})
            for event in RUN
            if event.kind == "watch.held"
        ]
        assert verdicts(judged([*run, *taught]))[hop] is Verdict.WEAK


class TestFile:
    def test_events_come_back_as_they_were(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        write_events(reversed(RUN), path)
        assert list(read_events(path)) == sorted(RUN, key=lambda event: (event.time, event.node, event.line))

    @pytest.mark.parametrize("line", ["", "{", "[]", '{"time": 1}', '{"time": "x", "node": 1}', "\x00"])
    def test_what_is_no_event_is_named(self, tmp_path: Path, line: str) -> None:
        path = tmp_path / "events.jsonl"
        write_events(RUN[:1], path)
        with path.open("a") as stream:
            stream.write(line + "\n")
        with pytest.raises(ConfigurationError, match=r"events\.jsonl:2: not an event"):
            list(read_events(path))
