"""The result of a run as a document: the contract of report.json, which other programs read."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from hoplab.flow.model import LAUNCH, PLACEHOLDER, Flow, Hint, Hop
from hoplab.judge.pace import Pace, lags, slow_hop
from hoplab.judge.told import Told
from hoplab.judge.verdicts import JudgedHop, Verdict, Verdicts
from hoplab.judge.waits import Wait, by_hop
from hoplab.model.events import Event, Ids
from hoplab.model.sources import Source
from hoplab.report.form import SCHEMA
from hoplab.report.nodes import node_names, nodes_and_actors
from hoplab.run.record import PREPARATION, RunRecord

LINE: Final = 1000
DENIALS: Final = 5
"""Events against a hop that a report has at most: a guest says the same again and again."""
"""Characters of a witness's line that are kept; the whole line is in the run's raw files."""
LAST: Final = 4_102_444_799.0
"""The last second of 2099. A clock that is so far off tells nothing; drawings have to end somewhere."""
JOINED_FIRST: Final = ("instance", "port", "volume", "image", "attachment", "request", "global-request")

Document = dict[str, Any]


def document(
    record: RunRecord,
    flow: Flow,
    judgement: Verdicts,
    *,
    ids: Ids,
    sources: Iterable[Source],
    failure: Document | None,
    pace: Pace | None = None,
    waits: Iterable[Wait] | None = None,
    told: Told | None = None,
) -> Document:
    """Return the report of a judged run.

    ids: all that are known of the launch, with those that were learnt; failure: see `hoplab.report.failure`; pace: what
    is usual in this lab, None if that is not known; waits: calls whose answer was there before the caller went on, None
    if that is not known; told: what was told beforehand of how much can be seen. The same run gives the same
    document at any time.
    """
    waits = None if waits is None else list(waits)
    times = HopTimes(lags(judgement), pace, None if waits is None else by_hop(waits, judgement))
    return {
        "schema": SCHEMA,
        "flow": flow.name,
        "title": flow.title,
        "release": record.release,
        "run": record.run,
        "result": str(judgement.result),
        "first_unproven": _first(record, flow, judgement),
        "duration_s": round(record.ended - record.started, 3),
        "started": instant(record.started),
        "warm": record.warm,
        "inventory": record.inventory,
        "launch": _launch(record),
        "nodes": nodes_and_actors(record.states, record.clocks),
        "clocks": {
            node: {"offset": round(clock.offset, 6), "uncertainty": round(clock.uncertainty, 6)}
            for node, clock in sorted(record.clocks.items())
        },
        "unread": [
            {"source": source.name, "node": source.node, "problem": source.problem}
            for source in sources
            if source.problem
        ],
        "counts": dict(sorted(Counter(str(judged_hop.verdict) for judged_hop in judgement.hops).items())),
        "hops": [
            {**entry, **({} if told is None else {"told": str(told.hops.get(entry["name"], Verdict.PROVED))})}
            for one in _in_order(flow, judgement)
            for entry in _hop(one, flow, record, ids, times)
        ],
        "slow": _slow(judgement, flow, times),
        "waits": _waits(waits),
        "failure": failure,
        "preparation": _preparation(record),
        "notes": list(record.notes),
        "told": told and {"profile": told.profile, "level": told.level, "sources": list(told.sources)},
        # A launch is what is meant where no journey is named.
        **({} if record.journey == LAUNCH else {"journey": record.journey}),
    }


def _first(record: RunRecord, flow: Flow, judgement: Verdicts) -> Document | None:
    """Return where it broke: in the preparation, or at a hop of the launch; None if nothing broke."""
    if record.unprepared is not None:
        asked = {"service": record.unprepared.service, "request": record.unprepared.request}
        return {"stage": PREPARATION, "hop": None, "name": PREPARATION, **asked}
    first = judgement.first_unproven
    if first is None:
        return None
    return {"stage": record.journey, "hop": first_number(flow, first.hop), "name": first.hop.name}


def _preparation(record: RunRecord) -> Document | None:
    """Return what is known of a preparation that failed; None where all that a launch needs was there."""
    why = record.unprepared
    if why is None:
        return None
    inactive = [f"{unit.unit} on {unit.node} is {unit.state}" for unit in record.down]
    return {
        "step": why.step,
        "service": why.service,
        "nodes": node_names(why.service, record.states),
        "request": why.request,
        "answer": why.answer,
        "request_id": why.request_id,
        "down": [*inactive, *(f"{daemon} is down, as its service says" for daemon in why.down)],
        "log": [dataclasses.asdict(line) for line in why.log],
        "next": _look(record),
    }


def _look(record: RunRecord) -> list[str]:
    """Return what to look at next where the preparation failed, as commands: daemons that are down, then the logs."""
    why = record.unprepared
    if why is None:
        return []
    commands = [f"on {unit.node}: systemctl status {unit.unit}" for unit in record.down]
    needle = why.request_id or "ERROR"
    project = why.service.partition("-")[0]
    places = dict.fromkeys(each_unit.node for each_unit in record.states if each_unit.service == why.service)
    return [*commands, *(f"on {node}: grep -rh -e {needle} /var/log/{project}" for node in places)]


@dataclass(frozen=True, slots=True)
class HopTimes:
    """How long each hop was waited for, by name in seconds, what is usual, and how long its answer was there."""

    lags: Mapping[str, float]
    pace: Pace | None
    waited: Mapping[str, float] | None

    def for_hop(self, name: str) -> Document:
        """Return all three for a hop, None for what is not known."""
        lag = self.lags.get(name)
        usual = self.pace.hops.get(name) if self.pace else None
        return {
            "lag_s": None if lag is None else round(lag, 3),
            "usual_s": None if usual is None else round(usual.middle, 3),
            "waited_s": None if self.waited is None or lag is None else round(self.waited.get(name, 0.0), 3),
        }


def _slow(judgement: Verdicts, flow: Flow, times: HopTimes) -> Document | None:
    """Return which hop made the launch slow, and against what; None if none did, or if nothing is known of others."""
    name = slow_hop(judgement, times.pace) if times.pace else None
    if name is None or times.pace is None:
        return None
    hop = next(judged_hop.hop for judged_hop in judgement.hops if judged_hop.hop.name == name)
    longest = round(times.pace.hops[name].longest, 3)
    return {
        "hop": first_number(flow, hop),
        "name": name,
        **times.for_hop(name),
        "longest_s": longest,
        "runs": times.pace.runs,
    }


def _waits(waits: Iterable[Wait] | None) -> Document | None:
    """Return the calls whose answer was there before the caller went on, and their sum; None where it is not known."""
    if waits is None:
        return None
    waits = list(waits)
    calls = [
        {
            "who": wait.who,
            "node": wait.node,
            "method": wait.method,
            "call": wait.call,
            "answered": instant(wait.answered),
            "went_on": instant(wait.went_on),
            "waited_s": round(wait.seconds, 3),
        }
        for wait in waits
    ]
    return {"waited_s": round(sum(wait.seconds for wait in waits), 3), "calls": calls}


def first_number(flow: Flow, hop: Hop) -> int | str | None:
    """Return the first number that a hop has in the flow; None for one that the list leaves out."""
    return next(iter(numbers(flow, hop)), None)


def numbers(flow: Flow, hop: Hop) -> list[int | str]:
    """Return a hop's numbers in the flow, as numbers where they are nothing else."""
    return [int(number) if number.isdigit() else number for number in flow.numbers(hop.name)]


