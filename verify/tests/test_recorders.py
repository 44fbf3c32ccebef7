"""Recorders that ask a service, each with a small server or program that speaks as that service does, and our own."""

import json
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
from openstack.connection import Connection

from hoplab.capture.agent import switch
from hoplab.capture.agent.cache import AGAIN, Cache
from hoplab.capture.agent.journal import Journal
from hoplab.capture.agent.link import LIMIT, TOO_LONG, Lines, Recorder
from hoplab.capture.agent.switch import Switch
from hoplab.capture.client import ClientRecorder
from hoplab.capture.redact import digest
from hoplab.lab.tokens import regions
from hoplab.parse.cache import missed
from samples.agent import Sent, running, until
from samples.memcached import Answer, Memcached, serve


@pytest.fixture
def memcached() -> Iterator[Memcached]:
    server = Memcached()
    yield server
    server.lines.put(b"")
    server.listener.close()


class TestCache:
    def test_what_memcached_tells_and_who_is_connected(self, memcached: Memcached) -> None:
        memcached.greeting = b"OK\r\nts=1.1 type=item_get key=a\n"
        with running(Cache("127.0.0.1", memcached.port)) as sent:
            memcached.lines.put(b"ts=1.2 type=item_st")
            memcached.lines.put(b"ore key=b\r\nts=1.3 type=item_get key=\xff\n")
            until(lambda: "ts=1.3" in sent.text("cache"))
        records = sent.records("cache")
        assert [record["told"] for record in records if "told" in record] == [
            "ts=1.1 type=item_get key=a",
            "ts=1.2 type=item_store key=b",
            "ts=1.3 type=item_get key=\ufffd",
        ]
        peers = [record["peers"] for record in records if "peers" in record]
        assert len(peers) >= 2
        assert all(set(peer) == {"20", "27"} for peer in peers)
        assert sent.problems() == {}

    def test_keystone_s_region_is_read_and_never_loaded(self, memcached: Memcached) -> None:
        region = b"\x05\xc7\x8d\x0b\x8b558p\x00"
        memcached.region = pickle.dumps((region, {"ct": 1.0}), protocol=0)
        with running(Cache("127.0.0.1", memcached.port)) as sent:
            pass
        assert regions(sent.text("cache").splitlines()) == {repr(region)}

    def test_a_server_that_can_t_be_watched_is_a_problem(self, memcached: Memcached) -> None:
        memcached.greeting = b"ERROR\r\n"
        with running(Cache("127.0.0.1", memcached.port)) as sent:
            pass
        assert "can't be watched: b'ERROR'" in sent.problems()["cache"]

    def test_while_nobody_listens_nothing_is_missed(self, memcached: Memcached) -> None:
        memcached.region = pickle.dumps((b"x", {"ct": 1.0}), protocol=0)
        with running(Cache("127.0.0.1", memcached.port)) as sent:
            memcached.listener.shutdown(socket.SHUT_RDWR)
            memcached.listener.close()
            memcached.lines.put(b"")
            until(lambda: any("gone" in record for record in sent.records("cache")))
            again = Memcached(port=memcached.port)
            again.lines.put(b"ts=1.9 type=item_get key=b\r\n")
            until(lambda: "ts=1.9" in sent.text("cache"))
        again.listener.close()
        assert sent.problems() == {}
        lines = sent.text("cache").splitlines()
        back = next(json.loads(line)["t"] for line in lines if "back" in json.loads(line))
        assert missed(lines, until=back - 0.001) == ""
        assert missed(lines, until=back + 0.001) == "memcached was gone and came back: what came first then was missed"

    def test_one_that_stands_still_is_asked_again_later(self, memcached: Memcached) -> None:
        recorder = Cache("127.0.0.1", memcached.port)
        with running(recorder) as sent:
            until(lambda: any("peers" in record for record in sent.records("cache")))
            memcached.silent = True
            recorder.asking.settimeout(0.1)
            memcached.lines.put(b"ts=1.2 type=item_get key=b\r\n")
            # So long that it asks once more, and gets no answer: nothing that it sends tells when that was.
            time.sleep(AGAIN + 0.5)
            memcached.silent = False
        assert "ts=1.2" in sent.text("cache")
        assert sent.problems() == {}

    def test_a_server_that_closes_the_connection_is_a_problem(self, memcached: Memcached) -> None:
        with running(Cache("127.0.0.1", memcached.port)) as sent:
            memcached.lines.put(b"")
            until(sent.problems)
        assert "closed the connection" in sent.problems()["cache"]


