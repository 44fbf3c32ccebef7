"""A recorded run that happens once more while it is watched, and a browser that reads what it is told of it."""

import http.client
import json
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from hoplab.commands.main import main
from hoplab.run.record import RunRecord, read_record
from hoplab.session.live_server import EVENTS
from hoplab.session.recorded_launches import Look
from samples.runs import unpacked

SECONDS: Final = 10.0
"""How long anything here is waited for."""


class Again:
    """A recorded run that happens as its user says; `verify` stands in for the one that records a lab.

    began: set when the launch can be looked at.
    """

    def __init__(self, name: str) -> None:
        self.source = unpacked(name)[0]
        self.record = read_record(self.source)
        self.directory = Path()
        self.began = threading.Event()
        self._over = threading.Event()
        self._now = self.record.started
        self._error: BaseException | None = None

    def until(self, share: float) -> None:
        """Have so much of it happened, as a share of the time that it took."""
        self._now = self.record.started + share * (self.record.ended - self.record.started)

    def end(self, error: BaseException | None = None) -> None:
        """Have it over. error: what it breaks off with."""
        self._error = error
        self._over.set()

    def verify(
        self,
        _deployment: object,
        runs: Path,
        _options: object,
        *,
        say: Callable[[str], None],
        recorded: Callable[[tuple[Path, ...]], None],
        began: Callable[[Look], None],
    ) -> None:
        """See `hoplab.session.recorded_launches.verify`."""
        self.directory = runs / self.source.name
        shutil.copytree(self.source, self.directory)
        say("recording the lab")
        began(self._look)
        self.began.set()
        if not self._over.wait(SECONDS * 3):
            raise TimeoutError("nobody ended the run")
        if self._error is not None:
            raise self._error
        recorded((self.directory,))

    def _look(self) -> tuple[Path, RunRecord]:
        """Return the run as it was known then: what is later than its end does not count."""
        if self._now >= self.record.ended:
            return self.directory, self.record
        return self.directory, replace(
            self.record, ended=self._now, status="", seconds_to_active=None, error="", seen=(), states=()
        )


class Watched:
    """`hoplab watch` at work, in a thread of its own, once its run has begun or it is over.

    said: all that it has said; status: its exit status in the end.
    """

    def __init__(self, run: Again, arguments: list[str], out: Callable[[], str]) -> None:
        self.run = run
        self.status: int | None = None
        self._out = out
        self._thread = threading.Thread(target=self._work, args=(arguments,), daemon=True)
        self._thread.start()
        run.began.wait(SECONDS)
        self.said = out()

    @property
    def url(self) -> str:
        """The page's address, as it is said."""
        found = re.search(r"hoplab: open (http://127\.0\.0\.1:\d+/\S+)", self.said)
        if found is None:
            raise ValueError(f"no address in {self.said!r}")
        return found[1]

    def end(self, error: BaseException | None = None) -> int | None:
        """Have the run end, and return the exit status; None if it does not end."""
        self.run.end(error)
        self._thread.join(SECONDS * 3)
        self.said += self._out()
        return self.status

    def _work(self, arguments: list[str]) -> None:
        try:
            self.status = main(arguments)
        finally:
            self.run.began.set()  # Nobody has to wait for it any more.


class Browser:
    """Reads the event stream as an EventSource does."""

    def __init__(self, url: str, last: str = "") -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=SECONDS)
        self.connection.request("GET", f"{parts.path}{EVENTS}", headers={"Last-Event-ID": last} if last else {})
        self.answer = self.connection.getresponse()

    def __enter__(self) -> Self:
        """Be closed when it is left."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Go away."""
        self.answer.close()
        self.connection.close()

    def read(self) -> tuple[str, str, Any] | None:
        """Return the next message, its id, event and data; None where the stream is over. Comments are no messages."""
        found: dict[str, str] = {}
        while line := self.answer.readline().decode():
            if line == "\n" and found:
                return found["id"], found["event"], json.loads(found["data"])
            if not line.startswith(":") and line != "\n":
                name, _colon, value = line.rstrip("\n").partition(": ")
                found[name] = value
        return None
