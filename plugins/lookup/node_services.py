"""What runs on each node, as the roles declare it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: node_services
short_description: Services of every node, from the roles' declarations
description:
  - Reads C(<role>_services) from the defaults of every role whose name is also a group of the inventory, and says for
    each node which services it has. C({{ inventory_hostname }}) in a unit or log is the node's name.
options:
  _terms:
    description: Directories that hold roles.
    required: true
  groups:
    description: The inventory's groups with their hosts.
    type: dict
    required: true
author: Hoplab
"""

import glob
import os
import re
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

HOST = re.compile(r"\{\{\s*inventory_hostname\s*\}\}")


def named(value: Any, node: str, where: str) -> Any:
    """Return a declaration with the node's name in it; raises AnsibleError on any other template."""
    if isinstance(value, list):
        return [named(item, node, where) for item in value]
    if isinstance(value, dict):
        return {key: named(item, node, where) for key, item in value.items()}
    if isinstance(value, str):
        value = HOST.sub(node, value)
        if "{{" in value:
            raise AnsibleError(f"{where}: {value!r}: only {{{{ inventory_hostname }}}} may be a template here")
    return value


def services_of(roles: str, groups: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    """Return the services of every node, in the order of the roles' names."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(glob.glob(os.path.join(roles, "*", "defaults", "main.yml"))):
        role = path.split(os.sep)[-3]
        with open(path, encoding="utf-8") as stream:
            declared = (yaml.safe_load(stream) or {}).get(f"{role}_services", [])
        for node in groups.get(role, []):
            found.setdefault(node, []).extend(named(declared, node, f"{path}: {role}_services"))
    return found


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one mapping of node to services a directory."""
        groups = {name: list(hosts) for name, hosts in kwargs["groups"].items()}
        return [services_of(str(term), groups) for term in terms]
