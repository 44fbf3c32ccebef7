"""The agent's end of the connection: what it sends is lines of JSON on standard output."""

import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LIMIT = 1 << 20
"""Characters in one message, and in a line, at most: a long one would hold up the answer to a question."""
TOO_LONG = f"a line of more than {LIMIT} characters was left out"

_lock = threading.Lock()
stopping = threading.Event()
"""Set when recorders are to end."""


def send(**message: Any) -> None:
    """Send one message."""
    text = json.dumps(message) + "\n"
    try:
        with _lock:
            sys.stdout.write(text)
            sys.stdout.flush()
    except OSError:
        stopping.set()  # Nobody listens any more: all that is left to do is to switch off.


def send_text(source: str, text: str) -> None:
    """Send whole lines of a source, as they stand there.

    A line is never cut: half a secret is not known for one. One that is longer than the limit is left out and told of.
    """
    place = 0
    while place < len(text):
        end = len(text) if len(text) - place <= LIMIT else text.rfind("\n", place, place + LIMIT) + 1
        if end > place:
            send(source=source, text=text[place:end])
        else:
            end = text.find("\n", place) + 1 or len(text)
            report(source, TOO_LONG)
        place = end


def send_record(source: str, **record: Any) -> None:
    """Send a line that the agent itself makes: a JSON object with the time (`t`, seconds since 1970) of its making."""
    send_text(source, json.dumps({"t": time.time(), **record}, default=str) + "\n")


def report(source: str, problem: str) -> None:
    """Say that a source, or what is left of it, can't be read."""
    send(source=source, problem=problem)


class Lines:
    """Puts what comes in pieces together to whole lines. One that is too long is left out and told of, and never kept.

    headless: what comes first is the rest of a line whose beginning is not known, and left out.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.headless = False
        self.torn = b""

    def whole(self, data: bytes) -> bytes:
        """Return the whole lines that there are with this piece, with their ends; keep the rest for the next one."""
        if self.headless:
            _before, end, data = data.partition(b"\n")
            self.headless = not end
        whole, mark, rest = data.rpartition(b"\n")
        whole, self.torn = (self.torn + whole + mark, rest) if mark else (b"", self.torn + rest)
        if len(self.torn) > LIMIT:
            report(self.source, TOO_LONG)
            self.torn, self.headless = b"", True
        return whole


class Recorder(threading.Thread):
    """One source that is recorded in a thread of its own.

    A subclass says what it is called, begins and undoes in `begin` and `end`, and records in `record` until `stopping`
    is set. Whatever goes wrong is reported as the source's problem.
    """

    source = ""

    def __init__(self) -> None:
        super().__init__(name=self.source, daemon=True)
        self.ready = threading.Event()

    def begin(self) -> None:
        """Switch on what is to be recorded; undo first what a killed recorder may have left on."""

    def record(self) -> None:
        """Send what happens until `stopping` is set."""

    def halt(self) -> None:
        """Have `record` return, where it waits for something else than `stopping`. Called from another thread."""

    def end(self) -> None:
        """Switch off what `begin` switched on. Also called when `begin` failed."""

    def run(self) -> None:
        """Do all three, whatever happens."""
        try:
            self._guarded(self.begin)
            self.ready.set()
            if not stopping.is_set():
                self._guarded(self.record)
        except _ReportedError:
            self.ready.set()
        finally:
            with suppress(_ReportedError):
                self._guarded(self.end)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            report(self.source, f"{type(error).__name__}: {error}")
            raise _ReportedError from error


class _ReportedError(Exception):
    """The problem was told."""
