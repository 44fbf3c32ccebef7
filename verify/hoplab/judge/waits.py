"""How long daemons waited on although the answer was there: what waiting in a fixed interval costs a launch.

A daemon that calls another one through the broker looks for the answer in a loop, every half a second in this release
(oslo_messaging/_drivers/amqpdriver.py, ReplyWaiters.get, of oslo.messaging 16). What that costs is told by evidence
alone: the broker delivered the answer, the daemon noted that it has it, and the next line that it noted of the same
request is when it went on. A daemon that does not note its answers (its log has no DEBUG lines) tells nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hoplab.flow.actors import BY_ACCOUNT
from hoplab.judge.pace import lags
from hoplab.judge.verdicts import Verdicts
from hoplab.model.events import Event, Ids
from hoplab.parse.log_records import HEAD, REQUEST, seconds
from hoplab.parse.trouble import Log

GOT: Final = re.compile(r"received reply msg_id: (\S+)")
"""What a daemon notes when it has an answer."""
MOST: Final = 10_000
"""Calls of a launch that are looked at."""


@dataclass(slots=True)
class Wait:
    """A call whose answer was there before the caller went on.

    who, node: the caller; method: what was called, of Nova's indirection with its object; call: the message's id;
    answered: when the broker delivered the answer; went_on: when the caller noted the next thing of the same request;
    both in seconds since 1970 by our clock.
    """

    who: str
    node: str
    method: str
    call: str
    request: str
    answered: float
    noted: bool = False
    went_on: float | None = None

    @property
    def seconds(self) -> float:
        """For how long the answer was there, and the caller waited."""
        return 0.0 if self.went_on is None else max(0.0, self.went_on - self.answered)


@dataclass(slots=True)
class _Calls:
    """The calls of one daemon on one node, by request, and what its log tells of them."""

    waiting: dict[str, list[Wait]] = field(default_factory=dict)
    known: dict[str, Wait] = field(default_factory=dict)

    def add(self, wait: Wait) -> None:
        self.waiting.setdefault(wait.request, []).append(wait)
        self.known[wait.call] = wait

    def read(self, line: str, offset: float) -> None:
        got = GOT.search(line)
        if got:
            if got[1] in self.known:
                self.known[got[1]].noted = True
            return
        head = HEAD.match(line)
        requests = [name for name in REQUEST.findall(head[4]) if name in self.waiting] if head else []
        at = seconds(head[1]) if head and requests else None
        if at is None:
            return
        for name in requests:
            for wait in self.waiting[name]:
                if wait.noted and wait.went_on is None and at - offset >= wait.answered:
                    wait.went_on = at - offset


def find_waits(messages: Iterable[Event], logs: Iterable[Log], ids: Ids, offsets: Mapping[str, float]) -> list[Wait]:
    """Return the calls of a launch whose answer was there before the caller went on, by time.

    messages: the broker's events, in their order; logs: of the daemons; ids: of the launch; offsets: seconds by which a
    node's clock is ahead of ours, 0 for others.
    """
    calls: dict[tuple[str, str], _Calls] = {}
    for wait in _answered(messages, ids, offsets):
        calls.setdefault((wait.who, wait.node), _Calls()).add(wait)
    for log in logs:
        mine = calls.get((log.who, log.node))
        if mine is not None:
            for line in log.lines:
                mine.read(line, log.offset)
    found = [wait for some in calls.values() for wait in some.known.values() if wait.went_on is not None]
    return sorted(found, key=lambda wait: wait.answered)


def _answered(messages: Iterable[Event], ids: Ids, offsets: Mapping[str, float]) -> Iterator[Wait]:
    """Yield the launch's calls that were answered."""
    own = ids.get("global-request", frozenset())
    asked: dict[str, Event] = {}
    for event in messages:
        call = next(iter(event.ids.get("call", ())), None)
        if call is None:
            continue
        kind = event.fields.get("kind")
        if event.kind == "rpc.published" and kind == "call" and len(asked) < MOST:
            if not own.isdisjoint(event.ids.get("global-request", frozenset())):
                asked[call] = event
        elif event.kind == "rpc.delivered" and kind == "reply" and call in asked:
            yield _wait(asked.pop(call), event, call, offsets)


def _wait(asked: Event, answered: Event, call: str, offsets: Mapping[str, float]) -> Wait:
    account = asked.fields.get("account", "")
    return Wait(
        who=BY_ACCOUNT.get(account, account),
        node=asked.fields.get("host", ""),
        method=asked.fields.get("object") or asked.fields.get("method", ""),
        call=call,
        request=next(iter(asked.ids.get("request", ())), ""),
        answered=answered.time - offsets.get(answered.node, 0.0),
    )


def within(waits: Iterable[Wait], judgement: Verdicts) -> list[Wait]:
    """Return those that a hop of the launch waited for: what else is asked meanwhile keeps nobody waiting."""
    spans = [*_spans(judgement)]
    return [wait for wait in waits if any(span.overlap_seconds(wait) > 0 for span in spans)]


def by_hop(waits: Iterable[Wait], judgement: Verdicts) -> dict[str, float]:
    """Return how many seconds of a hop's lag its sender waited so, for each hop whose lag is known.

    Of hops that a daemon does side by side each has the whole of it.
    """
    waits = list(waits)
    return {span.hop: sum(map(span.overlap_seconds, waits)) for span in _spans(judgement)}


class _Span(NamedTuple):
    """A hop's lag: whose it is, and from when to when."""

    hop: str
    sender: str
    begin: float
    end: float

    def overlap_seconds(self, wait: Wait) -> float:
        """Return how many seconds of a wait fall into it: none if the sender is another one."""
        if wait.who != self.sender or wait.went_on is None:
            return 0.0
        return max(0.0, min(self.end, wait.went_on) - max(self.begin, wait.answered))


def _spans(judgement: Verdicts) -> Iterator[_Span]:
    late = lags(judgement)
    for judged_hop in judgement.hops:
        if judged_hop.hop.name in late and judged_hop.end is not None:
            yield _Span(
                judged_hop.hop.name, judged_hop.hop.sender, judged_hop.end - late[judged_hop.hop.name], judged_hop.end
            )
