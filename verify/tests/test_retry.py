"""A launch that a second host built is judged by what was done for that one, and the first host's failure is told."""

from dataclasses import replace

import pytest

from hoplab.flow.actors import ON_HOST
from hoplab.flow.vocabulary import EXCHANGE
from hoplab.join.ids import owned
from hoplab.judge.retry import RescheduledLaunch, find_rescheduling
from hoplab.judge.verdicts import Result, Verdict, Verdicts
from hoplab.model.events import Event
from hoplab.parse.trouble import Trouble
from samples.runs import CATALOGUE, recorded, verdicts

RECORDED = recorded("cold")
assert CATALOGUE.tries
TRIES = CATALOGUE.tries
LAUNCH, WHOLE = RECORDED.launch, RECORDED.judgement
BY_NAME = {some_hop.hop.name: some_hop for some_hop in WHOLE.hops}
BEGAN = min(event.time for event in BY_NAME["build-cast"].witnesses) - 0.001
LATER = 60.0
"""Seconds by which the second try is later than what was recorded."""
ONCE = [event for one in WHOLE.hops if one.hop.once for event in one.witnesses]
LIBVIRT_ERROR = "libvirt.libvirtError: internal error: process exited while connecting to monitor"


def is_poll(event: Event) -> bool:
    return event.who in TRIES.goes_on or owned(event, "poll-request", RECORDED.ids)


def on_first_host(event: Event) -> Event:
    """Return an event as it would be of a first try on another host, with messages of its own."""
    fields = {key: value.replace(LAUNCH.host, "cmp9") for key, value in event.fields.items()}
    ids = {
        name: frozenset(f"first-{value}" for value in values) if name in EXCHANGE else values
        for name, values in event.ids.items()
    }
    return replace(event, node="cmp9" if event.node == LAUNCH.host else event.node, fields=fields, ids=ids)


CUT = min(event.time for event in BY_NAME["guest-resume"].witnesses)
BEFORE = [event for event in RECORDED.events if event.time < BEGAN]
FIRST = [on_first_host(event) for event in RECORDED.events if BEGAN <= event.time < CUT and not is_poll(event)]
KEPT = [event for event in ONCE if event.time >= BEGAN]
SECOND = [
    replace(event, time=event.time + LATER) for event in RECORDED.events if event.time >= BEGAN and event not in ONCE
]


def judged(second: list[Event]) -> Verdicts:
    return RECORDED.judge([*BEFORE, *FIRST, *KEPT, *second])


def test_it_is_proved_by_the_second_try() -> None:
    judgement = judged(SECOND)
    assert {name: verdict for name, verdict in verdicts(judgement).items() if verdict is not Verdict.PROVED} == {}
    assert judgement.result is Result.PROVED


@pytest.mark.parametrize(
    "name",
    [
        hop.hop.name
        for hop in WHOLE.hops
        if not hop.hop.once and hop.begin is not None and hop.begin >= BEGAN and not hop.hop.name.startswith("poll-")
    ],
)
def test_nothing_of_the_first_try_stands_in_for_what_the_second_lacks(name: str) -> None:
    gone = {id(event) for event in BY_NAME[name].witnesses}
    lacking = [
        replace(event, time=event.time + LATER)
        for event in RECORDED.events
        if event.time >= BEGAN and event not in ONCE and id(event) not in gone
    ]
    assert verdicts(judged(lacking))[name] is not Verdict.PROVED


def test_what_denies_a_hop_of_the_first_try_denies_none_of_the_second() -> None:
    refused = next(event for event in FIRST if event.kind == "http.replied" and event.fields.get("method") == "PUT")
    failed = replace(refused, fields={**refused.fields, "status": "500", "failed": "yes"})
    assert RECORDED.judge([*BEFORE, *FIRST, failed, *KEPT, *SECOND]).result is Result.PROVED
    late = replace(failed, time=max(event.time for event in SECOND) + 1)
    assert RECORDED.judge([*BEFORE, *FIRST, late, *KEPT, *SECOND]).result is not Result.PROVED


def build(host: str, time: float) -> Event:
    fields = {**TRIES.where, "routing_key": f"compute.{host}"}
    return Event(time, "ctl1", "broker", "rabbitmq", "rpc.published", fields, {"instance": frozenset({"i1"})}, "x")


def tries(*told: Event) -> RescheduledLaunch | None:
    return find_rescheduling(told, {"instance": frozenset({"i1"})}, {}, TRIES)


def test_one_host_is_no_retry() -> None:
    assert tries() is None
    assert tries(build("cmp1", 1)) is None


def test_the_first_hosts_failure_is_told() -> None:
    found = tries(build("cmp2", 2), build("cmp1", 1))
    assert found is not None
    assert found.hosts == ("cmp1", "cmp2")
    assert found.explanation([]) == (
        "Nova tried cmp1, then cmp2; why cmp1 did not build the instance is in nova-compute's log there (raw/cmp1)"
    )

    def trouble(node: str, level: str, cause: str, time: float) -> Trouble:
        return Trouble(time, "nova-compute", node, "nova-compute", level, "instance=i1", "nova: failed", cause)

    said = [
        trouble("cmp1", "WARNING", "a warning", 3),
        trouble("cmp2", "ERROR", "another host's", 3),
        trouble("cmp1", "ERROR", LIBVIRT_ERROR, 1),
        trouble("cmp1", "ERROR", "", 2),
    ]
    assert found.explanation(said) == f"Nova tried cmp1, then cmp2; on cmp1: {LIBVIRT_ERROR} (raw/cmp1)"


def test_of_several_tries_the_first_and_the_last_are_told_apart() -> None:
    found = tries(build("cmp1", 1), build("cmp2", 2), build("cmp3", 3))
    assert found is not None
    made = [
        Event(time, node, "log", who, "log.said", {}, {}, "x")
        for time, node, who in (
            (0.5, "ctl1", "nova-conductor"),
            (1.5, "cmp1", "nova-compute"),
            (2.5, "cmp2", "libvirt"),
            (2.5, "client", "client"),
            (3.5, "cmp3", "nova-compute"),
            (3.6, "cmp1", "nova-compute"),
            (3.6, "ctl1", "neutron-api"),
        )
    ]
    assert [(event.time, event.node) for event in found.first_try_events(made)] == [
        (0.5, "ctl1"),
        (1.5, "cmp1"),
        (2.5, "client"),
    ]
    assert [(event.time, event.node) for event in found.last_try_events(made)] == [
        (0.5, "ctl1"),
        (2.5, "client"),
        (3.5, "cmp3"),
        (3.6, "ctl1"),
    ]


def test_every_hop_done_once_is_of_a_hop_that_the_last_host_does_not_do() -> None:
    once = {name: hop for name, hop in CATALOGUE.hops.items() if hop.once}
    assert once
    assert not [name for name, hop in once.items() if {hop.sender, hop.receiver} <= ON_HOST]
