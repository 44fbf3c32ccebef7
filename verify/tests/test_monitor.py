"""The recorder that has Ceph's monitor say who its clients are: against a daemon's admin socket that a test serves."""

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hoplab.capture.agent.monitor import LEVEL, Monitor, ask
from hoplab.capture.wanted import DUMPED


class Daemon(threading.Thread):
    """An admin socket with one setting."""

    def __init__(self, path: str) -> None:
        super().__init__(daemon=True)
        self.value = "1/5"
        self.answer: bytes | None = None
        self.asked: list[str] = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen()

    def run(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            with client:
                command = json.loads(client.recv(4096).rstrip(b"\0"))
                self.asked.append(command["prefix"])
                if command["prefix"] == "config set":
                    (self.value,) = command["val"]
                if command["prefix"] == "config unset":
                    self.value = "1/5"
                text = self.answer if self.answer is not None else json.dumps({command["var"]: self.value}).encode()
                client.sendall(struct.pack(">I", len(text)) + text)


@pytest.fixture
def daemon() -> Iterator[tuple[Daemon, str]]:
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "ceph-mon.a.asok")
        served = Daemon(path)
        served.start()
        yield served, path
        served.listener.close()


def test_it_is_switched_on_and_off_again(daemon: tuple[Daemon, str], capsys: pytest.CaptureFixture[str]) -> None:
    served, path = daemon
    recorder = Monitor(path)
    recorder.begin()
    assert served.value == LEVEL
    recorder.end()
    assert served.value == "1/5"
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(json.loads(line)["text"])["on"] == [path]


def test_what_a_killed_recording_left_on_is_switched_off(daemon: tuple[Daemon, str]) -> None:
    served, path = daemon
    served.value = LEVEL
    recorder = Monitor(path)
    recorder.begin()
    recorder.end()
    assert served.value == "1/5"


def test_a_monitor_that_does_not_run_is_no_problem(tmp_path: Path) -> None:
    recorder = Monitor(str(tmp_path / "*.asok"))
    recorder.begin()
    recorder.end()


@pytest.mark.parametrize("answer", [b"", b"ERROR: (22) Invalid argument", b"[]", b'{"error": "x"}', b"\xff"])
def test_an_answer_that_is_none_is_told(daemon: tuple[Daemon, str], answer: bytes) -> None:
    served, path = daemon
    served.answer = answer
    with pytest.raises(RuntimeError, match="answers 'config get'"):
        ask(path, prefix="config get", var="debug_mon")


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("2026-11-27T00:22:14.331+0000 7f14  1 -- [v2:192.0.2.31:3300/0] <== client.? 192.0.2.21:0/1 1 ====", True),
        ("2026-11-27T00:22:14.331+0000 7f14 20 mon.c@0(leader) e1  entity_name client.nova global_id 1 ", True),
        ("2026-11-27T00:22:14.331+0000 7f14 -1 mon.c@0(leader) e1 fails", True),
        ("2026-11-27T00:22:14.331466+0000 mon.c (mon.0) 239 : audit [DBG] from='client.? ' cmd=[]: dispatch", True),
        (" 1: /lib/x86_64-linux-gnu/libc.so.6(+0x3fdf0)", True),
        (" ceph version 18.2.7 reef (stable)", True),
        ("2026-11-27T00:22:14.331+0000 7f14 10 mon.c@0(leader).config check_sub next 0 have 1", False),
        ("2026-11-27T00:22:14.331+0000 7f14 20  allow so far , doing grant allow *", False),
        ('            "omap_allocated": 0,', False),
        ("        },", False),
        ("    12,", False),
    ],
)
def test_what_of_a_monitors_log_is_passed_over(line: str, read: bool) -> None:
    assert (re.match(DUMPED, line) is None) is read
