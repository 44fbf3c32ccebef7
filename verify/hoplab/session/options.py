"""What a user asks of a session: which journey, how often, and how long it may take."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hoplab.flow.model import LAUNCH
from hoplab.launch.plan import OWN_PREFIX, Plan
from hoplab.model.errors import ConfigurationError
from hoplab.session.journey import Journey
from hoplab.session.known_journeys import JOURNEYS


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be done.

    count: how often at once; warm: launch with the image that hosts may have already, else with a fresh one for each;
    keep: leave what was made; timeout: seconds in which an instance has to become ACTIVE, or whatever else is asked
    for to be there; guest_timeout: seconds in which its guest has to report then; hosts: on which instances are to be,
    in turn, by their names in Nova; empty where the scheduler chooses; reuse: see `Plan`; before: what it is done in is
    there before anything is prepared; journey: its name; own_instance: where one is needed, not one that is there.
    """

    count: int = 1
    warm: bool = False
    keep: bool = False
    timeout: float = 120.0
    guest_timeout: float = 60.0
    hosts: tuple[str, ...] = ()
    reuse: bool = True
    before: bool = False
    journey: str = LAUNCH
    own_instance: bool = False

    def check(self) -> None:
        """Raise ConfigurationError, which names the option, for what this journey can't do."""
        kind = JOURNEYS[self.journey]
        if self.warm and not kind.fresh_image:
            raise ConfigurationError(f"--warm is for the journey {LAUNCH}: {self.journey} launches nothing")
        if self.count > 1 and not kind.several:
            raise ConfigurationError(
                f"--count is for the journey {LAUNCH}: {self.journey} is done once at a time, so that what is seen of "
                "the instance belongs to it"
            )

    def journeys(self, tags: Iterable[str]) -> list[Journey]:
        """Return what is to be done, each time it is. tags: see `plans`."""
        return [JOURNEYS[self.journey](plan) for plan in self.plans(tags)]

    def plans(self, tags: Iterable[str]) -> list[Plan]:
        """Return what each of them asks for. tags: what each is called by, so that no earlier run is in its way."""
        base = Plan(
            active_timeout=self.timeout,
            console_timeout=self.guest_timeout,
            reuse=self.reuse,
            own_instance=self.own_instance or bool(self.hosts),
            volume_timeout=min(Plan().volume_timeout, self.timeout),
        )
        plans = [replace(base, server=f"{OWN_PREFIX}{tag}") for tag in tags]
        if self.hosts:
            turns = itertools.cycle(self.hosts)
            plans = [replace(plan, zone=f"nova:{host}") for plan, host in zip(plans, turns, strict=False)]
        fresh = JOURNEYS[self.journey].fresh_image and not self.warm
        return [replace(plan, image=plan.server) for plan in plans] if fresh else plans
