"""What a cloud can show of a journey: its hops, each with the witnesses that come from sources that are there."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from hoplab.flow.actors import ACTORS
from hoplab.flow.model import Catalogue, Exemption, Hop, Lesson, Tries, Witness
from hoplab.flow.sources import SourceKind, source_kinds, sources_of
from hoplab.flow.vocabulary import ASKED, EXCHANGE
from hoplab.model.errors import ConfigurationError

HOST: Final = "host"
"""How the instance's host is called among the ids."""


@dataclass(frozen=True, slots=True)
class _Cloud:
    """What decides what a cloud shows.

    kinds: of the sources that are there, by name; known: names of the ids that are known or can be learnt, with `host`
    where that is so of the host that was told to do the work; silent: actors that are not heard.
    """

    kinds: Mapping[str, SourceKind]
    known: frozenset[str]
    silent: frozenset[str]

    def shows(self, witness: Witness) -> bool:
        """Tell whether a witness can come from a source that is there, and be told from another launch's."""
        own = {name for name in witness.by if name not in EXCHANGE}
        if any("{host}" in text for wanted in witness.where.values() for text in wanted):
            own.add(HOST)
        return own <= self.known and witness.who not in self.silent and bool(sources_of(witness, self.kinds))


def narrowed(
    catalogue: Catalogue, sources: Iterable[str], known: Collection[str], silent: Iterable[str] = ()
) -> Catalogue:
    """Return a journey as a cloud can show it.

    sources: names of the kinds of sources that are there; known: names of the ids that the client knows of its launch,
    with `host` where it knows the instance's; silent: actors whose word is not to be had.
    Of a hop's sets of witnesses that one is taken of which most actors are shown. What can't be shown of it is
    in `hidden`, and a hop of which nothing is shown has no evidence left. Raises ConfigurationError for a source that
    there is not, and for a witness that no kind of source gives.
    """
    check_sources(catalogue)
    kinds = source_kinds()
    for name in (sources := tuple(sources)):
        if name not in kinds:
            raise ConfigurationError(f"there is no kind of source {name!r}: there are {', '.join(kinds)}")
    there = {name: kind for name, kind in kinds.items() if name in sources}
    lessons, learnt = _lessons(catalogue, there, frozenset(known))
    tries = catalogue.tries
    if tries and _can_be_told(tries, there):
        learnt |= {HOST}
    cloud = _Cloud(there, frozenset(known) | learnt, frozenset(silent))
    hops: dict[str, Hop] = {}
    told: dict[str, frozenset[str]] = {}
    for name, hop in catalogue.hops.items():
        hops[name], told[name] = _narrowed_hop(hop, cloud, told.get(hop.exchange, frozenset()))
    return replace(catalogue, hops=hops, lessons=lessons)


def check_sources(catalogue: Catalogue) -> None:
    """Raise ConfigurationError that names the hop and the key of a witness which no kind of source gives."""
    kinds = source_kinds()
    for hop in catalogue.hops.values():
        for key, witness in _all_witnesses(hop):
            if not sources_of(witness, kinds):
                raise ConfigurationError(
                    f"hop {hop.name}: {key}: no kind of source gives this {witness.event} of {witness.who} by "
                    f"{', '.join(witness.by)}: say in flow/sources.yaml which does"
                )


def _all_witnesses(hop: Hop) -> Iterable[tuple[str, Witness]]:
    for number, witness in enumerate(hop.evidence, 1):
        yield f"evidence {number}", witness
    for number, alternative in enumerate(hop.alternatives, 1):
        for index, witness in enumerate(alternative.evidence, 1):
            yield f"alternatives {number}: evidence {index}", witness
    for number, denial in enumerate(hop.denied_by, 1):
        yield f"denied_by {number}", denial.when
    for key, exemption in (("cached", hop.cached), ("not_applicable", hop.not_applicable)):
        if exemption is not None:
            yield f"{key}: when", exemption.when
            for number, witness in enumerate(exemption.unless, 1):
                yield f"{key}: unless {number}", witness