class TestLines:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
    def test_pieces_of_any_size_make_the_same_lines(self, size: int) -> None:
        text = b"a\n\nbc\r\n" + "\u20ac".encode() + b"\nrest"
        lines = Lines("x")
        pieces = [lines.whole(text[start : start + size]) for start in range(0, len(text), size)]
        assert b"".join(pieces) == text.removesuffix(b"rest")
        assert all(piece.endswith(b"\n") for piece in pieces if piece)
        assert lines.torn == b"rest"

    def test_a_line_without_end_is_not_kept(self) -> None:
        with running(Recorder()) as sent:
            lines = Lines("x")
            for _ in range(40):
                assert lines.whole(b"y" * (LIMIT // 8)) == b""
                assert len(lines.torn) <= LIMIT + LIMIT // 8
            assert lines.whole(b"end of it\nnext\n") == b"next\n"
            assert lines.whole(b"more\n") == b"more\n"
        assert [message for message in sent.messages if "problem" in message] == [{"source": "x", "problem": TOO_LONG}]


class TestSwitch:
    """ovsdb-server's side of RFC 7047: JSON objects, one after another, without a mark between them."""

    def recorded(
        self, folder: Path, patch: pytest.MonkeyPatch, answer: Answer, enough: Callable[[Sent], object]
    ) -> Sent:
        patch.setattr(switch, "SOCKET", str(folder / "db.sock"))
        with closing(socket.socket(socket.AF_UNIX)) as listener:
            listener.bind(switch.SOCKET)
            serve(listener, answer)
            with running(Switch()) as sent:
                until(lambda: enough(sent))
            return sent

    def test_contents_and_changes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        heard: list[dict[str, Any]] = []
        tables = {"Interface": {"row": {"new": {"name": "tap\u20ac0"}}}}

        def answer(connection: socket.socket) -> None:
            heard.append(json.loads(connection.recv(1 << 16)))
            messages = [
                {"id": "monitor", "result": tables, "error": None},
                {"id": "echo", "method": "echo", "params": []},
                {"id": None, "method": "update", "params": [None, tables]},
            ]
            data = " ".join(json.dumps(message, ensure_ascii=False) for message in messages).encode()
            for start in range(0, len(data), 7):
                connection.sendall(data[start : start + 7])
            heard.append(json.loads(connection.recv(1 << 16)))
            connection.recv(1)

        sent = self.recorded(tmp_path, monkeypatch, answer, lambda sent: "update" in sent.text("switch"))
        first, second = sent.records("switch")
        assert first["initial"] == second["update"] == tables
        assert heard[0]["method"] == "monitor"
        assert set(heard[0]["params"][2]) == {"Interface", "Port"}
        assert heard[1] == {"id": "echo", "result": [], "error": None}
        assert sent.problems() == {}

    @pytest.mark.parametrize(
        ("said", "problem"),
        [(b'{"id": "monitor", "result": null, "error": "no such table"}', "no such table"), (b"", "closed")],
    )
    def test_what_goes_wrong_is_a_problem(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes, problem: str
    ) -> None:
        def answer(connection: socket.socket) -> None:
            connection.recv(1 << 16)
            connection.sendall(said)

        sent = self.recorded(tmp_path, monkeypatch, answer, Sent.problems)
        assert problem in sent.problems()["switch"]


class TestJournal:
    LINES = (
        {"__REALTIME_TIMESTAMP": "1", "SYSLOG_IDENTIFIER": "haproxy-1", "MESSAGE": "a\u20ac", "_PID": "7"},
        {"__REALTIME_TIMESTAMP": "2", "SYSLOG_IDENTIFIER": "sshd", "MESSAGE": "b"},
        {"__REALTIME_TIMESTAMP": "3", "MESSAGE": "c"},
        {"__REALTIME_TIMESTAMP": "4", "SYSLOG_IDENTIFIER": "haproxy-2", "MESSAGE": [104, 105]},
    )

    @pytest.fixture
    def journalctl(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        (tmp_path / "lines").write_text("".join(json.dumps(line) + "\n" for line in self.LINES))

        def replaced(line: str) -> None:
            (tmp_path / "journalctl").write_text(f"#!/bin/sh\ncat {tmp_path}/lines\n{line}\n")
            (tmp_path / "journalctl").chmod(0o755)

        return replaced

    def test_what_the_named_programs_say(self, journalctl: Callable[[str], None]) -> None:
        journalctl("printf '{\"MESSA'\nexec sleep 60")
        with running(Journal(["haproxy-"])) as sent:
            until(lambda: len(sent.records("journal")) == 2)
        names = ("__REALTIME_TIMESTAMP", "SYSLOG_IDENTIFIER", "MESSAGE")
        assert sent.records("journal") == [
            {name: line[name] for name in names} for line in (self.LINES[0], self.LINES[3])
        ]
        assert sent.problems() == {}

    def test_a_line_without_end_is_left_out_and_told_of(self, journalctl: Callable[[str], None]) -> None:
        endless = f"head -c {3 * LIMIT} /dev/zero | tr '\\0' x; echo"
        journalctl(f"{endless}; sed s/haproxy-1/haproxy-3/ $(dirname $0)/lines\nexec sleep 60")
        with running(Journal(["haproxy-"])) as sent:
            until(lambda: len(sent.records("journal")) == 4)
        assert [record["SYSLOG_IDENTIFIER"][-1] for record in sent.records("journal")] == ["1", "2", "3", "2"]
        assert sent.problems() == {"journal": TOO_LONG}

    def test_one_that_ends_by_itself_is_a_problem(self, journalctl: Callable[[str], None]) -> None:
        journalctl("exit 1")
        with running(Journal(["haproxy-"])) as sent:
            until(sent.problems)
        assert "ended by itself" in sent.problems()["journal"]

    def test_one_that_is_not_there_is_one_problem(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nonexistent")
        recorder: Recorder = Journal(["haproxy-"])
        with running(recorder) as sent:
            pass
        assert "FileNotFoundError" in sent.problems()["journal"]
        assert len([message for message in sent.messages if "problem" in message]) == 1


class Api(BaseHTTPRequestHandler):
    """Answers as an API of the cloud does."""

    def do_GET(self) -> None:
        body = json.dumps({"server": {"id": "8a7d5ebe", "status": "BUILD", "adminPass": "hunter2"}}).encode()
        self.send_response(200)
        self.send_header("x-openstack-request-id", "req-1")
        self.send_header("X-Subject-Token", "gAAAA-of-keystone")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep silent."""


class TestClient:
    @pytest.fixture
    def cloud(self) -> Connection:
        return cast(Connection, SimpleNamespace(session=SimpleNamespace(session=requests.Session())))

    def test_a_request_is_noted_without_any_secret(self, cloud: Connection) -> None:
        notes: list[str] = []
        recorder = ClientRecorder()
        recorder.note = notes.append
        recorder.watch(cloud, "req-ours")
        with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            headers = {"X-Auth-Token": "gAAAA-ours", "X-OpenStack-Request-ID": "req-ours"}
            url = f"http://127.0.0.1:{server.server_port}/v2.1/servers/8a7d5ebe?password=hunter2"
            cloud.session.session.get(url, headers=headers)
            server.shutdown()
        (note,) = map(json.loads, notes)
        assert note.pop("sent") <= note.pop("answered")
        assert note.pop("port") == server.server_port
        assert note == {
            "method": "GET",
            "path": "/v2.1/servers/8a7d5ebe",
            "global-request": "req-ours",
            "status": 200,
            "request": "req-1",
            "token": digest("gAAAA-of-keystone"),
            "instance": "8a7d5ebe",
            "state": "BUILD",
        }
        assert recorder.token == "gAAAA-of-keystone"

    def test_a_request_that_nobody_answers_is_noted(self, cloud: Connection) -> None:
        recorder = ClientRecorder()
        recorder.watch(cloud, "req-ours")
        with closing(socket.create_server(("127.0.0.1", 0))) as unheard:
            port = unheard.getsockname()[1]
        with pytest.raises(requests.ConnectionError):
            cloud.session.session.get(f"http://127.0.0.1:{port}/v3")
        (record,) = recorder.records
        assert (record["path"], record["error"], "status" in record) == ("/v3", "ConnectionError", False)
