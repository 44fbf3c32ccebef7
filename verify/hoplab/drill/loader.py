"""Reads the drill files. What is not plainly right is refused with the file, the fault and the key."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from hoplab.documents import read_document
from hoplab.drill.means import KINDS
from hoplab.drill.model import Fault, Means, Sight
from hoplab.errors import ConfigurationError

HERE: Final = Path(__file__).parent
HOPS: Final = ("breaks", "slows", "besides")
"""Keys of a fault that name hops."""
EVERY: Final = "all"
OWN: Final = ("global-request", "image", "network", "volume")
"""Ids that a launch has before it begins."""


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
            for key, name in ((one, name) for one in HOPS for name in _names(entry.get(one, ()))):
                if name not in hops:
                    raise ConfigurationError(f"{path}: fault {fault.name}: {key}: there is no hop {name}")
            faults[fault.name] = fault
    return faults


def _names(value: str | Sequence[str]) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value


def _fault(entry: Mapping[str, Any], component: str, where: str) -> Fault:
    return Fault(
        name=entry["fault"],
        title=entry["title"],
        component=component,
        means=tuple(_means(one, f"{where}: means {number}") for number, one in enumerate(entry["means"], 1)),
        hop=entry.get("breaks") or entry["slows"],
        slows="slows" in entry,
        besides=tuple(entry.get("besides", ())),
        because=entry.get("because", ""),
        sees=Sight(**entry["sees"]),
        launches=entry.get("launches", 1),
        wait=float(entry["wait"]),
        rest=float(entry.get("rest", 0)),
        quick=entry.get("quick", False),
    )


def _means(entry: Mapping[str, str], where: str) -> Means:
    kind = KINDS.get(entry["do"])
    if kind is None:
        raise ConfigurationError(f"{where}: do is {entry['do']!r}: it may be {', '.join(KINDS)}")
    options = {key: value for key, value in entry.items() if key not in {"do", "at", "nodes"}}
    for key in sorted(kind.options ^ (set(options) - kind.choices)):
        problem = "is missing" if key in kind.options else f"is nothing that {entry['do']} knows: remove it"
        raise ConfigurationError(f"{where}: {key} {problem}")
    if options.get("own", OWN[0]) not in OWN:
        raise ConfigurationError(f"{where}: own is {options['own']!r}: it may be {', '.join(OWN)}")
    return Means(entry["do"], entry["at"], entry.get("nodes", EVERY) == EVERY, options)
