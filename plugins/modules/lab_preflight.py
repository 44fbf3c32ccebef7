#!/usr/bin/python3
"""Find what would keep a lab of containers from working on this machine, before anything is touched."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_preflight
short_description: Check that this machine can carry a lab
description:
  - Looks at the operating system, memory, disk, cores, privileges, subnets, kernel features, names and labs of other
    clones.
  - Changes nothing. Reports all problems at once, each with what to do.
options:
  lab:
    description: Name of the lab.
    type: str
    required: true
  owner:
    description: Directory of the clone.
    type: path
    required: true
  take:
    description: Whether a living lab of another clone may be taken.
    type: bool
    default: false
  networks:
    description: Subnets by name of the network.
    type: dict
    required: true
  nodes:
    description: Names of the nodes.
    type: list
    elements: str
    required: true
  memory_mb:
    description: Memory that the lab needs.
    type: int
    required: true
  disk_mb:
    description: Free space that the lab needs in /var.
    type: int
    required: true
  cores:
    description: Processor cores that the lab needs.
    type: int
    required: true
author: Hoplab
"""

EXAMPLES = r"""
- name: Check this machine
  hoplab.lab.lab_preflight:
    lab: hoplab
    owner: /home/me/hoplab
    networks: {management: 172.29.20.0/24}
    nodes: [ctl1]
    memory_mb: 8000
    disk_mb: 15000
    cores: 2
"""

RETURN = r"""
problems:
  description: What is wrong and what to do about it.
  type: list
  returned: always
"""

import ipaddress
import json
import os
import re
import shutil
import subprocess

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import Lab, LabError, refuse_foreign, run

NAME = re.compile(r"[a-z][a-z0-9-]{0,6}[a-z0-9]")
NODE = re.compile(r"[a-z][a-z0-9]{0,4}")
LONGEST_PREFIX = 24  # a smaller subnet has no room for the nodes and the floating IPs


def check_names(lab: str, nodes: list[str]) -> list[str]:
    """Return what is wrong with the names: they become names of network links, at most 15 characters long."""
    problems = []
    if not NAME.fullmatch(lab):
        problems.append(
            f"lab_name is {lab!r}: use 2 to 8 lower-case letters, digits or hyphens, beginning with a letter"
        )
    problems += [
        f"a node is named {node!r}: use 1 to 5 lower-case letters or digits, beginning with a letter"
        for node in nodes
        if not NODE.fullmatch(node)
    ]
    return problems


def check_subnets(networks: dict[str, str], routes: list[tuple[str, str]], own: list[str]) -> list[str]:
    """Return clashes of the lab's subnets with each other and with the machine's routes (destination, link)."""
    problems = []
    parsed = {}
    for name, subnet in networks.items():
        try:
            parsed[name] = ipaddress.IPv4Network(subnet)
        except ValueError as error:
            problems.append(
                f"lab_networks.{name}.subnet is {subnet!r}: {error}. Use an IPv4 network such as 172.29.20.0/24"
            )
            continue
        if parsed[name].prefixlen > LONGEST_PREFIX:
            problems.append(f"lab_networks.{name}.subnet is {subnet}: use a /24 or larger")
    for name, network in parsed.items():
        for other, taken in parsed.items():
            if name < other and network.overlaps(taken):
                problems.append(
                    f"lab_networks.{name}.subnet {network} and lab_networks.{other}.subnet {taken} overlap: "
                    "choose others"
                )
        for destination, link in routes:
            route = ipaddress.IPv4Network(destination, strict=False)
            # Two halves of everything are how VPN clients write a default route; any subnet is more specific.
            if route.prefixlen > 1 and link not in own and network.overlaps(route):
                problems.append(
                    f"lab_networks.{name}.subnet {network} clashes with this machine's route to {destination} "
                    f"({link}): choose a free subnet in the inventory's group_vars/all/lab.yml"
                )
    return problems


def read_routes() -> list[tuple[str, str]]:
    """Return (destination, link) of the machine's IPv4 routes other than the default one."""
    routes = json.loads(run("ip", "-json", "route", "show", "table", "main") or "[]")
    return [(route["dst"], route.get("dev", "?")) for route in routes if route["dst"] != "default"]


