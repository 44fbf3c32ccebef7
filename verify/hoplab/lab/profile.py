"""Profiles: where a cloud's evidence is, whose word it is, and in which form."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import jsonschema

from hoplab.lab.deployment import Node
from hoplab.model import files

HERE: Final = Path(__file__).parent / "profiles"
ADVICE: Final = "correct the profile"


@dataclass(frozen=True, slots=True)
class Profile:
    """logs: (service, end of the path with wildcards, who, form); recorders, client: (who, form) by name."""

    logs: tuple[tuple[str, str, str, str], ...]
    recorders: Mapping[str, tuple[str, str]]
    client: Mapping[str, tuple[str, str]]

    def log(self, node: Node, path: str) -> tuple[str, str] | None:
        """Return whose word a log file of a node is and its form; None for one that nothing is read from."""
        for service in node.services:
            for pattern in service.logs:
                if not fnmatch(path, pattern):
                    continue
                for name, file, who, form in self.logs:
                    if name == service.name and fnmatch(path, f"*/{file}"):
                        return who, form
        return None

    def expected(self, node: Node) -> dict[str, tuple[str, str]]:
        """Return who and form of each pattern of log files that a node must have, by the pattern."""
        found = {}
        for service in node.services:
            for pattern in service.logs:
                known = self.log(node, pattern)
                if known:
                    found[pattern] = known
        return found


def load_profile(path: Path = HERE / "lab.yaml") -> Profile:
    """Read a profile. Raises ConfigurationError that names the file and the place."""
    schema = jsonschema.Draft202012Validator(files.read_yaml(HERE / "schema.yaml", advice=ADVICE))
    found = files.checked(path, files.read_yaml(path, advice=ADVICE), schema, advice=ADVICE)
    return Profile(
        tuple((line["service"], line["file"], line["who"], line["form"]) for line in found["logs"]),
        {name: (line["who"], line["form"]) for name, line in found["recorders"].items()},
        {name: (line["who"], line["form"]) for name, line in found["client"].items()},
    )