def _lessons(
    catalogue: Catalogue, kinds: Mapping[str, SourceKind], known: frozenset[str]
) -> tuple[tuple[Lesson, ...], frozenset[str]]:
    """Return the lessons that a cloud shows, and the names of the ids that they teach beside those that are known."""
    speakers: dict[str, set[str]] = {}
    for witness in catalogue.witnesses:
        speakers.setdefault(witness.event, set()).add(witness.who)
    kept: list[Lesson] = []
    learnt = set[str]()

    def teaches(lesson: Lesson) -> bool:
        where = {key: (value,) for key, value in lesson.where.items()}
        return any(
            sources_of(Witness(who, event, where, (lesson.name, beside)), kinds)
            for event in lesson.kinds
            for who in speakers.get(event, ())
            for beside in lesson.beside & (known | learnt)
        )

    for lesson in catalogue.lessons:
        others = [other for other in catalogue.instead if other.name == lesson.name]
        taught = next((one for one in (lesson, *others) if teaches(one)), None)
        if taught is not None:
            kept.append(taught)
            learnt.add(lesson.name)
    return tuple(kept), frozenset(learnt)


def _can_be_told(tries: Tries, kinds: Mapping[str, SourceKind]) -> bool:
    """Tell whether a cloud shows which host was told to do the work."""
    where = {**{key: (value,) for key, value in tries.where.items()}, tries.host: ("",)}
    return any(sources_of(Witness(who, tries.event, where, (tries.by,)), kinds) for who in ACTORS)


def _narrowed_hop(hop: Hop, cloud: _Cloud, going_on: frozenset[str]) -> tuple[Hop, frozenset[str]]:
    """Return a hop as a cloud shows it, and which of its message's ids are told. going_on: those told before it."""
    sets = (hop.evidence, *(alternative.evidence for alternative in hop.alternatives))
    shown = [_shown(evidence, cloud, going_on) for evidence in sets]
    best = max(range(len(sets)), key=lambda number: len({witness.who for witness in shown[number]}))
    evidence = shown[best]
    told = _told(evidence) | going_on

    def heard(witness: Witness) -> bool:
        return cloud.shows(witness) and (not ASKED.isdisjoint(witness.by) or {*witness.by} & {*EXCHANGE} <= told)

    denials = tuple(denial for denial in hop.denied_by if heard(denial.when))
    excuses = [_shown_exemption(exemption, heard) for exemption in (hop.cached, hop.not_applicable)]
    narrow = replace(
        hop,
        evidence=evidence,
        hidden=tuple(witness for witness in sets[best] if witness not in evidence),
        denied_by=denials,
        undenied=len(denials) < len(hop.denied_by),
        cached=excuses[0],
        not_applicable=excuses[1],
        unexcused=excuses != [hop.cached, hop.not_applicable],
    )
    return narrow, told


def _shown(evidence: tuple[Witness, ...], cloud: _Cloud, going_on: frozenset[str]) -> tuple[Witness, ...]:
    """Return those of a set of witnesses that a cloud shows; one by a message's id alone needs one that tells it."""
    some = [witness for witness in evidence if cloud.shows(witness)]
    told = _told(some) | going_on
    return tuple(witness for witness in some if not ASKED.isdisjoint(witness.by) or {*witness.by} & {*EXCHANGE} <= told)


def _told(witnesses: Iterable[Witness]) -> frozenset[str]:
    """Return which of a message's ids witnesses tell: those of which each says itself whose launch it is."""
    return frozenset(
        name for witness in witnesses if not ASKED.isdisjoint(witness.by) for name in witness.by if name in EXCHANGE
    )


def _shown_exemption(exemption: Exemption | None, heard: Callable[[Witness], bool]) -> Exemption | None:
    """Return when a hop may be missing, None where a cloud does not show it, or not all that contradicts it."""
    if exemption is None or not all(map(heard, (exemption.when, *exemption.unless))):
        return None
    return exemption
