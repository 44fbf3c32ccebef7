"""`hoplab` without a verb: three things that one would do next, by what is there."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hoplab.commands.main import main, parser
from hoplab.run.record import JOURNEY, LATEST, REPORT
from samples.reports import BROKEN, Document, failed, inconclusive, proved

Capture = pytest.CaptureFixture[str]
Place = Callable[..., list[str]]


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, document: dict[str, Any]) -> Place:
    """Says what `hoplab` alone tells, below its usage, where there is a lab and a run, or not."""
    here = tmp_path / "clone"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("HOPLAB_RUNS", raising=False)
    monkeypatch.delenv("HOPLAB_LAB", raising=False)

    def ask(report: Document | str | None = None, *, lab: bool = False, argv: tuple[str, ...] = ()) -> list[str]:
        if lab:
            place = here / ".lab" / "local"
            place.mkdir(parents=True)
            (place / "lab.json").write_text(json.dumps(document))
        if report is not None:
            run = here / "runs" / "20261121T073200-86d4867f"
            run.mkdir(parents=True)
            (run.parent / LATEST).symlink_to(run.name)
            (run / JOURNEY).write_text("{}")
            (run / REPORT).write_text(report if isinstance(report, str) else json.dumps(report))
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 2
        out = capsys.readouterr()
        assert out.out == ""
        usage, *lines = out.err.splitlines()
        assert usage.startswith("usage: hoplab")
        while lines[0].startswith(" "):
            del lines[0]
        return lines

    return ask


def commands(lines: list[str]) -> list[str]:
    """Return the commands of three steps; each must be one that hoplab or make knows."""
    assert len(lines) == 4
    found = [line.strip().split("  ")[0] for line in lines[1:]]
    for command in found:
        program, *words = shlex.split(command)
        assert program in {"hoplab", "make"}
        if program == "hoplab":
            parser().parse_args(words)
    return found


def test_with_neither_a_lab_nor_a_run(alone: Place) -> None:
    lines = alone()
    assert lines[0] == "There is neither a lab nor a run here."
    assert commands(lines) == ["make lab", "hoplab explain", "hoplab replay RUN"]


def test_with_a_lab_and_no_run(alone: Place) -> None:
    lines = alone(lab=True)
    assert lines[0] == "There is a lab, and no run yet."
    assert commands(lines) == ["hoplab verify", "hoplab watch --web", "hoplab explain"]


def test_after_a_proved_run(alone: Place) -> None:
    lines = alone(proved(), lab=True)
    assert lines[0].startswith("The last run, 20261121T073200-86d4867f, is proved: All ")
    page = "hoplab report --html --output report.html"
    assert commands(lines) == [page, "hoplab drill --blind", "hoplab verify"]


def test_after_one_whose_lab_is_gone(alone: Place) -> None:
    assert commands(alone(proved()))[1:] == ["hoplab explain", "make lab"]


def test_after_a_failed_run(alone: Place) -> None:
    lines = alone(failed(), lab=True)
    assert re.search(rf" is failed: [0-9]+ {BROKEN}, from nova-[a-z]+ to ", lines[0])
    assert commands(lines) == ["hoplab report", f"hoplab explain {BROKEN}", "hoplab verify"]


def test_after_one_that_could_not_be_proved(alone: Place) -> None:
    lines = alone(inconclusive(), lab=True)
    assert " is inconclusive: " in lines[0]
    assert commands(lines) == ["hoplab report", "hoplab explain object-read", "hoplab verify"]


def test_after_another_journey(alone: Place) -> None:
    attached = proved() | {"journey": "volume-attach"}
    assert commands(alone(attached, lab=True))[2] == "hoplab verify --journey volume-attach"


@pytest.mark.parametrize("lab", [True, False])
def test_after_a_preparation_that_failed(alone: Place, lab: bool) -> None:
    words = dict.fromkeys(("step", "service", "request", "answer", "request_id"), "volume")
    preparation = {**words, "nodes": [], "down": [], "next": [], "log": []}
    first = {"stage": "preparation", "hop": None, "name": "preparation"}
    lines = alone(failed() | {"preparation": preparation, "first_unproven": first}, lab=lab)
    assert "Nothing was launched: " in lines[0]
    page = "hoplab report --html --output report.html"
    wanted = ["hoplab wait", "hoplab verify"] if lab else [page, "make lab"]
    assert commands(lines) == ["hoplab report", *wanted]


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 999}'])
def test_after_a_run_whose_report_is_damaged(alone: Place, text: str) -> None:
    lines = alone(text)
    assert lines[0].endswith("has no report that can be read.")
    assert commands(lines) == ["hoplab replay runs/latest", "make lab", "hoplab explain"]


def test_a_run_is_named_where_it_would_not_be_found(alone: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(failed(), lab=True)
    below = Path.cwd() / "docs"
    below.mkdir()
    monkeypatch.chdir(below)
    assert commands(alone())[0] == f"hoplab report {below.parent}/runs/latest"


def test_a_lab_that_is_named_and_is_not_there(tmp_path: Path, capsys: Capture) -> None:
    assert main(["--lab", str(tmp_path / "none")]) == 2
    assert "no lab found at" in capsys.readouterr().err


def test_what_a_run_says_does_nothing_to_the_terminal(alone: Place) -> None:
    sample = failed()
    sample["first_unproven"]["name"] = "x\x1b[2J; y"
    lines = alone(sample, lab=True)
    assert "\x1b" not in "".join(lines)
    assert commands(lines)[1] == "hoplab explain 'x␛[2J; y'", "nor to the shell"
