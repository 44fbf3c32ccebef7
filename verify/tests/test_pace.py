"""Which hop made a launch slow: against earlier good runs, and the same whenever a run is judged again."""

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hoplab.flow.loader import load
from hoplab.flow.model import Catalogue
from hoplab.judge.pace import (
    FEWEST,
    RUNS,
    USUAL,
    Pace,
    UsualLag,
    lags,
    proved_runs,
    read_usual,
    slow_hop,
    usual_pace,
    write_usual,
)
from hoplab.judge.verdicts import JudgedHop, Result, Verdict, Verdicts
from hoplab.model.errors import ConfigurationError
from hoplab.model.events import Event
from hoplab.report.html import render_html
from hoplab.report.terminal import show_report
from hoplab.run.record import REPORT
from samples.reports import proved

CATALOGUE: Catalogue = load()
FIRST, SECOND, THIRD = "server-request", "nova-token-validation", "image-check"
"""Each must follow the one before; network-check must follow the second, too."""


def judgement(times: dict[str, tuple[float, float]]) -> Verdicts:
    """Return a proved launch with hops that were from when to when."""
    none: tuple[Event, ...] = ()
    hops = [
        JudgedHop(CATALOGUE.hops[name], Verdict.PROVED, none, none, none, begin, end, whole=True, unread=False, why="")
        for name, (begin, end) in times.items()
    ]
    return Verdicts(tuple(hops), Result.PROVED, None)


def pace(**longest: float) -> Pace:
    return Pace(FEWEST, {name.replace("_", "-"): UsualLag(one / 2, one) for name, one in longest.items()})


class TestLags:
    def test_from_the_end_of_what_it_must_follow(self) -> None:
        found = lags(judgement({FIRST: (0, 1), SECOND: (1.5, 3), THIRD: (2, 7)}))
        assert found == {FIRST: 1, SECOND: 2, THIRD: 4}

    def test_never_below_nothing_and_none_of_what_was_not_seen(self) -> None:
        made = judgement({FIRST: (0, 5), SECOND: (1, 2)})
        unseen = replace(made.hops[1], hop=CATALOGUE.hops[THIRD], begin=None, end=None)
        assert lags(Verdicts((*made.hops, unseen), Result.PROVED, None)) == {FIRST: 5, SECOND: 0}


class TestSlowHop:
    USUAL = pace(server_request=1, nova_token_validation=1, image_check=1, network_check=1)

    def test_is_the_one_that_was_waited_for(self) -> None:
        made = judgement({FIRST: (0, 0.5), SECOND: (0, 9), THIRD: (9, 9.5)})
        assert slow_hop(made, self.USUAL) == SECOND

    def test_of_several_it_is_the_first_by_time(self) -> None:
        """network-check need not follow image-check, and waits for it all the same."""
        made = judgement({FIRST: (0, 0.5), SECOND: (0, 1), "network-check": (9, 9.9), THIRD: (1, 9)})
        assert slow_hop(made, self.USUAL) == THIRD

    @pytest.mark.parametrize("end", [1.0, 2.9])
    def test_is_none_by_chance(self, end: float) -> None:
        assert slow_hop(judgement({FIRST: (0, end)}), self.USUAL) is None

    def test_is_none_where_good_runs_were_as_slow(self) -> None:
        assert slow_hop(judgement({FIRST: (0, 14)}), pace(server_request=10)) is None
        assert slow_hop(judgement({FIRST: (0, 16)}), pace(server_request=10)) == FIRST

    def test_is_none_that_good_runs_do_not_know(self) -> None:
        assert slow_hop(judgement({FIRST: (0, 99)}), pace(image_check=1)) is None


def report(result: str = "proved", lag: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"result": result, "hops": [{"name": FIRST, "lag_s": lag}, {"name": THIRD, "lag_s": None}], **more}


def written(runs: Path, reports: Iterable[dict[str, Any]], name: str = "2026010{}T000000-x") -> None:
    for number, report in enumerate(reports):
        directory = runs / name.format(number)
        directory.mkdir(parents=True)
        (directory / REPORT).write_text(json.dumps(report))


class TestUsual:
    def test_is_what_the_good_runs_beside_it_say(self, tmp_path: Path) -> None:
        written(tmp_path, [report(lag=lag) for lag in (1.0, 5.0, 2.0)])
        written(tmp_path, [report("failed", 99.0), report(lag=99.0, slow={"name": FIRST})], "2026020{}T000000-y")
        written(tmp_path, [report(lag=98.0), report(lag=98.0)], "20260301T000000-{}")
        own = tmp_path / "20260401T000000-z"
        written(tmp_path, [report(lag=97.0)], own.name)
        write_usual(own)
        assert read_usual(own) == Pace(3, {FIRST: UsualLag(2.0, 5.0)})
        # What comes later changes nothing of it.
        written(tmp_path, [report(lag=50.0)], "20260501T000000-w")
        assert read_usual(own) == Pace(3, {FIRST: UsualLag(2.0, 5.0)})

    def test_is_not_known_of_too_few_runs_or_damaged(self, tmp_path: Path) -> None:
        written(tmp_path, [report()] * (FEWEST - 1))
        own = tmp_path / "20260401T000000-z"
        own.mkdir()
        assert read_usual(own) is None
        write_usual(own)
        assert read_usual(own) is None
        for text in (
            "",
            "[]",
            "{}",
            '{"schema": 1, "runs": 9, "hops": {"x": 5}}',
            '{"schema": 1, "runs": 9, "hops": {"x": [1]}}',
        ):
            (own / USUAL).write_text(text)
            with pytest.raises(ConfigurationError, match=f"{USUAL}: .*remove it"):
                read_usual(own)

    def test_is_of_the_latest_runs(self, tmp_path: Path) -> None:
        for number in range(RUNS + 5):
            written(tmp_path, [report(lag=float(number))], f"20260101T{number:06}-x")
        (tmp_path / "latest").symlink_to("20260101T000000-x")
        found = usual_pace(proved_runs(tmp_path))
        assert (found.runs, found.hops[FIRST].longest) == (RUNS, RUNS + 4)
        assert found.hops[FIRST].middle == pytest.approx((5 + RUNS + 4) / 2)
        assert list(proved_runs(tmp_path / "none")) == []


class TestReports:
    def test_say_which_hop_was_slow(self) -> None:
        shown = proved()
        slow = {"hop": 5, "name": "first-entry", "lag_s": 9.5, "usual_s": 0.04, "longest_s": 0.1, "runs": 12}
        for hop in shown["hops"]:
            hop.update({"lag_s": 9.5, "usual_s": 0.04} if hop["name"] == "first-entry" else {})
        said = (
            "5 first-entry made this launch slow: it was waited for 9.5 s, in this lab's last 12 good runs 0.0 s, and "
            "never more than 0.1 s."
        )
        out = io.StringIO()
        show_report({**shown, "slow": slow}, Console(file=out))
        assert said in out.getvalue()
        page = render_html({**shown, "slow": slow})
        assert said.replace("'", "&#39;") in page
        assert "over 9.500 s (usually 0.040 s) after what it must follow" in " ".join(page.split())
        assert "slow" not in render_html({**shown, "slow": None}).split("</style>")[1]
