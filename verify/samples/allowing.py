"""Whether the flow allows that a run is proved: told from its events and the flow files, without the judge.

It asks less than the judge does, so that what it forbids is forbidden for sure. For each hop that counts: as many
witnesses as it needs (each who speaks for it by the ids that were known of the launch before anything was changed), or
what excuses it; nothing that denies it, that names another launch's thing in a witness's place, or that got what was
not sent yet.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from hoplab.flow.model import FAILED, NEEDED, PLACEHOLDER, Exemption, Hop, Witness
from hoplab.flow.vocabulary import ASKED, EXCHANGE
from hoplab.join.agreement import relaxed_witnesses
from hoplab.join.pairing import pair_statements
from hoplab.judge.order import AFTER, NOTED
from hoplab.model.clocks import Clocks, event_begin, event_end, event_time, node_clock
from hoplab.model.events import Event
from samples.runs import CATALOGUE, FLOW, Recorded, launches, recorded

COUNTED: Final = tuple(hop for hop in CATALOGUE.hops.values() if FLOW.numbers(hop.name) or hop.name in FLOW.also)
ROUNDED: Final = 0.1
"""Seconds by which times may be wrong beside what is known of their clocks: more than the judge grants."""

_Voices = dict[tuple[str, str], list[Event]]


def forbidden(run: Recorded, events: Iterable[Event], clocks: Clocks) -> str:
    """Return in words why a run that was changed may not be proved; empty where it may.

    run: as it was; events: all that are read of it now; clocks: as they are now.
    """
    spoken: _Voices = {}
    for event in pair_statements(events):
        spoken.setdefault((event.who, event.kind), []).append(event)
    for hop in COUNTED:
        found = {number: speaking(spoken, witness, run) for number, witness in enumerate(hop.evidence)}
        why = (
            _unseen(hop, found, spoken, run, clocks)
            or _denied(hop, spoken, run, clocks)
            or _strange(hop, found, spoken, run)
            or _early(hop, found, clocks)
        )
        if why:
            return f"{hop.name}: {why}"
    return ""


def speaking(spoken: _Voices, witness: Witness, run: Recorded) -> list[Event]:
    """Return the events that may be what a witness asks for in a run."""
    return [event for event in spoken.get((witness.who, witness.event), ()) if _supports(event, witness, run)]


def _supports(event: Event, witness: Witness, run: Recorded) -> bool:
    for name in witness.by:
        own = event.ids.get(name, frozenset())
        if own.isdisjoint(_exchanged(run.directory)[name] if name in EXCHANGE else run.ids.get(name, frozenset())):
            return False
    return all(_fits(event.fields.get(key, ""), wanted, run) for key, wanted in witness.where.items())


@cache
def _exchanged(directory: Path) -> Mapping[str, frozenset[str]]:
    """Return the ids of all that was exchanged in a launch: what carries one of them or of the launch's has others."""
    run = next(one for one in (recorded(*run) for run in launches()) if one.directory == directory)
    found = dict.fromkeys(EXCHANGE, frozenset[str]())
    before: dict[str, frozenset[str]] = {}
    while found != before:
        before = dict(found)
        for event in run.events:
            known = {name: run.ids.get(name, frozenset()) for name in ASKED} | found
            if any(not values.isdisjoint(known.get(name, frozenset())) for name, values in event.ids.items()):
                found |= {name: found[name] | event.ids.get(name, frozenset()) for name in EXCHANGE}
    return found


def _fits(value: str, wanted: tuple[str, ...], run: Recorded) -> bool:
    return any(value == text if "{" not in text else _form(text, run.directory.name, run)(value) for text in wanted)


class _Form:
    """A wanted value with an id of the launch in it."""

    def __init__(self, text: str, run: Recorded) -> None:
        form = re.escape(text)
        for name in PLACEHOLDER.findall(text):
            known = {run.launch.host} if name == "host" else run.ids.get(name, frozenset())
            form = form.replace(re.escape(f"{{{name}}}"), f"(?:{'|'.join(map(re.escape, known)) or '(?!)'})")
        self._form = re.compile(form)

    def __call__(self, value: str) -> bool:
        return self._form.fullmatch(value) is not None


_forms: dict[tuple[str, str], _Form] = {}


def _form(text: str, name: str, run: Recorded) -> _Form:
    if (name, text) not in _forms:
        _forms[name, text] = _Form(text, run)
    return _forms[name, text]


def _unseen(hop: Hop, found: Mapping[int, list[Event]], spoken: _Voices, run: Recorded, clocks: Clocks) -> str:
    """Return in words that a hop has too few witnesses and no excuse."""
    actors = {event.who for some in found.values() for event in some}
    enough = len(actors) >= (1 if hop.one_witness else NEEDED) and hop.needs in {"", *actors}
    if enough or any(_excuses(exemption, spoken, run, clocks) for exemption in hop.exemptions):
        return ""
    return f"seen by {' and '.join(sorted(actors)) or 'nobody'}{f', needs {hop.needs}' if hop.needs else ''}"


def _excuses(exemption: Exemption, spoken: _Voices, run: Recorded, clocks: Clocks) -> bool:
    """Tell whether a hop may be missing: what contradicts that may only be later."""
    against = [event_time(event, clocks) for witness in exemption.unless for event in speaking(spoken, witness, run)]
    first = min(against, default=float("inf"))
    return any(event_time(event, clocks) <= first for event in speaking(spoken, exemption.when, run))


def _denied(hop: Hop, spoken: _Voices, run: Recorded, clocks: Clocks) -> str:
    """Return in words who says that a hop failed and does not say later that it went well."""
    for denial in hop.denied_by:
        if ASKED.isdisjoint(denial.when.by):
            continue  # Whose it is, only the message tells.
        for event in speaking(spoken, denial.when, run):
            later = (
                other
                for other in spoken[event.who, event.kind]
                if FAILED not in other.fields and event_time(other, clocks) > event_time(event, clocks)
            )
            if denial.final or next(later, None) is None:
                return f"denied by {event.kind} of {event.who}"
    return ""


def _strange(hop: Hop, found: Mapping[int, list[Event]], spoken: _Voices, run: Recorded) -> str:
    """Return in words which witness says nothing of this launch's thing, and the same of another's."""
    for number, witness in enumerate(hop.evidence):
        if found[number]:
            continue
        for loose, name in relaxed_witnesses(witness):
            own = run.launch.ids.get(name)
            if own and any(
                event.ids.get(name) and event.ids[name].isdisjoint(own) for event in speaking(spoken, loose, run)
            ):
                return f"{witness.event} of {witness.who} names another {name}"
    return ""


def _early(hop: Hop, found: Mapping[int, list[Event]], clocks: Clocks) -> str:
    """Return in words which part of a hop was over, wherever it is seen, before what it can only follow."""
    for first, sent in found.items():
        for second, got in found.items():
            kinds = hop.evidence[first].event, hop.evidence[second].event
            if not sent or not got or kinds[1] not in AFTER.get(kinds[0], ()) or any(NOTED in e.fields for e in sent):
                continue
            doubt = max(node_clock(event, clocks).uncertainty for event in (*sent, *got))
            took = max(float(event.fields.get("milliseconds", 0)) for event in sent) / 1000
            early = (
                min(event_begin(event, clocks) for event in sent)
                - took
                - max(event_end(event, clocks) for event in got)
            )
            if early > 2 * doubt + ROUNDED:
                return f"{kinds[1]} is {early:.3f} s before {kinds[0]}"
    return ""
