"""Follows log files whose lines tell no more than the second, and notes when each line came."""

import json
import time

from hoplab.capture.agent.link import send_text
from hoplab.capture.agent.logs import Logs


class Stamped(Logs):
    """Log files again, looked at more often. A line is sent with the times of the look that found it and the last."""

    source = "stamped"
    poll = 0.02

    def begin(self) -> None:
        """Open what is there, at its end."""
        self.before = time.time()
        super().begin()

    def deliver(self, source: str, text: str) -> None:
        """Send each line with its times: it was written after `since`, and not after `t`."""
        stamp = {"t": time.time(), "since": self.before}
        send_text(
            source, "".join(json.dumps({**stamp, "line": line}) + "\n" for line in text.removesuffix("\n").split("\n"))
        )

    def _look(self, *, whole: bool) -> None:
        now = time.time()
        super()._look(whole=whole)
        self.before = now
