#!/usr/bin/python3
"""Tell a Ceph cluster its entities."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_entities
short_description: Entities of a Ceph cluster with their keys and capabilities, from a keyring
description:
  - Compares the entities of a keyring with those that the monitors know, and imports the keyring where one is missing
    or has another key or other capabilities. Others that the cluster has stay as they are.
  - Acts as client.admin. Keys are never on a command line nor in what this returns.
options:
  keyring:
    description: File with the entities, as C(ceph-authtool) writes it.
    type: path
    required: true
  conf:
    description: Configuration of the cluster; client.admin's keyring is beside it.
    type: path
    default: /etc/ceph/ceph.conf
author: Hoplab
"""

EXAMPLES = r"""
- name: Import the entities and their capabilities into the monitors
  hoplab.lab.ceph_entities:
    keyring: /etc/ceph/entities.keyring
"""

RETURN = r"""
entities:
  description: Names of the entities that were missing or different.
  type: list
  returned: always
"""

import configparser
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.lab_ceph import CephError, Client

# The monitors' own key, which each has in a keyring of its own. They list it only after an import.
OWN = "mon."

Entities = dict[str, tuple[str, dict[str, str]]]


def read_keyring(path: str) -> Entities:
    """Return key and capabilities of each entity of a keyring file. Raises configparser.Error or OSError."""
    parser = configparser.RawConfigParser(delimiters=("=",), default_section="", strict=True)
    with open(path, encoding="utf-8") as stream:
        parser.read_file(stream, source=path)
    found = {}
    for entity in parser.sections():
        options = {name: value.strip().strip('"') for name, value in parser.items(entity)}
        caps = {name.split()[1]: value for name, value in options.items() if name.startswith("caps ")}
        found[entity] = (options.get("key", ""), caps)
    return found


def known_entities(answer: Any) -> Entities:
    """Return key and capabilities of each entity that the monitors list."""
    return {entry["entity"]: (entry["key"], dict(entry["caps"])) for entry in answer["auth_dump"]}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "keyring": {"type": "path", "required": True},
            "conf": {"type": "path", "default": "/etc/ceph/ceph.conf"},
        },
        supports_check_mode=True,
    )
    path = module.params["keyring"]
    client = Client(conf=module.params["conf"])
    if module.check_mode and (client.missing() or not os.path.isfile(path)):
        # There is no monitor yet. One that is made from this keyring knows its entities from the start.
        module.exit_json(changed=False, entities=[])
    try:
        wanted = read_keyring(path)
    except configparser.Error as error:
        # Without the text of the error, which may quote a key.
        module.fail_json(msg=f"{path} is no keyring ({type(error).__name__}): give a file as ceph-authtool writes it")
    except OSError as error:
        module.fail_json(msg=f"can't read the keyring {path}: {error.strerror}")
    try:
        known = known_entities(client.ask("auth", "ls"))
        differing = [name for name, entity in wanted.items() if name != OWN and known.get(name) != entity]
        if differing and not module.check_mode:
            client.ask("auth", "import", f"--in-file={path}")
    except CephError as error:
        module.fail_json(msg=f"can't tell the monitors the entities of {path}: {error}")
    module.exit_json(changed=bool(differing), entities=differing)


if __name__ == "__main__":
    main()
