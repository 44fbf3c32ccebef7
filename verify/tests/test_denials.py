"""What says that a hop failed weighs more than all that speaks for it, unless it is taken back later."""

from dataclasses import replace

import pytest

from hoplab.flow.model import FAILED, Denial, Witness
from hoplab.flow.vocabulary import EXCHANGE
from hoplab.judge.verdicts import Result, Verdict
from hoplab.model.events import Event
from samples.made_runs import BY_NAME, CATALOGUE, RUN, WHOLE, judged, made, other_launch, verdicts, without

DENIALS = [(name, number) for name, hop in CATALOGUE.hops.items() for number in range(len(hop.denied_by))]
LAST = max(event.time for event in RUN)


def denial_of(name: str, number: int) -> Denial:
    return CATALOGUE.hops[name].denied_by[number]


def said(name: str, when: Witness, time: float) -> Event:
    """Return an event of a hop. The ids of messages are those of the hop's own."""
    event = made(CATALOGUE.hops[name], when, time)
    own = {key: values for witness in BY_NAME[name].witnesses for key, values in witness.ids.items() if key in EXCHANGE}
    return replace(event, ids={key: own.get(key, values) for key, values in event.ids.items()})


def well(name: str, number: int, time: float) -> Event:
    """Return what takes a denial back: the hop's own evidence by the same actor, or the same without its failure."""
    when = denial_of(name, number).when
    same = [one for one in CATALOGUE.hops[name].evidence if (one.who, one.event) == (when.who, when.event)]
    if same:
        return said(name, same[0], time)
    return said(name, replace(when, where={key: some for key, some in when.where.items() if key != FAILED}), time)


@pytest.mark.parametrize(("name", "number"), DENIALS)
class TestEachDenial:
    def test_with_it_the_hop_did_not_happen_whoever_speaks_for_it(self, name: str, number: int) -> None:
        against = said(name, denial_of(name, number).when, LAST + 1)
        after = judged([*RUN, against])
        assert verdicts(after)[name] is Verdict.ABSENT
        assert after.result is Result.FAILED
        (one,) = (hop for hop in after.hops if hop.hop.name == name)
        assert against in one.denials
        assert one.why.startswith("denied by ")
        assert against.who in one.why
        assert after.first_unproven is not None
        assert against in after.first_unproven.denials

    def test_that_of_another_launch_changes_nothing(self, name: str, number: int) -> None:
        against = other_launch(said(name, denial_of(name, number).when, LAST + 1))
        assert verdicts(judged([*RUN, against])) == verdicts(WHOLE)

    def test_it_is_taken_back_by_the_same_actor_later_unless_it_is_final(self, name: str, number: int) -> None:
        denial = denial_of(name, number)
        against = said(name, denial.when, LAST + 1)
        # Sent again, it is another exchange; but an exchange that went well and failed is a contradiction.
        stays = denial.final or set(denial.when.by) <= set(EXCHANGE)
        again = {key: frozenset({"again"}) for key in EXCHANGE if key in against.ids and not stays}
        against = replace(against, ids={**against.ids, **again})
        after = judged([*RUN, against, well(name, number, LAST + 2)])
        assert verdicts(after)[name] is (Verdict.ABSENT if stays else verdicts(WHOLE)[name])


def test_two_who_contradict_each_other_about_one_exchange_prove_nothing() -> None:
    hop = CATALOGUE.hops["nova-token-validation"]
    refused = said(hop.name, hop.denied_by[0].when, LAST + 1)
    answered = [event.ids["answer-request"] for event in BY_NAME[hop.name].witnesses if event.who == "keystone"]
    assert refused.ids["answer-request"] in answered
    later = replace(well(hop.name, 0, LAST + 2), ids={**refused.ids, "answer-request": frozenset({"req-again"})})
    assert verdicts(judged([*RUN, refused, later]))[hop.name] is Verdict.ABSENT


REFUSED = [
    (name, number)
    for name, number in DENIALS
    if denial_of(name, number).when.event in {"http.answered", "http.replied"}
    and not denial_of(name, number).final
    and not set(denial_of(name, number).when.by) <= set(EXCHANGE)
]


@pytest.mark.parametrize(("name", "number"), REFUSED)
def test_the_line_of_the_server_that_refused_it_does_not_keep_what_went_well_when_sent_again(
    name: str, number: int
) -> None:
    exchange = dict.fromkeys(EXCHANGE, frozenset({"refused"}))
    against = said(name, denial_of(name, number).when, LAST + 1)
    lines = [
        replace(event, time=LAST + 1, fields={**event.fields, "status": "409"}, ids={**event.ids, **exchange})
        for event in BY_NAME[name].witnesses
        if event.kind == "http.served"
    ]
    against = replace(against, ids={**against.ids, **exchange})
    after = judged([*RUN, *lines, against, well(name, number, LAST + 2)])
    assert verdicts(after)[name] is verdicts(WHOLE)[name]


NEEDED = [name for name, hop in CATALOGUE.hops.items() if hop.needs]


def words(name: str) -> list[Event]:
    """Return what the actor says without whose word a hop is not proved."""
    return [event for event in BY_NAME[name].witnesses if event.who == CATALOGUE.hops[name].needs]


class TestNeeded:
    """A hop about the volume holds only if the guest wrote to it and read that back; so it is with what it is given."""

    @pytest.mark.parametrize("name", NEEDED)
    def test_without_that_actor_s_word_it_did_not_happen(self, name: str) -> None:
        after = judged(without(words(name)))
        assert verdicts(after)[name] is Verdict.ABSENT
        assert after.result is Result.FAILED
        assert after.first_unproven is not None
        assert after.first_unproven.hop.name == name
        assert f"{CATALOGUE.hops[name].needs} does not say" in after.first_unproven.why

    @pytest.mark.parametrize(
        ("name", "earlier"), [(name, earlier) for name in NEEDED for earlier in CATALOGUE.hops[name].waits_for]
    )
    def test_where_it_could_not_speak_another_hop_is_named(self, name: str, earlier: str) -> None:
        after = judged(without([*words(name), *BY_NAME[earlier].witnesses]))
        assert verdicts(after)[name] is Verdict.WEAK
        assert after.first_unproven is not None
        assert after.first_unproven.hop.name == earlier
