#!/usr/bin/python3
"""Try the ways from a machine to the other ones, before they become nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_paths
short_description: Whether a machine reaches the others' ports, and how large its packets in the tunnel network may be
description:
  - Asks for a TCP connection to each port of each other machine. A port on which nothing listens refuses, which is an
    answer; where a firewall drops the question there is none, and where it rejects it, an ICMP message says so. A
    firewall that resets connections is not told from a port on which nothing listens.
  - Pings the others by the addresses that links have by themselves (IPv6, link-local), for the tunnel's links have no
    other ones yet, with packets that may not be broken up. Changes nothing.
  - Runs with an action plugin of the same name, which takes the others' addresses from what they said of themselves.
options:
  facts:
    description: Name of the variable in which each machine has what C(machine_facts) returned.
    type: str
  ports:
    description: C(name), C(address) and C(ports) (TCP) of each other machine.
    type: list
    elements: dict
    default: []
  link:
    description: This machine's link into the tunnel network.
    type: str
    default: ""
  tunnels:
    description: C(name), C(address) (link-local) and C(mtu) to be tried of each other machine with a link there.
    type: list
    elements: dict
    default: []
author: Hoplab
"""

EXAMPLES = r"""
- name: Try the paths to the other machines
  hoplab.lab.machine_paths:
    facts: __machine_check_facts
"""

RETURN = r"""
closed:
  description: C(name), C(port) and C(how) of each port that could not be asked.
  type: list
  returned: always
tunnels:
  description: C(name), C(mtu), C(answers) (a small packet) and C(passes) (one of that MTU) of each other machine.
  type: list
  returned: always
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.machine_ports import ask_ports
from ansible_collections.hoplab.lab.plugins.module_utils.machine_reading import ask

HEADERS = 48  # bytes of IPv6 and of ICMPv6, which an MTU counts and ping does not
SMALL = 56  # bytes, ping's default
TRIES = 3


def ping(link: str, address: str, size: int) -> bool:
    """Tell whether a packet with so many bytes of data comes back, unbroken, from a neighbour on a link."""
    argv = ["ping", "-6", "-n", "-q", "-M", "do", "-c", "1", "-W", "1", "-s", str(size), f"{address}%{link}"]
    return any(ask(*argv, timeout=10)[0] == 0 for _try in range(TRIES))


def try_tunnel(link: str, machine: dict[str, Any]) -> dict[str, Any]:
    """Return what of a machine's packets passes on the tunnel's link."""
    answers = ping(link, machine["address"], SMALL)
    passes = answers and ping(link, machine["address"], machine["mtu"] - HEADERS)
    return {"name": machine["name"], "mtu": machine["mtu"], "answers": answers, "passes": passes}


def main() -> None:
    """Run the module."""
    text = {"type": "str", "required": True}
    ports = {"name": text, "address": text, "ports": {"type": "list", "elements": "int", "required": True}}
    tunnel = {"name": text, "address": text, "mtu": {"type": "int", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "facts": {"type": "str"},
            "ports": {"type": "list", "elements": "dict", "options": ports, "default": []},
            "link": {"type": "str", "default": ""},
            "tunnels": {"type": "list", "elements": "dict", "options": tunnel, "default": []},
        },
        supports_check_mode=True,
    )
    link = module.params["link"]
    with ThreadPoolExecutor(16) as pool:
        asked = pool.submit(ask_ports, module.params["ports"])
        tunnels = list(pool.map(lambda machine: try_tunnel(link, machine), module.params["tunnels"]))
        closed = asked.result()
    module.exit_json(changed=False, closed=closed, tunnels=tunnels)


if __name__ == "__main__":
    main()
