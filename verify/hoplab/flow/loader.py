"""Reads the flow files. What is not plainly right is refused with the file, the hop and the key."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, Final

from hoplab.flow.actors import ACTORS
from hoplab.flow.model import (
    LAUNCH,
    NEEDED,
    PLACEHOLDER,
    Catalogue,
    Denial,
    Exemption,
    Flow,
    Hint,
    Hop,
    Lesson,
    Requests,
    Step,
    Tries,
    Witness,
)
from hoplab.flow.vocabulary import ASKED, EVENTS, EXCHANGE, IDS
from hoplab.model.documents import read_document, read_schema
from hoplab.model.errors import ConfigurationError

HERE: Final = Path(__file__).parent
JOURNEY: Final = "journey.yaml"
"""What a journey's directory says of itself and its ids."""
HINT_IDS: Final = frozenset({"image", "instance", "network", "port", "volume"})


def journeys() -> tuple[str, ...]:
    """Return the names of all journeys, the launch first: each directory here with a journey.yaml is one."""
    names = sorted(path.parent.name for path in HERE.glob(f"*/{JOURNEY}"))
    return tuple(sorted(names, key=lambda name: name != LAUNCH))


def journey_directory(name: str) -> Path:
    """Return the directory of a journey; ConfigurationError that lists all journeys if there is none of this name."""
    if name not in journeys():
        raise ConfigurationError(f"there is no journey {name!r}: there are {', '.join(journeys())}")
    return HERE / name


def load_journey(name: str) -> Catalogue:
    """Return what is known of a journey. Raises ConfigurationError as `journey_directory` and `load` do."""
    directory = journey_directory(name)
    catalogue = load(directory)
    if catalogue.name != name:
        raise ConfigurationError(
            f"{directory / JOURNEY}: journey is {catalogue.name!r}, and the directory's name says {name!r}"
        )
    return catalogue


def load_all() -> dict[str, Catalogue]:
    """Return what is known of each journey, by name. Raises ConfigurationError as `load` does.

    Hops and flows are told by their names alone, so no two journeys may have one of the same name.
    """
    found = {name: load_journey(name) for name in journeys()}
    owners: dict[str, str] = {}
    for catalogue in found.values():
        for name in (*catalogue.hops, *catalogue.flows):
            if name in owners:
                raise ConfigurationError(f"{HERE / catalogue.name}: {name} is one of the journey {owners[name]}, too")
            owners[name] = catalogue.name
    return found


def load(directory: Path = HERE / LAUNCH) -> Catalogue:
    """Return what a journey's directory says: hops/*.yaml, journey.yaml, and *.yaml beside it for the flows.

    Raises ConfigurationError that names the file and, where there is one, the hop and the key.
    """
    schema = read_schema(HERE / "schema.yaml")
    schema["$defs"] |= {"actor": {"enum": [*ACTORS]}, "kind": {"enum": [*EVENTS]}, "id": {"enum": [*IDS]}}
    hops = _hops(directory, schema)
    flows = {}
    for path in sorted(directory.glob("*.yaml")):
        if path.name != JOURNEY:
            flow = _flow(read_document(path, schema, "flow"), path, hops)
            flows[flow.name] = flow
    path = directory / JOURNEY
    entry = read_document(path, schema, "journey")
    if entry["main"] not in flows:
        raise ConfigurationError(f"{path}: main: there is no flow {entry['main']}: there are {', '.join(flows)}")
    lessons, tries = _journey(entry, f"{path}")
    own = {"name": entry["journey"], "main": entry["main"], "done": entry["done"], "known": tuple(entry["known"])}
    return Catalogue(hops, flows, Requests(**entry["requests"]), lessons, tries, **own)


def _journey(entry: Mapping[str, Any], where: str) -> tuple[tuple[Lesson, ...], Tries | None]:
    for number, each_lesson in enumerate(entry.get("learnt", ()), 1):
        for kind in map(EVENTS.__getitem__, each_lesson["from"]):
            _had([each_lesson["id"], *each_lesson["beside"]], kind.ids, f"{where}: learnt {number}", kind.name)
            _had(each_lesson.get("where", {}), kind.fields, f"{where}: learnt {number}: where", kind.name)
        for name in {name for text in each_lesson.get("where", {}).values() for name in PLACEHOLDER.findall(text)}:
            if name not in IDS:
                raise ConfigurationError(f"{where}: learnt {number}: where has {{{name}}}: there is no id {name}")
    lessons = tuple(
        Lesson(lesson["id"], tuple(lesson["from"]), frozenset(lesson["beside"]), lesson.get("where", {}))
        for lesson in entry.get("learnt", ())
    )
    tries = entry.get("tries")
    if tries is None:
        return lessons, None
    kind = EVENTS[tries["event"]]
    _had([tries["by"]], kind.ids, f"{where}: tries: by", kind.name)
    _had([*tries["where"], tries["host"]], kind.fields, f"{where}: tries", kind.name)
    goes_on, anew = frozenset(tries["goes_on"]), frozenset(tries["anew"])
    return lessons, Tries(tries["event"], tries["where"], tries["by"], tries["host"], goes_on, anew)


