"""What a fault is, as the drill files say it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Means:
    """One thing that is done to put a fault in, and undone to heal it.

    kind: what (`means.KINDS`); at: the service, by its name in the lab's description, on each of whose nodes it is
    done; options: what the kind asks for.
    """

    kind: str
    at: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a user sees of a fault. status: of the instance, empty if there is none; says: part of the message."""

    status: str
    says: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault.

    title: what is wrong, in words; component: the program that it breaks; means: in the order in which they are done;
    breaks: the hop that must be the first unproven one; because: why it is that hop, where it is not the one that
    anybody would expect, else empty; wait: seconds after which an instance is no longer waited for.
    """

    name: str
    title: str
    component: str
    means: tuple[Means, ...]
    breaks: str
    because: str
    sees: Sight
    wait: float
