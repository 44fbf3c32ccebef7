"""The judgement of a run: the verdicts of all hops, the result, and where the launch broke.

Pure: the same run gives the same judgement anywhere.
"""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from hoplab.flow.model import Catalogue, Flow, Hop, Lesson, Witness
from hoplab.flow.vocabulary import EXCHANGE
from hoplab.join.ids import Found, gather, learn, voices
from hoplab.judge.denials import denying
from hoplab.judge.exemptions import exemption_window
from hoplab.judge.interval import Standing, locate
from hoplab.judge.order import is_last
from hoplab.judge.retry import find_rescheduling
from hoplab.judge.verdicts import (
    BROKEN,
    UNPROVEN,
    UNTOLD,
    JudgedHop,
    KnownLaunch,
    Result,
    Verdict,
    Verdicts,
    agreeing,
    changed,
    denied,
    excused,
    judged_alone,
    ordered,
)
from hoplab.model.events import Event, Ids


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
    for name, asked in catalogue.hops.items():
        hop, found = without_late(asked, speaks)
        spoken = whole if hop.once else last
        lost = incomplete | set(EXCHANGE) if hop.exchange and judged[hop.exchange].unread else incomplete
        unread = [witness for witness, some in found if not some and _is_unread(witness, launch, lost)]
        excuse = None
        if hop.exemptions and not any(some for _witness, some in found):
            excuse = excused(hop, spoken, ids, launch, exemption_window(hop, catalogue, speaks, launch.clocks))
        alone = denied(
            agreeing(judged_alone(hop, found, unread, excuse, launch), found, spoken, ids, launch),
            denying(hop, spoken, ids, launch.host, said=exchanges[name], found=found),
            launch,
        )
        # What is done for the first host alone is before what is done for the last one.
        judged[name] = alone if hop.once and last is not whole else ordered(alone, judged, launch)
    judged = {name: _without_reason(judged_hop, judged) for name, judged_hop in judged.items()}
    overdue = overdue_hops(catalogue.hops, speaks)
    counted = [judged[name] for name in catalogue.hops if flow.numbers(name) or name in flow.also]
    result = Result.FAILED if any(one.hop.name in overdue for one in counted) else _result(counted, launch)
    suspects = [*counted, *judged.values()] if result is Result.FAILED else []
    first = _first(one for one in suspects if one.hop.name in overdue or _is_suspect(one, judged))
    if first is None:
        return Verdicts(tuple(counted), result, None)
    order = tuple(dict.fromkeys(suspect.hop.name for suspect in suspects))
    standings = {name: _standing(one, judged, overdue) for name, one in judged.items()}
    interval = locate(catalogue.hops, order, standings, first.hop.name, launch.down)
    if not any(hop.hidden for hop in catalogue.hops.values()):
        # Where all can be seen it is known at which hop it broke.
        interval = replace(interval, candidates=(first.hop.name,))
    return Verdicts(tuple(counted), result, judged[interval.candidates[0]], interval)


def without_late(hop: Hop, speaks: Mapping[str, Found]) -> tuple[Hop, Found]:
    """Return a hop without witnesses that can't have come yet, as hidden ones, where a cloud hides others of it, too.

    speaks: what speaks for each hop.
    """
    found = speaks[hop.name]
    if not hop.hidden:
        return hop, found
    late = [
        witness
        for witness, some in found
        if not some
        and any(not speaks[name] or not all(heard for _other, heard in speaks[name]) for name in witness.late)
    ]
    left = tuple((witness, some) for witness, some in found if witness not in late)
    evidence = tuple(witness for witness, _some in left)
    return replace(hop, evidence=evidence, hidden=(*hop.hidden, *late)), left


def overdue_hops(hops: Mapping[str, Hop], speaks: Mapping[str, Found]) -> frozenset[str]:
    """Return the hops that can't be seen, and of which it is known that they, or one before them, did not happen.

    For what would be said after them is not said. hops: of a journey; speaks: what speaks for each of them.
    """
    found = set[str]()
    for name in hops:
        hop, _left = without_late(hops[name], speaks)
        for witness in hop.hidden[len(hops[name].hidden) :]:
            if not hop.evidence and all(heard for other in witness.late for _witness, heard in speaks[other]):
                found.update(other for other in witness.late if not hops[other].evidence)
    return frozenset(found)


