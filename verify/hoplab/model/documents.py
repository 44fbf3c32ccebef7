"""The pack's own YAML files: read, and refused where they are not plainly right."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

from hoplab.model import files
from hoplab.model.errors import ConfigurationError
from hoplab.model.validation import Validator

NAMES: Final = ("hop", "step", "fault")
"""Keys by which an entry of a list is called."""


@cache
def _schema(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = files.read_yaml(path, advice="correct the file")
    return found


def read_schema(path: Path) -> dict[str, Any]:
    """Return what the files of a directory may say: a copy of what was read once."""
    return deepcopy(_schema(path))


def read_document(path: Path, schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a file's mapping, checked against the schema of its kind; `$defs` is common to all kinds.

    Raises ConfigurationError that names the file, the place and the key.
    """
    found = files.read_yaml(path, advice="correct the file")
    fault = Validator({**schema[kind], "$defs": schema["$defs"]}).first_fault(found)
    if fault is not None:
        raise ConfigurationError(f"{path}: {_place(found, fault.path)}: {fault.message}")
    return dict(found)


def _place(document: Any, path: Iterable[str | int]) -> str:
    """Return where in a document an error is, with the entry's own name where it has one."""
    parts = []
    for key in path:
        document = document[key]
        name = next((document[word] for word in NAMES if isinstance(document, dict) and word in document), None)
        if isinstance(key, str):
            parts.append(key)
        elif name:
            parts[-1] = f"{parts[-1].removesuffix('s')} {name}"
        else:
            parts.append(f"entry {key + 1}")
    return ": ".join(parts) or "the document"
