"""The verdict of each hop, from the events of a run alone. Pure: the same run gives the same verdicts anywhere."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from hoplab.flow.model import NEEDED, Hop, Witness
from hoplab.join.ids import Found, Voices, disagreement
from hoplab.judge.denials import denial_words
from hoplab.judge.exemptions import Window, excusing
from hoplab.judge.interval import Interval
from hoplab.judge.order import contradiction
from hoplab.judge.reasons import named, one_side, unseen, untimed
from hoplab.model.clocks import Clocks, clock_uncertainty, event_begin, event_end, event_time
from hoplab.model.events import Event, Ids


class Verdict(StrEnum):
    """What is known of a hop."""

    PROVED = "proved"
    WEAK = "weak"
    CACHED = "cached"
    NOT_APPLICABLE = "not applicable"
    ABSENT = "absent"
    BLOCKED = "blocked"
    OUT_OF_ORDER = "out of order"
    UNKNOWN = "unknown"
    SEEN = "seen"
    NOT_OBSERVABLE = "not observable"


class Result(StrEnum):
    """What a run came to."""

    PROVED = "proved"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


UNPROVEN: Final = frozenset({Verdict.ABSENT, Verdict.OUT_OF_ORDER})
BROKEN: Final = UNPROVEN | {Verdict.BLOCKED}
UNTOLD: Final = frozenset({Verdict.SEEN, Verdict.NOT_OBSERVABLE})
"""Verdicts of hops of which a cloud can't show all: they count as good only where that was told beforehand."""


@dataclass(frozen=True, slots=True)
class KnownLaunch:
    """What is to be judged.

    ids: what the client knows of its launch; host: the compute's name as the services call it; clocks: by node; unread:
    (who, kind) of events whose source could not be read on some node; failed: it is over, and no instance came of it;
    down: actors that did not run when it was over; told: the least verdict of a hop that happened as it was told before
    the launch, by its name, None where nothing was told.
    """

    ids: Ids
    host: str
    clocks: Clocks = field(default_factory=dict)
    unread: Collection[tuple[str, str]] = frozenset()
    failed: bool = False
    down: Collection[str] = frozenset()
    told: Mapping[str, Verdict] | None = None


