"""Which scenarios have passed before with the same inputs, on this machine: they need not run again.

What is not an input is listed, not what is one: a file of a kind that nobody has thought of is an input of every
scenario.
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

KEPT_HOURS = 24
"""How long a result counts: what the nodes install may be another version the day after."""
SLOWER = 1.5
"""A scenario or a part of the test that takes as many times its last time is named at the end."""
MACHINE = ("/etc/os-release", "/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/preferences.d")
"""What of this machine decides which packages nodes get and what carries them, beside the kernel and Python."""
SHARED_ROLES = frozenset({"service", "ceph_common"})
"""Roles that others take templates and tasks from: inputs of every scenario."""
UNUSED = (
    "docs/",
    "tests/",
    "verify/tests/",
    "verify/samples/",
    "verify/page/",
    "inventories/local/hosts",
    "inventories/machines/",
    ".ci/",
    ".pre-commit-config.yaml",
    ".yamllint",
    ".ansible-lint",
    "Makefile",
    "bin/bench",
    "bin/chromium",
    "bin/clean",
    "bin/drawings",
    "bin/hops-page",
    "bin/lint",
    "bin/lock",
    "bin/logs",
    "bin/nothing-left",
    "bin/page",
    "bin/pictures",
    "bin/role",
    "bin/snapshots",
    "bin/test",
    "bin/unchanged",
    # The lab's own plays: scenarios have theirs.
    "playbooks/destroy",
    "playbooks/infrastructure",
    "playbooks/launch",
    "playbooks/nodes",
    "playbooks/openstack",
    "playbooks/restore",
    "playbooks/services",
    "playbooks/site",
    "playbooks/snapshot",
    "playbooks/start",
    "playbooks/stop",
    "playbooks/tasks/",
)
"""What no scenario reads."""
HELPERS = "molecule/shared/testing/"
"""Modules for tests: those are inputs that a scenario's tests import, at once or by way of others."""
IMPORTED = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)
PACK = "verify/"
USES_PACK = re.compile(r"\b(?:import hoplab|from hoplab|launch_command)\b")
PLUGINS = tuple(f"plugins/{kind}/" for kind in ("action", "lookup", "modules", "module_utils"))
"""Plugins that are known by the names of their files: those are inputs that another input names, all others always."""
WORD = re.compile(r"\w+")
NAMED = re.compile(r"\bname: *['\"]?(?:hoplab\.lab\.)?(\w+)")


@dataclass(frozen=True)
class Passed:
    """A scenario that passed: the digest of its inputs, when (seconds since the epoch), tests, and what it took."""

    digest: str
    when: float
    tests: int
    seconds: float

    @property
    def date(self) -> str:
        """When it was, as text, in this machine's time."""
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(self.when))


