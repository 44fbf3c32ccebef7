"""Result documents as `hoplab verify` writes them: the flow files' hops and evidence, with verdicts as they are wanted.

They don't ask the judge: what a report shows must not depend on how a verdict is come by.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from hoplab.flow.loader import load
from hoplab.flow.model import NEEDED, Hop, Witness

Document = dict[str, Any]

CATALOGUE = load()
BEGIN = 1795246329.0  # 2026-11-21 07:32:09 UTC
PAUSE = 2.8
PAUSED = "build-take"
BROKEN = "conductor-call"
KNOWN = {
    "address": "10.77.0.9",
    "global-request": "req-3ddd1e12-4013-4d28-bf8e-592a4ff05577",
    "host": "host-1",
    "image": "367d985b-1243-4ef9-af78-132dd4da89c4",
    "instance": "86d4867f-1db3-45a6-b896-f6824dbb35d6",
    "network": "c413e087-fd0a-4630-974a-9cf3ece6a9a6",
    "port": "5cf6a1cf-2c0f-4a07-8f0e-0d6c4a9f5a11",
    "request": "req-dff2210d-3760-42ee-aa27-42244ade74bb",
    "volume": "0991ce9c-e291-46d5-b2cf-0d1c5a4b8e21",
}


def text_of(seconds: float) -> str:
    """Return a time as the document has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def filled(text: str) -> str:
    """Return a flow file's text with the launch's ids."""
    for name, value in KNOWN.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def document(verdicts: Mapping[str, str] | None = None, flow: str = "launch-58") -> Document:
    """Return the document of a launch. verdicts: of the hops that have another one than in a good launch."""
    listed = CATALOGUE.flows[flow]
    named = {name: (verdicts or {}).get(name, _good(hop)) for name, hop in CATALOGUE.hops.items()}
    wanted = list(dict.fromkeys([*(name for step in listed.steps for name in step.hops), *listed.also]))
    starts = _starts()
    hops = []
    for name in wanted:
        entry = _entry(CATALOGUE.hops[name], named[name], starts[name])
        numbers: list[int | str | None] = [
            int(each_number) if each_number.isdigit() else each_number for each_number in listed.numbers(name)
        ]
        hops += [{"hop": number, **entry} for number in numbers or [None]]
    said = [named[name] for name in wanted]
    first = next((name for name in [*wanted, *named] if named[name] in {"absent", "out of order"}), None)
    lone = [name for name in wanted if named[name] == "weak" and not CATALOGUE.hops[name].one_witness]
    result = "failed" if first else "inconclusive" if lone or "unknown" in said else "proved"
    number = next((hop["hop"] for hop in hops if hop["name"] == first), None)
    return {
        "schema": 1,
        "flow": listed.name,
        "title": listed.title,
        "release": "2025.1",
        "run": "20261121T073200-86d4867f",
        "result": result,
        "first_unproven": {"hop": number, "name": first} if first else None,
        "duration_s": 41.2,
        "started": "2026-11-21T07:31:50.123Z",
        "warm": False,
        "inventory": "local",
        "launch": _launch(bool(first)),
        "clocks": {f"node-of-{who}": {"offset": 0.0, "uncertainty": 0.001} for who in ("client", "database", "guest")},
        "unread": [],
        "counts": dict(sorted(Counter(said).items())),
        "hops": hops,
        "failure": _failure(CATALOGUE.hops[first], number, hops) if first else None,
    }


def _good(hop: Hop) -> str:
    return "proved" if len({witness.who for witness in hop.evidence}) >= NEEDED else "weak"


def _starts() -> dict[str, float]:
    """Return when each hop begins, each after those that it must follow, with a pause as a real launch has them."""
    starts, time = {}, BEGIN
    for number, name in enumerate(CATALOGUE.hops):
        time += PAUSE if name == PAUSED else 0.05 + number % 7 / 20
        starts[name] = time
    return starts


