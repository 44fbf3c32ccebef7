"""Limits of the scenarios' and the lab's tests grow where the machine is slow, and hide nothing."""

import subprocess
import sys
import time
from pathlib import Path

import patience
import pytest
import scenario


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_measured", [])


@pytest.mark.parametrize(
    ("start", "limit"), [(0.2, 60.0), (patience.USUAL, 60.0), (1.5 * patience.USUAL, 90.0), (99.0, 240.0)]
)
def test_a_limit_grows_with_the_start_of_a_program_up_to_a_limit_of_its_own(
    monkeypatch: pytest.MonkeyPatch, start: float, limit: float
) -> None:
    monkeypatch.setattr(patience, "start_seconds", lambda: start)
    assert patience.patient(60) == pytest.approx(limit)


def test_it_is_measured_again_only_when_it_may_have_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = iter([1.0, 3.0])
    monkeypatch.setattr(patience, "start_seconds", lambda: next(starts))
    clock = iter([0.0, 1.0, patience.FRESH + 2])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    assert [patience.patient(10) for _ in range(3)] == pytest.approx([10, 10, 30])


def test_a_real_program_is_started(tmp_path: Path) -> None:
    (tmp_path / "python").write_text(f"#!/bin/sh\nsleep 0.2\nexec {sys.executable} -c pass\n", encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    assert patience.start_seconds(str(tmp_path / "python")) >= 0.2


def test_a_program_that_fails_is_no_slow_machine() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        patience.start_seconds("false")


def test_what_comes_true_late_on_a_slow_machine_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "start_seconds", lambda: 4 * patience.USUAL)
    began = time.monotonic()
    assert scenario.eventually("it is so", lambda: time.monotonic() - began > 0.3, seconds=0.15, interval=0.01)


def test_what_never_comes_true_fails_and_tells_both_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "start_seconds", lambda: 2 * patience.USUAL)
    with pytest.raises(AssertionError, match=r"it is so did not come true in 0\.2 s, which is 2\.0 times 0\.1 s"):
        scenario.eventually("it is so", lambda: False, seconds=0.1, interval=0.01)


def test_at_the_usual_speed_a_limit_is_what_the_test_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "start_seconds", lambda: patience.USUAL / 2)
    with pytest.raises(AssertionError, match=r"it is so did not come true in 0\.1 s; the last answer: False"):
        scenario.eventually("it is so", lambda: False, seconds=0.1, interval=0.01)