def check_kernel() -> list[str]:
    """Return the kernel features that are missing; each is tried in a network namespace of its own or by its file."""
    problems = []
    with open("/proc/filesystems", encoding="utf-8") as stream:
        known = stream.read().split()
    if "overlay" not in known:
        subprocess.run(["modprobe", "overlay"], capture_output=True, check=False)
        with open("/proc/filesystems", encoding="utf-8") as stream:
            known = stream.read().split()
    if "overlay" not in known:
        problems.append("the kernel has no overlay file system: load or build the module overlay")
    if not os.path.exists("/dev/net/tun"):
        problems.append("/dev/net/tun is missing: load the module tun")
    for kind, options in (
        ("bridge", []),
        ("veth", ["peer", "name", "hoplab-probe2"]),
        ("vxlan", ["id", "1", "dstport", "4789"]),
    ):
        # A namespace of its own, which ends with the command: nothing is left behind and no name can clash.
        argv = ["unshare", "--net", "ip", "link", "add", "hoplab-probe", "type", kind, *options]
        if subprocess.run(argv, capture_output=True, check=False).returncode != 0:
            problems.append(f"the kernel can't make links of type {kind}: load or build the module {kind}")
    return problems


def check_machine(memory_mb: int, disk_mb: int, cores: int) -> list[str]:
    """Return what the machine lacks in operating system, privileges and size."""
    problems = []
    release = {}
    with open("/etc/os-release", encoding="utf-8") as stream:
        for line in stream:
            key, _, value = line.strip().partition("=")
            release[key] = value.strip('"')
    if release.get("ID") not in ("debian", "ubuntu"):
        problems.append(f"this machine runs {release.get('PRETTY_NAME', 'an unknown system')}: use Debian 12 or 13")
    elif release["ID"] == "debian" and release.get("VERSION_ID", "13") not in ("12", "13"):
        problems.append(f"this machine runs Debian {release['VERSION_ID']}: use Debian 12 or 13")
    if os.geteuid() != 0:
        problems.append("root privileges are missing: run as root, or as a user that may use sudo")
    with open("/proc/meminfo", encoding="utf-8") as stream:
        available = int(next(line for line in stream if line.startswith("MemAvailable")).split()[1]) // 1024
    if available < memory_mb:
        problems.append(
            f"{available} MB of memory are free and the lab needs {memory_mb} MB: "
            "end other programs or use a larger machine"
        )
    free = shutil.disk_usage("/var").free // 2**20
    if free < disk_mb:
        problems.append(f"{free} MB are free in /var and the lab needs {disk_mb} MB: make room")
    if (os.cpu_count() or 1) < cores:
        problems.append(
            f"this machine has {os.cpu_count()} processor cores and the lab needs {cores}: use a larger machine"
        )
    return problems


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "lab": {"type": "str", "required": True},
            "owner": {"type": "path", "required": True},
            "take": {"type": "bool", "default": False},
            "networks": {"type": "dict", "required": True},
            "nodes": {"type": "list", "elements": "str", "required": True},
            "memory_mb": {"type": "int", "required": True},
            "disk_mb": {"type": "int", "required": True},
            "cores": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    problems = check_names(params["lab"], params["nodes"])
    if problems:
        module.fail_json(msg="; ".join(problems), problems=problems)
    lab = Lab(params["lab"])
    try:
        running = bool(lab.running())
        # A lab that runs already has its memory and disk.
        problems += check_machine(
            0 if running else params["memory_mb"], 0 if running else params["disk_mb"], params["cores"]
        )
        problems += check_subnets(params["networks"], read_routes(), lab.links())
        problems += check_kernel()
        if not params["take"]:
            refuse_foreign(lab, params["owner"])
    except LabError as error:
        problems.append(str(error))
    if problems:
        module.fail_json(
            msg="This machine can't carry the lab:\n" + "\n".join(f"- {problem}" for problem in problems),
            problems=problems,
        )
    module.exit_json(changed=False, problems=[])


if __name__ == "__main__":
    main()
