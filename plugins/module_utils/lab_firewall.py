"""What may pass between a lab's networks, this machine and what lies behind it: one table of nftables for each lab.

What a table refuses stays refused whatever other tables accept, so labs side by side can't open each other, and nor can
the rules of a container engine.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import Lab, LabError, run

FAMILY = "inet"
NOTE = "firewall.json"
"""In a lab's directory: the table as it was wanted, and as the kernel shows it since then."""
LAST_PORT = 65535
NODES = "management"
"""The network in which the nodes reach this machine, and through it their packages."""


def table_name(lab: Lab) -> str:
    """Return the name of a lab's table."""
    return f"hoplab-{lab.name}"


def wanted_table(lab: Lab, networks: list[dict[str, Any]], bridges: list[str], endpoints: list[dict[str, Any]]) -> str:
    """Return a lab's table in nft's language.

    networks: as the module lab_nodes takes them, and their bridges in the same order. endpoints: `address` and `port`
    of what guests may reach in the lab's other networks.

    A network with an address of this machine may begin connections to the outside; into any of them only answers come,
    and what stays in one bridge is its own affair. Of this machine's own addresses, guests get an answer to ping alone.
    A refused connection is told so at once: nobody has to wait for a time limit to see that it is not meant to be.
    """
    named = list(zip(networks, bridges, strict=True))
    guests = [bridge for network, bridge in named if network["name"] != NODES]
    closed = [bridge for network, bridge in named if not network["host_address"]]
    lines = [
        f"table {FAMILY} {table_name(lab)} {{",
        "chain refuse {",
        "meta l4proto tcp reject with tcp reset",
        "reject with icmpx type admin-prohibited",
        "}",
        "chain forward {",
        "type filter hook forward priority -5; policy accept;",
        "ct state established,related accept",
        # Frames within a bridge pass here where br_netfilter is loaded.
        *(f'iifname "{bridge}" oifname "{bridge}" accept' for bridge in bridges),
        *(
            f'iifname "{bridge}" ip daddr {endpoint["address"]} tcp dport {endpoint["port"]} accept'
            for bridge in guests
            for endpoint in endpoints
        ),
        *(f'oifname "{bridge}" jump refuse' for bridge in bridges),
        # By address, too: where this machine has none in a subnet, it would send the packets to the outside.
        *(f"ip daddr {network['subnet']} jump refuse" for network in networks),
        *(f'iifname "{bridge}" jump refuse' for bridge in closed),
        "}",
        "chain input {",
        "type filter hook input priority -5; policy accept;",
        "ct state established,related accept",
        *(f'iifname "{bridge}" jump own' for bridge in guests),
        "}",
        "chain own {",
        "icmp type echo-request accept",
        "icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept",
        "jump refuse",
        "}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def ensure_table(lab: Lab, wanted: str, check: bool) -> list[str]:
    """Load a lab's table where it is not as it should be; returns what was done."""
    shown = shown_table(lab)
    if shown and noted(lab) == {"wanted": wanted, "shown": shown}:
        return []
    if not check:
        name = f"{FAMILY} {table_name(lab)}"
        os.makedirs(lab.directory, mode=0o755, exist_ok=True)
        path = os.path.join(lab.directory, "firewall.nft")
        with open(path, "w", encoding="utf-8") as stream:
            # In one transaction: never is there a moment without it.
            stream.write(f"table {name}\ndelete table {name}\n{wanted}")
        run("nft", "--file", path)
        with open(os.path.join(lab.directory, NOTE), "w", encoding="utf-8") as stream:
            json.dump({"wanted": wanted, "shown": shown_table(lab)}, stream)
    return [f"firewall table {table_name(lab)}"]


def remove_table(lab: Lab) -> list[str]:
    """Remove a lab's table; returns what was done."""
    if not shown_table(lab):
        return []
    run("nft", "delete", "table", FAMILY, table_name(lab))
    return [f"firewall table {table_name(lab)}"]


def shown_table(lab: Lab) -> str:
    """Return a lab's table as the kernel has it, empty if there is none."""
    if shutil.which("nft") is None:
        return ""
    if f"table {FAMILY} {table_name(lab)}" not in run("nft", "list", "tables").splitlines():
        return ""
    return run("nft", "--stateless", "list", "table", FAMILY, table_name(lab))


def noted(lab: Lab) -> dict[str, str]:
    """Return what was noted when the table was loaded last; {} if there is no such note."""
    try:
        with open(os.path.join(lab.directory, NOTE), encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def check_endpoints(endpoints: list[dict[str, Any]]) -> None:
    """Raise LabError that names an endpoint's field, value and what to do, if it is none."""
    for place, endpoint in enumerate(endpoints):
        if not 1 <= endpoint["port"] <= LAST_PORT:
            field = f"node_container_guest_endpoints[{place}].port"
            raise LabError(f"{field} is {endpoint['port']}: use a TCP port from 1 to {LAST_PORT}")
