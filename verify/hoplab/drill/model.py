"""What a fault is, as the drill files say it."""

from collections.abc import Mapping
from dataclasses import dataclass

from hoplab.flow.model import LAUNCH


@dataclass(frozen=True, slots=True)
class Means:
    """One thing that is done to put a fault in, and undone to heal it.

    kind: what (`means.KINDS`); at: the service, by its name in the lab's description; everywhere: on each of its nodes,
    else on the first one only; options: what the kind asks for.
    """

    kind: str
    at: str
    everywhere: bool
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a user sees of a fault. status: of the instance, empty if there is none; says: part of the message."""

    status: str
    says: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault.

    title: what is wrong, in words; origin: the address of a report by somebody to whom it happened, else empty;
    component: the program that it breaks; means: in the order in which they are done; hop: the one that must be named:
    the first unproven one, or where slows is true the one that made a launch slow that is proved; besides: hops that
    may be unproven though none of them must follow it; because: why it is that hop, where it is not the one that
    anybody would expect, else empty; launches: how many at once: those on other nodes than the fault must be proved;
    wait: seconds in which an instance becomes ACTIVE, and then its guest reports, or never does; settle: seconds that
    services need when it is in until they have noticed it; rest: seconds that they need when it is out until they use
    again what was away; quick: the one that is tried of its component where there is no time for all; shows: texts that
    the report has to show of the cause; before: the same fault where it is put in before anything is prepared, None if
    that can't be done.

    early: it is in before anything is prepared; then hop may be `preparation`, and service and request say what fails
    there: the program that is asked, and the request's method with a part of its path. hop is empty for a fault that
    breaks nothing once all is prepared. journey: the name of the one that is done with it.
    """

    name: str
    title: str
    component: str
    means: tuple[Means, ...]
    hop: str
    slows: bool
    besides: tuple[str, ...]
    because: str
    sees: Symptom
    launches: int
    wait: float
    settle: float
    rest: float
    quick: bool
    origin: str = ""
    shows: tuple[str, ...] = ()
    early: bool = False
    service: str = ""
    request: str = ""
    before: "Fault | None" = None
    journey: str = LAUNCH

    @property
    def only_early(self) -> bool:
        """Whether it breaks nothing once all is prepared."""
        return not self.hop

    @property
    def everywhere(self) -> bool:
        """Whether it touches every launch, whatever its host is."""
        return all(means.everywhere for means in self.means)
