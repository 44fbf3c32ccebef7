"""What an inventory may say, checked before it is used: each fault with host, field, value, place and advice."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

NETWORKS = ("management", "tunnel", "external")
SMALLEST_PREFIX, LONGEST_PREFIX = 8, 24  # a smaller subnet has no room for the nodes and the floating IPs
SMALLEST_MTU, LARGEST_MTU = 1280, 9216  # what IPv6 demands of every link; the largest frames that switches pass
FIRST_NODE_ID = 2  # 1 is this machine
SMALLEST_LAST = 254  # of the smallest subnet that is large enough
ALONE = {"control": "databases, message broker and APIs have one node: what they keep is not shared between several"}
"""Groups that can have one host only, and why."""

NODE_KINDS = {"machines": "machine", "containers": "container"}
"""What the nodes of a lab can be (lab_nodes_kind), and the end of the name of the role that gives them, node_<kind>.

The roles of a lab that mixes kinds are applied in this order: machines are only looked at, so they may refuse first.
"""

ADDRESSES = {"management_address": "management", "tunnel_address": "tunnel"}
"""What of a node is an address in which network."""
JUMP = re.compile(r"[\w.-]+@[\w.-]+(:[0-9]{1,5})?", re.ASCII)

Spec = dict[str, dict[str, Any]]
Where = Callable[[Any], str]
"""Returns in words where a value stands (`, in FILE:LINE`), empty if that is not known."""

OWN: Spec = {
    "lab_name": {"type": "str", "required": True},
    "lab_networks": {"type": "dict", "required": True},
    "lab_nodes_kind": {"type": "str", "choices": sorted(NODE_KINDS)},
    "lab_debug": {"type": "bool"},
    "lab_ssh_known_hosts": {"type": "path"},
    "lab_ssh_jump": {"type": "str"},
    "lab_ceph_pool_size": {"type": "int"},
    "lab_ceph_osd_cache": {"type": "int"},
    "lab_ceph_debug": {"type": "bool"},
}
"""What all roles get through playbooks/group_vars, in the form of an argument spec."""


def templated(value: Any) -> bool:
    """Tell whether a value, or a part of it, is a template: what it comes to is known when it is used."""
    if isinstance(value, Mapping):
        return any(templated(part) for part in value.values())
    if isinstance(value, list):
        return any(templated(part) for part in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def check_networks(networks: Any, where: Where) -> list[str]:
    """Return what is wrong with lab_networks."""
    if not isinstance(networks, Mapping):
        kind = "a list" if isinstance(networks, list) else f"{networks!r}"
        advice = f"give a mapping of {', '.join(NETWORKS)}, each with subnet and mtu"
        return [f"lab_networks is {kind}{where(networks)}: {advice}"]
    problems = [
        f"lab_networks.{name} is no network of a lab{where(networks[name])}: use {', '.join(NETWORKS)}"
        for name in networks
        if name not in NETWORKS
    ]
    mtus = {}
    for name in NETWORKS:
        field = f"lab_networks.{name}"
        network = networks.get(name)
        if not isinstance(network, Mapping):
            said = "missing" if name not in networks else f"{network!r}"
            problems.append(f"{field} is {said}{where(networks)}: give it a subnet and an mtu")
            continue
        problems += [
            f"{field}.{key} is not known{where(network[key])}: use subnet and mtu"
            for key in network
            if key not in ("subnet", "mtu")
        ]
        problems += check_subnet(f"{field}.subnet", network.get("subnet"), where, network)
        mtu = network.get("mtu")
        if SMALLEST_MTU <= whole(mtu) <= LARGEST_MTU:
            mtus[name] = whole(mtu)
        else:
            said = "missing" if "mtu" not in network else f"{mtu!r}"
            place = where(mtu) or where(network)
            problems.append(f"{field}.mtu is {said}{place}: use a whole number from {SMALLEST_MTU} to {LARGEST_MTU}")
    if "tunnel" in mtus and "external" in mtus and mtus["tunnel"] < mtus["external"]:
        place = where(networks["tunnel"]["mtu"]) or where(networks["tunnel"])
        problems.append(
            f"lab_networks.tunnel.mtu is {mtus['tunnel']}{place}, less than what it carries: packets as large as the "
            f"external network's, of {mtus['external']} bytes. Use {mtus['external']} or more"
        )
    return problems


def check_subnet(field: str, subnet: Any, where: Where, around: Any) -> list[str]:
    """Return what is wrong with a subnet. around: what it stands in, for the place of one that is missing."""
    advice = "Use an IPv4 network such as 172.29.20.0/24"
    place = where(subnet) or where(around)
    if subnet is None:
        return [f"{field} is missing{place}. {advice}"]
    if not isinstance(subnet, str):
        return [f"{field} is {subnet!r}{place}: no text. {advice}"]
    if "/" not in subnet:
        return [f"{field} is {subnet!r}{place}: it has no mask. {advice}"]
    try:
        network = ipaddress.IPv4Network(subnet)
    except ValueError as error:
        return [f"{field} is {subnet!r}{place}: {error}. {advice}"]
    if not SMALLEST_PREFIX <= network.prefixlen <= LONGEST_PREFIX:
        return [f"{field} is {subnet!r}{place}: use a prefix from /{SMALLEST_PREFIX} to /{LONGEST_PREFIX}"]
    return []


def whole(value: Any) -> int:
    """Return a whole number, also one that is written as a text of nothing but its digits; -1 for all else."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return -1
    if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
        return -1
    return int(value)


