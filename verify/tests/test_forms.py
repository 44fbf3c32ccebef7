"""The forms of a report: the same for all verbs that give one, wherever they go, and what can't be written is told."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hoplab.commands import collector
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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run, as someone sent it, with the report on it."""
    (directory,) = unpack("cold", tmp_path_factory.mktemp("sent"))
    (directory / REPORT).write_text(json.dumps(recorded_report("cold")))
    return directory


@pytest.fixture(params=["report", "replay"])
def verb(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Receiver:
    """What takes traces over HTTP, and answers as it is told."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, str, bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(receiver: Receiver) -> Iterator[Receiver]:
    """Have a receiver answer on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((self.path, self.headers["Content-Type"], body))
            self.send_response(receiver.status)
            for name, value in {"Content-Length": str(len(receiver.body)), **receiver.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(receiver.body)

        def do_GET(self) -> None:
            receiver.got.append((self.path, "GET", b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class TestEveryForm:
    @pytest.mark.parametrize("form", sorted(RENDER.keys() - {"--perfetto", "--otlp"}))
    def test_goes_to_standard_output_or_to_a_file(
        self, run: Path, verb: str, tmp_path: Path, capsys: Capture, form: str
    ) -> None:
        wanted = RENDER[form](recorded_report("cold"))
        assert main([verb, str(run), form]) == 0
        assert capsys.readouterr().out == wanted
        file = tmp_path / "written"
        assert main([verb, str(run), form, "--output", str(file)]) == 0
        assert file.read_text(encoding="utf-8") == wanted
        told = capsys.readouterr()
        assert told.out == ""
        assert f"hoplab: written to {file}" in told.err

    @pytest.mark.parametrize("form", ["--perfetto", "--otlp"])
    def test_traces_go_to_a_file(self, run: Path, verb: str, tmp_path: Path, capsys: Capture, form: str) -> None:
        file = tmp_path / "trace.json"
        assert main([verb, str(run), form, str(file)]) == 0
        assert file.read_text(encoding="utf-8") == RENDER[form](recorded_report("cold"))
        assert capsys.readouterr().out == ""

    def test_several_are_written_at_once(self, run: Path, verb: str, tmp_path: Path, capsys: Capture) -> None:
        files = {name: tmp_path / name for name in ("output", "perfetto", "otlp")}
        options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
        assert main([verb, str(run), "--junit", *options]) == 0
        assert ET.fromstring(files["output"].read_text()).tag == "testsuites"
        assert json.loads(files["perfetto"].read_text())["traceEvents"]
        assert json.loads(files["otlp"].read_text())["resourceSpans"]
        assert capsys.readouterr().out == ""

    def test_without_one_it_is_the_table(self, run: Path, verb: str, tmp_path: Path, capsys: Capture) -> None:
        assert main([verb, str(run)]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("NO  FROM -> TO")
        assert main([verb, str(run), "--output", str(tmp_path / "text")]) == 0
        assert (tmp_path / "text").read_text() == shown

    def test_of_two_for_one_place_none_is_chosen(self, run: Path, verb: str, tmp_path: Path, capsys: Capture) -> None:
        with pytest.raises(SystemExit) as caught:
            main([verb, str(run), "--html", "--json"])
        assert caught.value.code == 2
        file = str(tmp_path / "x")
        assert main([verb, str(run), "--perfetto", file, "--otlp", file]) == 2
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
    run: Path, words: tuple[str, ...], loaded: tuple[str, ...]
) -> None:
    argv = [sys.executable, "-c", LOADED, "replay", str(run), *words]
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
        self, tmp_path: Path, verb: str, run: Path, capsys: Capture, option: str
    ) -> None:
        files = {"--output": "report", "--perfetto": "perfetto", "--otlp": "otlp"}
        places = {name: tmp_path / file for name, file in files.items()} | {option: tmp_path / "none" / "x"}
        words = [word for name, place in places.items() for word in (name, str(place))]
        assert main([verb, str(run), "--json", *words]) == 2
        assert f"error: {option} {tmp_path}/none/x: No such file or directory: " in capsys.readouterr().err
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            file for name, file in files.items() if name != option
        )

    def test_two_errors_are_both_told(self, tmp_path: Path, run: Path, capsys: Capture) -> None:
        words = ["--perfetto", f"{tmp_path}/none/p", "--otlp", f"{tmp_path}/none/o"]
        assert main(["report", str(run), *words]) == 2
        told = capsys.readouterr().err
        assert "--perfetto" in told
        assert "--otlp" in told

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
    def test_a_full_disk(self, run: Path, capsys: Capture) -> None:
        assert main(["report", str(run), "--otlp", "/dev/full"]) == 2
        assert "--otlp /dev/full: No space left on device" in capsys.readouterr().err

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_what_may_not_be_written(self, tmp_path: Path, run: Path, capsys: Capture) -> None:
        (tmp_path / "theirs").touch(mode=0o400)
        assert main(["report", str(run), "--perfetto", str(tmp_path / "theirs")]) == 2
        assert "Permission denied" in capsys.readouterr().err


class TestSending:
    @pytest.mark.parametrize(
        ("path", "asked"),
        [("", "/v1/traces"), ("/", "/v1/traces"), ("/otlp/v1/traces?x=1", "/otlp/v1/traces?x=1")],
    )
    def test_a_trace_is_posted_as_otlp_http(self, run: Path, verb: str, capsys: Capture, path: str, asked: str) -> None:
        with serving(Receiver()) as receiver:
            assert main([verb, str(run), "--otlp", receiver.url + path]) == 0
        assert receiver.got == [(asked, "application/json", render_otlp(recorded_report("cold")).encode())]
        assert f"hoplab: sent to {receiver.url}{asked}\n" in capsys.readouterr().err

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"partialSuccess":{}}', b'{"partialSuccess":null}'])
    def test_what_a_receiver_answers_that_took_it(self, run: Path, body: bytes) -> None:
        with serving(Receiver(body=body)) as receiver:
            assert main(["report", str(run), "--otlp", receiver.url]) == 0

    def test_a_remark_is_told(self, run: Path, capsys: Capture) -> None:
        body = json.dumps({"partialSuccess": {"errorMessage": "slow\x1b[31m down"}}).encode()
        with serving(Receiver(body=body)) as receiver:
            assert main(["report", str(run), "--otlp", receiver.url]) == 0
        told = capsys.readouterr().err
        assert "which remarks: slow" in told
        assert "\x1b" not in told

    @pytest.mark.parametrize(
        ("receiver", "said"),
        [
            (
                Receiver(400, b'{"code":3,"message":"bad\\u001b[2J span"}'),
                "refused with 400 Bad Request (bad␛[2J span)",
            ),
            (Receiver(503, b"try\nlater"), "refused with 503 Service Unavailable (try later)"),
            (Receiver(401, b""), "refused with 401 Unauthorized: "),
            (Receiver(404, b"<html>" + b"x" * 100_000), "refused with 404 Not Found (<html>xxx"),
            (Receiver(200, b"<html>hello</html>"), "answered '<html>hello</html>', as no receiver of traces does"),
            (Receiver(200, b"[1]"), "as no receiver of traces does"),
            (Receiver(200, b'{"partialSuccess":{"rejectedSpans":"many"}}'), "as no receiver of traces does"),
            (
                Receiver(200, b'{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}'),
                "took all but 3 spans (too old)",
            ),
        ],
    )
    def test_a_refusal_is_told_with_its_status_and_text(
        self, run: Path, capsys: Capture, receiver: Receiver, said: str
    ) -> None:
        with serving(receiver):
            assert main(["report", str(run), "--otlp", receiver.url]) == 2
        told = capsys.readouterr().err
        assert f"error: --otlp {receiver.url}/v1/traces: " in told
        assert said in told
        assert "name a file" in told
        assert "\x1b" not in told
        assert len(told) < 1000

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_another_address_is_named_and_not_followed(self, run: Path, capsys: Capture, status: int) -> None:
        with serving(Receiver()) as other, serving(Receiver(status)) as receiver:
            receiver.headers["Location"] = f"{other.url}/there"
            assert main(["report", str(run), "--otlp", receiver.url]) == 2
        assert f"it is at {other.url}/there" in capsys.readouterr().err
        assert other.got == []

    def test_the_report_is_given_although_nobody_takes_the_trace(
        self, run: Path, verb: str, tmp_path: Path, capsys: Capture
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert main([verb, str(run), "--json", "--perfetto", str(tmp_path / "p"), "--otlp", url]) == 2
        told = capsys.readouterr()
        assert json.loads(told.out)["result"] == "proved"
        assert (tmp_path / "p").exists()
        assert f"error: --otlp {url}/v1/traces: nobody took it ([Errno 111] Connection refused)" in told.err

    @pytest.mark.parametrize("answer", [b"", b"220 mail\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
    def test_who_speaks_something_else_or_breaks_off(self, run: Path, capsys: Capture, answer: bytes) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> None:
                connection, _address = server.accept()
                with connection, connection.makefile("rb") as request:
                    lines = list(iter(request.readline, b"\r\n"))
                    (length,) = (line.split(b":")[1] for line in lines if line.lower().startswith(b"content-length:"))
                    request.read(int(length))
                    connection.sendall(answer)

            threading.Thread(target=serve, daemon=True).start()
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            status = main(["report", str(run), "--otlp", url])
        told = capsys.readouterr().err
        assert "fault in hoplab" not in told
        assert (status, "nobody took it" in told) == ((0, False) if answer.startswith(b"HTTP") else (2, True))

    def test_who_does_not_answer_is_not_waited_for(
        self, run: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(collector, "TIMEOUT", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            assert main(["report", str(run), "--otlp", url]) == 2
        assert "nobody took it (timed out)" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("place", "said"),
        [
            ("ftp://host/x", "is no URL with http:// or https://"),
            ("grpc://host:4317", "is no URL with http:// or https://"),
            ("http://", "is no URL with http:// or https://"),
            ("http://host:99999", "is no URL with http:// or https://"),
            ("http://host:port", "is no URL with http:// or https://"),
            ("http://[::1", "is no URL with http:// or https://"),
            ("http://host/a b", "is no URL with http:// or https://"),
            ("http://höst/", "is no URL with http:// or https://"),
            ("http://me:secret@host/", "has a user's name in its URL"),
            ("localhost:4318", "write http://localhost:4318 for a URL"),
            ("", "is empty"),
        ],
    )
    def test_what_is_no_place_is_refused_before_anything_is_done(
        self, verb: str, capsys: Capture, place: str, said: str
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            main([verb, "/nowhere", "--otlp", place])
        assert caught.value.code == 2
        told = capsys.readouterr().err
        assert said in told
        assert "secret" not in told


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
