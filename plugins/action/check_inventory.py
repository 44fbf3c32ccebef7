"""Check what the inventory says, as it stands there, before anything of it is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible._internal._datatag._tags import Origin
from ansible.plugins.action import ActionBase
from ansible_collections.hoplab.lab.plugins.module_utils.lab_inventory import Spec, check_inventory

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "roles"


def role_specs() -> Spec:
    """Return all options of all roles, by name."""
    found: Spec = {}
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        main = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].get("main", {})
        found |= main.get("options", {})
    return found


def where(value: Any) -> str:
    """Return where a value stands, as far as Ansible has noted it."""
    origin = Origin.get_tag(value)
    if origin is None or not origin.path:
        return ""
    line = f":{origin.line_num}" if origin.line_num else ""
    return f", in {os.path.relpath(origin.path)}{line}"


class ActionModule(ActionBase):
    """See the module of the same name."""

    TRANSFERS_FILES = False
    _VALID_ARGS: frozenset[str] = frozenset()
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with all that is wrong, if anything is."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = task_vars or {}
        hostvars = given["hostvars"]
        groups: Mapping[str, list[str]] = given["groups"]
        inventory = [os.path.realpath(path) for path in given.get("ansible_inventory_sources") or ()]
        own = {
            str(host): {
                str(name): value
                for name, value in hostvars.raw_get(host).items()
                if self._of_inventory(name, value, inventory)
            }
            for host in groups["all"]
        }
        problems = check_inventory(own, groups, role_specs(), where)
        if problems:
            result |= {
                "failed": True,
                "problems": problems,
                "msg": "The inventory has mistakes:\n" + "\n".join(f"- {problem}" for problem in problems),
            }
        return result

    @staticmethod
    def _of_inventory(name: Any, value: Any, inventory: list[str]) -> bool:
        """Tell whether a variable is set by the inventory, and not by the playbooks or by Ansible itself."""
        origin = Origin.get_tag(value) or Origin.get_tag(name)
        if origin is None or not origin.path:
            return False
        place = os.path.realpath(origin.path)
        homes = [path if os.path.isdir(path) else os.path.dirname(path) for path in inventory]
        return any(place.startswith(home + os.sep) for home in homes)
