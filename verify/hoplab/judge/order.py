"""What can't be before what, among the events that speak for one hop: nobody gets what was not sent yet."""

from collections.abc import Iterable, Mapping
from typing import Final

from hoplab.flow.model import Witness
from hoplab.join.ids import Found
from hoplab.model.clocks import ROUNDED, Clocks, clock_uncertainty, event_begin, event_end
from hoplab.model.events import Event

AFTER: Final[Mapping[str, tuple[str, ...]]] = {
    "http.sent": ("http.served", "http.replied", "http.answered", "db.statement"),
    "http.served": ("http.answered", "db.statement"),
    "http.replied": ("http.answered",),
    "rpc.sent": ("rpc.published", "rpc.delivered", "rpc.received"),
    "rpc.published": ("rpc.delivered", "rpc.received"),
    "rpc.delivered": ("rpc.received",),
    "db.sent": ("db.statement",),
    "command.run": ("object.written", "command.ended"),
    "object.written": ("command.ended",),
}
"""By kind of event: the kinds that can only come after it, where both speak for the same hop."""
NOTED: Final = "noted"
"""The field of an event that says that it was noted later than it was, at a time that is not known."""


def is_last(seen: Iterable[tuple[str, str]], evidence: Iterable[Witness]) -> bool:
    """Tell whether something comes after all else that a hop's evidence asks for: then all of the hop happened.

    seen: (who, kind) of the events that speak for it.
    """
    voices = {(witness.who, witness.event) for witness in evidence}
    return any(
        all(kind in _all_after(other) for who, other in voices if (who, other) != (actor, kind)) for actor, kind in seen
    )


def _all_after(kind: str) -> set[str]:
    """Return the kinds of events that can only come after one of this kind."""
    after = set(AFTER.get(kind, ()))
    return after.union(*map(_all_after, after))


def contradiction(found: Found, clocks: Clocks) -> str:
    """Return in words which part of a hop's evidence is before what it must follow, beyond what clocks allow.

    Empty if there is none. Of several events the first ones count: what is got again was sent again.
    """
    for sender, sent in found:
        for receiver, got in found:
            if receiver.event in AFTER.get(sender.event, ()) and sent and got:
                early = _early(sent, got, clocks)
                if early > 0:
                    return (
                        f"{receiver.event} of {receiver.who} is {early:.3f} s before {sender.event} of {sender.who}, "
                        "which it can only follow"
                    )
    return ""


def _early(sent: Iterable[Event], got: Iterable[Event], clocks: Clocks) -> float:
    """Return by how many seconds what was got is before it was sent, beyond doubt; 0 if it is not."""
    noted = [one for one in sent if NOTED not in one.fields]
    if not noted:
        return 0.0
    first = min(noted, key=lambda one: event_begin(one, clocks) - _event_seconds(one))
    second = min(got, key=lambda one: event_end(one, clocks))
    begin, end = event_begin(first, clocks) - _event_seconds(first), event_end(second, clocks)
    wrong = clock_uncertainty([first], clocks) + clock_uncertainty([second], clocks) + ROUNDED
    return begin - end if end + wrong < begin else 0.0


def _event_seconds(event: Event) -> float:
    """Return for how many seconds a server was at an answer: it is out before all that belongs to it is done."""
    return float(event.fields.get("milliseconds", 0)) / 1000 if event.kind == "http.replied" else 0.0
