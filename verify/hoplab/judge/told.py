"""What was told before a launch of how much of it can be seen, as it is kept with the run.

Only what was told then counts as good: that a hop can't be seen is no excuse that is found afterwards.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hoplab.flow.model import NEEDED, Catalogue, Hop
from hoplab.flow.sources import HIGHEST, source_kinds
from hoplab.flow.visibility import narrowed
from hoplab.judge.verdicts import UNTOLD, Verdict
from hoplab.model.errors import ConfigurationError
from hoplab.model.schemas import TEXT, SchemaReader, list_schema, map_schema, object_schema
from hoplab.run.record import DAMAGED, write_json

TOLD: Final = "told.json"
SCHEMA: Final = 1
FORM: Final = object_schema(
    {
        "schema": {"const": SCHEMA},
        "profile": TEXT,
        "level": {"type": "integer", "minimum": 0, "maximum": HIGHEST},
        "sources": list_schema(TEXT),
        "hops": map_schema({"enum": [str(verdict) for verdict in (Verdict.PROVED, *sorted(UNTOLD))]}),
    },
    closed=True,
)
"""What told.json has to be (JSON Schema)."""
READER: Final = SchemaReader(FORM)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told.

    profile: the kind of cloud; level: how much may be switched on; sources: names of the kinds of sources that are
    there; hops: by name the least verdict of a hop that happened.
    """

    profile: str
    level: int
    sources: tuple[str, ...]
    hops: Mapping[str, Verdict]


def foretell(catalogue: Catalogue, profile: str, level: int, sources: Collection[str], known: Collection[str]) -> Told:
    """Return what is to be told of a journey before it begins. known: names of the ids that its client will know."""
    hops = narrowed(catalogue, sources, known).hops
    return Told(profile, level, tuple(sources), {name: least_verdict(hop) for name, hop in hops.items()})


def least_verdict(hop: Hop) -> Verdict:
    """Return the least verdict that a hop may have if it happened, by what a cloud shows of it."""
    actors = {witness.who for witness in hop.evidence}
    if not actors or hop.unexcused:
        return Verdict.NOT_OBSERVABLE
    whole = len(actors) >= NEEDED and hop.needs in {"", *actors}
    return Verdict.PROVED if whole or not hop.hidden else Verdict.SEEN


def write_told(told: Told, directory: Path) -> None:
    """Write what was told into a run's directory."""
    plain = {"schema": SCHEMA, "profile": told.profile, "level": told.level, "sources": list(told.sources)}
    write_json(directory / TOLD, {**plain, "hops": {name: str(verdict) for name, verdict in told.hops.items()}})


def read_told(directory: Path) -> Told | None:
    """Return what was told before a run; None where nothing was, so that all must be seen.

    Raises ConfigurationError for a file that is damaged, or that names a source that is not known here.
    """
    path = directory / TOLD
    if not os.path.lexists(path):
        return None
    found = READER.read(path, advice=DAMAGED)
    for number, name in enumerate(found["sources"]):
        if name not in source_kinds():
            raise ConfigurationError(f"{path}: sources.{number}: there is no kind of source {name!r}: {DAMAGED}")
    hops = {name: Verdict(said) for name, said in found["hops"].items()}
    return Told(found["profile"], found["level"], tuple(found["sources"]), hops)
