"""Changed recordings: none is proved that the flow does not allow, and none stops the judge."""

from random import Random

import pytest

from hoplab.judge.verdicts import Result
from hoplab.run.record import read_record
from hoplab.session.judge_run import judge_record
from samples.allowing import forbidden
from samples.mutants import KINDS, Kind, faults
from samples.rereading import Mutant, judged, original, written
from samples.runs import CATALOGUE, FLOW, recorded, verdicts

SEED = 20261127
RUN = ("cold", 0)
JUDGED = 200
AT_ONCE = 20
"""Of those that `make mutants` draws, in tests of some seconds each that go to both processes."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_read_before_gives_the_verdicts_of_the_changed_files(kind: Kind) -> None:
    mutant = kind(RUN, Random(SEED))
    quick, _events = judged(mutant)
    with written(mutant) as directory:
        whole = judge_record(directory, read_record(directory), CATALOGUE, FLOW)
    assert verdicts(quick.judgement) == verdicts(whole.judgement)
    assert (quick.events, quick.judgement.result) == (whole.events, whole.judgement.result)


def test_a_run_as_it_is_may_be_proved() -> None:
    judging, events = judged(Mutant(RUN, "as it is", {}))
    assert judging.judgement.result is Result.PROVED
    assert forbidden(recorded(*RUN), events, judging.record.clocks) == ""


def test_one_without_what_its_nodes_wrote_may_not() -> None:
    judging, events = judged(Mutant(RUN, "empty", {place: [] for place in original(RUN) if place[0] != "client"}))
    assert judging.judgement.result is not Result.PROVED
    assert forbidden(recorded(*RUN), events, judging.record.clocks)


@pytest.mark.parametrize("first", range(0, JUDGED, AT_ONCE))
def test_none_is_a_false_green_and_none_a_crash(first: int) -> None:
    assert faults(SEED, range(first, first + AT_ONCE)) == []
