"""Two runs compared: which hops differ, by what, and what 'more than usual' is, by recorded runs."""

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest
from rich.console import Console

from hoplab.commands.main import main
from hoplab.model.errors import ConfigurationError
from hoplab.report.comparison import FORM, LONGER, TIMES, compare, comparison_sentence, difference_words, is_unusual
from hoplab.report.comparison_table import show_comparison
from hoplab.run.record import LATEST, REPORT
from samples.reports import BROKEN, Document, disordered, document, failed, following, inconclusive, proved
from samples.run_reports import recorded_report
from samples.runs import unpack

Capture = pytest.CaptureFixture[str]


def hop(comparison: Document, name: str) -> Document:
    (found,) = (hop for hop in comparison["hops"] if hop["name"] == name)
    return dict(found)


def differing(comparison: Document, difference: str) -> set[str]:
    return {hop["name"] for hop in comparison["hops"] if difference in hop["differs"]}


def shown(comparison: Document) -> str:
    out = io.StringIO()
    show_comparison(comparison, Console(file=out))
    return out.getvalue()


class TestRecordedRuns:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (("interleaved", 0), ("interleaved", 1)),
            (("cold", 0), ("failed", 0)),
            (("volume-attach/proved", 0), ("volume-attach/proved", 1)),
        ],
        ids=str,
    )
    def test_those_of_one_kind_do_not_differ_in_time(self, first: tuple[str, int], second: tuple[str, int]) -> None:
        """Two at once, two that were alone, two attachments: what the threshold was chosen by."""
        found = compare(recorded_report(*first), recorded_report(*second))
        assert differing(found, "time") == differing(found, "only") == differing(found, "actors") == set()
        # By how much a hop was waited for longer, where it was by the factor.
        pairs = [(hop["first"]["lag_s"], hop["second"]["lag_s"], hop["longer_s"]) for hop in found["hops"]]
        more = [abs(longer) for lag, other, longer in pairs if longer and max(lag, other) > TIMES * min(lag, other)]
        assert 0.5 < max(more) < LONGER

    def test_those_of_another_kind_do(self) -> None:
        """Alone and beside another launch: what takes longer is named, and not half of the hops."""
        for number in (0, 1):
            assert (
                1
                <= len(differing(compare(recorded_report("cold"), recorded_report("interleaved", number)), "time"))
                <= 3
            )

    def test_attachments_are_alike(self) -> None:
        found = compare(recorded_report("volume-attach/proved", 0), recorded_report("volume-attach/proved", 1))
        assert found["counts"]["same"] == found["counts"]["hops"] == 20
        assert comparison_sentence(found) == "All 20 hops are alike."

    def test_warm_against_cold(self) -> None:
        found = compare(recorded_report("cold"), recorded_report("warm"))
        changed = differing(found, "verdict")
        assert {hop(found, name)["second"]["verdict"] for name in changed} == {"cached"}
        assert {hop(found, name)["first"]["verdict"] for name in changed} == {"proved"}
        assert (found["first"]["warm"], found["second"]["warm"]) == (False, True)
        assert found["first"]["seconds"] > found["second"]["seconds"]

    def test_good_against_failed(self) -> None:
        found = compare(recorded_report("cold"), recorded_report("failed"))
        first = recorded_report("failed")["first_unproven"]
        broken = next(hop for hop in recorded_report("failed")["hops"] if hop["name"] == first["name"])
        assert found["second"]["first_unproven"] == {"hop": first["hop"], "name": first["name"]}
        assert difference_words(hop(found, first["name"])) == f"proved, then {broken['verdict']}"
        assert "blocked" in {hop(found, name)["second"]["verdict"] for name in differing(found, "verdict")}

    def test_the_page_about_it_shows_how_it_looks(self) -> None:
        page = (Path(__file__).parents[2] / "docs" / "comparison.md").read_text(encoding="utf-8")
        sample = page.partition("<!-- sample: begin -->\n")[2].partition("<!-- sample: end -->")[0]
        assert dedent(sample) == shown(compare(recorded_report("cold"), recorded_report("failed")))

    def test_another_list(self) -> None:
        found = compare(recorded_report("cold"), recorded_report("cold", 0, "cli-28"))
        only = differing(found, "only")
        listed = {hop["name"] for hop in recorded_report("cold", 0, "cli-28")["hops"]}
        assert only == {hop["name"] for hop in recorded_report("cold")["hops"]} ^ listed != set()
        assert {difference_words(hop(found, name)) for name in only} <= {"only in the first", "only in the second"}
        assert found["counts"]["hops"] - found["counts"]["same"] == len(only)

    def test_a_slow_run(self) -> None:
        slow = copy.deepcopy(recorded_report("cold"))
        for entry in slow["hops"]:
            if entry["name"] == "schedule-take":
                entry["lag_s"] += 5.0
        found = compare(recorded_report("cold"), slow)
        assert differing(found, "time") == {"schedule-take"}
        assert difference_words(hop(found, "schedule-take")) == "5.0 s longer"
        assert difference_words(hop(compare(slow, recorded_report("cold")), "schedule-take")) == "5.0 s shorter"


