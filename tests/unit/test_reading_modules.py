"""The modules that only read: what they conclude from what they find, and how they fail."""

import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hoplab.lab.plugins.modules.disk_contents import format_of, partition_table
from ansible_collections.hoplab.lab.plugins.modules.units import states_by_unit
from tests.unit.modulerun import run_module


class TestDiskContents:
    @staticmethod
    def sector(*entries: tuple[int, int, int, int]) -> bytes:
        """A first sector with these partitions: status, type, start and size."""
        table = b"".join(struct.pack("<B3xB3xII", *entry) for entry in entries)
        return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"

    def test_reads_the_table(self) -> None:
        found = partition_table(self.sector((0x80, 0x0E, 2048, 28672), (0, 0x83, 30720, 18432)))
        assert found == [
            {"number": 1, "start": 2048, "size": 28672, "bootable": True, "type": 14},
            {"number": 2, "start": 30720, "size": 18432, "bootable": False, "type": 131},
        ]
        assert partition_table(self.sector()) == []

    def test_knows_its_file_systems(self) -> None:
        assert format_of(b"hsqs".ljust(512, b"\0")) == "squashfs"
        assert format_of(b"\0" * 54 + b"FAT16   ".ljust(456, b"\0") + b"\x55\xaa") == "fat"
        assert format_of(b"\0" * 82 + b"FAT32   ".ljust(428, b"\0") + b"\x55\xaa") == "fat"
        assert format_of(b"\0" * 512) is None
        assert format_of(b"") is None

    def test_reads_an_image(self, tmp_path: Path) -> None:
        path = tmp_path / "image"
        path.write_bytes(self.sector((0x80, 0x83, 1, 1)) + bytes(512))
        answer = run_module("disk_contents", {"path": str(path)})
        assert (answer["exists"], answer["size"], answer["changed"]) == (True, 1024, False)
        assert [part["format"] for part in answer["partitions"]] == [None]
        assert answer["files"] == [[]]

    def test_no_image_is_an_answer(self, tmp_path: Path) -> None:
        answer = run_module("disk_contents", {"path": str(tmp_path / "none")})
        assert (answer["exists"], answer["changed"]) == (False, False)

    @pytest.mark.parametrize("content", [b"", b"short", bytes(4096)])
    def test_what_is_no_disk_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "file").write_bytes(content)
        message = run_module("disk_contents", {"path": str(tmp_path / "file")})["msg"]
        assert message == f"path: can't read {tmp_path}/file as a disk image: it has no partition table"


class Echo(socketserver.StreamRequestHandler):
    """Answers each line with it, in two pieces, and says nothing before it is asked."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(b"SAID ")
            self.wfile.flush()
            time.sleep(0.05)
            self.wfile.write(line)


class TestTcpAnswer:
    @pytest.fixture
    def port(self) -> Iterator[int]:
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield server.server_address[1]
            server.shutdown()

    @staticmethod
    def ask(port: int, expect: str, wait: int = 0) -> dict[str, Any]:
        arguments = {"host": "127.0.0.1", "port": port, "send": "words\r\n", "expect": expect, "wait": wait}
        return run_module("tcp_answer", arguments, check=True, ONCE_SECONDS=1)

    def test_takes_an_answer_in_pieces(self, port: int) -> None:
        answer = self.ask(port, "^SAID words")
        assert (answer["changed"], answer["answer"]) == (False, "SAID words\r\n")

    def test_another_answer_is_shown(self, port: int) -> None:
        answer = self.ask(port, "^VERSION")
        assert answer["failed"]
        assert "answers 'SAID words\\r\\n', not '^VERSION', for 0 s" in answer["msg"]

    def test_nobody_there(self) -> None:
        with socketserver.TCPServer(("127.0.0.1", 0), Echo) as gone:
            free = gone.server_address[1]
        began = time.monotonic()
        assert "can't speak with 127.0.0.1" in self.ask(free, "x", wait=2)["msg"]
        assert time.monotonic() - began > 2

    def test_refuses_a_bad_expression(self, port: int) -> None:
        assert self.ask(port, "(")["msg"].startswith("expect is '(': give a regular expression")


class TestUnitsReadsStates:
    def test_by_unit(self) -> None:
        shown = "Id=ceph-osd@0.service\nActiveState=active\n\nId=ceph-osd@1.service\nActiveState=failed\n"
        assert states_by_unit(shown) == {"ceph-osd@0.service": "active", "ceph-osd@1.service": "failed"}
        assert states_by_unit("\n") == {}
