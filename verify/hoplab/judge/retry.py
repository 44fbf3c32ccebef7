"""A launch that Nova tried on a second host: which events are the one try's, and which the other's.

What a compute could not build the conductor gives to the next host that the scheduler chose
(nova/compute/manager.py, _build_and_run_instance; nova/conductor/manager.py, build_instances).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hoplab.flow.actors import ON_HOST
from hoplab.flow.model import Tries
from hoplab.flow.vocabulary import EXCHANGE
from hoplab.join.ids import orders, owned
from hoplab.model.clocks import Clocks, event_time
from hoplab.model.events import Event, Ids
from hoplab.parse.trouble import Trouble


@dataclass(frozen=True, slots=True)
class RescheduledLaunch:
    """The tries of a launch that had several.

    hosts: those that were told to build the instance, in this order, each once; second, last: when the second and the
    last message said so, and first when the first one did, in seconds since 1970 by our clock; message: the ids of the
    last one; ids: all that are known of the launch; clocks: by node; tries: how
    it is told.
    """

    hosts: tuple[str, ...]
    first: float
    second: float
    last: float
    message: Ids
    ids: Ids
    clocks: Clocks
    tries: Tries

    def first_try_events(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Return events without those of later tries: where a launch broke is told by its first one."""
        return tuple(
            event
            for event in events
            if event_time(event, self.clocks) < self.second or self._belongs_to_all_tries(event)
        )

    def last_try_events(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Return events without those of earlier tries: an instance runs by what was done for its last host."""
        left = self.hosts[:-1]
        return tuple(
            event
            for event in events
            if self._belongs_to_all_tries(event)
            or any(owned(event, name, self.message) for name in EXCHANGE)
            or not (
                (event.who in ON_HOST and event.node in left)
                or self.first <= event_time(event, self.clocks) < self.last
            )
        )

    def explanation(self, troubles: Iterable[Trouble]) -> str:
        """Return in words which hosts were tried, and what those that did not build the instance said last."""
        troubles = tuple(troubles)
        why = []
        for host in self.hosts[:-1]:
            said = [trouble for trouble in troubles if trouble.node == host and trouble.level != "WARNING"]
            last = max(said, key=lambda one: (bool(one.cause), one.time), default=None)
            why.append(
                f"on {host}: {(last.cause or last.line).strip()} (raw/{host})"
                if last
                else f"why {host} did not build the instance is in nova-compute's log there (raw/{host})"
            )
        return f"Nova tried {', then '.join(self.hosts)}; {'; '.join(why)}"

    def _belongs_to_all_tries(self, event: Event) -> bool:
        return event.who in self.tries.goes_on or owned(event, "poll-request", self.ids)

    def any_try_ids(self, ids: Ids) -> Ids:
        """Return ids without those of a single try: a client that asks for the port late is told the last host's."""
        return {name: some for name, some in ids.items() if name not in self.tries.anew}


def find_rescheduling(
    events: Iterable[Event], ids: Ids, clocks: Clocks, tries: Tries | None
) -> RescheduledLaunch | None:
    """Return the tries of a launch; None if one host was told to do the work, or none."""
    told = sorted(orders(events, ids, tries), key=lambda event: event_time(event, clocks))
    if tries is None or len(told) <= 1:
        return None
    hosts = dict.fromkeys(tries.compute_host(event) for event in reversed(told))
    first, second, last = (event_time(told[number], clocks) for number in (0, 1, -1))
    return RescheduledLaunch(tuple(reversed(hosts)), first, second, last, told[-1].ids, ids, clocks, tries)
