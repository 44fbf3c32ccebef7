"""Runs made from the flow files themselves: for each hop all the events that its evidence asks for."""

from collections.abc import Iterable
from dataclasses import replace

from hoplab.flow.loader import load
from hoplab.flow.model import Hop, Witness
from hoplab.flow.vocabulary import EXCHANGE
from hoplab.join.ids import teaches_ids
from hoplab.judge.judging import judge
from hoplab.judge.verdicts import JudgedHop, KnownLaunch, Verdict, Verdicts
from hoplab.model.clocks import NodeClock
from hoplab.model.events import Event

CATALOGUE = load()
FLOW = CATALOGUE.flows["launch-58"]
HOPS = list(CATALOGUE.hops)
HOST = "cmp1"
KNOWN = {
    "address": "10.77.0.9",
    "auth-request": "req-auth",
    "cache-key": "key-1",
    "global-request": "req-global",
    "image": "image-1",
    "instance": "instance-1",
    "network": "network-1",
    "mac": "fa:16:3e:00:00:01",
    "poll-request": "req-poll",
    "port": "port-1",
    "request": "req-post",
    "token": "digest-1",
    "volume": "volume-1",
}
NODES = {f"node-of-{witness.who}" for witness in CATALOGUE.witnesses}
LAUNCH = KnownLaunch(
    {name: frozenset({value}) for name, value in KNOWN.items()}, HOST, dict.fromkeys(NODES, NodeClock(0.0, 0.001))
)
LEARNT = {lesson.name for lesson in CATALOGUE.lessons}


def chain(hop: Hop) -> list[Hop]:
    """Return a hop and those before it whose exchange it goes on with."""
    return [hop, *(chain(CATALOGUE.hops[hop.exchange]) if hop.exchange else [])]


def learnt_id(name: str, hop: Hop) -> str:
    """Return an id that events of a hop teach."""
    if name not in EXCHANGE:
        return f"{name}-1"
    return f"{name}-{[one for one in chain(hop) if any(name in witness.by for witness in one.evidence)][-1].name}"


def filled(text: str) -> str:
    """Return a flow file's text with the launch's ids."""
    for name, value in {**KNOWN, "attachment": "attachment-1", "host": HOST}.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def made(hop: Hop, witness: Witness, time: float) -> Event:
    """Return an event that is just what a witness asks for, and teaches what its kind can teach."""
    ids = {name: frozenset({KNOWN.get(name) or learnt_id(name, hop)}) for name in witness.by}
    fields = {key: filled(values[0]) for key, values in witness.where.items()}
    for lesson in CATALOGUE.lessons:
        fits = all(fields.get(key) == value for key, value in lesson.where.items())
        if lesson.name not in KNOWN and fits and witness.event in lesson.kinds and not lesson.beside.isdisjoint(ids):
            ids.setdefault(lesson.name, frozenset({learnt_id(lesson.name, hop)}))
    line = f"{hop.name} {witness.who} {witness.event}"
    return Event(time, f"node-of-{witness.who}", "made", witness.who, witness.event, fields, ids, line)


def whole_run() -> list[Event]:
    """Return the events of a run in which every hop is proved."""
    return [
        made(hop, witness, 1000.0 + number + part / 1000)
        for number, hop in enumerate(CATALOGUE.hops.values())
        for part, witness in enumerate(hop.evidence)
    ]


RUN = whole_run()


def judged(events: Iterable[Event], launch: KnownLaunch = LAUNCH) -> Verdicts:
    """Return the verdicts on events, by the list of 58."""
    return judge(CATALOGUE, FLOW, events, launch)


def verdicts(judgement: Verdicts) -> dict[str, Verdict]:
    """Return the verdicts by hop."""
    return {judged_hop.hop.name: judged_hop.verdict for judged_hop in judgement.hops}


WHOLE = judged(RUN)
BY_NAME: dict[str, JudgedHop] = {some_hop.hop.name: some_hop for some_hop in WHOLE.hops}


def without(gone: Iterable[Event]) -> list[Event]:
    """Return the whole run without some of its events."""
    lost = {id(event) for event in gone}
    return [event for event in RUN if id(event) not in lost]


def teachers(hop: str) -> list[Event]:
    """Return the events by which the ids are known that a hop's evidence is joined by."""
    asked = CATALOGUE.hops[hop]
    names = {name for witness in asked.evidence for name in witness.by}
    taught = [lesson for lesson in CATALOGUE.lessons if lesson.name in names and lesson.name not in KNOWN]
    found = [event for event in RUN for lesson in taught if lesson.name in event.ids and teaches_ids(event, lesson)]
    if asked.exchange and not names.isdisjoint(EXCHANGE):
        found += [event for earlier in chain(asked)[1:] for event in BY_NAME[earlier.name].witnesses]
    return found


def rests_on(hop: str) -> set[int]:
    """Return the events by which a hop is proved, by their Python ids."""
    return {id(event) for event in [*BY_NAME[hop].witnesses, *teachers(hop)]}


def other_launch(event: Event) -> Event:
    """Return the same event of another launch."""
    return replace(
        event, ids={name: frozenset(f"other-{value}" for value in values) for name, values in event.ids.items()}
    )


def follows(name: str, earlier: str) -> bool:
    """Tell whether a hop must follow another one, at once or over others."""
    return any(one == earlier or follows(one, earlier) for one in CATALOGUE.hops[name].after)