@dataclass(frozen=True, slots=True)
class JudgedHop:
    """A hop's verdict.

    witnesses: the events that speak for it, by time; firsts: of them the first that is what each part of the evidence
    asks for, since the same may happen again later; begin, end: from the first to the last of those, in seconds since
    1970 by our clock, None without any; denials: the events that say that it did not do its work; whole: every part of
    the evidence is there; unread: some part is missing, and could not be read; why: the reason, for a person.
    """

    hop: Hop
    verdict: Verdict
    witnesses: tuple[Event, ...]
    firsts: tuple[Event, ...]
    denials: tuple[Event, ...]
    begin: float | None
    end: float | None
    whole: bool
    unread: bool
    why: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A run's verdicts in the order of the catalogue.

    first_unproven: None if all hops happened. Where one did not, a hop of which only one side is seen counts, too: a
    request that was sent and came nowhere. It may be a hop that the flow leaves out, if one of the flow must follow it.
    interval: between which hops it broke; of a cloud that shows less there are several at which it may have been, and
    the first unproven one is the likeliest.
    """

    hops: tuple[JudgedHop, ...]
    result: Result
    first_unproven: JudgedHop | None
    interval: Interval | None = None


def judged_alone(
    hop: Hop, found: Found, unread: Sequence[Witness], excuse: tuple[Verdict, str] | None, launch: KnownLaunch
) -> JudgedHop:
    """Judge a hop by its own evidence. unread: what is missing of it and may be so because it could not be read."""
    once = {id(event): event for _witness, some in found for event in some}
    witnesses = tuple(sorted(once.values(), key=time_of(launch)))
    actors = {event.who for event in witnesses}
    missing = [witness for witness, some in found if not some]
    silent = {witness.who for witness in missing} - actors
    needed = {hop.needs} if hop.needs else set[str]()
    if len(actors) >= NEEDED and needed <= actors:
        verdict, why = Verdict.PROVED, f"seen by {' and '.join(sorted(actors))}"
    elif unread:
        verdict, why = Verdict.UNKNOWN, f"could not be read: {named(unread)}"
    elif actors and hop.hidden and not silent:
        verdict, why = Verdict.SEEN, one_side(hop, actors)
    elif actors:
        seen = f"only {' and '.join(sorted(actors))} saw it; missing: {named(missing, actors)}"
        verdict, why = Verdict.WEAK, hop.one_witness or seen
    else:
        found_none = (Verdict.ABSENT, f"no evidence found: {named(missing)}")
        blind = (Verdict.NOT_OBSERVABLE, unseen(hop)) if hop.unexcused or not hop.evidence else found_none
        verdict, why = excuse or blind
    firsts = tuple(
        {id(one): one for one in (min(some, key=time_of(launch)) for _witness, some in found if some)}.values()
    )
    begin = min(map(time_of(launch), firsts), default=None)
    end = max((event_end(event, launch.clocks) for event in firsts), default=None)
    return JudgedHop(hop, verdict, witnesses, firsts, (), begin, end, whole=not missing, unread=bool(unread), why=why)


def agreeing(judged_hop: JudgedHop, found: Found, events: Voices, ids: Ids, launch: KnownLaunch) -> JudgedHop:
    """Return a hop in the light of witnesses that do not agree: it is not proved by the others alone."""
    if judged_hop.verdict is not Verdict.PROVED:
        return judged_hop
    why = disagreement(judged_hop.hop, found, events, ids, launch.host)
    if why:
        return changed(judged_hop, Verdict.WEAK, f"{judged_hop.why}, but they do not agree: {why}")
    early = "" if untimed(judged_hop.witnesses, launch.clocks) else contradiction(found, launch.clocks)
    return changed(judged_hop, Verdict.OUT_OF_ORDER, early) if early else judged_hop


def denied(judged_hop: JudgedHop, denials: tuple[Event, ...], launch: KnownLaunch) -> JudgedHop:
    """Return a hop in the light of what says that it did not do its work: one such word weighs more than all others."""
    if not denials:
        return judged_hop
    denials = tuple(sorted(denials, key=time_of(launch)))
    return replace(judged_hop, verdict=Verdict.ABSENT, denials=denials, why=denial_words(denials))


def excused(hop: Hop, events: Voices, ids: Ids, launch: KnownLaunch, window: Window) -> tuple[Verdict, str] | None:
    """Return the verdict of a hop that legitimately left no evidence, None where it has no excuse."""
    for exemption, verdict in ((hop.cached, Verdict.CACHED), (hop.not_applicable, Verdict.NOT_APPLICABLE)):
        if exemption is None:
            continue
        event = excusing(exemption, events, ids, launch.host, clocks=launch.clocks, window=window)
        if event is not None:
            unread = [witness for witness in exemption.unless if (witness.who, witness.event) in launch.unread]
            untold = untimed([event], launch.clocks)
            if unread or untold:
                return Verdict.UNKNOWN, untold or f"could not be read: {named(unread)}"
            return verdict, exemption.because
    return None


def ordered(judged_hop: JudgedHop, before: Mapping[str, JudgedHop], launch: KnownLaunch) -> JudgedHop:
    """Return a hop's verdict in the light of those that it must follow, which are judged already."""
    earlier = [before[name] for name in judged_hop.hop.after]
    if judged_hop.verdict is Verdict.ABSENT:
        broken = [other.hop.name for other in _observable(earlier, before) if other.verdict in BROKEN]
        why = f"{judged_hop.why}; before it {', '.join(broken)} did not happen"
        return changed(judged_hop, Verdict.BLOCKED, why) if broken else judged_hop
    untold = untimed(judged_hop.witnesses, launch.clocks)
    if untold and judged_hop.verdict is not Verdict.UNKNOWN:
        return changed(judged_hop, Verdict.UNKNOWN, untold)
    for other in earlier:
        # It is over before the other one begins, beyond what the clocks allow: hops overlap, and what ends a hop may be
        # written after the next one has begun. Of which something is missing may be longer than what is seen of it.
        if not (_is_whole(judged_hop) and _is_whole(other)) or judged_hop.end is None or other.begin is None:
            continue
        begin = min(event_begin(event, launch.clocks) for event in other.firsts)
        wrong = clock_uncertainty(judged_hop.firsts, launch.clocks) + clock_uncertainty(other.firsts, launch.clocks)
        if judged_hop.end + wrong < begin:
            return changed(
                judged_hop, Verdict.OUT_OF_ORDER, f"{other.begin - judged_hop.end:.3f} s before {other.hop.name}"
            )
    return judged_hop


def _observable(hops: Iterable[JudgedHop], judged: Mapping[str, JudgedHop]) -> Iterator[JudgedHop]:
    """Yield hops, and for one of which nothing can be told those that it must follow."""
    for one in hops:
        if one.verdict is Verdict.NOT_OBSERVABLE:
            yield from _observable([judged[name] for name in one.hop.after], judged)
        else:
            yield one


def _is_whole(judged_hop: JudgedHop) -> bool:
    """Tell whether all is seen of a hop that there is to be seen anywhere."""
    return judged_hop.whole and not judged_hop.hop.hidden


def changed(judged_hop: JudgedHop, verdict: Verdict, why: str) -> JudgedHop:
    """Return a hop with another verdict, and why it has that."""
    return replace(judged_hop, verdict=verdict, why=why)


def time_of(launch: KnownLaunch) -> Callable[[Event], float]:
    """Return what tells when an event was, in seconds since 1970 by our clock."""
    return lambda event: event_time(event, launch.clocks)