def instant(seconds: float | None) -> str | None:
    """Return a time in ISO 8601, in UTC with milliseconds; one before 1970 or after 2099 as the nearest that is not."""
    if seconds is None:
        return None
    seconds = min(max(seconds, 0.0), LAST)
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def witness(event: Event, ids: Ids) -> Document:
    """Return an event as a witness: whose word, where it was read, when by its node's clock, and what joins it."""
    return {
        "who": event.who,
        "kind": event.kind,
        "source": event.source,
        "node": event.node,
        "time": instant(event.time),
        "id": _joined(event, ids),
        "line": event.line if len(event.line) <= LINE else f"{event.line[:LINE]}…",
    }


def _joined(event: Event, ids: Ids) -> str:
    """Return an id of the launch that an event carries, resources first; else the message's own."""
    for name in (*JOINED_FIRST, *sorted(ids), *sorted(event.ids)):
        own = event.ids.get(name, frozenset())
        shared = own & ids.get(name, frozenset()) if name in ids else own
        if shared:
            return f"{name}={min(shared)}"
    return ""


def _launch(record: RunRecord) -> Document:
    one = {name: min(values) for name, values in record.ids.items() if values}
    return {
        **{name: one.get(name, "") for name in ("instance", "address", "volume", "image", "port", "request")},
        "name": record.name,
        "host": record.host,
        "global_request": one.get("global-request", ""),
        "status": record.status,
        "seconds_to_active": record.seconds_to_active,
        "error": record.error,
        "states": [
            {"seconds": round(state.seconds, 3), "status": state.status, "task_state": state.task_state}
            for state in record.seen
        ],
    }


def _in_order(flow: Flow, judgement: Verdicts) -> list[JudgedHop]:
    """Return the judged hops as the document has them, then those that it leaves out."""
    by_name = {judged_hop.hop.name: judged_hop for judged_hop in judgement.hops}
    listed = list(dict.fromkeys(name for step in flow.steps for name in step.hops))
    return [by_name[name] for name in [*listed, *flow.also] if name in by_name]


def _hop(judged_hop: JudgedHop, flow: Flow, record: RunRecord, ids: Ids, times: HopTimes) -> Iterable[Document]:
    hop = judged_hop.hop
    entry: Document = {
        "name": hop.name,
        "from": hop.sender,
        "to": hop.receiver,
        "meaning": hop.meaning,
        "verdict": str(judged_hop.verdict),
        "today": hop.today,
        "how": hop.how,
        "reason": hop.reason,
        "at": instant(judged_hop.begin),
        "end": instant(judged_hop.end),
        **times.for_hop(hop.name),
        "after": list(hop.after),
        "witnesses": [witness(event, ids) for event in judged_hop.firsts],
        "denials": [witness(event, ids) for event in judged_hop.denials[:DENIALS]],
        "why": judged_hop.why,
        "one_witness": bool(hop.one_witness),
        "hint": {"where": place(hop.hint, record), "run": filled(hop.hint, ids)},
    }
    listed: list[int | str | None] = [*numbers(flow, hop)]
    for number in listed or [None]:
        yield {"hop": number, **entry}


def place(hint: Hint, record: RunRecord) -> str:
    """Return where a person runs a hint's command."""
    if hint.at == "client":
        return "here"
    if hint.at == "host":
        return f"on {record.host}" if record.host else "on the instance's host"
    return f"on {', '.join(node_names(hint.at, record.states)) or hint.at}"


def filled(hint: Hint, ids: Ids) -> str:
    """Return a hint's command with this launch's ids; empty if it needs one that is not known."""
    text = hint.run
    for name, values in ids.items():
        if values:
            text = text.replace(f"{{{name}}}", min(values))
    return "" if PLACEHOLDER.search(text) else text
