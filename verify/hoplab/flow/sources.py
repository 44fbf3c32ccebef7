"""What kinds of sources there are (sources.yaml), and which of them a witness can come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from hoplab.flow.actors import ACTORS
from hoplab.flow.model import Witness
from hoplab.flow.vocabulary import EVENTS, IDS
from hoplab.model.documents import read_document, read_schema
from hoplab.model.errors import ConfigurationError

HERE: Final = Path(__file__).parent
HIGHEST: Final = 4
"""The highest level."""


@dataclass(frozen=True, slots=True)
class Given:
    """Events that a source gives.

    events: their kinds; of: whose word alone, empty for all but those in `but`; where: the values of fields of those
    that it gives; fields, ids: that they carry.
    """

    events: frozenset[str]
    of: frozenset[str]
    but: frozenset[str]
    where: Mapping[str, frozenset[str]]
    fields: frozenset[str]
    ids: frozenset[str]

    def matches(self, witness: Witness) -> bool:
        """Tell whether it gives all that a witness may be, whatever fields and ids are asked of it."""
        return (
            witness.event in self.events
            and (not self.of or witness.who in self.of)
            and witness.who not in self.but
            and all(
                key in witness.where and wanted.issuperset(witness.where[key]) for key, wanted in self.where.items()
            )
        )


@dataclass(frozen=True, slots=True)
class Addition:
    """What events of other sources (`to`) have only if this one is there, too."""

    to: frozenset[str]
    fields: frozenset[str]
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of sources.

    called: in a sentence; what: what it is; level: from which on it may be read, None where only a cloud that was
    deployed so has it; costs, undone: in words.
    """

    name: str
    called: str
    what: str
    level: int | None
    costs: str
    undone: str
    gives: tuple[Given, ...]
    adds: tuple[Addition, ...]


@cache
def source_kinds() -> Mapping[str, SourceKind]:
    """Return all kinds of sources by name, in the file's order. Raises ConfigurationError as `load_sources` does."""
    return load_sources()


def load_sources(path: Path = HERE / "sources.yaml") -> dict[str, SourceKind]:
    """Return all kinds of sources by name. Raises ConfigurationError that names the file, the source and the key."""
    schema = read_schema(HERE / "schema.yaml")
    schema["$defs"] |= {"actor": {"enum": [*ACTORS]}, "kind": {"enum": [*EVENTS]}, "id": {"enum": [*IDS]}}
    found: dict[str, SourceKind] = {}
    for entry in read_document(path, schema, "sources")["sources"]:
        if entry["source"] in found:
            raise ConfigurationError(f"{path}: source {entry['source']} is there twice")
        found[entry["source"]] = _source(entry, f"{path}: source {entry['source']}")
    for kind in found.values():
        for number, addition in enumerate(kind.adds, 1):
            _check_addition(addition, found, f"{path}: source {kind.name}: adds {number}")
    return found


def _source(entry: Mapping[str, Any], where: str) -> SourceKind:
    return SourceKind(
        name=entry["source"],
        called=entry["called"],
        what=entry["is"],
        level=entry.get("level"),
        costs=entry["costs"],
        undone=entry["undone"],
        gives=tuple(_given(one, f"{where}: gives {number}") for number, one in enumerate(entry.get("gives", ()), 1)),
        adds=tuple(
            Addition(*(frozenset(one.get(key, ())) for key in ("to", "fields", "ids"))) for one in entry.get("adds", ())
        ),
    )


def _given(entry: Mapping[str, Any], where: str) -> Given:
    kinds = [EVENTS[name] for name in entry["events"]]
    fields = frozenset().union(*(kind.fields for kind in kinds))
    ids = frozenset().union(*(kind.ids for kind in kinds))
    for key, known, names in (
        ("where", fields, entry.get("where", {})),
        ("fields", fields, entry.get("fields", ())),
        ("ids", ids, entry.get("ids", ())),
    ):
        _refuse_unknown(names, known, f"{where}: {key}", entry["events"])
    if "of" in entry and "but" in entry:
        raise ConfigurationError(f"{where}: but: `of` names all whose word it is: remove one of them")
    return Given(
        events=frozenset(entry["events"]),
        of=frozenset(entry.get("of", ())),
        but=frozenset(entry.get("but", ())),
        where={key: frozenset(values) for key, values in entry.get("where", {}).items()},
        fields=frozenset(entry.get("fields", fields)),
        ids=frozenset(entry.get("ids", ids)),
    )


def _check_addition(addition: Addition, known: Mapping[str, SourceKind], where: str) -> None:
    for name in sorted(addition.to):
        if name not in known:
            raise ConfigurationError(f"{where}: to: there is no source {name}")
        kinds = sorted(frozenset().union(*(given.events for given in known[name].gives)))
        if not kinds:
            raise ConfigurationError(f"{where}: to: {name} gives no events: name one that does")
        for key, names, all_known in (
            ("fields", addition.fields, frozenset().union(*(EVENTS[kind].fields for kind in kinds))),
            ("ids", addition.ids, frozenset().union(*(EVENTS[kind].ids for kind in kinds))),
        ):
            _refuse_unknown(sorted(names), all_known, f"{where}: {key}", kinds)


def _refuse_unknown(names: Iterable[str], known: frozenset[str], where: str, kinds: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{where}: {', '.join(kinds)} has no {name}: it has {', '.join(sorted(known))}")


def sources_of(witness: Witness, kinds: Mapping[str, SourceKind]) -> tuple[str, ...]:
    """Return the names of those of some kinds of sources from which a witness can come, with what the others add."""
    return tuple(
        name for name, kind in kinds.items() if any(_gives(kind, given, witness, kinds) for given in kind.gives)
    )


def _gives(kind: SourceKind, given: Given, witness: Witness, kinds: Mapping[str, SourceKind]) -> bool:
    if not given.matches(witness):
        return False
    added = [addition for other in kinds.values() for addition in other.adds if kind.name in addition.to]
    fields = given.fields.union(*(addition.fields for addition in added))
    ids = given.ids.union(*(addition.ids for addition in added))
    return fields.issuperset(witness.where) and ids.issuperset(witness.by)
