"""When a hop may be missing: only by what was so at the time of the hop, and only if nothing contradicts it."""

from collections.abc import Iterable

from hoplab.flow.model import Catalogue, Exemption, Hop
from hoplab.join.ids import Found, Voices, speaking
from hoplab.model.clocks import ROUNDED, Clocks, event_begin, event_end, event_time, node_clock
from hoplab.model.events import Event, Ids

Window = tuple[tuple[Event, ...], tuple[Event, ...]]
"""The first events of the hops that a hop must follow, and of those that must follow it."""


def excusing(
    exemption: Exemption, events: Voices, ids: Ids, host: str, *, clocks: Clocks, window: Window
) -> Event | None:
    """Return the event by which a hop may be missing, None if there is none, or none that holds."""
    against = [event for witness in exemption.unless for event in speaking(events, witness, ids, host)]
    for event in sorted(speaking(events, exemption.when, ids, host), key=lambda one: event_time(one, clocks)):
        in_time = not any(_surely_before(event, earlier, clocks) for earlier in window[0]) and not any(
            _surely_before(later, event, clocks) for later in window[1]
        )
        # Whether something that contradicts it was before it or after it must be sure.
        if in_time and all(_surely_before(event, other, clocks) for other in against):
            return event
    return None


def exemption_window(hop: Hop, catalogue: Catalogue, found: dict[str, Found], clocks: Clocks) -> Window:
    """Return between which events a hop must have been. found: what speaks for each hop."""
    after = [other.name for other in catalogue.hops.values() if hop.name in other.after]
    # What a cloud can't show of a hop may have been before all that it shows of it.
    before = [name for name in hop.after if not catalogue.hops[name].hidden]
    return tuple(_begins(before, found, clocks)), tuple(_begins(after, found, clocks))


def _begins(hops: Iterable[str], found: dict[str, Found], clocks: Clocks) -> Iterable[Event]:
    for name in hops:
        events = [event for _witness, some in found[name] for event in some]
        if events:
            yield min(events, key=lambda event: event_begin(event, clocks))


def _surely_before(each_event: Event, other: Event, clocks: Clocks) -> bool:
    """Tell whether an event was before another one, whatever their clocks may be wrong by."""
    if each_event.node == other.node and each_event.source == other.source:
        return each_event.time < other.time  # The same clock, and the same hand.
    wrong = sum(node_clock(event, clocks).uncertainty for event in (each_event, other)) + ROUNDED
    return event_end(each_event, clocks) + wrong < event_begin(other, clocks)
