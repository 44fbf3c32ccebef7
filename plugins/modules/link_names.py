#!/usr/bin/python3
"""Find the names of a node's links by their MAC addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: link_names
short_description: Find the names of links by their MAC addresses
description:
  - Changes nothing. Where several links have an address, as a card and the VLANs on it do, the card is meant.
options:
  links:
    description: Names of links, which stay as they are, and MAC addresses (C(52:54:00:12:34:56)).
    type: list
    elements: str
    required: true
  besides:
    description: Names of links that are not meant, such as bridges, which have the address of a port.
    type: list
    elements: str
    default: []
author: Hoplab
"""

EXAMPLES = r"""
- name: Find the link
  hoplab.lab.link_names:
    links: ["52:54:00:12:34:56"]
    besides: [br-ex]
"""

RETURN = r"""
names:
  description: The name of each link, by what was given.
  type: dict
  returned: on success
"""

import os

from ansible.module_utils.basic import AnsibleModule

LINKS = "/sys/class/net"


def read_addresses() -> dict[str, tuple[str, bool]]:
    """Return of each link its MAC address and whether it is a card (a device of the machine)."""
    found = {}
    for name in sorted(os.listdir(LINKS)):
        place = os.path.join(LINKS, name)
        if os.path.isfile(os.path.join(place, "address")):
            with open(os.path.join(place, "address"), encoding="ascii") as stream:
                found[name] = (stream.read().strip().lower(), os.path.exists(os.path.join(place, "device")))
    return found


def named(link: str, there: dict[str, tuple[str, bool]]) -> str:
    """Return the name of a link that is given by its address; raises ValueError where it is none, or several."""
    having = [name for name, (address, _card) in there.items() if address == link.lower()]
    cards = [name for name in having if there[name][1]]
    if len(having) == 1 or len(cards) == 1:
        return (cards or having)[0]
    told = ", ".join(f"{name} {address}" for name, (address, _card) in there.items() if name != "lo")
    said = f"{', '.join(having)} have this address: give one of these names" if having else f"there are {told}"
    raise ValueError(f"no link is known by the MAC address {link}: {said}")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "links": {"type": "list", "elements": "str", "required": True},
            "besides": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    there = {name: told for name, told in read_addresses().items() if name not in module.params["besides"]}
    try:
        names = {link: named(link, there) if ":" in link else link for link in module.params["links"]}
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, names=names)


if __name__ == "__main__":
    main()
