"""Who acts in the flows: actors.yaml, read. All that the pack knows of an actor by its name stands there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hoplab.model.documents import read_document, read_schema
from hoplab.model.errors import ConfigurationError

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class RecorderEntry:
    """By what the agent on a node records an actor. form: of its text; beside: services on whose nodes it records."""

    form: str
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor of the flows.

    called: how it is called in a sentence; what: what it is; box: in which box of the picture it is drawn; service: its
    daemon by the name in a lab's description, empty if it is none; run_by: the service that runs it then, empty if none
    does; account: in the database; on_host: whether it acts on the instance's host; log: the form of its log files,
    empty if it has none of one form; recorders: by their names.
    """

    name: str
    called: str
    what: str
    project: str
    box: str
    service: str
    run_by: str
    account: str
    on_host: bool
    log: str
    recorders: Mapping[str, RecorderEntry]


def load(path: Path = HERE / "actors.yaml") -> dict[str, Actor]:
    """Return all actors by name. Raises ConfigurationError that names the file, the place and the key."""
    schema = read_schema(HERE / "schema.yaml")
    found: dict[str, Actor] = {}
    recorded: dict[str, str] = {}
    for entry in read_document(path, schema, "actors")["actors"]:
        actor = _actor(entry)
        if actor.name in found:
            raise ConfigurationError(f"{path}: actor {actor.name} is there twice")
        found[actor.name] = actor
        for recorder in actor.recorders:
            if recorder in recorded:
                raise ConfigurationError(f"{path}: recorder {recorder} is of {recorded[recorder]} and of {actor.name}")
            recorded[recorder] = actor.name
    return found


def _actor(entry: Mapping[str, Any]) -> Actor:
    return Actor(
        name=entry["actor"],
        called=entry["called"],
        what=entry["is"],
        project=entry["project"],
        box=entry.get("box", entry["project"]),
        service=entry.get("service", ""),
        run_by=entry.get("run_by", ""),
        account=entry.get("account", entry["actor"]),
        on_host=entry.get("on_host", False),
        log=entry.get("log", ""),
        recorders={
            name: RecorderEntry(one["form"], tuple(one["beside"])) for name, one in entry.get("recorders", {}).items()
        },
    )


ACTORS: Final = load()
SERVICES: Final = {actor.name: actor.service for actor in ACTORS.values() if actor.service}
"""Service by actor; actors that are no service of a node (client, guest, dnsmasq, QEMU) are not in it."""
BY_ACCOUNT: Final = {actor.account: actor.name for actor in ACTORS.values()}
"""Actor by its account in the database."""
ON_HOST: Final = frozenset(actor.name for actor in ACTORS.values() if actor.on_host)
"""Actors on the instance's host."""
BY_RECORDER: Final = {
    name: (actor.name, recorder.form) for actor in ACTORS.values() for name, recorder in actor.recorders.items()
}
"""Actor and form by the name of the recorder."""
