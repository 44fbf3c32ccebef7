"""Of a run's events the launch's own are kept: with the verdicts that all of them give, in bounded memory."""

import tracemalloc
from dataclasses import replace
from functools import cache

import pytest

from hoplab.join.pairing import pair_statements
from hoplab.join.sieve import Sieve
from hoplab.judge.judging import judge
from hoplab.model.events import Event
from samples.runs import CATALOGUE, FLOW, read_run, recorded, unpacked, verdicts

RUNS = [(name, number) for name in ("cold", "warm", "failed", "interleaved") for number in range(len(unpacked(name)))]


@cache
def all_events(name: str, number: int) -> tuple[Event, ...]:
    one = recorded(name, number)
    return tuple(read_run(one.directory, one.record)[0])


def sifted(events: tuple[Event, ...], name: str, number: int) -> tuple[Event, ...]:
    with Sieve(CATALOGUE, recorded(name, number).record.ids) as sieve:
        for event in events:
            sieve.add(event)
        return sieve.own()


@pytest.mark.parametrize(("name", "number"), RUNS)
class TestVerdicts:
    def test_they_are_those_of_all_events(self, name: str, number: int) -> None:
        events, launch = all_events(name, number), recorded(name, number).launch
        own = sifted(events, name, number)
        assert len(own) < len(events) / 2
        expected = judge(CATALOGUE, FLOW, pair_statements(events), launch)
        found = judge(CATALOGUE, FLOW, own, launch)
        assert verdicts(found) == verdicts(expected)
        assert [hop.firsts for hop in found.hops] == [some_hop.firsts for some_hop in expected.hops]

    def test_they_do_not_hang_on_the_order_in_which_events_come(self, name: str, number: int) -> None:
        events, launch = all_events(name, number), recorded(name, number).launch
        own = sifted(tuple(reversed(events)), name, number)
        expected = judge(CATALOGUE, FLOW, pair_statements(events), launch)
        assert verdicts(judge(CATALOGUE, FLOW, own, launch)) == verdicts(expected)


def test_what_is_another_launchs_takes_no_memory() -> None:
    """Events of a launch over and over, each time with other ids, so that all look as if they might be this one's."""
    events = all_events("cold", 0)[::3]

    def peak(times: int) -> int:
        tracemalloc.start()
        with Sieve(CATALOGUE, recorded("cold").record.ids) as sieve:
            for turn in range(times):
                for event in events:
                    ids = {name: frozenset(f"{value}-{turn}" for value in values) for name, values in event.ids.items()}
                    sieve.add(replace(event, ids=ids))
            assert not sieve.own()
            found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    assert peak(4) < 1.5 * peak(1)
