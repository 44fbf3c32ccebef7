"""A run's directory and its journey.json: what the judgement needs to know besides what was captured."""

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hoplab.flow.loader import journeys
from hoplab.flow.model import LAUNCH
from hoplab.model import files
from hoplab.model.clocks import NodeClock
from hoplab.model.errors import ConfigurationError
from hoplab.model.events import Ids
from hoplab.model.schemas import COUNT, TEXT, YES, SchemaReader, list_schema, map_schema, nullable, object_schema
from hoplab.model.sources import Source, is_place
from hoplab.model.states import StateSeen

SCHEMA: Final = 1
JOURNEY: Final = "journey.json"
EVENTS: Final = "events.jsonl"
REPORT: Final = "report.json"
RAW: Final = "raw"
LATEST: Final = "latest"
PREPARATION: Final = "preparation"
"""How the stage before a launch is called, where else a hop's name stands."""

ROOM: Final = 32 << 20
"""Bytes that must be free for a run: twice what one usually takes."""
ELSEWHERE: Final = "free space there, or name another place for runs with --runs"
DAMAGED: Final = "the run is damaged, make another"
NUMBER: Final = {"type": "number", "minimum": -60_000_000_000, "maximum": 253_402_300_799}
"""Also seconds since 1970, which Python can write from the year 68 to 9999."""


UNPREPARED: Final = object_schema(
    {
        **dict.fromkeys(("step", "service", "request", "answer", "request_id"), TEXT),
        "down": list_schema(TEXT),
        "log": list_schema(object_schema(dict.fromkeys(("node", "file", "line"), TEXT), closed=True)),
    },
    closed=True,
)
STATE: Final = object_schema(
    {"seconds": NUMBER, "status": TEXT, "task_state": nullable(TEXT), "vm_state": nullable(TEXT)}, closed=True
)
SOURCE: Final = object_schema(
    {**dict.fromkeys(("node", "name", "who", "form"), TEXT), "size": COUNT, "problem": TEXT}, closed=True
)
FORM: Final = object_schema(
    {
        "schema": {"const": SCHEMA},
        **dict.fromkeys(("run", "release", "inventory"), TEXT),
        "warm": YES,
        "started": NUMBER,
        "ended": NUMBER,
        "ids": map_schema(list_schema(TEXT)),
        **dict.fromkeys(("name", "host", "status"), TEXT),
        "seconds_to_active": nullable({"type": "number"}),
        "error": TEXT,
        "sources": list_schema(SOURCE),
        "clocks": map_schema(
            object_schema({"offset": NUMBER, "uncertainty": {"type": "number", "minimum": 0}}, closed=True)
        ),
        **dict.fromkeys(("hosts", "units", "pools"), map_schema(TEXT)),
        "seen": list_schema(STATE),
        "states": list_schema(object_schema(dict.fromkeys(("node", "service", "unit", "state"), TEXT), closed=True)),
    },
    # Older runs do not have these.
    {"unprepared": nullable(UNPREPARED), "notes": list_schema(TEXT), "journey": {"enum": [*journeys()]}},
    closed=True,
)
"""What journey.json has to be (JSON Schema)."""
READER: Final = SchemaReader(FORM)


@dataclass(frozen=True, slots=True)
class Unit:
    """A daemon in systemd's words when the launch was over. service: its name in the lab's description."""

    node: str
    service: str
    unit: str
    state: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log. file: its path on the node."""

    node: str
    file: str
    line: str


@dataclass(frozen=True, slots=True)
class FailedPreparation:
    """Why nothing was launched: what the preparation could not get.

    step: what was being made, such as `volume`; service: the program that was asked; request: its method and path,
    empty if none was sent; answer: what came of it, in words; request_id: the service's id of it, empty if it gave
    none; down: daemons that are not up by the word of the services themselves; log: what was logged of it.
    """

    step: str
    service: str
    request: str
    answer: str
    request_id: str
    down: tuple[str, ...]
    log: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is known of a launch, or of another journey, without looking at what was captured.

    run: the directory's name; started, ended: seconds since 1970 by our clock; what is later does not count; ids: what
    the client knows of its launch; host: the instance's node, empty if none was chosen; status: that the client saw
    last, of the instance, or of what else was asked for, empty if none; seconds_to_active: until that was as asked for,
    None if it never was; error: what went wrong, in words;
    clocks: by node; hosts: node by address; units: actor by systemd unit; pools: Ceph's pools by id; states: of the
    daemons at the end; unprepared: why nothing was launched, None if something was; notes: what the preparation did in
    another way than it was meant; journey: its name.
    """

    run: str
    release: str
    inventory: str
    warm: bool
    started: float
    ended: float
    ids: Ids
    name: str
    host: str
    status: str
    seconds_to_active: float | None
    error: str
    sources: tuple[Source, ...]
    clocks: Mapping[str, NodeClock]
    hosts: Mapping[str, str]
    units: Mapping[str, str]
    pools: Mapping[str, str]
    seen: tuple[StateSeen, ...] = ()
    states: tuple[Unit, ...] = ()
    unprepared: FailedPreparation | None = None
    notes: tuple[str, ...] = ()
    journey: str = LAUNCH

    @property
    def down(self) -> tuple[Unit, ...]:
        """The daemons that were not active when the launch was over."""
        return tuple(unit for unit in self.states if not unit.state.startswith("active"))


