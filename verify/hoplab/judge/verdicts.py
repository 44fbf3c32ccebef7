"""The verdict of each hop, from the events of a run alone. Pure: the same run gives the same verdicts anywhere."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from hoplab.flow.model import NEEDED, Catalogue, Flow, Hop, Lesson, Witness
from hoplab.flow.vocabulary import EXCHANGE
from hoplab.join.ids import Found, Voices, disagreement, gather, learn, voices
from hoplab.judge.denials import denial_words, denying
from hoplab.judge.exemptions import Window, excusing, exemption_window
from hoplab.judge.order import contradiction
from hoplab.judge.retry import find_rescheduling
from hoplab.model.clocks import Clocks, clock_uncertainty, drifting_nodes, event_begin, event_end, event_time
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


class Result(StrEnum):
    """What a run came to."""

    PROVED = "proved"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


UNPROVEN: Final = frozenset({Verdict.ABSENT, Verdict.OUT_OF_ORDER})
BROKEN: Final = UNPROVEN | {Verdict.BLOCKED}


@dataclass(frozen=True, slots=True)
class KnownLaunch:
    """What is to be judged.

    ids: what the client knows of its launch; host: the compute's name as the services call it; clocks: by node; unread:
    (who, kind) of events whose source could not be read on some node; failed: it is over, and no instance came of it.
    """

    ids: Ids
    host: str
    clocks: Clocks = field(default_factory=dict)
    unread: Collection[tuple[str, str]] = frozenset()
    failed: bool = False


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
    """

    hops: tuple[JudgedHop, ...]
    result: Result
    first_unproven: JudgedHop | None


def judge(catalogue: Catalogue, flow: Flow, events: Iterable[Event], launch: KnownLaunch) -> Verdicts:
    """Judge all hops of a flow."""
    events = tuple(events)
    ids = learn(events, launch.ids, catalogue.lessons)
    retry = find_rescheduling(events, ids, launch.clocks, catalogue.tries)
    if retry and launch.failed:
        events = retry.first_try_events(events)
    whole = voices(events)
    last = voices(retry.last_try_events(events)) if retry and not launch.failed else whole
    judged: dict[str, JudgedHop] = {}
    exchanges: dict[str, Ids] = {}
    incomplete = _incomplete_ids(launch, catalogue.lessons)
    speaks: dict[str, Found] = {}
    for name, hop in catalogue.hops.items():
        speaks[name], exchanges[name] = gather(hop, whole if hop.once else last, ids, launch.host, exchanges)
    for name, hop in catalogue.hops.items():
        found, spoken = speaks[name], whole if hop.once else last
        lost = incomplete | set(EXCHANGE) if hop.exchange and judged[hop.exchange].unread else incomplete
        unread = [witness for witness, some in found if not some and _is_unread(witness, launch, lost)]
        excuse = None
        if hop.exemptions and not any(some for _witness, some in found):
            excuse = _excused(hop, spoken, ids, launch, exemption_window(hop, catalogue, speaks, launch.clocks))
        alone = _denied(
            _agreeing(_alone(hop, found, unread, excuse, launch), found, spoken, ids, launch),
            denying(hop, spoken, ids, launch.host, said=exchanges[name], found=found),
            launch,
        )
        # What is done for the first host alone is before what is done for the last one.
        judged[name] = alone if hop.once and last is not whole else _ordered(alone, judged, launch)
    judged = {name: _without_reason(judged_hop, judged) for name, judged_hop in judged.items()}
    counted = [judged[name] for name in catalogue.hops if flow.numbers(name) or name in flow.also]
    result = _result(counted, launch)
    suspects = [*counted, *judged.values()] if result is Result.FAILED else []
    return Verdicts(tuple(counted), result, _first(suspect for suspect in suspects if _is_suspect(suspect, judged)))


def _first(suspects: Iterable[JudgedHop]) -> JudgedHop | None:
    """Return the hop at which a launch broke: the first of which something says that it failed, else the first."""
    suspects = tuple(suspects)
    return next((suspect for suspect in suspects if suspect.denials), next(iter(suspects), None))


