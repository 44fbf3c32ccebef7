"""The forms of a report: the same for all verbs that give one, wherever they go, and what can't be written is told."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hoplab.commands.main import main
from hoplab.report.document import Document
from hoplab.report.html import render_html
from hoplab.report.junit import render_junit
from hoplab.report.otlp import render_otlp
from hoplab.report.output import as_json
from hoplab.report.perfetto import render_perfetto
from hoplab.run.record import REPORT
from samples.reports import failed, proved
from samples.run_reports import recorded_report
from samples.runs import unpack

RENDER: dict[str, Callable[[Document], str]] = {
    "--html": render_html,
    "--junit": render_junit,
    "--json": as_json,
    "--perfetto": render_perfetto,
    "--otlp": render_otlp,
}
Capture = pytest.CaptureFixture[str]


class TestEveryForm:
    @pytest.mark.parametrize("form", sorted(RENDER.keys() - {"--perfetto", "--otlp"}))
    def test_goes_to_standard_output_or_to_a_file(
        self, sent: Path, verb: str, tmp_path: Path, capsys: Capture, form: str
    ) -> None:
        wanted = RENDER[form](recorded_report("cold"))
        assert main([verb, str(sent), form]) == 0
        assert capsys.readouterr().out == wanted
        file = tmp_path / "written"
        assert main([verb, str(sent), form, "--output", str(file)]) == 0
        assert file.read_text(encoding="utf-8") == wanted
        told = capsys.readouterr()
        assert told.out == ""
        assert f"hoplab: written to {file}" in told.err

    @pytest.mark.parametrize("form", ["--perfetto", "--otlp"])
    def test_traces_go_to_a_file(self, sent: Path, verb: str, tmp_path: Path, capsys: Capture, form: str) -> None:
        file = tmp_path / "trace.json"
        assert main([verb, str(sent), form, str(file)]) == 0
        assert file.read_text(encoding="utf-8") == RENDER[form](recorded_report("cold"))
        assert capsys.readouterr().out == ""

    def test_several_are_written_at_once(self, sent: Path, verb: str, tmp_path: Path, capsys: Capture) -> None:
        files = {name: tmp_path / name for name in ("output", "perfetto", "otlp")}
        options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
        assert main([verb, str(sent), "--junit", *options]) == 0
        assert ET.fromstring(files["output"].read_text()).tag == "testsuites"
        assert json.loads(files["perfetto"].read_text())["traceEvents"]
        assert json.loads(files["otlp"].read_text())["resourceSpans"]
        assert capsys.readouterr().out == ""

    def test_without_one_it_is_the_table(self, sent: Path, verb: str, tmp_path: Path, capsys: Capture) -> None:
        assert main([verb, str(sent)]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("NO  FROM -> TO")
        assert main([verb, str(sent), "--output", str(tmp_path / "text")]) == 0
        assert (tmp_path / "text").read_text() == shown

    def test_of_two_for_one_place_none_is_chosen(self, sent: Path, verb: str, tmp_path: Path, capsys: Capture) -> None:
        with pytest.raises(SystemExit) as caught:
            main([verb, str(sent), "--html", "--json"])
        assert caught.value.code == 2
        file = str(tmp_path / "x")
        assert main([verb, str(sent), "--perfetto", file, "--otlp", file]) == 2
        assert "name the same file" in capsys.readouterr().err
        assert not Path(file).exists()


SLOW = ("jinja2", "google.protobuf", "opentelemetry", "urllib.request", "http.client")
"""What some forms need, and most calls of hoplab do not."""
LOADED = """
import sys
from hoplab.commands.main import main
main(sys.argv[1:])
sys.stderr.write(" ".join(sys.modules))
"""


@pytest.mark.parametrize(
    ("words", "loaded"), [((), ()), (("--otlp", "/dev/null"), ("google.protobuf", "opentelemetry"))]
)
def test_what_a_form_needs_is_loaded_when_it_is_asked_for(
    sent: Path, words: tuple[str, ...], loaded: tuple[str, ...]
) -> None:
    argv = [sys.executable, "-c", LOADED, "replay", str(sent), *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert [name for name in SLOW if name in done.stderr.split()] == list(loaded)


def test_replay_says_what_a_run_came_to_whatever_is_written(tmp_path: Path, capsys: Capture) -> None:
    (run,) = unpack("failed", tmp_path)
    assert main(["replay", str(run), "--html", "--output", str(tmp_path / "page.html")]) == 1
    assert "hoplab: launch-58 failed: " in capsys.readouterr().err
    assert not (run / REPORT).exists(), "it writes nothing into the run's directory"
    assert main(["report", str(run), "--html"]) == 2


def test_replay_needs_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["replay"]) == 2
    assert "name the run that is to be judged again" in capsys.readouterr().err


class TestWhatCantBeWritten:
    @pytest.mark.parametrize("option", ["--output", "--perfetto", "--otlp"])
    def test_is_told_with_its_option_and_all_else_is_written(
        self, tmp_path: Path, verb: str, sent: Path, capsys: Capture, option: str
    ) -> None:
        files = {"--output": "report", "--perfetto": "perfetto", "--otlp": "otlp"}
        places = {name: tmp_path / file for name, file in files.items()} | {option: tmp_path / "none" / "x"}
        words = [word for name, place in places.items() for word in (name, str(place))]
        assert main([verb, str(sent), "--json", *words]) == 2
        assert f"error: {option} {tmp_path}/none/x: No such file or directory: " in capsys.readouterr().err
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            file for name, file in files.items() if name != option
        )

    def test_two_errors_are_both_told(self, tmp_path: Path, sent: Path, capsys: Capture) -> None:
        words = ["--perfetto", f"{tmp_path}/none/p", "--otlp", f"{tmp_path}/none/o"]
        assert main(["report", str(sent), *words]) == 2
        told = capsys.readouterr().err
        assert "--perfetto" in told
        assert "--otlp" in told

    def test_a_full_disk(self, sent: Path, capsys: Capture) -> None:
        assert main(["report", str(sent), "--otlp", "/dev/full"]) == 2
        assert "--otlp /dev/full: No space left on device" in capsys.readouterr().err

    def test_what_may_not_be_written(self, sent: Path, capsys: Capture) -> None:
        # A directory of the kernel's, in which not even root makes files.
        assert main(["report", str(sent), "--perfetto", "/sys/kernel/trace.json"]) == 2
        assert "--perfetto /sys/kernel/trace.json: Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("make", [proved, failed])
def test_what_report_shows_has_status_0_whatever_the_result(
    make: Callable[[], Document], tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / REPORT).write_text(json.dumps(make()))
    assert main(["report", str(tmp_path), "--otlp", str(tmp_path / "trace")]) == 0
    assert "error" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a file", "nothing"])
def test_what_is_no_run_is_named(name: str, verb: str, tmp_path: Path, capsys: Capture) -> None:
    place = tmp_path / "sent.tar.xz"
    if name == "a file":
        place.write_bytes(b"x")
    assert main([verb, str(place), "--html"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    said = f"{place} is a file, and a run is a directory" if name == "a file" else f"there is no run {place} here"
    assert said in told.err
