#!/usr/bin/python3
"""Shut down all instances of Nova on a compute, before its services and those that it needs are stopped."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nova_instances_off
short_description: Shut down all instances on a compute
description:
  - Asks each running instance to shut down, as a machine that is halted does, and switches off those that are still
    there when the time is up.
  - Looks at libvirt's domains that are named as Nova names them (C(instance-0000002a)); others are none of it.
options:
  seconds:
    description: How long instances have to shut down.
    type: int
    default: 120
author: Hoplab
"""

EXAMPLES = r"""
- name: Shut down the instances
  hoplab.lab.nova_instances_off:
    seconds: 60
"""

RETURN = r"""
shut_down:
  description: Domains that ended by themselves.
  type: list
  returned: always
switched_off:
  description: Domains that had to be switched off.
  type: list
  returned: always
"""

import re
import time

from ansible.module_utils.basic import AnsibleModule

INSTANCE = re.compile(r"instance-[0-9a-f]{8}")
INTERVAL = 2.0  # seconds between two looks


def virsh(module: AnsibleModule, *words: str) -> tuple[int, str, str]:
    """Run virsh on this machine's libvirt; returns status, output and errors."""
    found: tuple[int, str, str] = module.run_command(["virsh", "--quiet", "--connect", "qemu:///system", *words])
    return found


def libvirt_runs(module: AnsibleModule) -> bool:
    """Tell whether there is a libvirt to ask: none where the lab was not built so far, or is stopped already."""
    if module.get_bin_path("virsh") is None:
        return False
    code, _out, _error = module.run_command(["systemctl", "is-active", "--quiet", "libvirtd.service"])
    return bool(code == 0)


def running(module: AnsibleModule) -> list[str]:
    """Return the instances that run, paused ones too; fails where libvirt does not answer."""
    code, out, error = virsh(module, "list", "--name")
    if code != 0:
        module.fail_json(msg=f"virsh list failed: {error.strip()}: is libvirtd.service in order?")
    return [name for name in out.split() if INSTANCE.fullmatch(name)]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"seconds": {"type": "int", "default": 120}}, supports_check_mode=True)
    asked = running(module) if libvirt_runs(module) else []
    if module.check_mode or not asked:
        module.exit_json(changed=bool(asked), shut_down=asked, switched_off=[])
    for name in asked:
        # One that ends in this moment is gone, which is what is wanted.
        virsh(module, "shutdown", name)
    end = time.monotonic() + module.params["seconds"]
    left = [name for name in running(module) if name in asked]
    while left and time.monotonic() < end:
        time.sleep(INTERVAL)
        left = [name for name in running(module) if name in asked]
    for name in left:
        virsh(module, "destroy", name)
    still = [name for name in running(module) if name in asked]
    if still:
        module.fail_json(msg=f"{', '.join(still)}: can't be switched off: ask `virsh destroy {still[0]}` on this node")
    module.exit_json(changed=True, shut_down=[name for name in asked if name not in left], switched_off=left)


if __name__ == "__main__":
    main()
