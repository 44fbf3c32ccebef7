"""Traces that go to a URL: posted as OTLP over HTTP, and whatever the receiver does is told."""

import json
import socket
import threading
from pathlib import Path

import pytest

from hoplab.commands import collector
from hoplab.commands.main import main
from hoplab.report.otlp import render_otlp
from samples.receiver import Receiver, serving
from samples.run_reports import recorded_report

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class TestSending:
    @pytest.mark.parametrize(
        ("path", "asked"),
        [("", "/v1/traces"), ("/", "/v1/traces"), ("/otlp/v1/traces?x=1", "/otlp/v1/traces?x=1")],
    )
    def test_a_trace_is_posted_as_otlp_http(
        self, sent: Path, verb: str, capsys: Capture, path: str, asked: str
    ) -> None:
        with serving(Receiver()) as receiver:
            assert main([verb, str(sent), "--otlp", receiver.url + path]) == 0
        assert receiver.got == [(asked, "application/json", render_otlp(recorded_report("cold")).encode())]
        assert f"hoplab: sent to {receiver.url}{asked}\n" in capsys.readouterr().err

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"partialSuccess":{}}', b'{"partialSuccess":null}'])
    def test_what_a_receiver_answers_that_took_it(self, sent: Path, body: bytes) -> None:
        with serving(Receiver(body=body)) as receiver:
            assert main(["report", str(sent), "--otlp", receiver.url]) == 0

    def test_a_remark_is_told(self, sent: Path, capsys: Capture) -> None:
        body = json.dumps({"partialSuccess": {"errorMessage": "slow\x1b[31m down"}}).encode()
        with serving(Receiver(body=body)) as receiver:
            assert main(["report", str(sent), "--otlp", receiver.url]) == 0
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
        self, sent: Path, capsys: Capture, receiver: Receiver, said: str
    ) -> None:
        with serving(receiver):
            assert main(["report", str(sent), "--otlp", receiver.url]) == 2
        told = capsys.readouterr().err
        assert f"error: --otlp {receiver.url}/v1/traces: " in told
        assert said in told
        assert "name a file" in told
        assert "\x1b" not in told
        assert len(told) < 1000

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_another_address_is_named_and_not_followed(self, sent: Path, capsys: Capture, status: int) -> None:
        with serving(Receiver()) as other, serving(Receiver(status)) as receiver:
            receiver.headers["Location"] = f"{other.url}/there"
            assert main(["report", str(sent), "--otlp", receiver.url]) == 2
        assert f"it is at {other.url}/there" in capsys.readouterr().err
        assert other.got == []

    def test_the_report_is_given_although_nobody_takes_the_trace(
        self, sent: Path, verb: str, tmp_path: Path, capsys: Capture
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert main([verb, str(sent), "--json", "--perfetto", str(tmp_path / "p"), "--otlp", url]) == 2
        told = capsys.readouterr()
        assert json.loads(told.out)["result"] == "proved"
        assert (tmp_path / "p").exists()
        assert f"error: --otlp {url}/v1/traces: nobody took it ([Errno 111] Connection refused)" in told.err

    @pytest.mark.parametrize("answer", [b"", b"220 mail\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
    def test_who_speaks_something_else_or_breaks_off(self, sent: Path, capsys: Capture, answer: bytes) -> None:
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
            status = main(["report", str(sent), "--otlp", url])
        told = capsys.readouterr().err
        assert "fault in hoplab" not in told
        assert (status, "nobody took it" in told) == ((0, False) if answer.startswith(b"HTTP") else (2, True))

    def test_who_does_not_answer_is_not_waited_for(
        self, sent: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(collector, "TIMEOUT", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            assert main(["report", str(sent), "--otlp", url]) == 2
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
