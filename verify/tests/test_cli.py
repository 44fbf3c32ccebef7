import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hoplab.checks.findings import fails, holds
from hoplab.checks.outcome import LaunchOutcome
from hoplab.commands import launch as launching
from hoplab.commands import main as cli
from hoplab.commands.cleanup import removal_code, removal_line
from hoplab.launch.removal import Removal
from hoplab.model.errors import LaunchError, SourceError
from hoplab.session.background import BackgroundTask


def test_no_lab_is_a_message_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOPLAB_LAB", raising=False)
    assert cli.main(["launch"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("hoplab: error: no lab found at ")
    assert "make lab" in captured.err


@pytest.mark.parametrize("arguments", [[], ["fly"], ["launch", "--what"], ["wait", "--timeout", "soon"]])
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: hoplab" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (LaunchError("the image is queued"), 1, "error: the image is queued"),
        (SourceError("no answer"), 3, "error: no answer"),
        (KeyError("x"), 3, "error: a fault in hoplab itself: KeyError"),
        (KeyboardInterrupt(), 130, "interrupted; what was made so far stays"),
    ],
)
def test_errors_and_ctrl_c_become_a_message_and_a_status(
    error: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(_: object) -> int:
        raise error

    monkeypatch.setattr(launching, "run", broken)
    assert cli.main(["launch"]) == status
    assert said in capsys.readouterr().err


def test_every_verb_has_help() -> None:
    for name in ("launch", "cleanup"):
        assert f"    {name} " in cli.parser().format_help()


def test_a_launch_keeps_its_instance_unless_told_otherwise() -> None:
    assert cli.parser().parse_args(["launch"]).keep is True
    assert cli.parser().parse_args(["launch", "--keep"]).keep is True
    assert cli.parser().parse_args(["launch", "--no-keep"]).keep is False


@pytest.mark.parametrize(
    ("held", "result", "status"),
    [(True, "proved", 0), (True, "failed", 1), (True, "inconclusive", 3), (False, "proved", 1), (True, "", 0)],
)
def test_a_launch_is_recorded_while_the_first_guest_boots(
    held: bool, result: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    began, over = threading.Event(), threading.Event()

    def prove(*_arguments: object) -> dict[Path, dict[str, str]]:
        began.set()
        assert over.wait(10)
        return {Path("runs/r1"): {"result": result}}

    def launch(*_arguments: object, active: Callable[[], None], **_named: object) -> LaunchOutcome:
        active()
        if result:
            assert began.wait(10), "both go on at once"
        over.set()
        made = holds if held else fails
        return LaunchOutcome("req-1", (made("instance", "ACTIVE", "ACTIVE", "Nova"),))

    monkeypatch.setattr(launching, "prove", prove)
    monkeypatch.setattr(launching, "launch", launch)
    for name in ("connect", "load", "find_lab"):
        monkeypatch.setattr(launching, name, lambda *_arguments: None)
    assert cli.main(["launch", "--json", *(["--verify"] if result else [])]) == status
    told = json.loads(capsys.readouterr().out)
    assert told.get("report", {}).get("result", "") == result
    assert told["result"] == ("holds" if held else "fails")
    assert began.is_set() is bool(result)


def test_what_goes_wrong_beside_a_launch_is_told() -> None:
    def broken() -> None:
        raise LaunchError("no route")

    work = BackgroundTask(broken)
    assert work.end() is None
    work.begin()
    with pytest.raises(LaunchError, match="no route"):
        work.end()


@pytest.mark.parametrize(
    ("removal", "line", "status"),
    [
        (Removal("volume", ("a", "b"), None), "volume: removed a, b", 0),
        (Removal("volume", (), None), "volume: none there", 0),
        (Removal("volume", (), "in use"), "volume: left: in use", 1),
    ],
)
def test_a_cleanup_tells_what_it_did(removal: Removal, line: str, status: int) -> None:
    assert removal_line(removal) == line
    assert removal_code([removal]) == status
