"""When something happened by our clock, and by how much that may be wrong."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hoplab.model.events import Event
from hoplab.model.sources import CLIENT

CLOCK_LIMIT: Final = 1.0
"""Seconds of doubt about a node's clock above which no order can be told from its times."""
NOTED_LATE: Final = {"rpc.published": 0.25, "rpc.delivered": 0.25}
"""Seconds by which a kind of event may have been earlier than it was noted.

RabbitMQ traces messages to a queue without a time (its "firehose"), so they have that of when the recorder got them. On
two cores with two labs that was 0.04 s later.
"""
ROUNDED: Final = 0.005
"""Seconds by which two times may be wrong against each other though their clocks agree: most logs cut them to
milliseconds, and a program is interrupted between what it does and when it looks at the clock."""


@dataclass(frozen=True, slots=True)
class NodeClock:
    """How far a node's clock is from ours.

    offset: to be taken from its times, and uncertainty: of that; both in seconds.
    """

    offset: float = 0.0
    uncertainty: float = 0.0


OURS: Final = NodeClock()
UNMEASURED: Final = NodeClock(0.0, math.inf)

Clocks = Mapping[str, NodeClock]
"""By node. One that is not there could not be measured; our own, by which the others are, is exact."""


def node_clock(event: Event, clocks: Clocks) -> NodeClock:
    """Return the clock by which an event has its time."""
    return clocks.get(event.node, OURS if event.node == CLIENT else UNMEASURED)


def event_time(event: Event, clocks: Clocks) -> float:
    """Return when an event was noted, in seconds since 1970 by our clock."""
    return event.time - node_clock(event, clocks).offset


def event_begin(event: Event, clocks: Clocks) -> float:
    """Return when an event was at the earliest, in seconds since 1970 by our clock."""
    return event_time(event, clocks) - NOTED_LATE.get(event.kind, 0.0)


def event_end(event: Event, clocks: Clocks) -> float:
    """Return when an event was at the latest, in seconds since 1970 by our clock."""
    return event_time(event, clocks) + float(event.fields.get("precision", 0))


def clock_uncertainty(events: Iterable[Event], clocks: Clocks) -> float:
    """Return by how many seconds the times of events may be wrong, infinity where nothing is known of a clock."""
    return max((node_clock(event, clocks).uncertainty for event in events), default=0.0)


def drifting_nodes(events: Iterable[Event], clocks: Clocks) -> tuple[str, ...]:
    """Return the nodes of events whose clocks tell no order, by name."""
    return tuple(sorted({event.node for event in events if node_clock(event, clocks).uncertainty > CLOCK_LIMIT}))
