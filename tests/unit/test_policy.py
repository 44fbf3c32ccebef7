"""Rules of this project that no linter knows."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from passed import SHARED_ROLES
from tests.unit.tree import ROOT, flat, offending, tracked

PYTHON_LINES = 300
TASK_LINES = 150
YAML = tracked("roles/**.yml", "playbooks/**.yml", "inventories/**.yml", "molecule/**.yml")
TASKS = [path for path in YAML if path.parent.name in {"tasks", "handlers"}]
COMMANDS = [ROOT / "Makefile", *tracked("bin", ".ci")]


def test_there_is_something_to_look_at() -> None:
    assert len(TASKS) > 50
    assert len(COMMANDS) > 5


def test_no_failure_is_hidden() -> None:
    assert not offending(YAML, r"ignore_errors|ignore_unreachable|failed_when:\s*(false|no|\[\])\s*(#.*)?$")


def test_no_command_hides_its_failure() -> None:
    assert not offending(COMMANDS, r"\|\|\s*(true\b|/bin/true)|continue-on-error|^\t-[a-z@]")


def test_what_never_changes_anything_says_why() -> None:
    bare = r"changed_when:\s*(false|no|\[\]|'false'|\"false\")\s*(#\W*)?$|changed_when:\s*(false|no)\s*}"
    assert not offending(YAML, bare)


def own_servers() -> set[str]:
    """Return the names of the servers that this machine gets its packages from, and of the public ones."""
    files = [
        *Path("/etc/apt").glob("**/*.list"),
        *Path("/etc/apt").glob("**/*.sources"),
        *Path("/etc/apt").glob("apt.conf*"),
    ]
    files += [*Path("/etc/apt/apt.conf.d").iterdir(), Path("/etc/pip.conf"), *Path.home().glob(".config/pip/*")]
    texts = [path.read_text(errors="replace") for path in files if path.is_file()]
    texts += [value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))]
    found = {".".join(("files", "pythonhosted", "org")), ".".join(("pypi", "org"))}
    for line in "\n".join(texts).splitlines():
        urls = re.findall(r"(?:https?|ftp)://[^\s\"';]+", line.partition("#")[0])
        found |= {str(urlsplit(url).hostname) for url in urls}
    return found - {"localhost", "127.0.0.1", "None"}


def test_no_server_of_packages_is_named() -> None:
    names = "|".join(re.escape(name) for name in sorted(own_servers()))
    assert not offending(tracked(), rf"(?<![\w.-])({names})(?![\w-])")


def test_lengths() -> None:
    long = {path: len(path.read_text().splitlines()) for path in tracked("*.py")}
    assert not {path: count for path, count in long.items() if count > PYTHON_LINES}
    assert not [path for path in TASKS if len(path.read_text().splitlines()) > TASK_LINES]


def test_every_exception_from_a_linter_has_a_reason() -> None:
    code = tracked("*.py", "*.pyi", "bin")
    assert not offending(code, r"#\s*noqa(?!: [A-Z0-9]+(, ?[A-Z0-9]+)* \w+)")
    assert not offending(code, r"#\s*type: ignore(?!\[[a-z-]+(,[a-z-]+)*\]  # \w+)")
    assert not offending(code, r"# (fmt: (off|skip)|ruff: noqa|mypy: )")


@pytest.mark.parametrize("path", TASKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tasks_are_named_after_what_they_do(path: Path) -> None:
    prefix = "" if path.stem == "main" else f"{path.stem} | "
    for task in flat(yaml.safe_load(path.read_text())):
        name = str(task.get("name", ""))
        assert re.match(rf"{re.escape(prefix)}[A-Z][a-z]+ ", name), f"{path}: {name!r}"


@pytest.mark.parametrize("path", TASKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_say_what_they_change(path: Path) -> None:
    for task in flat(yaml.safe_load(path.read_text())):
        command = task.get("ansible.builtin.command", task.get("ansible.builtin.shell"))
        if command is None or task.get("poll") == 0:
            continue
        creates = isinstance(command, dict) and "creates" in command
        assert "changed_when" in task or creates, f"{path}: {task['name']}"


@pytest.mark.parametrize("path", TASKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_roles_name_no_group_of_the_inventory(path: Path) -> None:
    assert not offending([path], r"\bgroups\[|\bgroup_names\b|\bgroups\.")


class TestInventory:
    def test_groups_are_the_same_file_in_all(self) -> None:
        for inventory in (path for path in (ROOT / "inventories").iterdir() if path.is_dir()):
            link = inventory / "groups.yml"
            assert link.is_symlink(), inventory
            assert link.resolve() == ROOT / "inventories" / "groups.yml"

    def test_every_service_has_a_role(self) -> None:
        groups = set(yaml.safe_load((ROOT / "inventories" / "groups.yml").read_text())["all"]["children"])
        roles = {path.parents[1].name for path in ROOT.glob("roles/*/tasks/main.yml")} - SHARED_ROLES
        assert groups - roles == {"deployer", "nodes"}
        assert roles - groups == {
            "base",
            "client",
            "launch",
            "machine_check",
            "node_container",
            "node_machine",
            "preflight",
        }

    def test_default_lab(self) -> None:
        told = subprocess.run(
            ["ansible-inventory", "-i", "inventories/local", "--graph"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        nodes = re.findall(r"^\s+\|\s+\|--(\w+)$|--(\w+\d)$", told.stdout, re.MULTILINE)
        assert {name for pair in nodes for name in pair if name} >= {"ctl1", "net1", "cmp1", "cmp2", "ceph1"}
