"""What of a machine keeps it from becoming a node, judged from what was seen there (`machine_facts`)."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.hoplab.lab.plugins.module_utils.machine_reading import find_link

Wanted = Mapping[str, Any]
"""What the machine is to be: the options of the role machine_check."""
Seen = Mapping[str, Any]
"""What the module machine_facts found."""

DEBIAN = "13"
# Programs that services of ours run: a profile of the site's for one of them knows nothing of OpenStack's files.
CONFINED = ("ceph-*", "dnsmasq", "haproxy", "memcached", "neutron-*", "nova-*", "ovs*", "radosgw", "uwsgi*")
SHOWN = 8  # packages that are named
LOOPBACK = ("127.0.0.1", "::1", "127.0.1.1")
ANYWHERE = ("*", "0.0.0.0", "::")


@dataclass(frozen=True)
class Problem:
    """Something that keeps a machine from becoming a node.

    check: which kind of problem; seen: what is so, with the value; advice: what to do; acceptable: whether the site may
    say that it is all right (`machine_check_accepted`).
    """

    machine: str
    check: str
    seen: str
    advice: str
    acceptable: bool = False

    @property
    def key(self) -> str:
        """How it is accepted."""
        return f"{self.machine}:{self.check}"

    def __str__(self) -> str:
        """What a person reads."""
        return f"{self.seen}: {self.advice}" + (f" [{self.key}]" if self.acceptable else "")


Found = Iterator[tuple[str, str, str]]
"""Check, seen, advice."""


def check_system(wanted: Wanted, seen: Seen) -> Found:
    """Judge operating system and host name."""
    system = seen["system"]
    if (system["id"], system["version"]) != ("debian", DEBIAN):
        yield (
            "system",
            f"it runs {system['name']}",
            f"install Debian {DEBIAN} (trixie); packages and roles are made for it",
        )
    name, wanted_name = seen["host_name"], wanted["host_name"]
    if name != wanted_name:
        advice = f"run `hostnamectl set-hostname {wanted_name}` there, or name it {name} in the inventory"
        if name.partition(".")[0] == wanted_name:
            advice += f" (or set nova_compute_host_name to {name} for it, where it is a compute)"
        yield "host-name", f"its host name is {name}, and the inventory's name is {wanted_name}", advice


def check_size(wanted: Wanted, seen: Seen) -> Found:
    """Judge memory and disk."""
    if seen["memory_mb"] < wanted["memory_mb"]:
        yield (
            "memory",
            f"it has {seen['memory_mb']} MB of memory, and what is to run there needs {wanted['memory_mb']} MB",
            "give it more, or move services to another machine",
        )
    if not seen["deployed"] and seen["free_mb"] < wanted["disk_mb"]:
        yield (
            "disk-space",
            f"{seen['free_mb']} MB are free in /var, and what is to run there needs {wanted['disk_mb']} MB",
            "make room, or enlarge the file system",
        )


def check_address(wanted: Wanted, seen: Seen) -> Found:
    """Judge the management address."""
    found = {entry["address"]: link["name"] for link in seen["links"] for entry in link["addresses"]}
    if wanted["address"] not in found:
        global_ones = sorted(
            f"{entry['address']} ({link['name']})"
            for link in seen["links"]
            for entry in link["addresses"]
            if entry["scope"] == "global"
        )
        yield (
            "address",
            f"none of its links has the management address {wanted['address']}; it has "
            f"{', '.join(global_ones) or 'none'}",
            "set management_address to the address that it has in the management network, or give it this one",
        )


def check_links(wanted: Wanted, seen: Seen) -> Found:
    """Judge the links into the tunnel network and the external one."""
    tunnel, external = wanted["tunnel_link"], wanted["external_link"]
    if tunnel and tunnel == external:
        yield (
            "tunnel-link",
            f"{tunnel} is its link into the tunnel network and into the external one",
            "name two links (neutron_ovs_agent_tunnel_interface, neutron_ovs_agent_external_interface)",
        )
        return
    for kind, name, own in (("tunnel", tunnel, wanted["tunnel_address"]), ("external", external, "")):
        variable = f"neutron_ovs_agent_{kind}_interface"
        if not name:
            continue
        link = find_link(seen["links"], name)
        if link is None:
            others = ", ".join(sorted(link["name"] for link in seen["links"] if link["name"] != "lo"))
            yield (
                f"{kind}-link",
                f"it has no link {name} for the {kind} network; it has {others}",
                f"set {variable} to one of its links",
            )
            continue
        uses = " and ".join(_uses(link, seen, own))
        if uses:
            yield (
                f"{kind}-link",
                f"its link {name} is to be for the {kind} network alone, and {uses}",
                f"free it, or set {variable} to another link",
            )
        for owner in seen["owners"].get(link["name"], []):
            yield (
                f"{kind}-link-owner",
                f"its link {name} for the {kind} network is configured by {owner}, too",
                "take the link out there; the lab configures it with systemd-networkd",
            )
    link = find_link(seen["links"], tunnel) if tunnel else None
    if link and 0 < link["max_mtu"] < wanted["tunnel_mtu"]:
        yield (
            "tunnel-mtu",
            f"its link {tunnel} takes packets of {link['max_mtu']} bytes at most, and the tunnel network has an MTU of "
            f"{wanted['tunnel_mtu']}",
            "use another link, or lower lab_networks.tunnel.mtu and lab_networks.external.mtu",
        )


def _uses(link: Mapping[str, Any], seen: Seen, own: str) -> Iterator[str]:
    """Yield in words what a link is used for by others. own: an address that the lab itself gives it."""
    deployed = seen["deployed"]
    for entry in link["addresses"]:
        if entry["scope"] == "global" and not (deployed and entry["address"] == own):
            yield f"has the address {entry['address']}"
    if link["name"] in seen["default_links"]:
        yield "has the default route"
    if link["master"] and not (deployed and link["master"].startswith("ovs-")):
        yield f"is a port of {link['master']}"
    for other in seen["links"]:
        if other["below"] == link["name"] and not deployed:
            yield f"carries {other['name']}"


def check_datapath(_wanted: Wanted, seen: Seen) -> Found:
    """Judge what the kernel's datapath needs."""
    lacking = sorted(name for name, there in seen["kernel_modules"].items() if not there)
    if lacking:
        yield (
            "kernel",
            f"its kernel has no {' and no '.join(lacking)}, which neutron_ovs_agent_datapath_type: system needs",
            "install linux-image-amd64 and boot it, or set neutron_ovs_agent_datapath_type to netdev",
        )


