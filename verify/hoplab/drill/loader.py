"""Reads the drill files. What is not plainly right is refused with the file, the fault and the key."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from hoplab.documents import read_document
from hoplab.drill.means import KINDS
from hoplab.drill.model import Fault, Means, Sight
from hoplab.errors import ConfigurationError

HERE: Final = Path(__file__).parent


def load(hops: Collection[str], directory: Path = HERE) -> dict[str, Fault]:
    """Return all faults of a directory's *.yaml by name, in the order of files and entries.

    hops: names of all hops. Raises ConfigurationError that names the file, the fault and the key.
    """
    schema = yaml.safe_load((HERE / "schema.yaml").read_text(encoding="utf-8"))
    faults: dict[str, Fault] = {}
    for path in sorted(directory.glob("*.yaml")):
        if path.name == "schema.yaml":
            continue
        document = read_document(path, schema, "faults")
        for entry in document["faults"]:
            fault = _fault(entry, document["component"], f"{path}: fault {entry['fault']}")
            if fault.name in faults:
                raise ConfigurationError(f"{path}: fault {fault.name} is there twice")
            if fault.breaks not in hops:
                raise ConfigurationError(f"{path}: fault {fault.name}: breaks: there is no hop {fault.breaks}")
            faults[fault.name] = fault
    return faults


def _fault(entry: Mapping[str, Any], component: str, where: str) -> Fault:
    return Fault(
        name=entry["fault"],
        title=entry["title"],
        component=component,
        means=tuple(_means(one, f"{where}: means {number}") for number, one in enumerate(entry["means"], 1)),
        breaks=entry["breaks"],
        because=entry.get("because", ""),
        sees=Sight(**entry["sees"]),
        wait=float(entry["wait"]),
    )


def _means(entry: Mapping[str, str], where: str) -> Means:
    kind = KINDS.get(entry["do"])
    if kind is None:
        raise ConfigurationError(f"{where}: do is {entry['do']!r}: it may be {', '.join(KINDS)}")
    options = {key: value for key, value in entry.items() if key not in {"do", "at"}}
    for key in sorted(kind.options ^ set(options)):
        problem = "is missing" if key in kind.options else f"is nothing that {entry['do']} knows: remove it"
        raise ConfigurationError(f"{where}: {key} {problem}")
    return Means(entry["do"], entry["at"], options)
