"""Reads the drill files. What is not plainly right is refused with the file, the fault and the key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from hoplab.drill.means import KINDS
from hoplab.drill.model import Fault, Means, Symptom
from hoplab.flow.model import LAUNCH, Catalogue
from hoplab.model.documents import read_document
from hoplab.model.errors import ConfigurationError
from hoplab.run.record import PREPARATION

HERE: Final = Path(__file__).parent
HOPS: Final = ("breaks", "slows", "besides")
"""Keys of a fault that name hops."""
EVERY: Final = "all"
EARLY: Final = "global-request"
"""The only id that a journey has before anything is prepared."""


def load(catalogues: Mapping[str, Catalogue], directory: Path = HERE) -> dict[str, Fault]:
    """Return all faults of a directory's *.yaml by name, in the order of files and entries.

    catalogues: of all journeys, by name. Raises ConfigurationError that names the file, the fault and the key.
    """
    schema = yaml.safe_load((HERE / "schema.yaml").read_text(encoding="utf-8"))
    faults: dict[str, Fault] = {}
    for path in sorted(directory.glob("*.yaml")):
        if path.name == "schema.yaml":
            continue
        document = read_document(path, schema, "faults")
        catalogue = catalogues.get(document.get("journey", LAUNCH))
        if catalogue is None:
            raise ConfigurationError(
                f"{path}: there is no journey {document['journey']!r}: there are {', '.join(catalogues)}"
            )
        for entry in document["faults"]:
            fault = _fault(entry, document["component"], catalogue, f"{path}: fault {entry['fault']}")
            if fault.name in faults:
                raise ConfigurationError(f"{path}: fault {fault.name} is there twice")
            for key, name in _named(entry):
                if name not in catalogue.hops:
                    raise ConfigurationError(f"{path}: fault {fault.name}: {key}: there is no hop {name}")
            faults[fault.name] = fault
    return faults


def _named(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the hops that a fault names, each with the key that does."""
    yield from ((key, name) for key in HOPS for name in _names(entry.get(key, ())))
    yield from (("before.breaks", name) for name in _names(entry.get("before", {}).get("breaks", ())))


def _names(value: str | Sequence[str]) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value


def _fault(entry: Mapping[str, Any], component: str, catalogue: Catalogue, where: str) -> Fault:
    fault = Fault(
        name=entry["fault"],
        title=entry["title"],
        origin=entry.get("from", ""),
        component=component,
        means=tuple(
            _means(means, catalogue.known, f"{where}: means {number}") for number, means in enumerate(entry["means"], 1)
        ),
        hop=entry.get("breaks") or entry.get("slows", ""),
        slows="slows" in entry,
        besides=tuple(entry.get("besides", ())),
        because=entry.get("because", ""),
        sees=Symptom(**entry.get("sees", {"status": "", "says": ""})),
        launches=entry.get("launches", 1),
        wait=float(entry["wait"]),
        settle=float(entry.get("settle", 0)),
        rest=float(entry.get("rest", 0)),
        quick=entry.get("quick", False),
        shows=tuple(entry.get("shows", ())),
        journey=catalogue.name,
    )
    return replace(fault, before=_early(fault, entry.get("before", {}), where))


def _early(fault: Fault, told: Mapping[str, Any], where: str) -> Fault | None:
    """Return a fault as it is when it is put in before anything is prepared; None if it can't be.

    told: what the file says of that; what it does not say is as with the fault itself.
    """
    if any(means.options.get("own", EARLY) != EARLY for means in fault.means):
        if told:
            raise ConfigurationError(f"{where}: before: no id but {EARLY} is known then: remove it")
        return None
    prepared = "service" not in told
    return replace(
        fault,
        early=True,
        hop=told.get("breaks", fault.hop) if prepared else PREPARATION,
        slows=fault.slows and not told,
        service=told.get("service", ""),
        request=told.get("request", ""),
        because=told.get("because", "" if told else fault.because),
        sees=Symptom(**told["sees"]) if "sees" in told else fault.sees if prepared else Symptom("", ""),
        shows=tuple(told.get("shows", fault.shows)),
    )


def _means(entry: Mapping[str, str], known: Sequence[str], where: str) -> Means:
    """Return a means. known: ids that the journey has before it begins."""
    kind = KINDS.get(entry["do"])
    if kind is None:
        raise ConfigurationError(f"{where}: do is {entry['do']!r}: it may be {', '.join(KINDS)}")
    options = {key: value for key, value in entry.items() if key not in {"do", "at", "nodes"}}
    for key in sorted(kind.options ^ (set(options) - kind.choices)):
        problem = "is missing" if key in kind.options else f"is nothing that {entry['do']} knows: remove it"
        raise ConfigurationError(f"{where}: {key} {problem}")
    if options.get("own", EARLY) not in known:
        raise ConfigurationError(f"{where}: own is {options['own']!r}: it may be {', '.join(known)}")
    return Means(entry["do"], entry["at"], entry.get("nodes", EVERY) == EVERY, options)
