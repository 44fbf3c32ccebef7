"""The bridges, addresses and firewall rules of a lab on the machine that carries it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
from typing import Any

from ansible_collections.hoplab.lab.plugins.module_utils.lab_firewall import (
    check_endpoints,
    ensure_table,
    remove_table,
    wanted_table,
)
from ansible_collections.hoplab.lab.plugins.module_utils.lab_firstboot import host_address
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import (
    Lab,
    LabError,
    host_lock,
    known_labs,
    link_alias,
    run,
)

FORWARD = "/proc/sys/net/ipv4/ip_forward"


def bridge_name(lab: Lab, network: dict[str, Any]) -> str:
    """Return the name (at most 15 characters) of a network's bridge."""
    return f"{lab.name}-{network['interface'][:6]}"


def host_link(lab: Lab, node: str, name: str) -> str:
    """Return the name (at most 15 characters) of the host's end of a node's link."""
    # The whole name of the lab counts: links of labs side by side must differ.
    return f"{node[:5]}{name[:3]}-{hashlib.sha256(lab.name.encode()).hexdigest()[:6]}"


def links_of(node: dict[str, Any], networks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the networks that a node has a link in."""
    return [network for network in networks if network["name"] in node["networks"]]


def ensure_bridge(lab: Lab, network: dict[str, Any], check: bool) -> bool:
    """Make a bridge with the machine's own address on it; returns whether anything was missing."""
    name = bridge_name(lab, network)
    found = [link for link in json.loads(run("ip", "-json", "address", "show")) if link.get("ifname") == name]
    if not found:
        if check:
            return True
        run("ip", "link", "add", name, "type", "bridge")
        run("ip", "link", "set", name, "alias", f"hoplab:{lab.name}")
    elif link_alias(name) != f"hoplab:{lab.name}":
        raise LabError(
            f"this machine has a link {name} that is not of the lab {lab.name}: give the lab another lab_name"
        )
    address = host_address(network["subnet"]) if network["host_address"] else None
    present = {
        f"{entry['local']}/{entry['prefixlen']}"
        for link in found
        for entry in link["addr_info"]
        if entry["family"] == "inet"
    }
    complete = (
        bool(found)
        and "UP" in found[0]["flags"]
        and found[0]["mtu"] == network["mtu"]
        and present == ({address} if address else set())
    )
    if complete or check:
        return not complete
    for stale in present - {address}:
        run("ip", "address", "delete", stale, "dev", name)
    run("ip", "link", "set", name, "mtu", str(network["mtu"]), "up")
    if address and address not in present:
        run("ip", "address", "add", address, "dev", name)
    return True


def wanted_rules(lab: Lab, networks: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return (table, rule) of all rules that let the lab's packets pass, each marked with its name.

    What must not pass is refused by the lab's own table (lab_firewall), whatever is accepted here.
    """
    mark = ["-m", "comment", "--comment", f"hoplab:{lab.name}"]
    rules: list[tuple[str, list[str]]] = []
    for network in networks:
        # Bridged frames pass FORWARD too where br_netfilter is loaded, and a container engine may have set it to DROP.
        bridge = bridge_name(lab, network)
        rules.append(("filter", ["FORWARD", "-i", bridge, *mark, "-j", "ACCEPT"]))
        rules.append(("filter", ["FORWARD", "-o", bridge, *mark, "-j", "ACCEPT"]))
        if network["host_address"]:
            subnet = network["subnet"]
            rules.append(
                ("nat", ["POSTROUTING", "-s", subnet, "!", "-d", subnet, "!", "-o", bridge, *mark, "-j", "MASQUERADE"])
            )
    return rules


def ensure_rules(lab: Lab, networks: list[dict[str, Any]], check: bool) -> list[str]:
    """Add the firewall rules that are missing; returns them."""
    added = []
    for table, rule in wanted_rules(lab, networks):
        with contextlib.suppress(LabError):
            run("iptables", "--wait", "-t", table, "-C", *rule)
            continue
        if not check:
            run("iptables", "--wait", "-t", table, "-I", *rule)
        added.append(f"{table} rule {' '.join(rule)}")
    return added


def remove_rules(lab: Lab) -> list[str]:
    """Remove every firewall rule that carries the lab's mark; returns them."""
    removed = []
    for table in ("filter", "nat"):
        for line in run("iptables-save", "-t", table).splitlines():
            words = shlex.split(line)
            if line.startswith("-A") and f"hoplab:{lab.name}" in words:
                run("iptables", "--wait", "-t", table, "-D", *words[1:])
                removed.append(f"{table} rule {' '.join(words[1:])}")
    return removed


def ensure_forwarding(lab: Lab, check: bool) -> bool:
    """Let this machine forward packets, and remember in the lab's directory if it did not; returns that."""
    with open(FORWARD, encoding="utf-8") as stream:
        if stream.read().strip() == "1":
            return False
    if not check:
        os.makedirs(lab.directory, mode=0o755, exist_ok=True)
        with open(os.path.join(lab.directory, "ip_forward"), "w", encoding="utf-8") as stream:
            stream.write("0")
        set_forwarding("1")
    return True


def restore_forwarding(lab: Lab) -> list[str]:
    """Set forwarding back to what it was before the lab; returns what was done.

    Another lab on this machine needs it as well: it takes the note over, and the last lab sets forwarding back.
    """
    note = os.path.join(lab.directory, "ip_forward")
    if not os.path.exists(note):
        return []
    for other in known_labs():
        if other.name != lab.name and other.record():
            os.rename(note, os.path.join(other.directory, "ip_forward"))
            return [f"ip_forward left to the lab {other.name}"]
    set_forwarding("0")
    return ["ip_forward"]


def set_forwarding(value: str) -> None:
    """Write the kernel's switch for forwarding."""
    with open(FORWARD, "w", encoding="utf-8") as stream:
        stream.write(value)


def ensure_networks(
    lab: Lab, networks: list[dict[str, Any]], endpoints: list[dict[str, Any]], check: bool
) -> list[str]:
    """Bring up all networks of a lab; returns what was done. endpoints: what guests may reach (lab_firewall)."""
    check_endpoints(endpoints)
    bridges = [bridge_name(lab, network) for network in networks]
    # Before anything can pass.
    done = ensure_table(lab, wanted_table(lab, networks, bridges, endpoints), check)
    done += [f"bridge {bridge_name(lab, network)}" for network in networks if ensure_bridge(lab, network, check)]
    done += ensure_rules(lab, networks, check)
    if ensure_forwarding(lab, check):
        done.append("ip_forward")
    return done


def remove_lab(lab: Lab) -> list[str]:
    """Remove all that a lab has on this machine, whatever state it is in; returns what was removed."""
    with host_lock():
        removed = remove_rules(lab) + remove_table(lab) + restore_forwarding(lab)
        # Before the lock is given back: who counts the labs must not find this one.
        return removed + lab.remove()
