"""The order of steps is the same in all roles, and no role reaches into another one's directory."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from passed import SHARED_ROLES
from tests.unit.rendering import Lab
from tests.unit.tree import ROOT, flat, offending, tracked

ROLES = ROOT / "roles"
MAINS = sorted(path.parents[1].name for path in ROLES.glob("*/tasks/main.yml"))
PUBLIC = [role for role in MAINS if role not in SHARED_ROLES]
STEPS = ("install", "render", "schema", "flush", "start", "check")
# The only path that a task is given: that of the role that includes it, from Ansible.
CALLER = "include_tasks: \"{{ ansible_parent_role_paths | first }}/tasks/{{ service_check | default('check.yml') }}\""


def read(path: Path) -> list[dict[str, Any]]:
    """Return the tasks of a file, with those that it imports in their place."""
    found = []
    for task in flat(yaml.safe_load(path.read_text(encoding="utf-8"))):
        name = task.get("ansible.builtin.import_tasks")
        found += read(path.parent / name) if name else [task]
    return found


def starts(units: dict[str, Any]) -> bool:
    """Tell whether a call of `units` starts the role's own services; without `enabled` it is a step on the way."""
    configuration = units.get("configuration", ["/etc/systemd/network"])  # of the links, which systemd-networkd reads
    return (
        units.get("state") == "started" and bool(units.get("enabled")) and "/etc/systemd/network" not in configuration
    )


def step(task: dict[str, Any]) -> str | None:
    """Return which of the steps a task is, None where it is none of them."""
    role = task.get("ansible.builtin.import_role", task.get("ansible.builtin.include_role", {})).get("name")
    signs = {
        "install": "hoplab.lab.packages" in task,
        # What no handler waits for has an order of its own, such as the links that are applied at once.
        "render": "notify" in task and ("hoplab.lab.render_files" in task or role == "hoplab.lab.ceph_common"),
        "schema": "hoplab.lab.schema_sync" in task,
        "flush": task.get("ansible.builtin.meta") == "flush_handlers",
        "start": starts(task.get("hoplab.lab.units", {})),
        "check": role == "hoplab.lab.service",
    }
    return next((name for name, found in signs.items() if found), None)


def steps_of(role: str) -> list[str]:
    """Return the steps of a role as they follow each other."""
    return [found for task in read(ROLES / role / "tasks" / "main.yml") if (found := step(task))]


def services(role: str) -> bool:
    """Tell whether a role brings services of its own."""
    defaults = ROLES / role / "defaults" / "main.yml"
    return defaults.exists() and bool(yaml.safe_load(defaults.read_text(encoding="utf-8")).get(f"{role}_services"))


SERVICES = [role for role in PUBLIC if services(role)]


