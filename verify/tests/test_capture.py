"""Following log files as daemons and logrotate treat them, and how a recording is written."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.capture.agent import link, logs
from hoplab.capture.agent.logs import Logs
from hoplab.capture.agent.stamped import Stamped
from hoplab.capture.session import JUMP, CaptureSession, settled
from hoplab.capture.wanted import DHCP, DUMPED, SOCKETS, wanted
from hoplab.lab.deployment import Deployment, Service
from hoplab.model.clocks import NodeClock
from samples.agent import Sent, running, until


class Followed:
    """A recorder of log files whose looks the test decides on. file: the one that most tests are about."""

    def __init__(self, folder: Path, kind: type[Logs] = Logs, pattern: str = "a.log") -> None:
        self.file = folder / "a.log"
        self.recorder = kind([str(folder / pattern)])
        self.sent = Sent()
        self.ended = False

    def begin(self) -> None:
        with redirect_stdout(self.sent):
            self.recorder.begin()

    def look(self) -> None:
        with redirect_stdout(self.sent):
            self.recorder._look(whole=True)

    def end(self) -> None:
        self.ended = True
        with redirect_stdout(self.sent):
            self.recorder.end()

    def write(self, text: str | bytes) -> None:
        with self.file.open("ab") as stream:
            stream.write(text if isinstance(text, bytes) else text.encode())

    def text(self, file: Path | None = None) -> str:
        return self.sent.text(str(file or self.file).lstrip("/"))

    def problem(self) -> str:
        return self.sent.problems().get(str(self.file).lstrip("/"), "")


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    one = Followed(tmp_path)
    one.write("old\n")
    one.begin()
    yield one
    if not one.ended:
        one.end()


class TestLines:
    def test_only_what_comes_is_sent(self, followed: Followed) -> None:
        followed.look()
        assert followed.text() == ""
        followed.write("new\n")
        followed.look()
        assert followed.text() == "new\n"
        assert {"follows": str(followed.file).lstrip("/")} in followed.sent.messages

    def test_a_line_is_sent_when_it_is_whole(self, followed: Followed) -> None:
        for part, sent in (("one\ntw", "one\n"), ("o", "one\n"), ("\n", "one\ntwo\n")):
            followed.write(part)
            followed.look()
            assert followed.text() == sent

    def test_a_last_line_that_is_never_ended_is_sent_at_the_end(self, followed: Followed) -> None:
        followed.write("one\ntw")
        followed.end()
        assert followed.text() == "one\ntw\n"

    def test_a_line_that_was_begun_before_is_left_out_wholly(self, tmp_path: Path) -> None:
        followed = Followed(tmp_path)
        followed.write("old\nbegun")
        followed.begin()
        for part in (" and", " ended\nnew\n"):
            followed.write(part)
            followed.look()
        assert followed.text() == "new\n"

    def test_bytes_that_are_no_text_harm_only_themselves(self, followed: Followed) -> None:
        followed.write(b"a\xffb\n\xc3(\n\xe2\x82")
        followed.look()
        followed.write(b"\xac\n")
        followed.look()
        assert followed.text() == "a\ufffdb\n\ufffd(\n\u20ac\n"

    @given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5).map(sorted))
    def test_however_it_is_written_the_text_is_the_same(self, data: bytes, cuts: list[int]) -> None:
        with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
            patch.setattr(logs, "CHUNK", 7)
            followed = Followed(Path(folder))
            followed.write("")
            followed.begin()
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                followed.write(data[start:end])
                followed.look()
            followed.end()
            whole = data if not data or data.endswith(b"\n") else data + b"\n"
            assert followed.text() == whole.decode("utf-8", "replace")


class TestRotation:
    def test_a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning(self, followed: Followed) -> None:
        lines = []
        for number in range(5):
            with followed.file.open("ab") as daemon:
                for when in ("before", "after"):
                    line = f"{number} {when}\n"
                    daemon.write(line.encode())
                    daemon.flush()
                    lines.append(line)
                    if when == "before":
                        followed.file.rename(followed.file.with_suffix(f".log.{number}"))
            followed.write(f"{number} new\n")
            lines.append(f"{number} new\n")
            followed.look()
        assert followed.text() == "".join(lines)

    def test_a_daemon_may_write_to_the_renamed_file_for_a_while(self, followed: Followed) -> None:
        with followed.file.open("ab") as daemon:
            followed.file.rename(followed.file.with_suffix(".log.1"))
            followed.write("")
            followed.look()
            daemon.write(b"late\n")
            daemon.flush()
            followed.look()
        followed.write("new\n")
        followed.look()
        assert followed.text() == "late\nnew\n"

    def test_what_logrotate_copied_before_it_truncated_is_read_there(self, followed: Followed) -> None:
        followed.write("seen\nhalf")
        followed.look()
        followed.write(" of it\nnot seen\n")
        shutil.copy(followed.file, f"{followed.file}.1")
        followed.file.write_text("")
        followed.write("new\n")
        followed.look()
        assert followed.text() == "seen\nhalf of it\nnot seen\nnew\n"
        assert followed.problem() == ""

    @pytest.mark.parametrize("older", [None, "something else, and much longer than what was read of the file\nstale\n"])
    def test_what_was_truncated_without_a_copy_is_told(self, followed: Followed, older: str | None) -> None:
        if older:
            followed.file.with_suffix(".log.1").write_text(older)
        followed.write("seen\nhalf")
        followed.look()
        followed.file.write_text("")
        followed.write("new\n")
        followed.look()
        assert followed.text() == "seen\nnew\n"
        assert "truncated" in followed.problem()

    def test_a_file_that_appears_later_is_read_from_its_beginning(self, tmp_path: Path) -> None:
        followed = Followed(tmp_path, pattern="*/b.log")
        followed.begin()
        (tmp_path / "net").mkdir()
        later = tmp_path / "net" / "b.log"
        later.write_text("first\n")
        followed.look()
        assert followed.text(later) == "first\n"

    def test_a_file_that_is_removed_may_come_again(self, followed: Followed) -> None:
        followed.write("last\n")
        followed.file.unlink()
        followed.look()
        followed.write("first\n")
        followed.look()
        assert followed.text() == "last\nfirst\n"

    def test_what_can_t_be_opened_is_told_and_keeps_no_other_from_being_read(self, tmp_path: Path) -> None:
        followed = Followed(tmp_path, pattern="*.log")
        (tmp_path / "0.log").mkdir()
        followed.write("")
        followed.begin()
        followed.write("new\n")
        followed.look()
        assert followed.text() == "new\n"
        assert "Is a directory" in followed.sent.problems()[str(tmp_path / "0.log").lstrip("/")]


class TestStamps:
    def test_a_line_was_written_between_its_two_times(self, tmp_path: Path) -> None:
        followed = Followed(tmp_path, Stamped)
        followed.write("")
        followed.begin()
        written = []
        for number in range(20):
            before = time.time()
            followed.write(f"{number}\n")
            written.append((before, time.time()))
            followed.look()
        records = [json.loads(line) for line in followed.text().splitlines()]
        assert [record["line"] for record in records] == [str(number) for number in range(20)]
        for record, (before, after) in zip(records, written, strict=True):
            assert record["since"] <= after
            assert before <= record["t"]
        assert all(early["since"] <= late["since"] for early, late in pairwise(records))

    def test_only_a_line_end_ends_a_line(self, tmp_path: Path) -> None:
        followed = Followed(tmp_path, Stamped)
        followed.write("")
        followed.begin()
        followed.write("a\x0bb\x85c\u2028d\n\n")
        followed.look()
        records = [json.loads(line) for line in followed.text().split("\n")[:-1]]
        assert [record["line"] for record in records] == ["a\x0bb\x85c\u2028d", ""]


class TestRecorder:
    def test_it_looks_by_itself_and_once_more_after_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logs, "LAST_SECONDS", 0.01)
        file = tmp_path / "a.log"
        file.write_text("old\n")
        with running(Logs([str(file)])) as sent:
            with file.open("a") as stream:
                stream.write("new\n")
            until(lambda: sent.text(str(file).lstrip("/")) == "new\n")
            with file.open("a") as stream:
                stream.write("last\n")
        assert sent.text(str(file).lstrip("/")) == "new\nlast\n"


@given(st.text("ab\n", max_size=60))
def test_a_message_ends_where_a_line_does(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(Sent()) as sent:
        patch.setattr(link, "LIMIT", 10)
        link.send_text("x", text)
    texts = [message["text"] for message in sent.messages if "text" in message]
    problems = [message["problem"] for message in sent.messages if "problem" in message]
    assert "".join(texts) == "".join(line for line in text.splitlines(keepends=True) if len(line) <= 10)
    assert all(part.endswith("\n") for part in texts[:-1])
    assert all(len(part) <= 10 for part in texts)
    assert bool(problems) == any(len(line) > 10 for line in text.splitlines(keepends=True))


class TestWriting:
    @pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x"])
    def test_no_name_leads_out_of_the_recording(self, tmp_path: Path, name: str) -> None:
        recording = CaptureSession(tmp_path / "raw")
        with pytest.raises(ValueError, match="no name of a source"):
            recording.write("ctl1", name, "x\n")
        assert list(tmp_path.iterdir()) == []

    def test_what_is_wanted_follows_from_the_services(self, deployment: Deployment) -> None:
        services = [
            Service("memcached", "memcached.service", 11211, ()),
            Service("neutron-dhcp-agent", "x.service", None, ("/var/log/n/dhcp.log", "/var/lib/n/*/dhcp_dns_log")),
            Service("mariadb", "mariadb.service", 3306, ()),
            Service("ceph-mon", "ceph-mon@c.service", 3300, ("/var/log/ceph/ceph-mon.c.log",)),
        ]
        node = replace(deployment.nodes[0], services=tuple(services))
        assert wanted(node) == {
            "logs": {
                "patterns": ["/var/log/ceph/ceph-mon.c.log", "/var/log/n/dhcp.log"],
                "passed_over": {"/var/log/ceph/ceph-mon.c.log": DUMPED},
            },
            "monitor": {"sockets": SOCKETS},
            "stamped": {"patterns": ["/var/lib/n/*/dhcp_dns_log"]},
            "cache": {"address": node.address, "port": 11211},
            "packets": {"address": node.address, "port": 11211},
            "reads": {"directory": DHCP},
            "journal": {"prefixes": ["haproxy-metadata-proxy-"]},
            "database": {},
        }

    @pytest.mark.parametrize(
        ("last", "clock"),
        [
            (None, NodeClock(1.0, 0.01)),
            (NodeClock(1.02, 0.03), NodeClock(1.01, 0.03)),
            (NodeClock(1.0 + 2 * JUMP, 0.01), NodeClock(1.0 + JUMP, 0.01 + 2 * JUMP)),
        ],
    )
    def test_a_clock_that_jumped_is_as_uncertain_as_its_jump(self, last: NodeClock | None, clock: NodeClock) -> None:
        found = settled(NodeClock(1.0, 0.01), last)
        assert found.offset == pytest.approx(clock.offset)
        assert found.uncertainty == pytest.approx(clock.uncertainty)