def _entry(hop: Hop, verdict: str, start: float) -> Document:
    evidence = hop.evidence[:1] if verdict == "weak" else hop.evidence
    seen = verdict in {"proved", "weak", "out of order"}
    start -= 60 if verdict == "out of order" else 0
    # Some last longer than what comes next: hops overlap.
    step = 0.7 if hop.after and len(hop.name) % 9 == 0 and hop.name != PAUSED else 0.013
    times = [start + part * step for part in range(len(evidence))] if seen else []
    return {
        "name": hop.name,
        "from": hop.sender,
        "to": hop.receiver,
        "meaning": hop.meaning,
        "verdict": verdict,
        "one_witness": bool(hop.one_witness),
        "today": hop.today,
        "how": hop.how,
        "reason": hop.reason,
        "at": text_of(times[0]) if times else None,
        "end": text_of(times[-1]) if times else None,
        "after": list(hop.after),
        "witnesses": [_witness(hop, one, time) for one, time in zip(evidence, times, strict=False)],
        "why": _why(hop, verdict),
        "hint": {
            "where": "here" if hop.hint.at == "client" else f"on node-of-{hop.hint.at}",
            "run": filled(hop.hint.run),
        },
    }


def _why(hop: Hop, verdict: str) -> str:
    voices = sorted({witness.who for witness in hop.evidence})
    asked = ", ".join(f"{witness.event} of {witness.who}" for witness in hop.evidence)
    return {
        "proved": f"seen by {' and '.join(voices)}",
        "weak": hop.one_witness or f"only {hop.evidence[0].who} saw it; missing: {asked}",
        "cached": hop.cached.because if hop.cached else "",
        "not applicable": "this cloud has no such service",
        "absent": f"no evidence found: {asked}",
        "blocked": f"no evidence found: {asked}; before it {', '.join(hop.after)} did not happen",
        "out of order": f"60.000 s before {', '.join(hop.after)}",
        "unknown": f"could not be read: {asked}",
    }[verdict]


def _witness(hop: Hop, witness: Witness, time: float) -> Document:
    fields = " ".join(f"{key}={filled(values[0])}" for key, values in witness.where.items())
    who, joined = witness.who, f"{witness.by[0]}={KNOWN.get(witness.by[0], 'learnt-1')}"
    return {
        "who": who,
        "kind": witness.event,
        "source": f"/var/log/{who}.log",
        "node": f"node-of-{who}",
        "time": text_of(time),
        "id": joined,
        "line": f"{text_of(time)} 2626 DEBUG {who} [{joined}] {witness.event} for {hop.name}: {fields}",
    }


def _launch(stuck: bool) -> Document:
    states = [(0.0, "BUILD", "scheduling"), (3.1, "BUILD", "spawning"), *([] if stuck else [(16.6, "ACTIVE", None)])]
    return {
        **{name: KNOWN[name] for name in ("instance", "address", "volume", "image", "port", "network", "request")},
        "name": "hoplab-1",
        "host": KNOWN["host"],
        "global_request": KNOWN["global-request"],
        "status": "BUILD" if stuck else "ACTIVE",
        "seconds_to_active": None if stuck else 16.6,
        "error": "the instance is still in BUILD after 60 s" if stuck else "",
        "states": [{"seconds": seconds, "status": status, "task_state": task} for seconds, status, task in states],
    }


def _failure(first: Hop, number: int | str | None, hops: Collection[Document]) -> Document:
    actor = first.sender
    own = [witness for hop in hops for witness in hop["witnesses"] if witness["who"] == actor]
    own.sort(key=lambda one: str(one["time"]))
    return {
        "hop": number,
        "name": first.name,
        "actor": actor,
        "node": f"node-of-{actor}",
        "service": {"unit": f"{actor}.service", "state": "active (running)"},
        "last": own[-1] if own else None,
        "log": [one["line"] for one in own[-6:]],
        "next": [f"on node-of-{actor}: {filled(first.hint.run)}", "here: openstack server event list ID"],
    }


def following(name: str) -> set[str]:
    """Return all hops that must follow one."""
    found = {name}
    for hop in CATALOGUE.hops.values():
        if not found.isdisjoint(hop.after):
            found.add(hop.name)
    return found - {name}


def proved() -> Document:
    """Return a document of a whole launch, with a hop that was served from a cache."""
    return document({"neutron-token-validation": "cached"})


def failed() -> Document:
    """Return a document of a launch that stopped in the middle."""
    return document({**dict.fromkeys(following(BROKEN), "blocked"), BROKEN: "absent"})


def disordered() -> Document:
    """Return a document of a launch with a hop that is seen a minute before what it must follow."""
    return document({"port-active": "out of order"})


def inconclusive() -> Document:
    """Return a document of a launch of which some could not be read, and something was seen by one only."""
    sample = document({"object-read": "unknown", "dhcp-cast": "weak"})
    sample["unread"] = [{"source": "osd.log", "node": "node-of-ceph-osd", "problem": "ssh: no route to host"}]
    return sample
