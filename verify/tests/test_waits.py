"""How long answers were there before their callers went on: told by the broker and the caller's own log alone."""

import io
from collections.abc import Iterable
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from hoplab.flow.loader import load
from hoplab.judge.verdicts import JudgedHop, Result, Verdict, Verdicts
from hoplab.judge.waits import Wait, by_hop, find_waits, within
from hoplab.model.events import Event
from hoplab.parse.trouble import Log
from hoplab.report.form import FORM
from hoplab.report.html import render_html
from hoplab.report.lags import idle_time, waited, waiting
from hoplab.report.terminal import show_report
from samples.reports import proved

OURS = "req-11111111-0000-4000-8000-000000000001"
REQUEST = "req-22222222-0000-4000-8000-000000000002"
OTHER = "req-33333333-0000-4000-8000-000000000003"
IDS = {"global-request": frozenset({OURS})}
CATALOGUE = load()
NOON = 1_795_780_800.0  # 2026-11-27 12:00:00 UTC


def message(kind: str, at: float, call: str, *, request: str = OURS) -> Event:
    """What the broker says of a call of nova-compute's on cmp1, or of its answer."""
    published = kind == "call"
    ids = {"call": frozenset({call})}
    if published:
        ids |= {"global-request": frozenset({request}), "request": frozenset({REQUEST})}
    return Event(
        time=NOON + at,
        node="ctl1",
        source="broker",
        who="rabbitmq",
        kind="rpc.published" if published else "rpc.delivered",
        fields={"kind": kind, "account": "nova-compute", "host": "cmp1", "object": "Instance.save"},
        ids=ids,
        line="",
    )


def noted(at: float, said: str, context: str = f"{OURS} {REQUEST} u p - - default default") -> str:
    """A line of nova-compute's log."""
    whole, part = divmod(round(at * 1000), 1000)
    return f"2026-11-27 12:00:{whole:02}.{part:03} 7 DEBUG nova.compute.manager [{context}] {said}"


def log(lines: Iterable[str], *, node: str = "cmp1", offset: float = 0.0) -> Log:
    return Log("nova-compute", node, "var/log/nova/nova-compute.log", offset, lines)


def got(at: float, call: str) -> str:
    return noted(at, f"received reply msg_id: {call} __call__ /usr/lib/x.py:594", "-")


CALL = [message("call", 1.0, "a"), message("reply", 1.1, "a")]


class TestFound:
    def test_from_the_answer_until_the_caller_goes_on(self) -> None:
        (wait,) = find_waits(CALL, [log([noted(1.0, "asks"), got(1.1, "a"), noted(1.5, "goes on")])], IDS, {})
        assert (wait.who, wait.node, wait.method, wait.call) == ("nova-compute", "cmp1", "Instance.save", "a")
        assert wait.seconds == pytest.approx(0.4)

    def test_each_node_by_its_own_clock(self) -> None:
        lines = [got(4.1, "a"), noted(4.5, "goes on")]
        (wait,) = find_waits(CALL, [log(lines, offset=3.0)], IDS, {"ctl1": 0.2})
        assert wait.answered == pytest.approx(NOON + 0.9)
        assert wait.seconds == pytest.approx(0.6)

    @pytest.mark.parametrize(
        "lines",
        [
            [noted(1.5, "goes on")],  # It does not note its answers.
            [got(1.1, "b"), noted(1.5, "goes on")],
            [got(1.1, "a")],  # It never went on.
            [got(1.1, "a"), noted(1.5, "another request", f"{OTHER} {OTHER} - -")],
            [got(1.1, "a"), noted(1.05, "before the answer")],
            [got(1.1, "a"), "2026-11-27 99:00:00.000 7 DEBUG x [" + REQUEST + "] no time"],
            ["", "\x00", "received reply msg_id: ", "garbage " * 1000],
        ],
    )
    def test_nothing_where_the_log_does_not_tell(self, lines: list[str]) -> None:
        assert find_waits(CALL, [log(lines)], IDS, {}) == []

    def test_nothing_of_other_launches_nodes_and_casts(self) -> None:
        lines = [got(1.1, "a"), noted(1.5, "goes on")]
        assert find_waits(CALL, [log(lines, node="cmp2")], IDS, {}) == []
        others = [message("call", 1.0, "a", request=OTHER), message("reply", 1.1, "a")]
        assert find_waits(others, [log(lines)], IDS, {}) == []
        assert find_waits(CALL[:1], [log(lines)], IDS, {}) == []
        assert find_waits(CALL[1:], [log(lines)], IDS, {}) == []

    def test_only_the_first_line_counts(self) -> None:
        (wait,) = find_waits(CALL, [log([got(1.1, "a"), noted(1.3, "on"), noted(9.0, "later")])], IDS, {})
        assert wait.seconds == pytest.approx(0.2)


