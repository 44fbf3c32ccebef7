"""Less evidence makes an answer wider, never wrong: recorded runs as clouds that show less would have them."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from hoplab.flow.model import Catalogue
from hoplab.flow.sources import HIGHEST, source_kinds
from hoplab.flow.visibility import narrowed
from hoplab.judge.foresight import Foresight, foresee
from hoplab.judge.judging import judge
from hoplab.judge.told import foretell
from hoplab.judge.verdicts import BROKEN, UNTOLD, Result, Verdict
from hoplab.session.judge_run import RunAnalysis, judge_reading
from samples.less import GOOD_IDS, LEVELS, LessFiles, broken_at, judged_with_less, shown
from samples.runs import CATALOGUE, FLOW, recorded, recordings, unpacked, verdicts

RUNS = [
    (name, number) for name in (*recordings(), *recordings("volume-attach")) for number in range(len(unpacked(name)))
]
HAPPENED = {Verdict.PROVED, Verdict.CACHED, Verdict.NOT_APPLICABLE}
HOPS = list(CATALOGUE.hops)
JUDGED_AT = ("level 0, no database", "level 0", "level 2", "level 3")
BROKEN_AT = ("level 0", "level 2", "level 3")
SHARED = {"dhcp-answer", "guest-volume", "metadata-forward", "poll-answer", "volume-token-answer"}
"""Hops with events that speak for an earlier one, too: without them that one is what is missing."""
HALF = SHARED | {"dhcp-ready-take", "disk-import", "host-claim", "object-answer", "port-request", "volume-reservation"}
"""Hops of which what is left proves them still, or that is only left of those above."""


@cache
def judged(name: str, number: int, level: str) -> RunAnalysis:
    return judged_with_less(recorded(name, number), LEVELS[level])


@cache
def view(level: str) -> Catalogue:
    return narrowed(CATALOGUE, LEVELS[level], GOOD_IDS)


@cache
def foreseen(level: str) -> Foresight:
    return foresee(view(level), FLOW)


class TestRecordedRuns:
    """Each recorded run, at each level."""

    @pytest.mark.parametrize("level", JUDGED_AT)
    @pytest.mark.parametrize(("name", "number"), RUNS)
    def test_no_hop_is_called_missing_that_happened(self, name: str, number: int, level: str) -> None:
        whole, less = verdicts(recorded(name, number).whole), judged(name, number, level).judgement
        first = recorded(name, number).whole.first_unproven
        # The hop at which the launch broke may be seen from one side with all evidence, and from none with less.
        broke = {first.hop.name} if first else set()
        missing = {hop for hop, verdict in verdicts(less).items() if verdict in BROKEN}
        assert {
            hop for hop in missing if whole[hop] in HAPPENED or (whole[hop] is Verdict.WEAK and hop not in broke)
        } == set()

    @pytest.mark.parametrize("level", JUDGED_AT)
    @pytest.mark.parametrize(("name", "number"), RUNS)
    def test_nothing_is_proved_that_is_not_with_all_evidence(self, name: str, number: int, level: str) -> None:
        whole, less = verdicts(recorded(name, number).whole), verdicts(judged(name, number, level).judgement)
        assert {hop for hop, verdict in less.items() if verdict in HAPPENED and whole[hop] is not verdict} == set()

    @pytest.mark.parametrize("level", JUDGED_AT)
    @pytest.mark.parametrize(("name", "number"), RUNS)
    def test_the_result_is_the_same_and_the_true_hop_among_the_candidates(
        self, name: str, number: int, level: str
    ) -> None:
        whole, less = recorded(name, number).whole, judged(name, number, level).judgement
        assert less.result is whole.result
        if whole.first_unproven is None:
            assert less.interval is None
            return
        assert less.interval is not None
        assert whole.first_unproven.hop.name in less.interval.candidates
        assert less.first_unproven is not None
        assert less.first_unproven.hop.name == less.interval.candidates[0]
        last = [hop for hop in less.interval.after if verdicts(less)[hop] in {Verdict.ABSENT, Verdict.NOT_OBSERVABLE}]
        assert last == []

    @pytest.mark.parametrize("level", JUDGED_AT)
    def test_all_sources_are_not_needed_for_a_good_run_to_be_good(self, level: str) -> None:
        less = judged("cold", 0, level).judgement
        assert less.result is Result.PROVED
        assert UNTOLD & set(verdicts(less).values())


@pytest.mark.parametrize("half", [False, True], ids=["gone", "half"])
@pytest.mark.parametrize("hop", HOPS)
def test_where_a_launch_is_broken_that_hop_is_among_the_candidates(hop: str, half: bool) -> None:
    """Half: the hop's first side is seen, and the other is not, as when a request comes nowhere."""
    run = recorded("cold")
    events = tuple(broken_at(run, hop, [(view(level), LEVELS[level]) for level in BROKEN_AT[::2]], half=half))
    whole = run.judge(events)
    if whole.first_unproven is None or whole.first_unproven.hop.name != hop:
        assert hop in (HALF if half else SHARED)
        return
    for level in BROKEN_AT:
        less = judge(view(level), FLOW, tuple(shown(events, LEVELS[level])), run.launch)
        happened = {name for name, verdict in verdicts(whole).items() if verdict in HAPPENED}
        assert {name for name, verdict in verdicts(less).items() if verdict in BROKEN} & happened == set()
        if less.interval is None:
            assert hop in foreseen(level).silent
            continue
        assert hop in less.interval.candidates, level


