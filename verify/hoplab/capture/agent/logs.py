"""Follows log files from where they end when the recording begins, through rotation and truncation."""

import fnmatch
import glob
import os
import re
import time
from collections.abc import Callable
from typing import BinaryIO

from hoplab.capture.agent.link import Lines, Recorder, report, send, send_text, stopping

CHUNK = 1 << 20
MARK = 64
"""So many of the last bytes that were read are kept, to know the same file's copy by them."""
LAST_LOOKS = 2
LAST_SECONDS = 0.2
"""How often it looks again after the end, and seconds in between: a daemon may write what it did a moment before."""


class _File:
    """One file that is followed. From its end, unless it came later: then from its beginning."""

    def __init__(self, path: str, deliver: Callable[[str, str], None], *, whole: bool) -> None:
        self.path = path
        self.deliver = deliver
        self.source = path.lstrip("/")
        self.stream = open(path, "rb")  # noqa: SIM115 it stays open as long as it is followed
        self.inode = os.fstat(self.stream.fileno()).st_ino
        self.last = b""
        self.lines = Lines(self.source)
        if not whole:
            end = self.stream.seek(0, os.SEEK_END)
            self.stream.seek(max(0, end - MARK))
            self.last = self.stream.read(min(end, MARK))
            # If a line is being written just now, its beginning is not ours: the rest of it is left out, too.
            self.lines.headless = not self.last.endswith(b"\n") if end else False

    def read(self) -> None:
        """Send the whole lines that have come; keep a line that is not whole for the next time."""
        if os.fstat(self.stream.fileno()).st_size < self.stream.tell():
            self._after_truncation()
        self._send(self.stream)

    def _after_truncation(self) -> None:
        """Go on at the file's new beginning, after the rest that logrotate's `copytruncate` put aside."""
        seen, aside = self.stream.tell(), f"{self.path}.1"
        try:
            with open(aside, "rb") as copy:
                copy.seek(seen - len(self.last))
                # It may be the copy of an earlier time, whose lines are none of this recording's.
                if copy.read(len(self.last)) != self.last:
                    raise FileNotFoundError(aside)
                self._send(copy)
        except OSError:
            report(self.source, f"was truncated while it was read, and what it had is not in {aside}")
            self.lines.torn = b""
        self.lines.headless = False
        self.last = b""
        self.stream.seek(0)

    def _send(self, stream: BinaryIO) -> None:
        while data := stream.read(CHUNK):
            self.last = (self.last + data)[-MARK:]
            whole = self.lines.whole(data)
            if whole:
                self.deliver(self.source, whole.decode("utf-8", "replace"))

    def close(self) -> None:
        """Send what is there and let go of the file."""
        self.read()
        if self.lines.torn:
            self.deliver(self.source, self.lines.torn.decode("utf-8", "replace") + "\n")
        self.stream.close()


class Logs(Recorder):
    """Log files. patterns: paths with wildcards, for files may come and go; poll: seconds between two looks.

    passed_over: by pattern, a regular expression that matches the beginning of lines that are not sent.
    """

    source = "logs"
    poll = 0.2

    def __init__(self, patterns: list[str], passed_over: dict[str, str] | None = None) -> None:
        super().__init__()
        self.patterns = patterns
        self.passed_over = {pattern: re.compile(expression) for pattern, expression in (passed_over or {}).items()}
        self.files: dict[str, _File] = {}
        self.rotated: list[_File] = []

    def begin(self) -> None:
        """Open what is there, at its end."""
        self._look(whole=False)

    def record(self) -> None:
        """Send what is written until the end, and look for new files."""
        while not stopping.wait(self.poll):
            self._look(whole=True)
        for _ in range(LAST_LOOKS):
            self._look(whole=True)
            time.sleep(LAST_SECONDS)

    def end(self) -> None:
        """Send the rest."""
        for file in [*self.rotated, *self.files.values()]:
            file.close()

    def deliver(self, source: str, text: str) -> None:
        """Send whole lines of a file, but for those that are passed over."""
        for pattern, expression in self.passed_over.items():
            if fnmatch.fnmatch(f"/{source}", pattern):
                lines = text.split("\n")[:-1]
                text = "".join(f"{line}\n" for line in lines if not expression.match(line))
        send_text(source, text)

    def _look(self, *, whole: bool) -> None:
        for pattern in self.patterns:
            for path in glob.glob(pattern):
                self._follow(path, whole=whole)
        for file in [*self.rotated, *self.files.values()]:
            file.read()

    def _follow(self, path: str, *, whole: bool) -> None:
        known = self.files.get(path)
        try:
            if known is not None and os.stat(path).st_ino == known.inode:
                return
            fresh = _File(path, self.deliver, whole=whole)
        except FileNotFoundError:
            return  # It is being rotated just now: the next look finds the new one.
        except OSError as error:
            report(path.lstrip("/"), str(error))
            return
        if known is not None:
            self.rotated.append(known)  # A daemon may write to it until it is told to open the new one.
        self.files[path] = fresh
        send(follows=fresh.source)
