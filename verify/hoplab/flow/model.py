"""What a hop and a flow are, as the flow files say it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hoplab.model.events import Event

PLACEHOLDER: Final = re.compile(r"\{([a-z-]+)\}")
"""An id of the launch that is to be filled in, in what a witness asks for or in a hint."""

LAUNCH: Final = "launch"
"""The first journey: what is meant where none is named, as in runs that are older than the others."""

FAILED: Final = "failed"
"""The field of an answer or a reply that is an error."""

NEEDED: Final = 2
"""How many witnesses, each another's word, prove a hop."""


@dataclass(frozen=True, slots=True)
class Witness:
    """An event that speaks for a hop.

    who: whose word it is, by the actor's name; event: its kind (`rpc.published`); where: what its fields must be, each
    one of the given values; by: the launch's ids that it must carry, each of them; late: names of hops that it comes
    after, although its own hop need not follow them.
    """

    who: str
    event: str
    where: Mapping[str, tuple[str, ...]]
    by: tuple[str, ...]
    late: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Denial:
    """An event that says that a hop did not do its work, whoever else speaks for it.

    when: the event; final: nothing that the same actor says later takes it back (a request that was refused may have
    been sent again, a binding that failed stays).
    """

    when: Witness
    final: bool


@dataclass(frozen=True, slots=True)
class Exemption:
    """When a hop may be missing: the event by which that is known, those that contradict it, and why it may."""

    when: Witness
    unless: tuple[Witness, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another set of witnesses of a hop, for clouds that show less. because: why these are enough."""

    evidence: tuple[Witness, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Hint:
    """How a person sees a hop.

    at: on whose node (`client`: here; `host`: the instance's); run: a shell's line, with {instance} and other ids of
    the launch still to be filled in.
    """

    at: str
    run: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One arrow of a flow.

    today: same, moved, split or gone, against the document; how: the way of today's release, sources: files and
    functions in which it can be read; reason: why it is not as documented, empty where it is. after: names of the hops
    that it must follow; exchange: the one with whose message it goes on, empty for none. one_witness: why there can't
    be two, empty where two are needed. waits_for: hops that it need not follow, and without which one of its witnesses
    does not come. needs: the actor without whose word it is not proved, however many others speak for it; empty for
    none. once: why it is done for the first host alone where Nova tries several; empty where each try has its own.
    denied_by: what says that it did not do its work. not_alone: why no fault breaks it and no earlier one, empty
    where one does. alternatives: other sets of witnesses. despite: why it may be seen without some of those that it
    must follow, by their names. hidden: witnesses that a cloud can't show (see `hoplab.flow.visibility`); undenied,
    unexcused: whether it can't show either all that may deny the hop, or all that may excuse it.
    """

    name: str
    sender: str
    receiver: str
    meaning: str
    today: str
    how: str
    reason: str
    sources: tuple[str, ...]
    after: tuple[str, ...]
    exchange: str
    evidence: tuple[Witness, ...]
    one_witness: str
    waits_for: tuple[str, ...]
    needs: str
    once: str
    denied_by: tuple[Denial, ...]
    not_alone: str
    cached: Exemption | None
    not_applicable: Exemption | None
    hint: Hint
    alternatives: tuple[Alternative, ...] = ()
    despite: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[Witness, ...] = ()
    undenied: bool = False
    unexcused: bool = False

    @property
    def exemptions(self) -> tuple[Exemption, ...]:
        """When it may be missing, whichever way."""
        return tuple(exemption for exemption in (self.cached, self.not_applicable) if exemption is not None)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a documented list. number: as the list has it (`8a`); hops: names of those that make it up."""

    number: str
    hops: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Flow:
    """A documented list over the hops. also: hops that the list leaves out and that count all the same."""

    name: str
    title: str
    steps: tuple[Step, ...]
    also: tuple[str, ...]

    def numbers(self, hop: str) -> tuple[str, ...]:
        """Return the numbers of the steps that a hop is part of."""
        return tuple(step.number for step in self.steps if hop in step.hops)


@dataclass(frozen=True, slots=True)
class Lesson:
    """How an id is learnt: its name, from events of which kinds and with which fields, beside which ids of ours.

    where: the fields, which may have {ids} of ours in them; instead: it counts only in a cloud that shows no other one
    of this id.

    What the client was told counts, and nothing is learnt beside it: another launch's id never becomes this one's.
    """

    name: str
    kinds: tuple[str, ...]
    beside: frozenset[str]
    where: Mapping[str, str]
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Tries:
    """By what it is told that a host is to do the work, once more after each host that could not.

    event, where: the event's kind and fields; by: the id that says whose it is; host: the field that ends with the
    host's name, behind its first dot; goes_on: actors that go on when a host has failed; anew: ids of what is made anew
    for each host.
    """

    event: str
    where: Mapping[str, str]
    by: str
    host: str
    goes_on: frozenset[str]
    anew: frozenset[str]

    def compute_host(self, event: Event) -> str:
        """Return the host that an event tells to do the work; empty if it names none."""
        return event.fields.get(self.host, "").partition(".")[2]


@dataclass(frozen=True, slots=True)
class Requests:
    """The client's own requests of a journey: how the path of its POST ends, and a part of the paths of its polls."""

    asked: str
    polled: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is known of a journey.

    hops: by name, in an order in which each stands after those that it must follow; flows: the documented lists, by
    name; requests: the client's own, whose ids the services give; lessons: how ids are learnt, in the order in which
    one thing leads to the next; tries: None for a journey that no second host is tried for; name: of the journey;
    main: the name of the list by which it is judged where none is asked for; done: the status that its client sees when
    it succeeded; known: ids that its client has beforehand; instead: lessons for a cloud that does not show those of
    an id.
    """

    hops: Mapping[str, Hop]
    flows: Mapping[str, Flow]
    requests: Requests
    lessons: tuple[Lesson, ...] = ()
    tries: Tries | None = None
    name: str = LAUNCH
    main: str = ""
    done: str = ""
    known: tuple[str, ...] = ()
    instead: tuple[Lesson, ...] = ()

    def succeeded(self, status: str) -> bool:
        """Tell whether the journey succeeded by the status that its client saw last."""
        return status == self.done

    @property
    def witnesses(self) -> Iterator[Witness]:
        """All that is asked for: the hops' evidence, and what may excuse or deny a hop, or contradict an excuse."""
        for hop in self.hops.values():
            yield from _speaking_for(hop)
            yield from (denial.when for denial in hop.denied_by)

    @property
    def asked(self) -> frozenset[tuple[str, str]]:
        """By whose word and of which kind events are needed: a launch that went well has nothing that denies a hop."""
        return frozenset((witness.who, witness.event) for hop in self.hops.values() for witness in _speaking_for(hop))


def _speaking_for(hop: Hop) -> Iterator[Witness]:
    yield from hop.evidence
    for exemption in hop.exemptions:
        yield exemption.when
        yield from exemption.unless


def without_failure(where: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return what is asked of an event's fields, but for its being an error."""
    return {key: wanted for key, wanted in where.items() if key != FAILED}
