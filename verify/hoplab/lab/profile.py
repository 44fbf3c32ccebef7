"""Profiles: where a cloud's evidence is, whose word it is, and in which form."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from hoplab.flow.actors import ACTORS
from hoplab.lab.deployment import Node
from hoplab.model import files
from hoplab.model.errors import ConfigurationError
from hoplab.model.validation import Validator, checked

HERE: Final = Path(__file__).parent / "profiles"
ADVICE: Final = "correct the profile"


@dataclass(frozen=True, slots=True)
class Profile:
    """logs: (service, end of the path with wildcards, who, form)."""

    logs: tuple[tuple[str, str, str, str], ...]

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
    schema = Validator(files.read_yaml(HERE / "schema.yaml", advice=ADVICE))
    found = checked(path, files.read_yaml(path, advice=ADVICE), schema, advice=ADVICE)
    return Profile(tuple(_log(line, f"{path}: logs.{number}") for number, line in enumerate(found["logs"])))


def _log(line: Mapping[str, str], where: str) -> tuple[str, str, str, str]:
    """Return a line with whose word it is, and its form: where it does not say, that of the service's own actor."""
    service, who = line["service"], line.get("who", "")
    actor = (
        ACTORS.get(who)
        if who
        else next((each_actor for each_actor in ACTORS.values() if each_actor.service == line["service"]), None)
    )
    if actor is None:
        raise ConfigurationError(
            f"{where}: {f'there is no actor {who}' if who else f'no actor is {service}'}: {ADVICE}"
        )
    form = line.get("form") or actor.log
    if not form:
        raise ConfigurationError(f"{where}: logs of {actor.name} have no form of their own: name one: {ADVICE}")
    return service, line["file"], actor.name, form
