#!/usr/bin/python3
"""Keep the state of a lab under a name, put it back, or remove what is kept."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_snapshot
short_description: Snapshots of a whole lab
description:
  - Keeps the state of all nodes of a lab and what the controller keeps of it, puts it back, or removes a snapshot.
  - First of all it finishes what an earlier run did not come to the end of.
  - In check mode it says what is in the way, and touches nothing.
options:
  lab:
    description: Name of the lab.
    type: str
    required: true
  owner:
    description: Directory of the clone that the lab belongs to.
    type: path
    required: true
  take:
    description: Take a living lab of another clone as if it were one's own.
    type: bool
    default: false
  action:
    description:
      - C(make) keeps the state of the nodes, which it shuts down first. C(restore) puts a snapshot in place of what is
        there, and ends the nodes first. C(delete) removes a snapshot. C(finish) only finishes what was cut off.
    type: str
    choices: [make, restore, delete, finish]
    required: true
  name:
    description: Name of the snapshot.
    type: str
    default: ""
  controller:
    description: Directory of what the controller keeps of the lab (secrets, keys, the guest image).
    type: path
  layers:
    description: Root layers that nodes are made on now, the uppermost first.
    type: list
    elements: path
    default: []
  inventory:
    description: Directory of the inventory.
    type: path
  version:
    description: Version of Hoplab, as a person may want to know it.
    type: str
    default: unknown
author: Hoplab
"""

EXAMPLES = r"""
- name: Make a snapshot of the lab
  hoplab.lab.lab_snapshot:
    lab: hoplab
    owner: /home/me/hoplab
    action: make
    name: before-lesson
    controller: /home/me/hoplab/.lab/local
    inventory: /home/me/hoplab/inventories/local
    layers: [/var/cache/hoplab/layers/packages, /var/cache/hoplab/layers/base]
"""

RETURN = r"""
ran:
  description: Nodes that ran before.
  type: list
  returned: always
done:
  description: What was done.
  type: list
  returned: always
"""

import contextlib
import hashlib
import json
import os
import subprocess
from typing import Any

import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import Lab, LabError, refuse_foreign
from ansible_collections.hoplab.lab.plugins.module_utils.lab_network import remove_lab
from ansible_collections.hoplab.lab.plugins.module_utils.lab_snapshots import Snapshots, check_name

NO_INVENTORY = ("~", ".orig", ".bak", ".swp", ".pyc", ".pyo", ".retry")


def inventory_files(directory: str) -> dict[str, str]:
    """Return a digest of what each file of an inventory says, by its path there; comments don't count.

    What Ansible does not read (hidden files, editors' copies, compiled Python) is left out.
    """
    found = {}
    for place, directories, files in os.walk(directory):
        directories[:] = [name for name in directories if not name.startswith((".", "__"))]
        for name in files:
            if name.startswith(".") or name.endswith(NO_INVENTORY):
                continue
            path = os.path.join(place, name)
            with open(path, "rb") as stream:
                content = stream.read()
            with contextlib.suppress(yaml.YAMLError):  # Ansible's own tags, or no YAML at all.
                content = json.dumps(yaml.safe_load(content), sort_keys=True, default=str).encode()
            found[os.path.relpath(path, directory)] = hashlib.sha256(content).hexdigest()[:16]
    return found


def make(snapshots: Snapshots, params: dict[str, Any], about: dict[str, Any], check: bool) -> None:
    """Keep the state of the nodes."""
    snapshots.check_make(params["name"], params["controller"])
    if not check:
        snapshots.lab.shut_down()
        snapshots.lab.write_record(params["owner"], "stopped")
        snapshots.make(params["name"], params["controller"], about)


def restore(snapshots: Snapshots, params: dict[str, Any], about: dict[str, Any], check: bool) -> None:
    """Put a snapshot in place of what is there."""
    snapshots.check_restore(params["name"], about)
    if check:
        return
    if snapshots.lab.record().get("owner") not in (None, params["owner"]):
        remove_lab(snapshots.lab)  # Allowed by refuse_foreign: it is dead, or its clone is gone.
    # What is replaced needs no orderly shutdown, which takes half a minute.
    snapshots.lab.shut_down(timeout=0)
    snapshots.restore(params["name"], params["controller"], params["owner"])


def delete(snapshots: Snapshots, params: dict[str, Any], _about: dict[str, Any], check: bool) -> None:
    """Remove a snapshot."""
    snapshots.check_known(params["name"])
    if not check:
        snapshots.delete(params["name"])


def finish(snapshots: Snapshots, params: dict[str, Any], check: bool) -> list[str]:
    """Do what an earlier run did not come to the end of; returns what was done."""
    foreign = snapshots.lab.record().get("owner") not in (None, params["owner"])
    return [] if check or foreign else snapshots.finish()


ACTIONS = {"make": make, "restore": restore, "delete": delete}


def carry_out(snapshots: Snapshots, params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Do what is asked for; returns what the module answers."""
    running = sorted(snapshots.lab.running())
    done = finish(snapshots, params, check)
    if params["action"] != "finish":
        check_name(params["name"])
        about = {
            "version": params["version"],
            "layers": params["layers"],
            "inventory": inventory_files(params["inventory"]) if params["inventory"] else {},
        }
        ACTIONS[params["action"]](snapshots, params, about, check)
        done += [] if check else [f"{params['action']} {params['name']}"]
    if not check:
        snapshots.sweep()
    return {"changed": bool(done), "done": done, "ran": running}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "lab": {"type": "str", "required": True},
            "owner": {"type": "path", "required": True},
            "take": {"type": "bool", "default": False},
            "action": {"type": "str", "required": True, "choices": [*ACTIONS, "finish"]},
            "name": {"type": "str", "default": ""},
            "controller": {"type": "path"},
            "layers": {"type": "list", "elements": "path", "default": []},
            "inventory": {"type": "path"},
            "version": {"type": "str", "default": "unknown"},
        },
        required_if=[
            ("action", action, ("name", "controller", "layers", "inventory")) for action in ("make", "restore")
        ],
        supports_check_mode=True,
    )
    params = module.params
    snapshots = Snapshots(Lab(params["lab"]))
    try:
        if not params["take"] and params["action"] in ("make", "restore"):
            refuse_foreign(snapshots.lab, params["owner"])
        with snapshots.locked():
            answer = carry_out(snapshots, params, module.check_mode)
    except (LabError, OSError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
