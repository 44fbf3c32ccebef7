"""Recorded attachments of a real lab judged again. What is asked of each hop comes from the flow files."""

import json

import jsonschema
import pytest

from hoplab.commands.main import main
from hoplab.commands.schema import SCHEMAS
from hoplab.flow.loader import load_journey
from hoplab.flow.vocabulary import EVENTS
from hoplab.judge.verdicts import Result, Verdict
from hoplab.model.events import Event
from hoplab.report.html import render_html
from hoplab.report.junit import render_junit
from hoplab.report.outline import sentence
from hoplab.run.record import JOURNEY
from hoplab.session.judge_run import judge_run
from samples.runs import Recorded, exchanged, read_run, recorded, recordings, unpacked, verdicts

CATALOGUE = load_journey("volume-attach")
FLOW = CATALOGUE.flows[CATALOGUE.main]
HOPS = list(CATALOGUE.hops)
PROVED = "volume-attach/proved"
FAILED = "volume-attach/failed"
BROKEN = {
    "attach-without-secret": "disk-attach",
    "attach-completion-lost": "attach-complete",
    "attach-volume-unwritable": "disk-use",
}
"""Of the recorded drills: the hop that must be named, in the order of their runs."""
MISSING = {Verdict.ABSENT, Verdict.BLOCKED}


def attached(number: int = 0) -> Recorded:
    """Return a proved attachment; both are to the same instance."""
    return recorded(PROVED, number)


def keys(events: "tuple[Event, ...] | list[Event]") -> set[int]:
    return {id(event) for event in events}


def of(hop: str, number: int = 0) -> tuple[Event, ...]:
    """Return the events that speak for a hop."""
    return next(some_hop.witnesses for some_hop in attached(number).judgement.hops if some_hop.hop.name == hop)


def test_there_are_proved_runs_and_failed_ones() -> None:
    assert recordings("volume-attach") == (FAILED, PROVED)
    assert (len(unpacked(PROVED)), len(unpacked(FAILED))) == (2, len(BROKEN))


@pytest.mark.parametrize("number", [0, 1])
def test_each_hop_is_proved(number: int) -> None:
    one = attached(number)
    assert one.whole.result is Result.PROVED
    assert set(verdicts(one.whole).values()) <= {Verdict.PROVED, Verdict.CACHED}
    assert verdicts(one.judgement) == verdicts(one.whole)
    assert not one.launch.unread
    assert one.record.status == CATALOGUE.done


def test_each_part_of_the_evidence_is_there_in_some_run() -> None:
    """Otherwise it asks for what nobody says, and the hop rests on fewer witnesses than its file has."""
    said = {(hop, event.who, event.kind) for number in (0, 1) for hop in HOPS for event in of(hop, number)}
    asked = {(name, one.who, one.event) for name, hop in CATALOGUE.hops.items() for one in hop.evidence}
    assert asked - said == set()


@pytest.mark.parametrize("hop", HOPS)
def test_without_its_witnesses_a_hop_is_not_proved(hop: str) -> None:
    one, gone = attached(), keys(of(hop))
    after = verdicts(one.judge([event for event in one.events if id(event) not in gone]))
    assert after[hop] in MISSING
    assert one.judge([event for event in one.events if id(event) not in gone]).result is not Result.PROVED


@pytest.mark.parametrize(
    ("hop", "who"),
    [(hop, who) for hop in HOPS for who in dict.fromkeys(witness.who for witness in CATALOGUE.hops[hop].evidence)],
)
def test_one_actor_s_word_alone_does_not_prove_it(hop: str, who: str) -> None:
    one = attached()
    others = keys([event for event in of(hop) if event.who != who])
    assert others
    after = one.judge([event for event in one.events if id(event) not in others])
    assert verdicts(after)[hop] not in {Verdict.PROVED, Verdict.CACHED}


@pytest.mark.parametrize("number", [0, 1])
def test_another_attachment_to_the_same_instance_proves_nothing(number: int) -> None:
    one, other = attached(number), attached(1 - number)
    assert one.ids["instance"] == other.ids["instance"]
    assert set(verdicts(one.judge(other.events)).values()) <= MISSING
    assert verdicts(one.judge([*one.events, *other.events])) == verdicts(one.judgement)


@pytest.mark.parametrize("hop", HOPS)
def test_a_hop_with_another_s_ids_is_not_proved(hop: str) -> None:
    one, other, foreign = attached(), attached(1), keys(of(hop))
    changed = [exchanged(event, one.ids, other.ids) if id(event) in foreign else event for event in one.events]
    assert verdicts(one.judge(changed))[hop] not in {Verdict.PROVED, Verdict.CACHED}


@pytest.mark.parametrize(("number", "fault"), [*enumerate(BROKEN)])
def test_a_failed_one_names_the_hop_that_its_fault_broke(number: int, fault: str) -> None:
    one = recorded(FAILED, number)
    assert one.whole.result is Result.FAILED
    assert one.whole.first_unproven is not None
    assert one.whole.first_unproven.hop.name == BROKEN[fault]
    # One whose guest could not write looked well from outside.
    assert (one.record.status == CATALOGUE.done) is (BROKEN[fault] == "disk-use")


@pytest.mark.parametrize(
    ("name", "number"), [(PROVED, 0), (PROVED, 1), *((FAILED, number) for number in range(len(BROKEN)))]
)
def test_records_and_reports_fit_their_schemas_and_name_the_journey(name: str, number: int) -> None:
    run = unpacked(name)[number]
    jsonschema.validate(json.loads((run / JOURNEY).read_text(encoding="utf-8")), SCHEMAS["journey"])
    made = json.loads(json.dumps(judge_run(run, CATALOGUE, FLOW, write=False)))
    jsonschema.validate(made, SCHEMAS["report"])
    assert made["journey"] == "volume-attach"
    for text in (sentence(made), render_html(made), render_junit(made)):
        assert "hops of the launch" not in text
    assert "launch itself" not in render_html(made)


def test_replay_takes_the_journey_from_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(unpacked(PROVED)[0])]) == 0
    assert "All 20 hops of the volume-attach happened." in " ".join(capsys.readouterr().out.split())


def test_events_have_what_their_kinds_declare() -> None:
    one = attached()
    more = {
        (event.kind, key)
        for event in read_run(one.directory, one.record)[0]
        for key in [*event.fields.keys() - EVENTS[event.kind].fields, *event.ids.keys() - EVENTS[event.kind].ids]
    }
    assert {key for _kind, key in more} <= {"statement"}
