"""All packages that the roles install, read from their defaults."""

from __future__ import annotations

DOCUMENTATION = r"""
name: role_packages
short_description: Union of the roles' packages
description:
  - Reads C(<role>_packages) from the defaults of every role of this collection, so that root layers can be made with
    all of them and a package list stands in one place, its role. Takes no terms.
options: {}
author: Hoplab
"""

import glob
import os
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

# Beside the plugins, in the repository as in the installed collection.
_ROLES = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../roles"))


def packages_of(roles: str) -> list[str]:
    """Return the sorted union of all roles' packages; raises AnsibleError when a list is not a list of plain names."""
    found: set[str] = set()
    for path in glob.glob(os.path.join(roles, "*", "defaults", "main.yml")):
        role = path.split(os.sep)[-3]
        with open(path, encoding="utf-8") as stream:
            names = (yaml.safe_load(stream) or {}).get(f"{role}_packages", [])
        if not isinstance(names, list) or not all(isinstance(name, str) and "{" not in name for name in names):
            raise AnsibleError(
                f"{path}: {role}_packages must be a list of plain package names, without templates; it is {names!r}"
            )
        found.update(names)
    return sorted(found)


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[list[str]]:
        """Return one sorted list."""
        return [packages_of(_ROLES)]
