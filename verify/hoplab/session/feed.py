"""What browsers are told of a launch that is being recorded: its newest state at first, then what changed in it."""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

INTERVAL: Final = 0.25
"""Seconds at least between two messages to one browser; what changes meanwhile comes with the next one."""
BEAT: Final = 5.0
"""Seconds after which a browser that was told nothing gets a sign of life: so one that has gone away is noticed."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of an event stream (WHATWG HTML, 9.2). number: its id; name: of the event; data: a text of one line."""

    number: int
    name: str
    data: str

    @property
    def encoded(self) -> bytes:
        """The message as it is sent."""
        return f"id: {self.number}\nevent: {self.name}\ndata: {self.data}\n\n".encode()


class Feed:
    """The state of a launch in named parts, each a JSON text, for any number of browsers that read at their own pace.

    A part may change, but none goes away. Nobody who publishes waits for a browser.
    """

    def __init__(self, interval: float = INTERVAL, beat: float = BEAT) -> None:
        self._interval = interval
        self._beat = beat
        self._changed = threading.Condition()
        self._parts: dict[str, str] = {}
        self._number = 0
        self._last: Message | None = None
        self._closed = False

    def publish(self, parts: Mapping[str, str]) -> None:
        """Have these parts told where they are new or have changed. After `end` nothing is told any more."""
        with self._changed:
            if self._last is not None or all(self._parts.get(name) == text for name, text in parts.items()):
                return
            self._number += 1
            self._parts = {**self._parts, **parts}
            self._changed.notify_all()

    def end(self, name: str, data: str) -> None:
        """Tell all browsers one last thing, those that come later, too. The first end counts."""
        with self._changed:
            if self._last is None:
                self._number += 1
                self._last = Message(self._number, name, data)
                self._changed.notify_all()

    def close(self) -> None:
        """End all streams, those of browsers that wait for more, too."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def messages(self, seen: int | None = None) -> Iterator[Message | None]:
        """Yield what one browser is told: all parts in the event `state`, then those that changed, then the end.

        seen: the number of the last message that it had, where it was here before; what it has it is not told again.
        None where nothing changed for so long that a sign of life is due.
        """
        number, told = 0, dict[str, str]()
        if seen is not None:
            with self._changed:
                if seen == self._number and self._last is None:
                    number, told = seen, self._parts
        while True:
            with self._changed:
                more = self._wait_for_news(number)
                closed, last, parts, number = self._closed, self._last, self._parts, self._number
            if last is not None:
                yield last
                return
            if closed:
                return
            fresh = {name: text for name, text in parts.items() if told.get(name) != text}
            told = parts
            yield Message(number, "state", _object(fresh)) if more else None
            self._pause()

    def _wait_for_news(self, number: int) -> bool:
        """Wait until there is something newer than a message, or a sign of life is due; tell whether there is."""
        return self._changed.wait_for(lambda: self._closed or self._number != number, self._beat)

    def _pause(self) -> None:
        """Wait until the next message may be sent; the end may be sent at any time."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._last is not None, self._interval)


def _object(parts: Mapping[str, str]) -> str:
    """Return a JSON object whose members' values are JSON already."""
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in parts.items()) + "}"