@pytest.mark.parametrize(
    ("lag", "other", "unusual"),
    [
        (0.0, LONGER, False),
        (0.0, LONGER + 0.001, True),
        (LONGER + 0.001, 0.0, True),
        (10.0, 10.0 + LONGER + 0.5, False),
        (10.0, 10.0 * TIMES, False),
        (10.0, 10.0 * TIMES + 0.001, True),
    ],
)
def test_a_time_is_unusual_by_seconds_and_by_a_factor(lag: float, other: float, unusual: bool) -> None:
    assert is_unusual(lag, other) is unusual


class TestAnyRuns:
    @pytest.mark.parametrize("first", [proved, failed, inconclusive, disordered])
    @pytest.mark.parametrize("second", [proved, failed, inconclusive, disordered])
    def test_fit_the_published_schema(self, first: Callable[[], Document], second: Callable[[], Document]) -> None:
        found = json.loads(json.dumps(compare(first(), second())))
        jsonschema.validate(found, FORM)
        counts = found["counts"]
        assert counts["same"] == sum(hop["differs"] == [] for hop in found["hops"])
        assert (counts["same"] == counts["hops"]) is (first is second)
        text = shown(found)
        assert text.endswith(f"{comparison_sentence(found)}\n")
        assert text.count("\n") <= 12 + counts["hops"] - counts["same"]

    def test_recorded_ones_do_too(self) -> None:
        for others in (recorded_report("warm"), recorded_report("failed"), recorded_report("cold", 0, "deck-17")):
            jsonschema.validate(json.loads(json.dumps(compare(recorded_report("cold"), others))), FORM)

    def test_every_difference_is_a_line_with_both_verdicts(self) -> None:
        text = shown(compare(proved(), failed()))
        line = next(line for line in text.splitlines() if f" {BROKEN} " in line)
        assert line.split()[-3:] == ["proved,", "then", "absent"]
        assert " proved  " in line
        assert " absent  " in line
        assert sum(" blocked " in line for line in text.splitlines()) == len(
            following(BROKEN) & {hop["name"] for hop in proved()["hops"]}
        )
        assert " image-request " not in text or "image-request" in following(BROKEN)

    def test_all_hops_of_both_stand_in_the_documented_order(self) -> None:
        first, second = document(flow="cli-28"), document(flow="launch-58")
        found = [hop["name"] for hop in compare(first, second)["hops"]]
        assert sorted(found) == sorted({hop["name"] for hop in (*first["hops"], *second["hops"])})
        ranks = [name for name in found if name in {hop["name"] for hop in first["hops"]}]
        assert ranks == list(dict.fromkeys(ranks))
        again = [hop["name"] for hop in compare(second, second)["hops"]]
        assert again[0] == "token-request"
        assert again[-1] == "poll-answer"

    def test_another_actor_is_a_difference(self) -> None:
        moved = copy.deepcopy(proved())
        moved["hops"][10]["from"] = "elsewhere"
        found = compare(proved(), moved)
        name = moved["hops"][10]["name"]
        assert differing(found, "actors") == {name}
        assert difference_words(hop(found, name)) == f"now elsewhere -> {moved['hops'][10]['to']}"

    def test_a_time_that_is_not_known_is_no_difference(self) -> None:
        slow = copy.deepcopy(proved())
        slow["hops"][3]["lag_s"] = 99.0
        found = compare(proved(), slow)
        assert differing(found, "time") == set()
        assert hop(found, slow["hops"][3]["name"])["longer_s"] is None

    def test_one_that_never_began(self) -> None:
        none = copy.deepcopy(failed())
        for entry in none["hops"]:
            entry |= {"at": None, "end": None, "witnesses": [], "verdict": "blocked"}
        found = compare(none, proved())
        assert found["first"]["seconds"] is None
        assert {hop["first"]["since_start_s"] for hop in found["hops"]} == {None}
        assert "took" in shown(found)

    def test_texts_are_harmless(self) -> None:
        evil = copy.deepcopy(proved())
        evil |= {"run": "x\x1b[2J\ny"}
        evil["hops"][0] |= {"verdict": "weak", "from": "a\x1b[31m\nb", "why": "\x00"}
        text = shown(compare(proved(), evil))
        assert "\x1b" not in text
        assert "x␛[2J y" in text
        assert "now a␛[31m b -> " in text.replace("\n", " ")

    def test_colours_are_for_terminals(self) -> None:
        out = io.StringIO()
        show_comparison(compare(proved(), failed()), Console(file=out, force_terminal=True, width=200))
        assert "\x1b[1;31mabsent" in out.getvalue()


