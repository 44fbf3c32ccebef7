"""What reports say of runs in a cloud that can't show all: the run's told.json says so, and all else is as it was."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hoplab.judge.told import foretell, write_told
from hoplab.model.validation import Validator
from hoplab.report.form import FORM
from hoplab.report.html import render_html
from hoplab.report.junit import render_junit
from hoplab.report.terminal import show_report
from hoplab.session.judge_run import judge_run
from samples.less import GOOD_IDS, INFO
from samples.runs import CATALOGUE, FLOW, unpacked

Document = dict[str, Any]


def judged(run: str, number: int, place: Path) -> Document:
    """Judge a copy of a run of which it was told before that only a cloud's INFO logs can be seen."""
    shutil.copytree(unpacked(run)[number], place / "run")
    write_told(foretell(CATALOGUE, "plain", 0, INFO, GOOD_IDS), place / "run")
    return judge_run(place / "run", CATALOGUE, FLOW, write=False)


def text(document: Document) -> str:
    stream = io.StringIO()
    show_report(document, Console(file=stream))
    return stream.getvalue()


@pytest.fixture
def good(tmp_path: Path) -> Document:
    return judged("cold", 0, tmp_path)


@pytest.fixture
def failed(tmp_path: Path) -> Document:
    names = [path.name for path in unpacked("reported")]
    return judged("reported", names.index("l2-host-wrong"), tmp_path)


def test_a_good_one_speaks_of_what_can_be_seen(good: Document) -> None:
    assert good["result"] == "proved"
    assert good["counts"] == {"not observable": 34, "proved": 14, "seen": 25}
    assert good["told"] == {"profile": "plain", "level": 0, "sources": list(INFO)}
    assert "All 39 hops of the launch that can be seen in this cloud happened; 34 of 73 can't be seen." in text(good)
    assert Validator(FORM).first_fault(good) is None
    why = {hop["name"]: hop["why"] for hop in good["hops"]}
    assert why["token-request"] == "client saw it; this cloud can't show http.served of keystone"
    assert why["cluster-state"].startswith("this cloud can't show db.statement of database")


def test_what_can_t_be_seen_fails_no_test_of_ci(good: Document) -> None:
    suite = render_junit(good)
    assert 'failures="0"' in suite
    assert 'errors="0"' in suite
    assert 'skipped="34"' in suite


def test_what_was_not_told_does(good: Document) -> None:
    for hop in good["hops"]:
        hop["told"] = "proved"
    assert 'errors="59"' in render_junit({**good, "result": "inconclusive"})


def test_a_failed_one_names_all_hops_at_which_it_may_have_broken(failed: Document) -> None:
    interval = failed["failure"]["interval"]
    assert interval["candidates"] == ["network-answer", "object-answer", "disk-import", "guest-define"]
    assert interval["missing"] == "guest-define"
    assert failed["first_unproven"]["name"] == "network-answer"
    shown = text(failed)
    between = f"between {' and '.join(interval['after'])} (seen) and guest-define (missing)"
    assert f"The launch broke {between}, at one of 4 hops." in shown
    assert "may be at  network-answer, object-answer, disk-import, guest-define (the likeliest first)" in shown
    assert "Likeliest hop at which it broke: 38 network-answer, neutron-api -> nova-compute" in shown
    page = render_html(failed)
    assert between in page
    assert "Likeliest hop at which it broke" in page
    assert Validator(FORM).first_fault(failed) is None
