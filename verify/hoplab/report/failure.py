"""What a person needs to know of the first hop that did not happen: who should have acted, and what he did instead."""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Final

from hoplab.flow.actors import ACTORS, ON_HOST
from hoplab.flow.model import Flow
from hoplab.judge.verdicts import JudgedHop, Verdicts
from hoplab.model.clocks import event_time
from hoplab.model.events import Event, Ids
from hoplab.parse.trouble import Log, Trouble, find_troubles, plain
from hoplab.report.document import filled, first_number, instant, place, witness
from hoplab.report.nodes import node_names
from hoplab.run.record import RunRecord, Unit

DENIED: Final = "DENIED"
"""The level of a line by which the hop is denied, whatever level its log gives it."""
LINES: Final = 12
"""Lines of the log around the last thing that was done."""


@dataclass(frozen=True, slots=True)
class LogReaders:
    """What else than the launch's own events is told of it.

    by: reads all that an actor said, which may be more than fits into memory; logs: reads all daemons' logs; console:
    the guest's last lines.
    """

    by: Callable[[str], Iterable[Event]]
    logs: Callable[[], Iterable[Log]]
    console: tuple[str, ...] = ()


def failure(
    record: RunRecord, flow: Flow, judgement: Verdicts, events: Iterable[Event], ids: Ids, *, said: LogReaders
) -> dict[str, Any] | None:
    """Return what is known around the first unproven hop; None if there is none. events: the launch's own."""
    first = judgement.first_unproven
    if first is None:
        return None
    actor = _actor(first)
    node = _node(actor, record)

    def spoken() -> Iterator[Event]:
        return (event for event in said.by(actor) if _is_by(event, actor, node, record))

    own = (event for event in events if _is_by(event, actor, node, record))
    troubles = find_troubles(said.logs(), ids, (first.hop.sender, first.hop.receiver))
    last = max(chain((event for event in spoken() if _carries(event, ids)), own), key=_time, default=None)
    return {
        "hop": first_number(flow, first.hop),
        "name": first.hop.name,
        "errors": list(_errors(first, troubles, record, ids)),
        "guest": list(said.console),
        "error": record.error,
        "down": [{"node": unit.node, "unit": unit.unit, "state": unit.state} for unit in record.down],
        "actor": actor,
        "node": node,
        "service": _service(actor, node, record.states),
        "last": witness(last, ids) if last else None,
        "log": [event.line[:400] for event in _log_lines_near(spoken, last)],
        "next": list(_next(first, record, ids, node)),
        "interval": _interval(judgement),
    }


def _interval(judgement: Verdicts) -> dict[str, Any] | None:
    """Return between which hops a launch broke, None if that is not known."""
    interval = judgement.interval
    if interval is None:
        return None
    return {
        "after": list(interval.after),
        "missing": interval.missing,
        "candidates": list(interval.candidates),
    }


def _actor(first: JudgedHop) -> str:
    """Return who should have acted: the hop's sender, unless he spoke or is us; then the receiver."""
    heard = {event.who for event in first.witnesses}
    return first.hop.receiver if first.hop.sender in {*heard, "client"} else first.hop.sender


def _node(actor: str, record: RunRecord) -> str:
    if actor in ON_HOST and record.host:
        return record.host
    nodes = node_names(actor, record.states)
    return nodes[0] if nodes else ""


def _is_by(event: Event, actor: str, node: str, record: RunRecord) -> bool:
    return event.who == actor and (not node or event.node == node or actor not in ON_HOST or not record.host)


def _carries(event: Event, ids: Ids) -> bool:
    return any(not values.isdisjoint(ids.get(name, frozenset())) for name, values in event.ids.items())


def _service(actor: str, node: str, states: Iterable[Unit]) -> dict[str, str] | None:
    service = ACTORS[actor].service or ACTORS[actor].run_by if actor in ACTORS else ""
    for unit in states:
        if unit.service == service and (not node or unit.node == node):
            return {"unit": unit.unit, "state": unit.state}
    return None


def _log_lines_near(said: Callable[[], Iterator[Event]], last: Event | None) -> list[Event]:
    """Return what an actor said around the last thing that it did for this launch, or its last words at all."""
    if last is None:
        return heapq.nlargest(LINES, said(), key=_time)[::-1]
    before = heapq.nlargest(LINES // 2, (event for event in said() if event.time < last.time), key=_time)[::-1]
    return before + heapq.nsmallest(LINES // 2, (event for event in said() if event.time >= last.time), key=_time)


def _time(event: Event) -> float:
    return event.time


def _errors(first: JudgedHop, troubles: Collection[Trouble], record: RunRecord, ids: Ids) -> Iterator[dict[str, Any]]:
    """Yield what was said of the failure, by time: errors and warnings, and by which word the hop is denied."""
    told = {said for trouble in troubles if (said := trouble.line.partition(": ")[2].strip())}
    denials = [
        Trouble(
            time=event_time(event, record.clocks),
            who=event.who,
            node=event.node,
            source=event.source,
            level=DENIED,
            id=witness(event, ids)["id"],
            line=plain(event.line),
            cause="",
        )
        for event in first.denials
        if not any(said in event.line for said in told)
    ]
    for each_trouble in sorted((*troubles, *denials), key=lambda each_trouble: each_trouble.time):
        yield {**asdict(each_trouble), "time": instant(each_trouble.time)}


def _next(first: JudgedHop, record: RunRecord, ids: Ids, node: str) -> Iterator[str]:
    """Yield what to look at next, as commands: daemons that are down first, those on that node before others."""
    for unit in sorted(record.down, key=lambda unit: unit.node != node):
        yield f"on {unit.node}: systemctl status {unit.unit}"
    command = filled(first.hop.hint, ids)
    if command:
        yield f"{place(first.hop.hint, record)}: {command}"
    instance = min(ids.get("instance", frozenset()), default="")
    if instance:
        yield f"here: openstack server event list {instance}"
