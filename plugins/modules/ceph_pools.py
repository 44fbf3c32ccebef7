#!/usr/bin/python3
"""Make pools for RBD images, all in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_pools
short_description: Pools of a Ceph cluster that are ready for RBD, in one step
description:
  - Makes the pools that are missing, and makes those ready for RBD that are not. Making one ready waits for its
    placement groups, so it is also the first input and output; all of them wait side by side.
  - Several nodes may do it at a time. To make a pool that is there, and to make a ready one ready, is no error.
  - Acts as client.admin, and is therefore for a node that has its keyring.
options:
  names:
    description: Pools.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds until all must be ready.
    type: int
    default: 120
  conf:
    description: Configuration of the cluster; the keyring is beside it.
    type: path
    default: /etc/ceph/ceph.conf
author: Hoplab
"""

EXAMPLES = r"""
- name: Create the RBD pools
  hoplab.lab.ceph_pools:
    names: [volumes, vms]
"""

RETURN = r"""
created:
  description: Pools that were made.
  type: list
  returned: always
initialised:
  description: Pools that were made ready for RBD.
  type: list
  returned: always
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.lab_ceph import CephError, Client, run_together


def wanting(client: Client, names: list[str]) -> tuple[list[str], list[str]]:
    """Return which pools are missing and which are not ready for RBD, as one answer of the cluster says it."""
    applications = {
        pool["pool_name"]: pool.get("application_metadata", {})
        for pool in client.ask("osd", "pool", "ls", "detail") or []
    }
    missing = [name for name in names if name not in applications]
    return missing, [name for name in names if "rbd" not in applications.get(name, {})]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 120},
            "conf": {"type": "path", "default": "/etc/ceph/ceph.conf"},
        },
        supports_check_mode=True,
    )
    names = list(dict.fromkeys(module.params["names"]))
    client = Client(conf=module.params["conf"])
    if module.check_mode and client.missing():
        # There is no cluster yet that could be asked.
        module.exit_json(changed=bool(names), created=names, initialised=names)
    deadline = time.monotonic() + module.params["timeout"]
    try:
        create, initialise = wanting(client, names)
        if not module.check_mode:
            calls = {
                f"ceph osd pool create {name}": client.argv("ceph", "osd", "pool", "create", name) for name in create
            }
            run_together(calls, deadline - time.monotonic())
            calls = {f"rbd pool init {name}": client.argv("rbd", "pool", "init", name) for name in initialise}
            run_together(calls, deadline - time.monotonic())
    except CephError as error:
        module.fail_json(msg=f"can't make the pools {', '.join(names)}: {error}. See: ceph status, ceph osd tree")
    module.exit_json(changed=bool(create or initialise), created=create, initialised=initialise)


if __name__ == "__main__":
    main()
