"""What a snapshot says of itself: what it was made from, and the layers of each node."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import LabError

SCHEMA = 1
_KINDS = {"made": str, "bytes": int, "version": str, "layers": list, "inventory": dict, "nodes": dict}


def write_json(path: str, content: Any) -> None:
    """Write a file for root alone that is either the old one or the new one, whatever happens."""
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(path + ".new", path)


def read_manifest(path: str) -> dict[str, Any]:
    """Return a manifest; raises LabError, which names file and place, when it is damaged."""
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError, RecursionError) as error:
        raise LabError(f"{path} is damaged: {error}") from error
    if not isinstance(found, dict):
        raise LabError(f"{path} is damaged: it holds no object")
    if found.get("schema") != SCHEMA:
        raise LabError(f"{path}: schema is {found.get('schema')!r}, and this version of Hoplab knows {SCHEMA}")
    for key, kind in _KINDS.items():
        if type(found.get(key)) is not kind:
            raise LabError(f"{path} is damaged: {key} is {found.get(key)!r}")
    for key, layers in (("layers", found["layers"]), *((f"nodes.{node}", of) for node, of in found["nodes"].items())):
        if not _are_paths(layers):
            raise LabError(f"{path} is damaged: {key} is {layers!r}, and should be paths")
    return found


def _are_paths(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(one, str) and one[:1] == "/" for one in given)


def differences(manifest: dict[str, Any], about: dict[str, Any]) -> Iterator[str]:
    """Yield in what a snapshot was made from something else than the lab would be now."""
    then, now = manifest["layers"], about["layers"]
    if then != now:
        yield (
            f"its nodes stand on the root layers {' and '.join(map(os.path.basename, then))}, and this version of "
            f"Hoplab makes nodes on {' and '.join(map(os.path.basename, now))}"
        )
    was, files = manifest["inventory"], about["inventory"]
    for file in sorted({*was, *files}):
        if was.get(file) != files.get(file):
            what = "is new" if file not in was else "is gone" if file not in files else "has changed"
            yield f"the inventory's file {file} {what} since"
