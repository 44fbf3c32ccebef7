"""Recorders of what the kernel tells: packets made byte by byte, and events of files that are really open."""

import os
import socket
import struct
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from hoplab.capture.agent import packets
from hoplab.capture.agent.packets import ACK, FIN, SYN, Packets
from hoplab.capture.agent.reads import EVENT, FAN_ACCESS, FAN_CLOSE_NOWRITE, FAN_Q_OVERFLOW, Reads
from samples.agent import Sent

SERVER = ("172.29.20.11", 11211)
CLIENT = ("172.29.20.12", 40000)
KEY = "a1" * 20
VALUE = b"gAAAA-a-secret\r\nset b 0 0 1\r\nSTORED\r\nEND"
SET = b"set %s 1 0 %d\r\n%s\r\n" % (KEY.encode(), len(VALUE), VALUE)
FIRST = 2**32 - 20
"""So that the numbers begin anew in the middle of what is said."""


@pytest.fixture(autouse=True)
def _owners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "connected", lambda _port: {f"{CLIENT[0]}:{CLIENT[1]}": "keystone.service"})


class Wire:
    """A connection whose packets a recorder receives."""

    def __init__(self) -> None:
        self.recorder = Packets(*SERVER)
        self.sent = Sent()
        self.asked = self.answered = FIRST
        self.time = 1000.0

    def feed(self, packet: bytes) -> None:
        self.time += 0.001
        with redirect_stdout(self.sent):
            self.recorder.feed(self.time, packet)

    def packet(self, data: bytes, *, back: bool = False, flags: int = ACK, at: int | None = None) -> bytes:
        (source, port), (target, other) = (SERVER, CLIENT) if back else (CLIENT, SERVER)
        number, awaited = (self.answered, self.asked) if back else (self.asked, self.answered)
        number = number if at is None else at
        tcp = struct.pack("!HHIIBBHHH", port, other, number, awaited, 5 << 4, flags, 0, 0, 0) + data
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0)
        return head + socket.inet_aton(source) + socket.inet_aton(target) + tcp

    def ask(self, data: bytes) -> None:
        self.feed(self.packet(data))
        self.asked = (self.asked + len(data)) % 2**32

    def answer(self, data: bytes) -> None:
        self.feed(self.packet(data, back=True))
        self.answered = (self.answered + len(data)) % 2**32

    @property
    def stores(self) -> list[tuple[str, str, str, str]]:
        return [
            (record["command"], record["key"], record["answer"], record["unit"])
            for record in self.sent.records("packets")
        ]


@pytest.fixture
def wire() -> Wire:
    return Wire()


STORED = ("set", KEY, "STORED", "keystone.service")


class TestPackets:
    def test_a_store_is_told_when_it_is_answered_and_never_its_value(self, wire: Wire) -> None:
        wire.ask(SET)
        assert wire.stores == []
        wire.answer(b"STORED\r\n")
        assert wire.stores == [STORED]
        assert "secret" not in wire.sent.text("packets")
        assert wire.sent.records("packets")[0]["time"] == 1000.001

    @pytest.mark.parametrize("size", [1, 7, 41])
    def test_however_it_is_cut_into_segments(self, wire: Wire, size: int) -> None:
        wire.ask(SET[:60])
        for start in range(60, len(SET), size):
            wire.ask(SET[start : start + size])
        answer = b"VALUE x 0 8\r\nSTORED\r\n\r\nEND\r\nSTORED\r\n"
        wire.ask(b"get x\r\n")
        wire.answer(b"STORED\r\n")
        wire.ask(SET)
        for start in range(0, len(answer), size):
            wire.answer(answer[start : start + size])
        assert wire.stores == [STORED, STORED]

    def test_segments_that_come_twice_or_before_their_turn(self, wire: Wire) -> None:
        cut = 70
        later = wire.packet(SET[cut:], at=(wire.asked + cut) % 2**32)
        wire.ask(SET[:cut][:30])
        wire.feed(later)
        wire.ask(SET[30:cut])
        wire.feed(later)
        wire.asked = (wire.asked + len(SET) - cut) % 2**32
        wire.answer(b"STORED\r\n")
        assert wire.stores == [STORED]

    @pytest.mark.parametrize(
        ("answer", "said"), [(b"NOT_STORED", "NOT_STORED"), (b"SERVER_ERROR out of memory", "SERVER_ERROR")]
    )
    def test_what_memcached_refuses(self, wire: Wire, answer: bytes, said: str) -> None:
        wire.ask(SET)
        wire.answer(answer + b"\r\n")
        assert wire.stores == [("set", KEY, said, "keystone.service")]

    def test_one_without_an_answer_is_not_told(self, wire: Wire) -> None:
        wire.ask(SET.replace(b"\r\n", b" noreply\r\n", 1))
        wire.ask(b"delete x\r\n")
        wire.answer(b"DELETED\r\n")
        assert wire.stores == []

    def test_a_key_that_is_no_digest_may_be_a_secret(self, wire: Wire) -> None:
        wire.ask(b"set :1:sessions.cache0123456789abcdefghij 0 0 1\r\nx\r\n")
        wire.answer(b"STORED\r\n")
        assert wire.stores == [("set", "", "STORED", "keystone.service")]

    def test_a_connection_is_followed_from_its_next_command_on(self, wire: Wire) -> None:
        wire.ask(VALUE[-10:] + b"\r\n")
        wire.answer(b"STORED\r\n")
        wire.ask(SET)
        wire.answer(b"STORED\r\n")
        assert wire.stores == [STORED]

    def test_what_is_missing_is_a_problem_and_no_store_is_made_up(self, wire: Wire) -> None:
        wire.ask(SET[:80])
        for number in range(300):
            wire.feed(wire.packet(b"x", at=(wire.asked + 1000 + 2 * number) % 2**32))
        wire.answer(b"STORED\r\n")
        assert wire.stores == []
        wire.feed(wire.packet(b"", flags=FIN | ACK))
        assert wire.recorder.lost == 1

    def test_a_port_that_is_used_again_is_another_connection(self, wire: Wire) -> None:
        wire.ask(SET[:80])
        wire.asked = wire.answered = 5
        wire.feed(wire.packet(b"", flags=SYN))
        wire.ask(SET)
        wire.answer(b"STORED\r\n")
        assert wire.stores == [STORED]

    def test_packets_of_others_are_left_alone(self, wire: Wire) -> None:
        wire.recorder = Packets("172.29.20.99", 11211)
        wire.ask(SET)
        wire.answer(b"STORED\r\n")
        wire.feed(wire.packet(SET)[:30])
        assert wire.stores == []


