"""All packages that the roles install, read from their defaults."""

from __future__ import annotations

DOCUMENTATION = r"""
name: role_packages
short_description: Union of the roles' packages
description:
  - Reads C(<role>_packages) from the defaults of every role of this collection, so that root layers can be made with
    all of them and a package list stands in one place, its role.
options:
  _terms:
    description: >-
      Names of roles, of which alone the packages are wanted; names that no role has are passed over. Without them all
      roles are meant.
    type: list
    elements: str
author: Hoplab
"""

import glob
import os
from collections.abc import Collection
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

# Beside the plugins, in the repository as in the installed collection.
_ROLES = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../roles"))


def packages_of(roles: str, names: Collection[str] = ()) -> list[str]:
    """Return the sorted union of the roles' packages; raises AnsibleError when a list is not a list of plain names.

    names: roles that are meant, by default all.
    """
    found: set[str] = set()
    for path in glob.glob(os.path.join(roles, "*", "defaults", "main.yml")):
        role = path.split(os.sep)[-3]
        if names and role not in names:
            continue
        with open(path, encoding="utf-8") as stream:
            packages = (yaml.safe_load(stream) or {}).get(f"{role}_packages", [])
        if not isinstance(packages, list) or not all(isinstance(name, str) and "{" not in name for name in packages):
            raise AnsibleError(
                f"{path}: {role}_packages must be a list of plain package names, without templates; it is {packages!r}"
            )
        found.update(packages)
    return sorted(found)


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[list[str]]:
        """Return one sorted list."""
        return [packages_of(_ROLES, [str(term) for term in terms])]
