"""Time for tests of what waits."""


class Clock:
    """Time that passes by waiting alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the seconds that were waited so far."""
        return self.now

    def sleep(self, seconds: float, /) -> None:
        """Let so many seconds pass."""
        self.now += seconds