def write_record(record: RunRecord, directory: Path) -> None:
    """Write journey.json, whole or not at all."""
    plain = {"schema": SCHEMA, **dataclasses.asdict(record)}
    plain["ids"] = {name: sorted(values) for name, values in sorted(record.ids.items())}
    write_json(directory / JOURNEY, plain)


def write_json(path: Path, document: Any, mode: int = 0o666) -> None:
    """Write a JSON file, whole or not at all, and to the disk. mode: who may read it, less the process's mask.

    Raises ConfigurationError that names the file, where the disk is full, say.
    """
    fresh = path.with_name(f".{path.name}.new")
    with written(path):
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as stream:
            stream.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)


@contextmanager
def written(path: Path, advice: str = "free space there, or see who may write there") -> Iterator[None]:
    """Turn what goes wrong when something is written into a ConfigurationError. path: named in it; advice: as well."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror or error}): {advice}") from None


def make_directory(directory: Path) -> None:
    """Make a run's directory, and see that there is room for a run. Raises ConfigurationError that names it."""
    with written(directory, ELSEWHERE):
        directory.mkdir(parents=True)
        probe = directory / ".room"
        try:
            with probe.open("wb") as stream:
                os.posix_fallocate(stream.fileno(), 0, ROOM)
        finally:
            probe.unlink(missing_ok=True)


def read_record(directory: Path) -> RunRecord:
    """Read a run's journey.json. Raises ConfigurationError that names the file, the field and what to do."""
    path = directory / JOURNEY
    advice = f"{DAMAGED}, or name a run's directory, such as runs/{LATEST}"
    record = _record(READER.read(path, advice=advice))
    names = [(source.node, source.name) for source in record.sources]
    for number, (node, name) in enumerate(names):
        if "/" in node or not is_place(node) or not is_place(name):
            said = files.shortened(repr(f"{node}/{name}"))
            raise ConfigurationError(f"{path}: sources.{number}: {said} is no name of a source: {advice}")
    if len(set(names)) < len(names):
        raise ConfigurationError(f"{path}: sources: one of them is there twice: {advice}")
    return record


def _record(found: dict[str, Any]) -> RunRecord:
    values = {name: value for name, value in found.items() if name != "schema"}
    values["ids"] = {name: frozenset(some) for name, some in found["ids"].items()}
    values["sources"] = tuple(Source(**source) for source in found["sources"])
    values["clocks"] = {node: NodeClock(**clock) for node, clock in found["clocks"].items()}
    values["seen"] = tuple(StateSeen(**state) for state in found["seen"])
    values["states"] = tuple(Unit(**state) for state in found["states"])
    values["notes"] = tuple(found.get("notes", ()))
    values["unprepared"] = _unprepared(found.get("unprepared"))
    return RunRecord(**values)


def _unprepared(found: dict[str, Any] | None) -> FailedPreparation | None:
    if found is None:
        return None
    return FailedPreparation(
        **{**found, "down": tuple(found["down"]), "log": tuple(LogLine(**line) for line in found["log"])}
    )


def point_latest(directory: Path) -> None:
    """Have `latest` beside a run's directory lead to it."""
    link = directory.parent / LATEST
    fresh = directory.parent / f".{LATEST}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(directory.name)
    fresh.replace(link)


def share_raw(first: Path, other: Path) -> None:
    """Give another run of the same recording the raw files, as further names of the same files."""
    for path in sorted((first / RAW).rglob("*")):
        place = other / RAW / path.relative_to(first / RAW)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(path)
