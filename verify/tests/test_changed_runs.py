"""Recorded launches changed as wholes: what does not fit together is not proved; order and doubles mean nothing."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hoplab.flow.vocabulary import THINGS
from hoplab.join.pairing import pair_statements
from hoplab.judge.verdicts import Result, Verdict
from hoplab.model.clocks import NodeClock
from hoplab.model.sources import CLIENT
from samples.runs import OTHERS, exchanged, recorded, verdicts


class TestContradictions:
    """What does not fit together is not proved, however much of it there is."""

    @pytest.mark.parametrize("run", OTHERS)
    @pytest.mark.parametrize("seconds", [-5.0, -0.5, 0.5, 5.0])
    def test_a_node_whose_times_are_shifted_is_not_proved(self, run: str, seconds: float) -> None:
        one = recorded(run)
        for node in {event.node for judged in one.judgement.hops for event in judged.witnesses} - {CLIENT}:
            shifted = [
                replace(event, time=event.time + seconds) if event.node == node else event for event in one.events
            ]
            assert one.judge(shifted).result is not Result.PROVED, node

    @pytest.mark.parametrize("run", OTHERS)
    @pytest.mark.parametrize("name", THINGS)
    def test_another_launch_s_thing_in_one_source_is_not_proved(self, run: str, name: str) -> None:
        one, other = recorded(run), recorded(*OTHERS[run])
        speaks = {
            (event.node, event.source)
            for judged in one.judgement.hops
            for event in judged.witnesses
            for witness in judged.hop.evidence
            if name in witness.by and (witness.who, witness.event) == (event.who, event.kind)
        }
        for place in speaks:
            events = [
                exchanged(event, one.ids, other.ids, name) if (event.node, event.source) == place else event
                for event in one.events
            ]
            assert one.judge(events).result is not Result.PROVED, place

    @pytest.mark.parametrize("run", OTHERS)
    def test_clocks_that_were_not_measured_prove_nothing(self, run: str) -> None:
        one = recorded(run)
        for node in one.launch.clocks:
            clocks = {name: clock for name, clock in one.launch.clocks.items() if name != node}
            after = one.judge(launch=replace(one.launch, clocks=clocks))
            seen = any(event.node == node for judged in one.judgement.hops for event in judged.witnesses)
            assert (after.result is Result.INCONCLUSIVE) is seen


class TestOrder:
    """The order in which sources are read means nothing, nor do doubles and clocks that were measured."""

    @settings(deadline=None, max_examples=12)
    @given(st.integers(0, 2**32), st.integers(0, 300))
    def test_order_in_the_file_and_doubles_change_nothing(self, seed: int, doubles: int) -> None:
        one, random = recorded("interleaved"), Random(seed)
        events = [*one.events, *random.choices(one.events, k=doubles)]
        random.shuffle(events)
        assert verdicts(one.judge(events)) == verdicts(one.judgement)

    @settings(deadline=None, max_examples=12)
    @given(st.data())
    def test_measured_clocks_seconds_apart_change_nothing(self, data: st.DataObject) -> None:
        one = recorded("cold")
        offsets = {node: data.draw(st.floats(-9, 9), node) for node in sorted(one.launch.clocks)}
        events = pair_statements(replace(event, time=event.time + offsets.get(event.node, 0.0)) for event in one.events)
        clocks = {
            node: NodeClock(clock.offset + offsets[node], clock.uncertainty)
            for node, clock in one.launch.clocks.items()
        }
        assert verdicts(one.judge(events, replace(one.launch, clocks=clocks))) == verdicts(one.judgement)

    @settings(deadline=None, max_examples=25)
    @given(st.integers(0, 2**32), st.floats(0, 1))
    def test_fewer_events_never_prove_more(self, seed: int, kept: float) -> None:
        one, random = recorded("cold"), Random(seed)
        after = one.judge(event for event in one.events if random.random() < kept)
        for hop, verdict in verdicts(after).items():
            assert verdict is not Verdict.PROVED or verdicts(one.judgement)[hop] is Verdict.PROVED

    @settings(deadline=None, max_examples=25)
    @given(st.floats(0, 1))
    def test_what_was_cut_off_is_not_proved(self, part: float) -> None:
        one = recorded("cold")
        times = sorted(event.time for event in one.events)
        end = times[int(part * (len(times) - 1))]
        after = one.judge(event for event in one.events if event.time < end)
        for judged in after.hops:
            assert all(event.time < end for event in judged.witnesses)
            assert judged.verdict is not Verdict.PROVED or len({event.who for event in judged.witnesses}) >= 2