class TestReads:
    @pytest.fixture
    def hosts(self, tmp_path: Path) -> Path:
        path = tmp_path / "net" / "host"
        path.parent.mkdir()
        path.write_text("fa:16:3e:00:00:01,host-10-77-0-9,10.77.0.9\n")
        return path

    @pytest.fixture
    def recorder(self, tmp_path: Path) -> Reads:
        return Reads(str(tmp_path))

    @staticmethod
    def told(recorder: Reads, path: Path, *masks: int, pid: int | None = None) -> Sent:
        sent = Sent()
        events = b""
        for mask in masks:
            file = -1 if mask == FAN_Q_OVERFLOW else os.open(path, os.O_RDONLY)
            events += EVENT.pack(EVENT.size, 3, 0, EVENT.size, mask, file, pid or os.getpid())
        with redirect_stdout(sent):
            recorder.feed(events)
        return sent

    def test_who_has_read_it_and_what_stood_in_it(self, recorder: Reads, hosts: Path) -> None:
        before = len([*Path("/proc/self/fd").iterdir()])
        (record,) = self.told(recorder, hosts, FAN_ACCESS, FAN_CLOSE_NOWRITE).records("reads")
        assert (record["pid"], record["file"], record["text"]) == (os.getpid(), str(hosts), hosts.read_text())
        assert record["program"] == Path("/proc/self/exe").resolve().name
        assert len([*Path("/proc/self/fd").iterdir()]) == before

    def test_what_stood_there_is_that_of_the_file_that_was_open(self, recorder: Reads, hosts: Path) -> None:
        file, text = os.open(hosts, os.O_RDONLY), hosts.read_text()
        new = hosts.with_suffix(".new")
        new.write_text("another\n")
        new.rename(hosts)
        sent = Sent()
        mask = FAN_ACCESS | FAN_CLOSE_NOWRITE
        with redirect_stdout(sent):
            recorder.feed(EVENT.pack(EVENT.size, 3, 0, EVENT.size, mask, file, os.getpid()))
        (record,) = sent.records("reads")
        assert (record["file"], record["text"]) == (str(hosts), text)

    @pytest.mark.parametrize("masks", [(FAN_CLOSE_NOWRITE,), (FAN_ACCESS,)])
    def test_one_that_was_not_read_to_its_end_is_not_told(
        self, recorder: Reads, hosts: Path, masks: tuple[int, ...]
    ) -> None:
        assert self.told(recorder, hosts, *masks).messages == []

    def test_other_files_and_processes_that_are_gone(self, recorder: Reads, hosts: Path) -> None:
        other = hosts.with_name("opts")
        other.write_text("x")
        assert self.told(recorder, other, FAN_ACCESS | FAN_CLOSE_NOWRITE).messages == []
        assert self.told(recorder, hosts, FAN_ACCESS | FAN_CLOSE_NOWRITE, pid=2**22 + 1).messages == []

    def test_what_the_kernel_could_not_tell_is_a_problem(self, recorder: Reads, hosts: Path) -> None:
        assert "more was read" in self.told(recorder, hosts, FAN_Q_OVERFLOW).problems()["reads"]
