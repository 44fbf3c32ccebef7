"""Records what the guest says on its console, each time that Nova is asked for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

TAIL: Final = 200
"""Characters by which the last reading is found in the next one, when Nova gives the end of a long console only."""


@dataclass(slots=True)
class ConsoleLog:
    """A console as it grows. text: as it was last read; note: is given a record, one line of JSON, for what came to it.

    A record has `since` and `t`, the times between which the text was written, in seconds since 1970 by our clock, and
    `text`.
    """

    note: Callable[[str], None] = lambda _line: None
    text: str = ""
    _before: float | None = None

    def took(self, text: str, *, began: float, ended: float) -> None:
        """Take a console as Nova gave it. began, ended: when we asked for it and when we had it."""
        grown = _growth(self.text, text)
        if grown:
            self.note(json.dumps({"since": self._before, "t": ended, "text": grown}) + "\n")
        self.text, self._before = text, began


def _growth(before: str, after: str) -> str:
    """Return what came to a text, whose beginning may be gone by now."""
    if after.startswith(before):
        return after[len(before) :]
    tail = before[-TAIL:]
    return after[place + len(tail) :] if (place := after.rfind(tail)) >= 0 else after
