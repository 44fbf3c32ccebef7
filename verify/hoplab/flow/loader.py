"""Reads the flow files. What is not plainly right is refused with the file, the hop and the key."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, Final

from hoplab.flow.actors import ACTORS
from hoplab.flow.hop_entries import read_hop, refuse_unknown
from hoplab.flow.model import LAUNCH, PLACEHOLDER, Catalogue, Flow, Hop, Lesson, Requests, Step, Tries
from hoplab.flow.vocabulary import EVENTS, IDS
from hoplab.model.documents import read_document, read_schema
from hoplab.model.errors import ConfigurationError

HERE: Final = Path(__file__).parent
JOURNEY: Final = "journey.yaml"
"""What a journey's directory says of itself and its ids."""


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
    instead = tuple(lesson for lesson in lessons if lesson.instead)
    lessons = tuple(lesson for lesson in lessons if not lesson.instead)
    own = {
        "name": entry["journey"],
        "main": entry["main"],
        "done": entry["done"],
        "known": tuple(entry["known"]),
        "instead": instead,
    }
    return Catalogue(hops, flows, Requests(**entry["requests"]), lessons, tries, **own)


def _journey(entry: Mapping[str, Any], where: str) -> tuple[tuple[Lesson, ...], Tries | None]:
    for number, each_lesson in enumerate(entry.get("learnt", ()), 1):
        for kind in map(EVENTS.__getitem__, each_lesson["from"]):
            refuse_unknown(
                [each_lesson["id"], *each_lesson["beside"]], kind.ids, f"{where}: learnt {number}", kind.name
            )
            refuse_unknown(each_lesson.get("where", {}), kind.fields, f"{where}: learnt {number}: where", kind.name)
        for name in {name for text in each_lesson.get("where", {}).values() for name in PLACEHOLDER.findall(text)}:
            if name not in IDS:
                raise ConfigurationError(f"{where}: learnt {number}: where has {{{name}}}: there is no id {name}")
    lessons = tuple(
        Lesson(
            lesson["id"],
            tuple(lesson["from"]),
            frozenset(lesson["beside"]),
            lesson.get("where", {}),
            instead=lesson.get("instead", False),
        )
        for lesson in entry.get("learnt", ())
    )
    tries = entry.get("tries")
    if tries is None:
        return lessons, None
    kind = EVENTS[tries["event"]]
    refuse_unknown([tries["by"]], kind.ids, f"{where}: tries: by", kind.name)
    refuse_unknown([*tries["where"], tries["host"]], kind.fields, f"{where}: tries", kind.name)
    goes_on, anew = frozenset(tries["goes_on"]), frozenset(tries["anew"])
    return lessons, Tries(tries["event"], tries["where"], tries["by"], tries["host"], goes_on, anew)


def _hops(directory: Path, schema: Mapping[str, Any]) -> dict[str, Hop]:
    """Return all hops, each after those that it must follow."""
    hops: dict[str, Hop] = {}
    places: dict[str, str] = {}
    for path in sorted((directory / "hops").glob("*.yaml")):
        for entry in read_document(path, schema, "hops")["hops"]:
            hop = read_hop(entry, path)
            if hop.name in hops:
                raise ConfigurationError(f"{path}: hop {hop.name} is there twice, here and in {places[hop.name]}")
            hops[hop.name], places[hop.name] = hop, f"{path}: hop {hop.name}"
    if not hops:
        raise ConfigurationError(f"{directory / 'hops'}: there are no hops in it")
    for name, hop in hops.items():
        _named_hops(hop, hops, places[name])
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


def _named_hops(hop: Hop, hops: Mapping[str, Hop], where: str) -> None:
    """Refuse the names of hops that there are not, or that can't stand where they do."""
    _known(hop.after, hops, f"{where}: after")
    _known(hop.waits_for, hops, f"{where}: waits_for")
    for earlier in hop.despite:
        if earlier not in hop.after:
            raise ConfigurationError(f"{where}: despite: {earlier} is none of `after`: remove it here")
    sets = (hop.evidence, *(alternative.evidence for alternative in hop.alternatives))
    for witness in (witness for evidence in sets for witness in evidence):
        _known(witness.late, hops, f"{where}: evidence: {witness.event} of {witness.who}: late")


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
