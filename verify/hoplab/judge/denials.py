"""What says that a hop failed: it weighs more than all that speaks for the hop."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hoplab.flow.model import FAILED, Hop, without_failure
from hoplab.flow.vocabulary import ASKED, EXCHANGE
from hoplab.join.ids import Found, Voices, owned, speaking, tied
from hoplab.model.events import Event, Ids
from hoplab.parse.access import outcome

TELLING: Final = ("fact", "status", "method", "path", "schema", "event_status")
"""Fields that say what it was by which an event denies a hop, where it has them."""


def denying(hop: Hop, events: Voices, ids: Ids, host: str, *, said: Ids, found: Found) -> tuple[Event, ...]:
    """Return the events that say that a hop did not do its work.

    said, found: the messages' ids in the hop, and what speaks for it (see `hoplab.join.ids.gather`).
    What an actor says later in an event of the same kind takes back what it said against the hop, if it speaks for the
    hop or is the same but did not fail: a request that was refused was sent again, a guest tried again. It takes
    nothing back where another actor says of the very exchange that was refused that it went well: one of them is wrong.
    """
    denials: list[Event] = []
    nothing: dict[str, frozenset[str]] = dict.fromkeys(EXCHANGE, frozenset())
    speaking_for = [event for _witness, some in found for event in some]
    for denial in hop.denied_by:
        own = not ASKED.isdisjoint(denial.when.by)
        some = speaking(events, denial.when, ids, host)
        against = [event for event in some if own or tied(event, denial.when, {**nothing, **said})]
        if against and not denial.final:
            twins = speaking(events, replace(denial.when, where=without_failure(denial.when.where)), ids, host)
            well = [*speaking_for, *(event for event in twins if FAILED not in event.fields)]
            against = [event for event in against if not _taken_back(event, well)]
        denials += against
    return tuple(denials)


def _taken_back(denial: Event, well: Iterable[Event]) -> bool:
    """Tell whether who said that a hop failed said later that it went well, and nobody contradicts the first word."""
    later = False
    for event in well:
        if (event.who, event.kind) == (denial.who, denial.kind):
            later = later or event.time > denial.time
        elif not _says_failed(event) and any(owned(event, name, denial.ids) for name in EXCHANGE):
            return False
    return later


def _says_failed(event: Event) -> bool:
    """Tell whether an event says itself that its exchange failed, as a server's line of a request that it refused."""
    return FAILED in event.fields or bool(outcome(event.fields.get("status", "")))


def denial_words(denials: Iterable[Event]) -> str:
    """Return in words who says what against a hop."""
    return f"denied by {'; '.join(dict.fromkeys(map(_denial_text, denials)))}"


def _denial_text(event: Event) -> str:
    told = ", ".join(f"{name} {event.fields[name]}" for name in TELLING if name in event.fields)
    return f"{event.kind} of {event.who}{f' ({told})' if told else ''}"
