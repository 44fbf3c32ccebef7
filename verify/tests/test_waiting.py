import pytest

from hoplab.launch.waiting import Pending, wait_for
from hoplab.model.errors import WaitTimeoutError


class Time:
    """A clock that only moves when it is slept on; cost: seconds that each probe takes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_an_answer_at_once_needs_no_sleep() -> None:
    time = Time()
    assert wait_for("it", lambda: 7, timeout=0, clock=time) == 7
    assert time.slept == []


def test_false_values_are_answers() -> None:
    assert wait_for("it", lambda: 0, timeout=1, clock=Time()) == 0


def test_it_asks_until_there_is_an_answer() -> None:
    time = Time()
    answers = iter([Pending("a"), Pending("b"), "yes"])
    assert wait_for("it", lambda: next(answers), timeout=10, interval=0.5, clock=time) == "yes"
    assert time.slept == [0.5, 0.5]


def test_the_error_says_what_was_waited_for_how_long_and_what_was_seen_last() -> None:
    time = Time()
    with pytest.raises(
        WaitTimeoutError, match=r"^volume v available: not within 3 s; last seen: status creating$"
    ) as caught:
        wait_for("volume v available", lambda: Pending("status creating"), timeout=3, clock=time, services=("c",))
    assert caught.value.services == ("c",)
    assert time.now == pytest.approx(103)


def test_a_slow_probe_gets_a_last_chance_after_the_deadline() -> None:
    time = Time()
    asked: list[float] = []

    def slow() -> str | Pending:
        asked.append(time.now)
        time.now += 4
        return "there" if len(asked) == 2 else Pending("not yet")

    assert wait_for("it", slow, timeout=3, clock=time) == "there"


def test_what_the_probe_raises_passes_through() -> None:
    def broken() -> str | Pending:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        wait_for("it", broken, timeout=3, clock=Time())
