"""The agent's recorders run here, for tests: what they send, and a recorder in its thread."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from hoplab.capture.agent.link import Recorder, stopping

SECONDS = 10.0
"""How long is waited for something that comes at once, if the machine has nothing else to do."""


class Sent(io.StringIO):
    """Stands for standard output. messages: all that were sent."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write(self, text: str) -> int:
        """Take one message, which is always written in one piece."""
        self.messages.append(json.loads(text))
        return len(text)

    def text(self, source: str) -> str:
        """Return all text of a source."""
        return "".join(
            message["text"] for message in self.messages if message.get("source") == source and "text" in message
        )

    def records(self, source: str) -> list[dict[str, Any]]:
        """Return the records of a source."""
        return [json.loads(line) for line in self.text(source).splitlines()]

    def problems(self) -> dict[str, str]:
        """Return the problems by source."""
        return {message["source"]: message["problem"] for message in self.messages if "problem" in message}


@contextmanager
def running(recorder: Recorder) -> Iterator[Sent]:
    """Run a recorder as the agent does; at the end of the block it is told to end, and has ended after it."""
    sent = Sent()
    stopping.clear()
    try:
        with redirect_stdout(sent):
            recorder.start()
            assert recorder.ready.wait(SECONDS)
            try:
                yield sent
            finally:
                stopping.set()
                recorder.halt()
                recorder.join(SECONDS)
        assert not recorder.is_alive()
    finally:
        stopping.clear()


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
