"""Recorders that ask a service, each with a small server or program that speaks as that service does, and our own."""

import hashlib
import json
import pickle
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
from openstack.connection import Connection

from hoplab.capture.agent import switch
from hoplab.capture.agent.cache import REGION, Cache
from hoplab.capture.agent.journal import Journal
from hoplab.capture.agent.link import Recorder
from hoplab.capture.agent.switch import Switch
from hoplab.capture.client import ClientRecorder
from hoplab.capture.redact import digest
from hoplab.tokens import regions
from samples.agent import Sent, running, until

Answer = Callable[[socket.socket], None]


def serve(listener: socket.socket, answer: Answer) -> None:
    """Answer each connection in a thread of its own, until the listener is closed."""

    def answered(connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            answer(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answered, args=(listener.accept()[0],), daemon=True).start()

    listener.listen()
    threading.Thread(target=accept, daemon=True).start()


class Memcached:
    """Speaks as memcached does. tell: sends a watcher a line; region: what is under Keystone's key, if anything."""

    def __init__(self, greeting: bytes = b"OK\r\n") -> None:
        self.greeting = greeting
        self.region: bytes | None = None
        self.lines: queue.Queue[bytes] = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        serve(self.listener, self.answer)

    def answer(self, connection: socket.socket) -> None:
        for command in connection.makefile("rb"):
            if command.startswith(b"watch"):
                connection.sendall(self.greeting)
                while line := self.lines.get():
                    connection.sendall(line)
                return
            if command.startswith(b"get") and self.region is not None:
                assert command.split()[1] == hashlib.sha1(REGION).hexdigest().encode()
                connection.sendall(b"VALUE %s 1 %d\r\n%s\r\n" % (command.split()[1], len(self.region), self.region))
            elif command.startswith(b"stats conns"):
                address = b":".join(str(part).encode() for part in connection.getpeername())
                connection.sendall(b"STAT 20:addr tcp:0.0.0.0:11211\r\nSTAT 27:addr tcp:%s\r\n" % address)
            connection.sendall(b"END\r\n")


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
        assert all(set(one) == {"20", "27"} for one in peers)
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

    def test_a_server_that_goes_away_is_a_problem(self, memcached: Memcached) -> None:
        with running(Cache("127.0.0.1", memcached.port)) as sent:
            memcached.lines.put(b"")
            until(sent.problems)
        assert "closed the connection" in sent.problems()["cache"]


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
        assert len([one for one in sent.messages if "problem" in one]) == 1


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
        recorder.watch(cloud)
        with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            headers = {"X-Auth-Token": "gAAAA-ours", "X-OpenStack-Request-ID": "req-ours"}
            url = f"http://127.0.0.1:{server.server_port}/v2.1/servers/8a7d5ebe?password=hunter2"
            cloud.session.session.get(url, headers=headers)
            server.shutdown()
        (note,) = map(json.loads, notes)
        assert note.pop("sent") <= note.pop("answered")
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
        recorder.watch(cloud)
        with closing(socket.create_server(("127.0.0.1", 0))) as unheard:
            port = unheard.getsockname()[1]
        with pytest.raises(requests.ConnectionError):
            cloud.session.session.get(f"http://127.0.0.1:{port}/v3")
        (record,) = recorder.records
        assert (record["path"], record["error"], "status" in record) == ("/v3", "ConnectionError", False)