def _hops(directory: Path, schema: Mapping[str, Any]) -> dict[str, Hop]:
    """Return all hops, each after those that it must follow."""
    hops: dict[str, Hop] = {}
    places: dict[str, str] = {}
    for path in sorted((directory / "hops").glob("*.yaml")):
        for entry in read_document(path, schema, "hops")["hops"]:
            hop = _hop(entry, path)
            if hop.name in hops:
                raise ConfigurationError(f"{path}: hop {hop.name} is there twice, here and in {places[hop.name]}")
            hops[hop.name], places[hop.name] = hop, f"{path}: hop {hop.name}"
    if not hops:
        raise ConfigurationError(f"{directory / 'hops'}: there are no hops in it")
    for name, hop in hops.items():
        _known(hop.after, hops, f"{places[name]}: after")
        _known(hop.waits_for, hops, f"{places[name]}: waits_for")
    ordered = {name: hops[name] for name in _ordered(hops)}
    before: dict[str, set[str]] = {}
    for name, hop in ordered.items():
        before[name] = set(hop.after).union(*(before[earlier] for earlier in hop.after))
        if hop.exchange:
            _known([hop.exchange], hops, f"{places[name]}: exchange")
            if hop.exchange not in before[name]:
                raise ConfigurationError(
                    f"{places[name]}: exchange: {hop.exchange} began it, so {name} must come `after` it"
                )
    return ordered


def _known(names: Iterable[str], hops: Mapping[str, Hop], where: str) -> None:
    for name in names:
        if name not in hops:
            raise ConfigurationError(f"{where}: there is no hop {name}")


