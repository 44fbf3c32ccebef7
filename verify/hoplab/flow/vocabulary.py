"""What the flow files may speak of: kinds of events with their fields and ids (kinds.yaml), and of ids (ids.yaml)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hoplab.model.documents import read_document, read_schema
from hoplab.model.errors import ConfigurationError

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of events.

    what: what it is; said: how it is put in a sentence; fields, ids: those that an event of it may have; tables, sets:
    of a statement, see kinds.yaml.
    """

    name: str
    what: str
    said: str
    fields: frozenset[str]
    ids: frozenset[str]
    tables: frozenset[str]
    sets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IdKind:
    """A kind of ids. called: how it is called in a sentence; what: what it is; for the others see ids.yaml."""

    name: str
    called: str
    what: str
    thing: bool
    telling: bool
    asked: bool
    exchange: bool
    behind: bool
    form: str
    found_in: Mapping[str, tuple[str, ...]]


def load_ids(path: Path = HERE / "ids.yaml") -> dict[str, IdKind]:
    """Return all kinds of ids by name. Raises ConfigurationError that names the file, the place and the key."""
    flags = ("thing", "telling", "asked", "exchange", "behind")
    return {
        name: IdKind(
            name,
            entry["called"],
            entry["is"],
            **{flag: entry.get(flag, False) for flag in flags},
            form=entry.get("form", "uuid"),
            found_in={place: tuple(names) for place, names in entry.get("found_in", {}).items()},
        )
        for name, entry in _entries(path, "ids", "id").items()
    }


def load_events(path: Path = HERE / "kinds.yaml") -> dict[str, EventKind]:
    """Return all kinds of events by name. Raises ConfigurationError that names the file, the place and the key."""
    found = {}
    for name, entry in _entries(path, "kinds", "kind").items():
        for id_entry in entry["ids"]:
            if id_entry not in IDS:
                raise ConfigurationError(f"{path}: kind {name}: ids: there is no id {id_entry}")
        fields, ids, tables = (frozenset(entry.get(key, ())) for key in ("fields", "ids", "tables"))
        found[name] = EventKind(name, entry["is"], entry["said"], fields, ids, tables, entry.get("sets", {}))
    return found


def _entries(path: Path, kind: str, key: str) -> dict[str, Mapping[str, Any]]:
    schema = read_schema(HERE / "schema.yaml")
    found: dict[str, Mapping[str, Any]] = {}
    for entry in read_document(path, schema, kind)[kind]:
        if entry[key] in found:
            raise ConfigurationError(f"{path}: {key} {entry[key]} is there twice")
        found[entry[key]] = entry
    return found


IDS: Final = load_ids()
EVENTS: Final = load_events()
THINGS: Final = tuple(id_kind.name for id_kind in IDS.values() if id_kind.thing)
"""Ids of what a launch has. An event about another one's is not about this launch, whatever else it carries."""
TELLING: Final = frozenset(one.name for one in IDS.values() if one.telling)
"""Ids by which it is told whose launch it is. A network, an image or a token is several launches' as a rule."""
ASKED: Final = frozenset(each_id_kind.name for each_id_kind in IDS.values() if each_id_kind.asked)
"""Ids by which a message or request is a launch's. An instance alone is none: periodic tasks speak of all."""
EXCHANGE: Final = tuple(one.name for one in IDS.values() if one.exchange)
"""Ids of one exchange, known only from what was exchanged."""
SHOWN: Final = frozenset(one.name for one in IDS.values() if not one.exchange and not one.behind)
"""Ids that a client knows of what it asked for in the end, if all goes well."""


def places(kind: str) -> dict[str, str]:
    """Return which id stands at each place of a kind, such as `columns` (see ids.yaml)."""
    return {place: name for name, known in IDS.items() for place in known.found_in.get(kind, ())}
