"""What a drill did to a lab and has to be undone: on disk before it is done, so nothing outlives a crash unseen."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hoplab.drill.means import Kept
from hoplab.model import files
from hoplab.model.errors import ConfigurationError
from hoplab.model.schemas import TEXT, SchemaReader, list_schema, map_schema, object_schema
from hoplab.run.record import write_json

FILE: Final = "drill.json"
SCHEMA: Final = 1
OWNER: Final = 0o600
ADVICE: Final = "undo the fault by hand, or build the lab anew, and remove it"
_ENTRY: Final = object_schema(
    {**dict.fromkeys(("kind", "at", "node"), TEXT), **dict.fromkeys(("options", "kept"), map_schema(TEXT))}, closed=True
)
READER: Final = SchemaReader(
    object_schema({"schema": {"const": SCHEMA}, "fault": TEXT, "entries": list_schema(_ENTRY)})
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A means on one node, with what was kept to undo it."""

    kind: str
    at: str
    node: str
    options: Mapping[str, str]
    kept: Kept


class FaultJournal:
    """The file that says which fault is in a lab. directory: the lab's."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self.fault = ""
        self.entries: list[Entry] = []

    def begin(self, fault: str) -> None:
        """Say that a fault is being put in; ConfigurationError if there is one already."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER))
        except FileExistsError:
            raise ConfigurationError(
                f"{self.path}: a drill's fault is in this lab: take it out with `hoplab drill --heal` first"
            ) from None
        self.fault = fault
        self._write()

    def add(self, entry: Entry) -> None:
        """Note what is about to be done."""
        self.entries.append(entry)
        self._write()

    def undone(self) -> None:
        """Note that the last entry is undone."""
        self.entries.pop()
        self._write()

    def end(self) -> None:
        """Say that no fault is in."""
        self.path.unlink(missing_ok=True)

    def read(self) -> bool:
        """Read which fault is in, if one is; tells whether. Raises ConfigurationError for a damaged file."""
        if not os.path.lexists(self.path):
            return False
        if not files.read_text(self.path, advice=ADVICE):
            return True  # It was begun, and then nothing was done.
        found = READER.read(self.path, advice=ADVICE)
        self.fault = found["fault"]
        self.entries = [Entry(**entry) for entry in found["entries"]]
        return True

    def _write(self) -> None:
        document = {"schema": SCHEMA, "fault": self.fault, "entries": [asdict(entry) for entry in self.entries]}
        write_json(self.path, document, OWNER)