class TestWhatWasTold:
    """Only what was told before a launch counts as good."""

    def test_what_was_not_told_does_not_count(self) -> None:
        run = recorded("cold")
        for kinds in (tuple(source_kinds()), LEVELS["level 2"]):
            told = foretell(CATALOGUE, "made", HIGHEST, kinds, GOOD_IDS)
            less = replace(told, sources=LEVELS["level 0"])
            reading = LessFiles(run.directory, run.record, LEVELS["level 0"])
            judgement = judge_reading(reading, run.record, CATALOGUE, FLOW, less).judgement
            assert judgement.result is Result.INCONCLUSIVE
            assert not BROKEN & set(verdicts(judgement).values())

    def test_a_source_that_should_be_there_and_fails_is_unknown(self) -> None:
        run = recorded("cold")
        told = foretell(CATALOGUE, "made", HIGHEST, LEVELS["level 2"], GOOD_IDS)
        record = replace(run.record, sources=tuple(one for one in run.record.sources if one.form != "broker"))
        reading = LessFiles(run.directory, record, LEVELS["level 2"])
        judgement = judge_reading(reading, record, CATALOGUE, FLOW, told).judgement
        assert judgement.result is Result.INCONCLUSIVE
        assert verdicts(judgement)["schedule-cast"] is Verdict.UNKNOWN
        assert verdicts(judgement)["nova-token-validation"] is Verdict.NOT_OBSERVABLE

    def test_a_cloud_in_which_nothing_can_be_seen_proves_nothing(self) -> None:
        run = recorded("cold")
        told = foretell(CATALOGUE, "made", 0, (), GOOD_IDS)
        judgement = judge_reading(LessFiles(run.directory, run.record, ()), run.record, CATALOGUE, FLOW, told).judgement
        assert set(verdicts(judgement).values()) == {Verdict.NOT_OBSERVABLE}
        assert judgement.result is Result.INCONCLUSIVE


def test_the_page_has_the_numbers_of_each_level() -> None:
    page = (Path(__file__).parents[2] / "docs" / "clouds.md").read_text(encoding="utf-8")
    for level in LEVELS:
        actors = [len({witness.who for witness in hop.evidence}) for hop in view(level).hops.values()]
        told = [sum(number >= 2 for number in actors), actors.count(1), actors.count(0)]
        numbers = " | ".join(map(str, [*told, foreseen(level).exact, f"{foreseen(level).mean:.2f}"]))
        assert f"| {level} | {numbers} |\n" in page


@pytest.mark.parametrize("level", LEVELS)
def test_a_break_that_is_foreseen_has_its_hop_among_the_candidates(level: str) -> None:
    assert set(foreseen(level).candidates) == set(HOPS)
    assert [hop for hop, candidates in foreseen(level).candidates.items() if hop not in candidates] == []


def test_where_all_can_be_seen_nothing_changes() -> None:
    assert narrowed(CATALOGUE, source_kinds(), GOOD_IDS) == CATALOGUE
    assert foresee(CATALOGUE, FLOW).mean == 1.0