class TestCommand:
    @pytest.fixture
    def runs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Three runs with reports in `runs`, the last one `latest`."""
        made = {"good": proved(), "bad": failed(), "attached": proved() | {"journey": "volume-attach"}}
        for name, sample in made.items():
            (tmp_path / "runs" / name).mkdir(parents=True)
            (tmp_path / "runs" / name / REPORT).write_text(json.dumps(sample | {"run": name}))
        (tmp_path / "runs" / LATEST).symlink_to("bad")
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("HOPLAB_RUNS", raising=False)
        return tmp_path / "runs"

    def test_a_table_json_and_a_file(self, runs: Path, capsys: Capture) -> None:
        assert main(["report", "--compare", "good", "runs/latest"]) == 0
        text = capsys.readouterr().out
        assert text.splitlines()[1].split() == ["run", "good", "bad"]
        assert main(["report", "--compare", "good", "bad", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        jsonschema.validate(found, FORM)
        assert (found["first"]["run"], found["second"]["run"]) == ("good", "bad")
        assert main(["report", "--compare", "good", "bad", "--output", "compared.txt"]) == 0
        assert (runs.parent / "compared.txt").read_text() == text

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["good", "good"], "both names are of one run"),
            (["bad", "runs/latest"], "both names are of one run"),
            (["good", "attached"], "good is a launch, attached a volume-attach: name two runs of one journey"),
            (["good", "none"], "there is no run none here or in "),
            (["good", "runs/good/report.json"], "is a file, and a run is a directory"),
            (["good", ".."], "report.json: cannot be read"),
            (["good", "bad", "attached"], "--compare names both runs: leave out the third"),
            (["good", "bad", "--junit"], "--junit: a comparison has no such form"),
            (["good", "bad", "--perfetto", "x"], "--perfetto: a comparison has no such form"),
            (["good", "bad", "--otlp", "http://127.0.0.1:1"], "--otlp: a comparison has no such form"),
            (["good", "bad", "--output", "none/x"], "--output none/x: No such file or directory"),
        ],
    )
    def test_what_is_wrong_is_told(self, runs: Path, capsys: Capture, words: list[str], said: str) -> None:
        assert runs.is_dir()
        assert main(["report", "--compare", *words]) == 2
        told = capsys.readouterr()
        assert said in told.err
        assert told.out == ""

    @pytest.mark.parametrize("words", [[], ["good"], ["good", ""]])
    def test_less_than_two_runs_are_wrong_usage(self, runs: Path, capsys: Capture, words: list[str]) -> None:
        assert runs.is_dir()
        with pytest.raises(SystemExit) as caught:
            main(["report", "--compare", *words])
        assert caught.value.code == 2
        assert "--compare" in capsys.readouterr().err

    def test_a_damaged_report_is_named(self, runs: Path, capsys: Capture) -> None:
        (runs / "bad" / REPORT).write_text('{"schema": 1}')
        assert main(["report", "--compare", "good", "bad"]) == 2
        assert f"{runs}/bad/report.json" in capsys.readouterr().err

    def test_replay_judges_both_again(self, tmp_path: Path, capsys: Capture) -> None:
        cold, warm = (unpack(name, tmp_path / name)[0] for name in ("cold", "warm"))
        assert main(["replay", "--compare", str(cold), str(warm), "--flow", "deck-17", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["first"]["flow"] == found["second"]["flow"] == "deck-17"
        assert found["counts"]["verdict"] > 0
        assert not any((run / REPORT).exists() for run in (cold, warm))


def test_two_journeys_are_not_compared() -> None:
    with pytest.raises(ConfigurationError, match=r"is a launch, .* a volume-attach: name two runs"):
        compare(recorded_report("cold"), recorded_report("volume-attach/proved"))