class Results:
    """The results kept in a directory, a file for each scenario of the clone at `root`."""

    def __init__(self, root: Path, directory: Path | None = None) -> None:
        """Take the directory of the user's cache unless another one is given."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._root = root
        self._directory = directory or cache / "hoplab" / "passed"

    def last(self, role: str) -> Passed | None:
        """Return the scenario's last result, whatever its inputs were; None without one that can be read."""
        try:
            return Passed(**json.loads((self._directory / f"{role}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def same(self, role: str, inputs: str = "") -> Passed | None:
        """Return the result of a run with the same inputs, if it is not too old.

        inputs: their digest; by default that of the scenario.
        """
        found = self.last(role)
        fresh = found is not None and 0 <= time.time() - found.when < KEPT_HOURS * 3600
        return found if fresh and found and found.digest == (inputs or digest(self._root, role)) else None

    def keep(self, role: str, inputs: str, tests: int, seconds: float) -> None:
        """Keep that a scenario passed with inputs of this digest, taken before it ran."""
        self._directory.mkdir(parents=True, exist_ok=True)
        made = self._directory / f"{role}.json.new"
        made.write_text(json.dumps(asdict(Passed(inputs, time.time(), tests, seconds))), encoding="utf-8")
        made.replace(self._directory / f"{role}.json")


def digest(root: Path, role: str) -> str:
    """Return the SHA-256 of all that a scenario is made from: names, modes and contents of files, and this machine."""
    return digest_of(root, inputs(root, role))


def digest_of(root: Path, names: Iterable[str]) -> str:
    """Return the SHA-256 of files of a clone (names, modes, contents) and of this machine."""
    found = hashlib.sha256()
    for name in names:
        path = root / name
        found.update(f"{name}\0{path.lstat().st_mode:o}\0".encode())
        found.update(str(path.readlink()).encode() if path.is_symlink() else hashlib.sha256(path.read_bytes()).digest())
    for path in machine_files():
        found.update(f"{path}\0".encode() + path.read_bytes())
    found.update(f"{platform.release()} {platform.version()} {platform.python_version()} {os.cpu_count()}".encode())
    return found.hexdigest()


def inputs(root: Path, role: str) -> list[str]:
    """Return the files of a clone that a scenario is made from, relative to it, sorted."""
    roles = roles_of(root, role)
    unused = UNUSED if uses_pack(root, role, roles) else (*UNUSED, PACK)
    helpers = helpers_of(root, role)
    found = {name for name in files_of(root) if not name.startswith(unused) and _is_input(name, role, roles, helpers)}
    return without_unnamed_plugins(root, found)


def without_unnamed_plugins(root: Path, names: Collection[str]) -> list[str]:
    """Return files of a clone, sorted, but for PLUGINS that none of the others names, nor a plugin that is named."""
    left = {name: Path(name).stem for name in names if name.startswith(PLUGINS)}
    todo = [name for name in names if name not in left]
    found: set[str] = set(todo)
    while todo:
        words = {word for name in todo for word in WORD.findall(_text(root / name))}
        todo = [name for name, stem in left.items() if stem in words or stem == "__init__"]
        found.update(todo)
        for name in todo:
            del left[name]
    return sorted(found)


def files_of(root: Path) -> set[str]:
    """Return the files of a clone as they lie there, relative to it: tracked or new, but none that git ignores."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True).stdout
    return {name for name in told.split("\0") if name and os.path.lexists(root / name)}


def _is_input(name: str, role: str, roles: frozenset[str], helpers: frozenset[str]) -> bool:
    if name.startswith(HELPERS):
        return name.removeprefix(HELPERS) in helpers
    match name.split("/"):
        case ["molecule", scenario, _, *_] if scenario != "shared":
            return scenario == role
        case ["roles", other, part, *_] if other not in roles:
            return part == "defaults"  # the packages of all roles are in the nodes' layers
    return not name.endswith(".md")


def roles_of(root: Path, role: str) -> frozenset[str]:
    """Return the roles that a scenario applies: its own, what it needs, and whatever one of these names."""
    settings = scenario_settings(root, role)
    own = [settings["scenario_role"], *settings["scenario_needs"], *settings.get("scenario_needs_here", [])]
    return with_what_they_name(root, own)


def with_what_they_name(root: Path, roles: Iterable[str]) -> frozenset[str]:
    """Return roles with those that they, or the playbooks of all scenarios, name."""
    there = {path.name for path in (root / "roles").iterdir()}
    todo = list(roles)
    for playbook in (root / "molecule" / "shared").rglob("*.yml"):
        todo += NAMED.findall(playbook.read_text(encoding="utf-8"))
    found: set[str] = set(SHARED_ROLES)
    while todo:
        one = todo.pop()
        if one.endswith("_"):
            # The end of the name is a template (node_{{ kind }}): it may be any of them.
            todo += [name for name in there if name.startswith(one)]
        elif one in there and one not in found:
            found.add(one)
            todo += [name for text in _texts(root / "roles" / one) for name in NAMED.findall(text)]
    return frozenset(found)


def helpers_of(root: Path, role: str) -> frozenset[str]:
    """Return the files in HELPERS that a scenario's tests import, or what these import."""
    todo = list(_texts(root / "molecule" / role / "tests"))
    todo.append((root / "molecule" / "conftest.py").read_text(encoding="utf-8"))
    found: set[str] = set()
    while todo:
        for name in IMPORTED.findall(todo.pop()):
            path = root / HELPERS / f"{name}.py"
            if path.name not in found and path.is_file():
                found.add(path.name)
                todo.append(path.read_text(encoding="utf-8"))
    return frozenset(found)


def scenario_settings(root: Path, role: str) -> dict[str, Any]:
    """Return what stands in a scenario's scenario.yml."""
    found: dict[str, Any] = yaml.safe_load((root / "molecule" / role / "scenario.yml").read_text(encoding="utf-8"))
    return found


def uses_pack(root: Path, role: str, roles: frozenset[str]) -> bool:
    """Tell whether a scenario's tests or one of its roles use the verification pack."""
    places = [root / "molecule" / role / "tests", *(root / "roles" / name for name in roles)]
    return any(USES_PACK.search(text) for place in places for text in _texts(place))


def machine_files() -> Iterator[Path]:
    """Yield the files of this machine that are inputs, in a fixed order."""
    for place in map(Path, MACHINE):
        yield from (
            sorted(path for path in place.iterdir() if path.is_file())
            if place.is_dir()
            else [place] * (place.is_file())
        )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _texts(place: Path) -> Iterator[str]:
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.suffix in {".yml", ".py", ".j2"}:
            yield path.read_text(encoding="utf-8")