def _voices(judged_hop: JudgedHop) -> set[tuple[str, str]]:
    return {(event.who, event.kind) for event in judged_hop.firsts}


def _standing(judged_hop: JudgedHop, judged: Mapping[str, JudgedHop], overdue: Collection[str]) -> Standing:
    """Return what is known of a hop by itself."""
    verdict, hop = judged_hop.verdict, judged_hop.hop
    one_side = _has_one_side(judged_hop)
    weak = one_side and not _waits(judged_hop, judged)
    return Standing(
        evident=bool(judged_hop.witnesses) and not judged_hop.denials,
        whole=verdict in {Verdict.PROVED, Verdict.CACHED, Verdict.NOT_APPLICABLE}
        or (verdict is Verdict.WEAK and bool(hop.one_witness))
        or (verdict is Verdict.SEEN and is_last(_voices(judged_hop), (*hop.evidence, *hop.hidden))),
        missing=verdict in BROKEN or weak or hop.name in overdue,
        denied=bool(judged_hop.denials),
        doubted=verdict is Verdict.WEAK and (bool(hop.hidden) or (one_side and _waits_unseen(judged_hop, judged))),
    )


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
    return judged_hop.verdict is Verdict.WEAK and not judged_hop.hop.one_witness and not judged_hop.hop.hidden


def _incomplete_ids(launch: KnownLaunch, lessons: Iterable[Lesson]) -> set[str]:
    """Return the names of ids of which some may not be known, since what teaches them could not be read."""
    kinds = {kind for _who, kind in launch.unread}
    return {lesson.name for lesson in lessons if lesson.name not in launch.ids and not kinds.isdisjoint(lesson.kinds)}


def _is_unread(witness: Witness, launch: KnownLaunch, incomplete: AbstractSet[str]) -> bool:
    """Tell whether a witness may be missing only because something could not be read."""
    return (witness.who, witness.event) in launch.unread or not incomplete.isdisjoint(witness.by)


def _without_reason(judged_hop: JudgedHop, judged: Mapping[str, JudgedHop]) -> JudgedHop:
    """Return a hop that lacks the word that it needs as one that did not happen, unless that waits for another hop."""
    said = {event.who for event in judged_hop.witnesses}
    if judged_hop.hop.needs in {"", *said} or judged_hop.verdict is not Verdict.WEAK or _waits(judged_hop, judged):
        return judged_hop
    return changed(
        judged_hop, Verdict.ABSENT, f"{judged_hop.hop.needs} does not say that it happened; {judged_hop.why}"
    )


def _waits(judged_hop: JudgedHop, judged: Mapping[str, JudgedHop]) -> bool:
    """Tell whether a word for a hop may be missing for the sake of one that it need not follow."""
    return any(
        judged[name].verdict in BROKEN or _has_one_side(judged[name]) for name in judged_hop.hop.waits_for
    ) or _waits_unseen(judged_hop, judged)


def _waits_unseen(judged_hop: JudgedHop, judged: Mapping[str, JudgedHop]) -> bool:
    """Tell whether a word for a hop may be missing for the sake of one that can't be seen."""
    return any(judged[name].verdict is Verdict.NOT_OBSERVABLE for name in judged_hop.hop.waits_for)


def _result(hops: Iterable[JudgedHop], launch: KnownLaunch) -> Result:
    hops = tuple(hops)
    verdicts = [(hop.verdict, bool(hop.hop.one_witness)) for hop in hops]
    if any(verdict in BROKEN for verdict, _single in verdicts):
        return Result.FAILED
    if launch.unread or Verdict.UNKNOWN in dict(verdicts) or (Verdict.WEAK, False) in verdicts:
        return Result.INCONCLUSIVE
    untold = any(hop.verdict in UNTOLD and not _was_told(hop, launch) for hop in hops)
    if untold or all(verdict is Verdict.NOT_OBSERVABLE for verdict, _single in verdicts):
        return Result.INCONCLUSIVE
    return Result.PROVED


def _was_told(judged_hop: JudgedHop, launch: KnownLaunch) -> bool:
    """Tell whether it was told beforehand that a hop can't be seen better than it is."""
    told = (launch.told or {}).get(judged_hop.hop.name, Verdict.PROVED)
    return told is Verdict.NOT_OBSERVABLE or told is judged_hop.verdict