def _is_suspect(judged_hop: JudgedHop, judged: Mapping[str, JudgedHop]) -> bool:
    """Tell whether a failed launch may have broken at this hop."""
    if not _has_one_side(judged_hop):
        return judged_hop.verdict in UNPROVEN
    return not _waits(judged_hop, judged)


def _has_one_side(judged_hop: JudgedHop) -> bool:
    """Tell whether only one side of a hop is seen, of which the other could have been seen, too."""
    return judged_hop.verdict is Verdict.WEAK and not judged_hop.hop.one_witness


def _incomplete_ids(launch: KnownLaunch, lessons: Iterable[Lesson]) -> set[str]:
    """Return the names of ids of which some may not be known, since what teaches them could not be read."""
    kinds = {kind for _who, kind in launch.unread}
    return {lesson.name for lesson in lessons if lesson.name not in launch.ids and not kinds.isdisjoint(lesson.kinds)}


def _is_unread(witness: Witness, launch: KnownLaunch, incomplete: AbstractSet[str]) -> bool:
    """Tell whether a witness may be missing only because something could not be read."""
    return (witness.who, witness.event) in launch.unread or not incomplete.isdisjoint(witness.by)


def _alone(
    hop: Hop, found: Found, unread: Sequence[Witness], excuse: tuple[Verdict, str] | None, launch: KnownLaunch
) -> JudgedHop:
    """Judge a hop by its own evidence. unread: what is missing of it and may be so because it could not be read."""
    once = {id(event): event for _witness, some in found for event in some}
    witnesses = tuple(sorted(once.values(), key=_time(launch)))
    actors = {event.who for event in witnesses}
    missing = [witness for witness, some in found if not some]
    needed = {hop.needs} if hop.needs else set[str]()
    if len(actors) >= NEEDED and needed <= actors:
        verdict, why = Verdict.PROVED, f"seen by {' and '.join(sorted(actors))}"
    elif unread:
        verdict, why = Verdict.UNKNOWN, f"could not be read: {_named(unread)}"
    elif actors:
        seen = f"only {' and '.join(sorted(actors))} saw it; missing: {_named(missing, actors)}"
        verdict, why = Verdict.WEAK, hop.one_witness or seen
    else:
        verdict, why = excuse or (Verdict.ABSENT, f"no evidence found: {_named(missing)}")
    firsts = tuple(
        {id(one): one for one in (min(some, key=_time(launch)) for _witness, some in found if some)}.values()
    )
    begin = min(map(_time(launch), firsts), default=None)
    end = max((event_end(event, launch.clocks) for event in firsts), default=None)
    return JudgedHop(hop, verdict, witnesses, firsts, (), begin, end, whole=not missing, unread=bool(unread), why=why)


def _agreeing(judged_hop: JudgedHop, found: Found, events: Voices, ids: Ids, launch: KnownLaunch) -> JudgedHop:
    """Return a hop in the light of witnesses that do not agree: it is not proved by the others alone."""
    if judged_hop.verdict is not Verdict.PROVED:
        return judged_hop
    why = disagreement(judged_hop.hop, found, events, ids, launch.host)
    if why:
        return _changed(judged_hop, Verdict.WEAK, f"{judged_hop.why}, but they do not agree: {why}")
    early = "" if _missing_ids(judged_hop.witnesses, launch) else contradiction(found, launch.clocks)
    return _changed(judged_hop, Verdict.OUT_OF_ORDER, early) if early else judged_hop


def _denied(judged_hop: JudgedHop, denials: tuple[Event, ...], launch: KnownLaunch) -> JudgedHop:
    """Return a hop in the light of what says that it did not do its work: one such word weighs more than all others."""
    if not denials:
        return judged_hop
    denials = tuple(sorted(denials, key=_time(launch)))
    return replace(judged_hop, verdict=Verdict.ABSENT, denials=denials, why=denial_words(denials))


def _without_reason(judged_hop: JudgedHop, judged: Mapping[str, JudgedHop]) -> JudgedHop:
    """Return a hop that lacks the word that it needs as one that did not happen, unless that waits for another hop."""
    said = {event.who for event in judged_hop.witnesses}
    if judged_hop.hop.needs in {"", *said} or judged_hop.verdict is not Verdict.WEAK or _waits(judged_hop, judged):
        return judged_hop
    return _changed(
        judged_hop, Verdict.ABSENT, f"{judged_hop.hop.needs} does not say that it happened; {judged_hop.why}"
    )


