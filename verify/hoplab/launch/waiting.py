"""Waiting with a limit, and with an error that says what was seen last."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hoplab.model.errors import WaitTimeoutError

T = TypeVar("T")


class Clock(Protocol):
    """What waiting needs of time; tests bring their own."""

    def monotonic(self) -> float:
        """Return seconds since some fixed point."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Let so many seconds pass."""
        ...


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Return seconds since some fixed point."""
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Pending:
    """A probe's answer for "not yet", with the state that was seen."""

    seen: str


def wait_for(
    what: str,
    probe: Callable[[], T | Pending],
    *,
    timeout: float,
    interval: float = 0.5,
    clock: Clock = SYSTEM_CLOCK,
    services: tuple[str, ...] = (),
) -> T:
    """Ask again and again until the probe has an answer; return it.

    what: named in the error; timeout and interval: seconds; services: on which it depends, for the error. The probe
    is asked at least once, and once more when the time is up, so a slow one is never cheated of its last chance.
    Raises WaitTimeoutError; what the probe raises passes through.
    """
    deadline = clock.monotonic() + timeout
    while True:
        late = clock.monotonic() >= deadline
        answer = probe()
        if not isinstance(answer, Pending):
            return answer
        if late:
            raise WaitTimeoutError(what, timeout, answer.seen, services)
        clock.sleep(min(interval, max(0.0, deadline - clock.monotonic())))