class TestOrder:
    def test_there_are_roles_with_services(self) -> None:
        assert len(SERVICES) >= 17
        assert {"glance", "cinder", "ceph_mon", "ceph_mgr", "ceph_osd", "ceph_rgw"} <= set(SERVICES)

    @pytest.mark.parametrize("role", SERVICES)
    def test_a_role_with_services_has_all_steps_in_their_order(self, role: str) -> None:
        found = steps_of(role)
        assert sorted(set(found), key=STEPS.index) == list(dict.fromkeys(found))
        assert found == sorted(found, key=STEPS.index)
        assert set(STEPS) - set(found) <= {"schema"}
        assert (found.count("install"), found.count("flush"), found.count("start")) == (1, 1, 1)

    @pytest.mark.parametrize("role", PUBLIC)
    def test_handlers_run_before_a_role_ends(self, role: str) -> None:
        """What comes after the role rests on it; a handler that ran at the end of the play would be late."""
        notify = [number for number, task in enumerate(read(ROLES / role / "tasks" / "main.yml")) if "notify" in task]
        tasks = read(ROLES / role / "tasks" / "main.yml")
        flushes = [number for number, task in enumerate(tasks) if step(task) == "flush"]
        assert bool(notify) == bool(flushes) == (ROLES / role / "handlers").exists()
        assert not notify or max(notify) < min(flushes)

    @pytest.mark.parametrize(
        "changed",
        [
            lambda steps: [*steps[:-3], "start", "flush", "check"],
            lambda steps: [*steps[:-2], "check", "start"],
            lambda steps: ["render", "install", *steps[2:]],
            lambda steps: [step for step in steps if step != "flush"],
        ],
    )
    def test_it_would_be_noticed(self, changed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = changed(steps_of("memcached"))
        monkeypatch.setattr(f"{__name__}.steps_of", lambda _role: wrong)
        with pytest.raises(AssertionError):
            self.test_a_role_with_services_has_all_steps_in_their_order("memcached")


class TestPrivate:
    @pytest.mark.parametrize("role", sorted(SHARED_ROLES))
    def test_a_private_role_only_refuses(self, role: str) -> None:
        tasks = read(ROLES / role / "tasks" / "main.yml")
        assert [set(task) for task in tasks] == [{"name", "ansible.builtin.fail"}]
        message = tasks[0]["ansible.builtin.fail"]["msg"]
        assert f"The role {role} is private" in message
        named = re.search(r"Apply one of those, such as (\w+)\.", message)
        assert named
        assert named[1] in PUBLIC

    def test_no_role_refers_to_the_path_of_another_one(self) -> None:
        """By a path it would find another role only where roles lie beside each other under these names.

        And what a scenario depends on is found by the names of roles (`passed`): a path would be missed.
        """
        files = tracked("roles/**.yml", "roles/**.j2")
        assert len(files) > 150
        path = r"\.\./|\brole_path\b|playbook_dir|inventory_dir|ansible_(parent|dependent)_role_paths|/roles/"
        assert [line for line in offending(files, path) if CALLER not in line] == []

    def test_templates_are_imported_from_the_role_service_alone(self) -> None:
        """A template that another one imports is its own role's, or one of those that render_files offers to all."""
        for path in tracked("roles/**.j2"):
            for name in re.findall(
                r"{%-? *(?:import|include|extends|from) '([^']+)'", path.read_text(encoding="utf-8")
            ):
                places = [path.parent / name, ROLES / "service" / "templates" / name]
                assert any(place.is_file() for place in places), f"{path}: {name}"


class TestValidation:
    """Commands that a file has to pass before it is put in place."""

    def test_what_the_default_lab_writes_passes(self, rendered: Lab, tmp_path: Path) -> None:
        """Those of ssh, which this machine has too; the others are of packages that the nodes have."""
        asked = set()
        for files in rendered.files.values():
            for path, made in files.items():
                command, *arguments = shlex.split(made.validate) or [""]
                if command not in {"ssh", "ssh-keygen"}:
                    continue
                place = tmp_path / Path(path).name
                place.unlink(missing_ok=True)
                place.touch(mode=0o600)
                place.write_text(made.content)
                argv = [command, *(argument.replace("%s", str(place)) for argument in arguments)]
                done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
                assert done.returncode == 0, f"{path}: {done.stderr}"
                asked.add(made.validate)
        assert len(asked) == 3

    def test_every_file_of_a_kind_has_the_check_of_its_kind(self, rendered: Lab) -> None:
        kinds = {
            r"/etc/ceph/ceph\.conf|.*/ssh/config|.*\.keyring|.*/keyring|.*/authorized_keys|.*/\.ssh/id_ed25519": True,
            r".*/mariadb\.conf\.d/.*|/etc/systemd/system/[^/]*\.service": True,
            r"/etc/(nova|neutron|keystone|glance|cinder|placement)/.*": False,
        }
        for node, files in rendered.files.items():
            for path, made in files.items():
                for kind, has in kinds.items():
                    assert not re.fullmatch(kind, path) or bool(made.validate) == has, f"{node}:{path}"