def _waits(judged_hop: JudgedHop, judged: Mapping[str, JudgedHop]) -> bool:
    """Tell whether a word for a hop may be missing for the sake of one that it need not follow."""
    return any(judged[name].verdict in BROKEN or _has_one_side(judged[name]) for name in judged_hop.hop.waits_for)


def _excused(hop: Hop, events: Voices, ids: Ids, launch: KnownLaunch, window: Window) -> tuple[Verdict, str] | None:
    """Return the verdict of a hop that legitimately left no evidence, None where it has no excuse."""
    for exemption, verdict in ((hop.cached, Verdict.CACHED), (hop.not_applicable, Verdict.NOT_APPLICABLE)):
        if exemption is None:
            continue
        event = excusing(exemption, events, ids, launch.host, clocks=launch.clocks, window=window)
        if event is not None:
            unread = [witness for witness in exemption.unless if (witness.who, witness.event) in launch.unread]
            untold = _missing_ids([event], launch)
            if unread or untold:
                return Verdict.UNKNOWN, untold or f"could not be read: {_named(unread)}"
            return verdict, exemption.because
    return None


def _ordered(judged_hop: JudgedHop, before: Mapping[str, JudgedHop], launch: KnownLaunch) -> JudgedHop:
    """Return a hop's verdict in the light of those that it must follow, which are judged already."""
    earlier = [before[name] for name in judged_hop.hop.after]
    if judged_hop.verdict is Verdict.ABSENT:
        broken = [other.hop.name for other in earlier if other.verdict in BROKEN]
        why = f"{judged_hop.why}; before it {', '.join(broken)} did not happen"
        return _changed(judged_hop, Verdict.BLOCKED, why) if broken else judged_hop
    untold = _missing_ids(judged_hop.witnesses, launch)
    if untold and judged_hop.verdict is not Verdict.UNKNOWN:
        return _changed(judged_hop, Verdict.UNKNOWN, untold)
    for other in earlier:
        # It is over before the other one begins, beyond what the clocks allow: hops overlap, and what ends a hop may be
        # written after the next one has begun. Of which something is missing may be longer than what is seen of it.
        if not (judged_hop.whole and other.whole) or judged_hop.end is None or other.begin is None:
            continue
        begin = min(event_begin(event, launch.clocks) for event in other.firsts)
        wrong = clock_uncertainty(judged_hop.firsts, launch.clocks) + clock_uncertainty(other.firsts, launch.clocks)
        if judged_hop.end + wrong < begin:
            return _changed(
                judged_hop, Verdict.OUT_OF_ORDER, f"{other.begin - judged_hop.end:.3f} s before {other.hop.name}"
            )
    return judged_hop


def _changed(judged_hop: JudgedHop, verdict: Verdict, why: str) -> JudgedHop:
    return replace(judged_hop, verdict=verdict, why=why)


def _missing_ids(events: Iterable[Event], launch: KnownLaunch) -> str:
    """Return in words why it can't be told when events were; empty where it can."""
    nodes = drifting_nodes(events, launch.clocks)
    return (
        f"when it was can't be told: the clock of {', '.join(nodes)} moved, or could not be measured" if nodes else ""
    )


def _time(launch: KnownLaunch) -> Callable[[Event], float]:
    return lambda event: event_time(event, launch.clocks)


def _named(witnesses: Iterable[Witness], heard: Collection[str] = ()) -> str:
    """Return witnesses in words: those of others than whom was heard, or all where there are no others."""
    witnesses = tuple(witnesses)
    others = [witness for witness in witnesses if witness.who not in heard]
    return ", ".join(f"{witness.event} of {witness.who}" for witness in others or witnesses)


def _result(hops: Iterable[JudgedHop], launch: KnownLaunch) -> Result:
    verdicts = [(hop.verdict, bool(hop.hop.one_witness)) for hop in hops]
    if any(verdict in BROKEN for verdict, _single in verdicts):
        return Result.FAILED
    if launch.unread or Verdict.UNKNOWN in dict(verdicts) or (Verdict.WEAK, False) in verdicts:
        return Result.INCONCLUSIVE
    return Result.PROVED