def _ordered(hops: Mapping[str, Hop]) -> tuple[str, ...]:
    """Return the hops' names in an order that is allowed; of those that may come next, the first in the files."""
    sorter = TopologicalSorter({hop.name: hop.after for hop in hops.values()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ConfigurationError(f"the hops' order runs in a circle: {' after '.join(error.args[1])}") from None
    names, places = list(hops), {name: place for place, name in enumerate(hops)}
    ready: list[int] = []
    ordered = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, places[name])
        ordered.append(names[heappop(ready)])
        sorter.done(ordered[-1])
    return tuple(ordered)


def _witness(entry: Mapping[str, Any], where: str) -> Witness:
    wanted = {}
    kind = EVENTS[entry["event"]]
    _had(entry["by"], kind.ids, f"{where}: by", kind.name)
    _had(entry.get("where", {}), kind.fields, f"{where}: where", kind.name)
    for key, value in entry.get("where", {}).items():
        wanted[key] = (value,) if isinstance(value, str) else tuple(value)
        for name in {name for text in wanted[key] for name in PLACEHOLDER.findall(text)} - {"host"}:
            if name not in entry["by"]:
                raise ConfigurationError(
                    f"{where}: where.{key} has {{{name}}}, and {name} is not in `by`: add it there"
                )
    return Witness(entry["who"], entry["event"], wanted, tuple(entry["by"]))


def _had(names: Iterable[str], known: frozenset[str], where: str, kind: str) -> None:
    """Refuse what no event of a kind has."""
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{where}: {kind} has no {name}: it has {', '.join(sorted(known))}")


def _denials(entries: Iterable[Mapping[str, Any]], where: str) -> tuple[Denial, ...]:
    """Return what denies a hop."""
    return tuple(
        Denial(_witness(entry["when"], f"{where} {index}"), bool(entry.get("final")))
        for index, entry in enumerate(entries, 1)
    )


def _binding(denials: Iterable[Denial], evidence: Iterable[Witness], exchange: str, where: str) -> None:
    """Refuse what denies a hop by a message's id of which nothing says whether it is the hop's."""
    known = {name for witness in evidence for name in witness.by}
    for index, denial in enumerate(denials, 1):
        loose = set(EXCHANGE).intersection(denial.when.by) - known
        if loose and not exchange and ASKED.isdisjoint(denial.when.by):
            raise ConfigurationError(
                f"{where} {index}: nothing says which {min(loose)} it is: name the hop that began it in `exchange`, or "
                f"ask for one of {', '.join(sorted(ASKED))}, too"
            )


def _exemption(entry: Mapping[str, Any] | None, where: str) -> Exemption | None:
    if entry is None:
        return None
    unless = tuple(
        _witness(each_unless, f"{where}: unless {index}") for index, each_unless in enumerate(entry["unless"], 1)
    )
    return Exemption(_witness(entry["when"], f"{where}: when"), unless, entry["because"])


def _hint(entry: Mapping[str, str], where: str) -> Hint:
    for name in PLACEHOLDER.findall(entry["run"]):
        if name not in HINT_IDS:
            raise ConfigurationError(f"{where}: run has {{{name}}}: ids are {', '.join(sorted(HINT_IDS))}")
    return Hint(entry["at"], entry["run"])


def _hop(entry: Mapping[str, Any], path: Path) -> Hop:
    where = f"{path}: hop {entry['hop']}"
    evidence = tuple(
        _witness(each_evidence, f"{where}: evidence {index}")
        for index, each_evidence in enumerate(entry["evidence"], 1)
    )
    for name in EXCHANGE:
        asking = [witness for witness in evidence if name in witness.by]
        if asking and not entry.get("exchange") and all(ASKED.isdisjoint(witness.by) for witness in asking):
            raise ConfigurationError(
                f"{where}: evidence: nothing says which {name} it is: name the hop that began it in `exchange`, or ask "
                f"one witness for one of {', '.join(sorted(ASKED))}, too"
            )
    alone = len({witness.who for witness in evidence}) < NEEDED
    if alone and not entry.get("one_witness"):
        raise ConfigurationError(
            f"{where}: evidence: it is one actor's word: add another's, or say in one_witness why there is none"
        )
    if not alone and entry.get("one_witness"):
        raise ConfigurationError(f"{where}: one_witness: the evidence has the word of several actors: remove it")
    denials = _denials(entry.get("denied_by", ()), f"{where}: denied_by")
    _binding(denials, evidence, entry.get("exchange", ""), f"{where}: denied_by")
    needs = entry.get("needs", "")
    if needs and needs not in {witness.who for witness in evidence}:
        raise ConfigurationError(f"{where}: needs: the evidence has no word of {needs}: add one, or remove it")
    today = entry["today"]
    return Hop(
        name=entry["hop"],
        sender=entry["from"],
        receiver=entry["to"],
        meaning=entry["meaning"],
        today=today["is"],
        how=today["how"],
        reason=today.get("reason", ""),
        sources=tuple(today["source"]),
        after=tuple(entry["after"]),
        exchange=entry.get("exchange", ""),
        evidence=evidence,
        one_witness=entry.get("one_witness", ""),
        waits_for=tuple(entry.get("waits_for", ())),
        needs=needs,
        once=entry.get("once", ""),
        denied_by=denials,
        not_alone=entry.get("not_alone", ""),
        cached=_exemption(entry.get("cached"), f"{where}: cached"),
        not_applicable=_exemption(entry.get("not_applicable"), f"{where}: not_applicable"),
        hint=_hint(entry["hint"], f"{where}: hint"),
    )


def _flow(entry: Mapping[str, Any], path: Path, hops: Mapping[str, Hop]) -> Flow:
    steps = tuple(
        Step(each_step["step"], tuple(each_step["hops"]), each_step.get("says", "")) for each_step in entry["steps"]
    )
    numbers = [step.number for step in steps]
    for number in numbers:
        if numbers.count(number) > 1:
            raise ConfigurationError(f"{path}: step {number} is there twice")
    for step in steps:
        _known(step.hops, hops, f"{path}: step {step.number}: hops")
    also = tuple(entry.get("also", ()))
    _known(also, hops, f"{path}: also")
    for name in also:
        if any(name in step.hops for step in steps):
            raise ConfigurationError(f"{path}: also: {name} is a hop of a step, too: remove it here")
    if entry["flow"] != path.stem:
        raise ConfigurationError(f"{path}: flow is {entry['flow']!r}, and the file's name says {path.stem!r}")
    return Flow(entry["flow"], entry["title"], steps, also)