def check_node_ids(nodes: Mapping[str, Mapping[str, Any]], networks: Any, where: Where) -> list[str]:
    """Return what is wrong with the nodes' node_id. nodes: variables of each, by its name."""
    given = networks.values() if isinstance(networks, Mapping) else ()
    subnets = [network["subnet"] for network in given if isinstance(network, Mapping) and "subnet" in network]
    good = [ipaddress.IPv4Network(subnet) for subnet in subnets if not check_subnet("", subnet, where, None)]
    # The last address of a subnet is for all of them.
    last = min((network.num_addresses - 2 for network in good), default=SMALLEST_LAST)
    problems = []
    taken: dict[int, str] = {}
    advice = (
        f"give it a whole number from {FIRST_NODE_ID} to {last} that no other node has, in the inventory's hosts.yml"
    )
    for name, variables in nodes.items():
        if "node_id" not in variables:
            if "node_id" in str(variables.get("management_address", "node_id")):
                problems.append(f"{name}: node_id is missing: {advice}")
            continue
        value = variables["node_id"]
        place = where(value)
        if not FIRST_NODE_ID <= whole(value) <= last:
            reason = ", which is this machine's own address" if value == 1 else ""
            problems.append(f"{name}: node_id is {value!r}{reason}{place}: {advice}")
        elif whole(value) in taken:
            problems.append(f"{name}: node_id is {value!r}{place}, which {taken[whole(value)]} has: {advice}")
        else:
            taken[whole(value)] = name
    return problems


def check_addresses(
    nodes: Mapping[str, Mapping[str, Any]], groups: Mapping[str, list[str]], networks: Any, where: Where
) -> list[str]:
    """Return what is wrong with addresses that are given of nodes. nodes: variables of each, by its name."""
    problems = []
    for name, variables in nodes.items():
        for field, network in ADDRESSES.items():
            value = variables.get(field)
            if templated(value):
                continue
            if value is None:
                if field == "tunnel_address" and name in groups.get("neutron_ovs_agent", ()):
                    problems.append(f"{name}: {field} is missing: give it an address in lab_networks.{network}.subnet")
                continue
            given = networks.get(network) if isinstance(networks, Mapping) else None
            subnet = given.get("subnet") if isinstance(given, Mapping) else None
            try:
                inside = bool(check_subnet("", subnet, where, None)) or (
                    ipaddress.IPv4Address(value) in ipaddress.IPv4Network(subnet)
                )
            except ValueError:
                inside = False
            if not inside:
                advice = f"give it an IPv4 address in lab_networks.{network}.subnet, {subnet}"
                problems.append(f"{name}: {field} is {value!r}{where(value)}: {advice}")
    return problems


