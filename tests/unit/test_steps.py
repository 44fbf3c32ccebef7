"""The whole test: a step passed before only with the same files; what fails ends it, what became slow is named."""

import subprocess
import time
from pathlib import Path

import pytest
from bin.teststeps import STEPS, Part, Step, carry_out
from passed import Results

SOME = (
    Step("check", (Part("Checks", ("check",)),)),
    Step("", (Part("Down", ("down",)),)),
    Step("lab", (Part("Lab", ("lab",)), Part("Tests", ("tests",)))),
)
FILES = (
    "README.md",
    "docs/a.md",
    "roles/keystone/tasks/main.yml",
    "verify/hoplab/commands/main.py",
    "tests/unit/test_x.py",
    "Makefile",
)


class Bench:
    """A small clone, what was run in it, and what is to fail."""

    def __init__(self, place: Path) -> None:
        self.root = place / "clone"
        for name in FILES:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text("x\n", encoding="utf-8")
        subprocess.run(["git", "init", "--quiet", "."], cwd=self.root, check=True)
        self.results = Results(self.root, place / "passed")
        self.ran: list[str] = []
        self.fails = ""
        self.changes = ""

    def run(self, argv: tuple[str, ...]) -> int:
        """Note a command in the place of running it."""
        self.ran.append(argv[0])
        if self.changes == argv[0]:
            (self.root / "Makefile").write_text("changed\n", encoding="utf-8")
        return 7 if argv[0] == self.fails else 0

    def test(self, *, anew: bool = False) -> tuple[int, list[str]]:
        """Carry out the steps; return the status and what was run."""
        self.ran = []
        return carry_out(self.root, SOME, self.run, self.results, anew=anew), self.ran


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_what_passed_is_not_run_again_and_says_when(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.test() == (0, ["check", "down", "lab", "tests"])
    capsys.readouterr()
    assert bench.test() == (0, ["down"])
    said = capsys.readouterr().out
    assert "== Checks: passed before (20" in said
    assert "== Lab: passed before (20" in said
    assert bench.test(anew=True) == (0, ["check", "down", "lab", "tests"])


@pytest.mark.parametrize("name", [*FILES, "new/file"])
def test_one_byte_of_any_file_and_all_is_run_again(bench: Bench, name: str) -> None:
    bench.test()
    path = bench.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("y\n", encoding="utf-8")
    assert bench.test() == (0, ["check", "down", "lab", "tests"])


@pytest.mark.parametrize(("fails", "ran"), [("check", ["check"]), ("tests", ["check", "down", "lab", "tests"])])
def test_what_fails_ends_it_and_does_not_count(
    bench: Bench, fails: str, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bench.fails = fails
    assert bench.test() == (7, ran)
    assert "FAILED (7)" in capsys.readouterr().out
    bench.fails = ""
    assert bench.test()[1][-2:] == ["lab", "tests"]


def test_files_that_change_meanwhile_were_not_tried(bench: Bench) -> None:
    bench.changes = "tests"
    bench.test()
    assert bench.test() == (0, ["check", "down", "lab", "tests"])


def test_a_part_that_became_much_slower_is_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    takes = {"check": 20.0, "down": 3.0, "lab": 100.0, "tests": 4.0}

    def run(argv: tuple[str, ...]) -> int:
        now[0] += takes[argv[0]]
        return 0

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(bench, "run", run)
    bench.test(anew=True)
    assert "much slower" not in capsys.readouterr().out
    takes |= {"lab": 151.0, "check": 29.0, "tests": 9.0, "down": 90.0}
    bench.test(anew=True)
    told = [line for line in capsys.readouterr().out.splitlines() if "much slower" in line]
    assert told == ["much slower than before: Lab: 151 s, before 100 s"]


def test_what_is_run_each_time_needs_no_result() -> None:
    assert [step.name for step in STEPS] == ["check", "browser", "", "", "lab"]
    assert all(len(step.parts) == 1 for step in STEPS if not step.name)
