#!/usr/bin/python3
"""Read what has to be known of a machine before it becomes a node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_facts
short_description: What a machine is and has, before it becomes a node
description:
  - Reads system, host name, links and who configures them, kernel modules, disks, memory, packages, time services,
    listening programs, AppArmor and the names in /etc/hosts. Changes nothing.
  - The action plugin of the same name first sees whether the machine can be reached, whether its user can become root
    without a password, and how far its clock is from this machine's. What does not work is an answer, and no failure,
    so that all machines can be judged together (C(machine_report)).
options:
  links:
    description: Links of which it has to be known who configures them.
    type: list
    elements: str
    default: []
  kernel_modules:
    description: Kernel modules to look for.
    type: list
    elements: str
    default: []
  disks:
    description: Paths of disks.
    type: list
    elements: str
    default: []
  packages:
    description: Packages that are to be installed.
    type: list
    elements: str
    default: []
  ports:
    description: TCP ports on which something of ours is to listen.
    type: list
    elements: int
    default: []
  wanted:
    description: What the machine is to be, for C(machine_report); the action plugin reads the other options from it.
    type: dict
author: Hoplab
"""

EXAMPLES = r"""
- name: Look at the machine
  hoplab.lab.machine_facts:
    wanted:
      address: 192.0.2.11
      packages: [memcached]
      services: [{name: memcached, unit: memcached.service, port: 11211}]
  register: machine
"""

RETURN = r"""
seen:
  description: What was found; null where the machine could not be looked at.
  type: dict
  returned: always
"""

import os
import socket
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils import machine_reading as reading
from ansible_collections.hoplab.lab.plugins.module_utils.machine_links import (
    claims,
    managed_by_network_manager,
    udev_properties,
)

# Written by the role base, the first one that changes a node: where it is, the lab has been here before.
MARK = "/etc/systemd/journald.conf.d/hoplab.conf"
MEBIBYTE = 2**20


def owners(link: dict[str, Any], *, deployed: bool) -> list[str]:
    """Return in words who else configures a link."""
    told = reading.ask("udevadm", "info", "--query=property", f"--path=/sys/class/net/{link['name']}")[1]
    state = managed_by_network_manager(link["name"])
    found = claims({**link, **udev_properties(told)}, deployed=deployed)
    return found + ([f"NetworkManager (state {state})"] if state else [])


def memory_mb() -> int:
    """Return the machine's memory in MB."""
    lines = reading.text_of("/proc/meminfo").splitlines()
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("MemTotal:")), 0)


def free_mb(place: str) -> int:
    """Return the free space in a directory's file system, in MB."""
    told = os.statvfs(place)
    return told.f_bavail * told.f_frsize // MEBIBYTE


def look(params: dict[str, Any]) -> dict[str, Any]:
    """Return all that is found on this machine."""
    deployed = os.path.exists(MARK)
    there = reading.links(reading.parsed(reading.ask("ip", "-details", "-json", "address", "show")[1]))
    asked = [reading.find_link(there, name) for name in params["links"]]
    active = reading.active_services()
    networkd = "systemd-networkd.service" in active
    listening = reading.ask("ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes")[1]
    return {
        "deployed": deployed,
        "system": reading.system(reading.text_of("/etc/os-release")),
        "host_name": socket.gethostname(),
        "links": there,
        "default_links": reading.default_links(),
        "owners": {link["name"]: owners(link, deployed=deployed) for link in asked if link},
        "networkd": networkd,
        "network_files": []
        if networkd
        else sorted(
            os.path.join(place, name)
            for place in ("/etc/systemd/network", "/run/systemd/network")
            if os.path.isdir(place)
            for name in os.listdir(place)
            if name.endswith(".network")
        ),
        "kernel_modules": {name: reading.has_module(name) for name in params["kernel_modules"]},
        "disks": [reading.disk(path) for path in params["disks"]],
        "memory_mb": memory_mb(),
        "free_mb": free_mb("/var"),
        "apt": reading.apt(params["packages"]),
        "services": active,
        "listeners": reading.listeners(listening, params["ports"]),
        "enforced": reading.profiles(reading.text_of("/sys/kernel/security/apparmor/profiles")),
        "names": reading.names(reading.text_of("/etc/hosts")),
        "forwarding": {name: reading.sysctl(name) for name in reading.FORWARDING},
    }


def main() -> None:
    """Run the module."""
    texts = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "links": texts,
            "kernel_modules": texts,
            "disks": texts,
            "packages": texts,
            "ports": {"type": "list", "elements": "int", "default": []},
            "wanted": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, seen=look(module.params))


if __name__ == "__main__":
    main()