def check_disks(_wanted: Wanted, seen: Seen) -> Found:
    """Judge the disks for OSDs; one that holds an OSD of the lab's is its own."""
    for disk in seen["disks"]:
        path = disk["path"]
        if not disk["exists"]:
            yield "disk", f"it has no disk {path}", "set ceph_osd_devices to its disks, as /dev/disk/by-id names them"
            continue
        if not disk["block"]:
            yield "disk", f"{path} is no disk", "set ceph_osd_devices to its disks, as /dev/disk/by-id names them"
            continue
        if seen["deployed"] and any(part.startswith("ceph--") for part in disk["parts"]):
            continue
        if disk["unread"]:
            advice = "see why: what is on it is not known, so it may hold something"
            yield "disk", f"the disk {path} can't be read ({disk['unread']})", advice
        if disk["read_only"]:
            yield "disk", f"the disk {path} can't be written", "see why, or name another one in ceph_osd_devices"
        held = [f"is mounted on {place}" for place in disk["mounts"]]
        held += [f"has the part {part}" for part in disk["parts"]]
        held += [f"has the signature {signature}" for signature in disk["signatures"]]
        if held:
            yield (
                "disk",
                f"the disk {path} is not empty: it {', '.join(held)}",
                "name an empty disk; the lab never wipes one. If nothing of it is needed, run "
                f"`wipefs --all {path}` there yourself",
            )


def check_packages(_wanted: Wanted, seen: Seen) -> Found:
    """Judge whether apt can install what is needed."""
    apt = seen["apt"]
    if apt["missing"]:
        more = len(apt["missing"]) - SHOWN
        shown = ", ".join(apt["missing"][:SHOWN]) + (f" and {more} more" if more > 0 else "")
        yield (
            "packages",
            f"apt has no candidate for {shown}",
            "run `apt-get update` there, and see that /etc/apt has Debian 13's main archive and no pin against it",
        )
    if apt["said"]:
        yield (
            "packages",
            f"apt could not install the packages ({apt['said']})",
            "run `apt-get --fix-broken install` there, and look at what it says",
        )


def check_time(wanted: Wanted, seen: Seen) -> Found:
    """Judge whether something keeps the machine's clock."""
    running = [unit.partition(".service")[0] for unit in seen["services"]]
    if not wanted["time_service"] and not set(running) & set(wanted["time_units"]):
        yield (
            "time-source",
            "no time service runs on it, and base_time_service is false",
            "set base_time_service to true (chrony), or start one of the site's",
        )


def _ours(unit: str, wanted: Wanted, seen: Seen) -> bool:
    """Tell whether a service that runs may be the lab's: it has made it, or the site lets it have it."""
    units = [service["unit"] for service in wanted["services"]]
    return unit in wanted["consent"] or (
        seen["deployed"] and any(fnmatch.fnmatchcase(unit, pattern) for pattern in units)
    )


def check_ports(wanted: Wanted, seen: Seen) -> Found:
    """Judge whether the ports of the machine's services are free."""
    for service in wanted["services"]:
        here = [entry for entry in seen["listeners"] if entry["port"] == service.get("port")]
        taken = {
            entry["unit"] or entry["process"] or "another program": entry
            for entry in here
            if not _ours(entry["unit"], wanted, seen) and entry["address"] in (*ANYWHERE, *LOOPBACK, wanted["address"])
        }
        for who, entry in taken.items():
            yield (
                "port",
                f"{who} listens on port {entry['port']} ({entry['address']}), which {service['name']} needs",
                "stop and disable it, let it use another port, or move the lab's service to another machine",
            )


def check_services(wanted: Wanted, seen: Seen) -> Found:
    """Judge whether the machine's services run already, for somebody else."""
    for service in wanted["services"]:
        for unit in seen["services"]:
            if fnmatch.fnmatchcase(unit, service["unit"]) and not _ours(unit, wanted, seen):
                yield (
                    "service",
                    f"{unit} runs already, and not for this lab, whose roles would stop it or change its configuration",
                    "take another machine; or, if that may be, name it in node_machine_consent",
                )


MUST: tuple[Callable[[Wanted, Seen], Found], ...] = (
    check_system,
    check_size,
    check_address,
    check_links,
    check_datapath,
    check_disks,
    check_packages,
    check_time,
    check_ports,
    check_services,
)
"""What has to hold before a machine can be a node."""
