from pathlib import Path

import pytest

from hoplab import cli
from hoplab.errors import LaunchError, SourceError
from hoplab.removal import Removal


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

    monkeypatch.setattr(cli, "run_launch", broken)
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
    ("removal", "line", "status"),
    [
        (Removal("volume", ("a", "b"), None), "volume: removed a, b", 0),
        (Removal("volume", (), None), "volume: none there", 0),
        (Removal("volume", (), "in use"), "volume: left: in use", 1),
    ],
)
def test_a_cleanup_tells_what_it_did(removal: Removal, line: str, status: int) -> None:
    assert cli.removal_line(removal) == line
    assert cli.removal_code([removal]) == status
