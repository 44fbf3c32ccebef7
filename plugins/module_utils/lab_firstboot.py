"""What a container needs in its file system before its first boot: a name, an address, and keys to be reached by."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from typing import Any


def host_address(subnet: str) -> str:
    """Return the first address of a subnet, with prefix length: the one that the carrying machine takes."""
    network = ipaddress.IPv4Network(subnet)
    return f"{network[1]}/{network.prefixlen}"


def network_file(network: dict[str, Any], address: str) -> str:
    """Return systemd-networkd's file for a node's link in the first network."""
    subnet = ipaddress.IPv4Network(network["subnet"])
    return "\n".join(
        [
            "[Match]",
            f"Name={network['interface']}",
            "",
            "[Link]",
            f"MTUBytes={network['mtu']}",
            "",
            "[Network]",
            f"Address={address}/{subnet.prefixlen}",
            f"Gateway={subnet[1]}",
            "LinkLocalAddressing=no",
            "",
        ]
    )


def machine_id(lab: str, node: str, host_key: str) -> str:
    """Return a machine id that is a node's own: the same as long as its host key is."""
    return hashlib.sha256(f"{lab} {node} {host_key}".encode()).hexdigest()[:32]


def first_boot_files(
    lab: str, node: dict[str, Any], network: dict[str, Any], authorized_key: str
) -> list[tuple[str, str, int]]:
    """Return (path, content, mode) of all files that a node needs for its first boot."""
    resolv = ""
    if os.path.exists("/etc/resolv.conf"):
        with open("/etc/resolv.conf", encoding="utf-8") as stream:
            resolv = stream.read()
    name, address = node["name"], node["address"]
    return [
        ("/etc/hostname", f"{name}\n", 0o644),
        # A node that can't resolve its own name waits 10 s for it again and again (libvirt, RabbitMQ).
        ("/etc/hosts", f"127.0.0.1 localhost\n{address} {name}\n", 0o644),
        ("/etc/machine-id", machine_id(lab, name, node["host_key"]) + "\n", 0o444),
        ("/etc/resolv.conf", resolv, 0o644),
        ("/etc/hoplab-lab", f"{lab}\n", 0o644),
        ("/etc/ssh/ssh_host_ed25519_key", node["host_key"], 0o600),
        ("/etc/ssh/ssh_host_ed25519_key.pub", node["host_key_public"] + "\n", 0o644),
        ("/root/.ssh/authorized_keys", authorized_key + "\n", 0o600),
        (f"/etc/systemd/network/10-{network['interface']}.network", network_file(network, address), 0o644),
    ]


def offer_kvm(upper: str, device: str = "/dev/kvm") -> None:
    """Have a node that is about to boot make a KVM device of its own, if this machine has one and the node can use it.

    Not this machine's: what changes its group here would be seen in all nodes, where libvirt then takes what it knows
    of QEMU for outdated. A node that has found that KVM runs no guest (the fact that nova_compute's probe keeps) has no
    use for one. upper: the node's upper layer.
    """
    path = upper + "/etc/tmpfiles.d/kvm.conf"
    fact = upper + "/etc/ansible/facts.d/nova_virt_type.fact"
    usable = os.path.exists(device)
    if usable and os.path.exists(fact):
        with open(fact, encoding="utf-8") as stream:
            usable = "qemu" not in stream.read()
    if usable:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        number = os.stat(device).st_rdev
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(f"c /dev/kvm 0660 root root - {os.major(number)}:{os.minor(number)}\n")
    elif os.path.exists(path):
        os.unlink(path)