def judged(name: str, begin: float, end: float) -> JudgedHop:
    return JudgedHop(CATALOGUE.hops[name], Verdict.PROVED, (), (), (), begin, end, whole=True, unread=False, why="")


def wait(answered: float, went_on: float, who: str = "nova-compute") -> Wait:
    return Wait(who, "cmp1", "Instance.save", "a", REQUEST, answered, noted=True, went_on=went_on)


class TestByHop:
    def test_what_falls_into_its_senders_lag(self) -> None:
        # nova-compute takes its order from the broker, and then calls the conductor.
        hops = (judged("build-take", 10.0, 10.0), judged("conductor-call", 12.0, 12.0))
        judgement = Verdicts(hops, Result.PROVED, None)
        waits = [wait(9.8, 10.3), wait(11.0, 11.4), wait(11.0, 11.4, who="nova-api"), wait(12.1, 12.6)]
        found = by_hop(waits, judgement)
        assert found["conductor-call"] == pytest.approx(0.7)
        assert within(waits, judgement) == waits[:2]


class TestTold:
    def test_in_words(self) -> None:
        assert idle_time({"waited_s": 0.41}) == "0.410 s"
        assert idle_time({"waited_s": 0.0}) == idle_time({"waited_s": None}) == idle_time({}) == ""
        assert "of which it waited 0.410 s although the answer was there" in waited({"lag_s": 1.0, "waited_s": 0.41})
        calls = [{"who": "nova-compute"}, {"who": "nova-compute"}]
        assert waiting({"waits": {"waited_s": 0.8, "calls": calls}}) == (
            "In 2 calls the answer was there before the caller (nova-compute) looked for it: 0.8 s of this launch were "
            "waited so."
        )
        assert waiting({}) == waiting({"waits": None}) == ""


def test_the_table_has_a_column_for_it_only_where_it_is_known() -> None:
    sample = proved()
    assert "WAITED" not in shown(sample)
    call = {"who": "nova-compute", "node": "cmp1", "method": "Instance.save", "call": "a", "waited_s": 0.41}
    call |= {"answered": "2026-11-27T12:00:01.100Z", "went_on": "2026-11-27T12:00:01.510Z"}
    sample["waits"] = {"waited_s": 0.41, "calls": [call]}
    sample["hops"][13] |= {"lag_s": 1.2, "waited_s": 0.41}
    jsonschema.validate(sample, FORM)
    lines = shown(sample).splitlines()
    at = lines[0].index("WAITED")
    assert [line[at : at + 7] for line in lines[1:74] if line[at : at + 7].strip()] == ["0.410 s"]
    assert waiting(sample) in lines
    assert waiting(sample) in render_html(sample)
    assert "of which it waited 0.410 s although the answer was there" in render_html(sample)


def shown(sample: dict[str, Any]) -> str:
    """The report as a pipe gets it."""
    out = io.StringIO()
    show_report(sample, Console(file=out, width=200))
    return out.getvalue()
