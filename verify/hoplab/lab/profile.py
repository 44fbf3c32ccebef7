"""Profiles: where a cloud's evidence is, whose word it is, and in which form."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from hoplab.flow.actors import ACTORS
from hoplab.flow.sources import source_kinds
from hoplab.lab.deployment import Node
from hoplab.model import files
from hoplab.model.errors import ConfigurationError
from hoplab.model.validation import Validator, checked

HERE: Final = Path(__file__).parent / "profiles"
ADVICE: Final = "correct the profile"


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a kind of cloud.

    logs: (service, end of the path with wildcards, who, form); deployed: names of the kinds of sources that are there;
    switchable: of those that can be had, each from its level on.
    """

    name: str
    logs: tuple[tuple[str, str, str, str], ...]
    deployed: tuple[str, ...]
    switchable: tuple[str, ...]

    def sources(self, level: int) -> tuple[str, ...]:
        """Return the names of the kinds of sources that are there if all up to a level is switched on."""
        kinds = source_kinds()
        there = {name for name in self.switchable if (kinds[name].level or 0) <= level} | set(self.deployed)
        return tuple(name for name in kinds if name in there)

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


def profile_path(name: str) -> Path:
    """Return the file of a profile; ConfigurationError that lists all profiles if there is none of this name."""
    names = sorted(path.stem for path in HERE.glob("*.yaml") if path.stem != "schema")
    if name not in names:
        raise ConfigurationError(f"there is no profile {name!r}: there are {', '.join(names)}")
    return HERE / f"{name}.yaml"


def load_profile(path: Path = HERE / "lab.yaml") -> Profile:
    """Read a profile. Raises ConfigurationError that names the file and the place."""
    schema = Validator(files.read_yaml(HERE / "schema.yaml", advice=ADVICE))
    found = checked(path, files.read_yaml(path, advice=ADVICE), schema, advice=ADVICE)
    if "logs_of" in found:
        logs = load_profile(profile_path(found["logs_of"])).logs
    else:
        logs = tuple(_log(line, f"{path}: logs.{number}") for number, line in enumerate(found["logs"]))
    for key in ("deployed", "switchable"):
        for number, name in enumerate(found.get(key, ())):
            _check_source(name, f"{path}: {key}.{number}", switched=key == "switchable")
    return Profile(path.stem, logs, tuple(found["deployed"]), tuple(found.get("switchable", ())))


def _check_source(name: str, where: str, *, switched: bool) -> None:
    kinds = source_kinds()
    if name not in kinds:
        raise ConfigurationError(f"{where}: there is no kind of source {name}: {ADVICE}")
    if switched and kinds[name].level is None:
        raise ConfigurationError(f"{where}: {name} has no level, it is only there where it is deployed: {ADVICE}")


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