def check_jump(hosts: Mapping[str, Mapping[str, Any]], where: Where) -> list[str]:
    """Return what is wrong with jump hosts."""
    return [
        f"{name}: lab_ssh_jump is {value!r}{where(value)}: use USER@HOST or USER@HOST:PORT"
        for name, variables in hosts.items()
        if not templated(value := variables.get("lab_ssh_jump", "")) and value and not JUMP.fullmatch(str(value))
    ]


def check_groups(groups: Mapping[str, list[str]]) -> list[str]:
    """Return which groups have more hosts than they can have."""
    return [
        f"the group {group} has {len(groups[group])} hosts, {', '.join(sorted(groups[group]))}: keep one of them in "
        f"the inventory's hosts.yml ({why})"
        for group, why in ALONE.items()
        if len(groups.get(group, ())) > 1
    ]


def check_variables(host: str, variables: Mapping[str, Any], specs: Spec, where: Where) -> list[str]:
    """Return what of a host's variables is not what the argument specs say.

    variables: those that the inventory sets; specs: of all roles together. A value that is a template is checked by
    its role. A name that begins like a role's, and is none of its variables, is a mistake, too.
    """
    problems = []
    for name, value in variables.items():
        if name in specs:
            if templated(value):
                continue
            if fault := unfit(name, value, specs[name]):
                problems.append(f"{host}: {name} is {value!r}{where(value) or where(name)}: {fault}")
        elif name.startswith("lab_") and name not in ("lab_directory", "lab_user", "lab_group"):
            close = difflib.get_close_matches(name, specs, 1)
            advice = f"did you mean {close[0]}?" if close else "remove it, or look for its name in the README"
            problems.append(f"{host}: {name} is no variable of a lab{where(value) or where(name)}: {advice}")
        else:
            close = difflib.get_close_matches(name, specs, 1, cutoff=0.9)
            if close:
                place = where(value) or where(name)
                problems.append(f"{host}: {name} is no variable of any role{place}: did you mean {close[0]}?")
    return problems


def unfit(name: str, value: Any, option: Mapping[str, Any]) -> str:
    """Return why a value is none for an option of an argument spec, in words; empty if it is good."""
    kind = option.get("type", "str")
    if kind in ("int", "float") and isinstance(value, bool):
        return f"use a number, {kind}"  # Ansible takes true for 1.
    if kind in ("str", "path") and isinstance(value, (Mapping, list)):
        return "use a text"  # Ansible takes what Python shows of it.
    errors = ArgumentSpecValidator({name: plain(option)}).validate({name: value}).error_messages
    return " ".join(str(errors[0]).split()) if errors else ""


def plain(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return an option of an argument spec with only what says which values are good."""
    kept = {key: option[key] for key in ("type", "elements", "choices") if key in option}
    if "options" in option:
        kept["options"] = {
            name: plain(inner) | {"required": bool(inner.get("required"))} for name, inner in option["options"].items()
        }
    return kept


def check_inventory(
    hosts: Mapping[str, Mapping[str, Any]], groups: Mapping[str, list[str]], specs: Spec, where: Where
) -> list[str]:
    """Return all that is wrong with an inventory, each problem once.

    hosts: variables of each host that the inventory sets, as they stand there; groups: hosts of each group.
    """
    problems = check_groups(groups)
    shared = next(iter(hosts.values()), {})
    for name, option in OWN.items():
        if option.get("required") and name not in shared:
            problems.append(f"{name} is missing: set it in the inventory's group_vars/all/lab.yml")
    networks = shared.get("lab_networks")
    if "lab_networks" in shared and not templated(networks):
        problems += check_networks(networks, where)
    nodes = {name: hosts[name] for name in groups.get("nodes", ()) if name in hosts}
    problems += check_node_ids(nodes, networks, where)
    problems += check_addresses(nodes, groups, networks, where) + check_jump(nodes, where)
    for name, variables in hosts.items():
        known = {key: value for key, value in variables.items() if key != "lab_networks"}
        problems += check_variables(name, known, OWN | specs, where)
    # What is set for a group is wrong on each of its hosts: told once.
    told: dict[str, str] = {}
    for problem in problems:
        told.setdefault(problem.partition(": ")[2] if problem.partition(": ")[0] in hosts else problem, problem)
    return list(told.values())
