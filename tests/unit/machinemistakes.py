"""Machines with which all is well, and every kind of mistake that can be made with one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Machine = dict[str, Any]
NAMES = {"ctl1": "192.0.2.11", "cmp1": "192.0.2.21", "ceph1": "192.0.2.31"}
PORTS = {"ctl1": 3306, "cmp1": None, "ceph1": 3300}
GATEWAY = {"gateway": "198.51.100.1", "route": "eth0", "answers": True}


def link(name: str, *addresses: str, **changes: Any) -> dict[str, Any]:
    """Return a network link as machine_facts tells of it, with addresses beside the one that it has by itself."""
    entries = [{"address": f"fe80::{len(name)}", "scope": "link"}]
    entries += [{"address": address, "scope": "global"} for address in addresses]
    found = {"name": name, "names": [name], "up": True, "carrier": True, "mtu": 1600, "max_mtu": 9000}
    found |= {"mac": f"02:00:00:00:00:{len(name):02x}", "permanent_mac": ""}
    return found | {"kind": "", "type": "ether", "master": "", "below": "", "addresses": entries} | changes


def disk(path: str = "/dev/disk/by-id/one", **changes: Any) -> dict[str, Any]:
    """Return an empty disk as machine_facts tells of it."""
    found = {"path": path, "exists": True, "block": True, "device": "/dev/sdb", "stable": ["/dev/disk/by-id/one"]}
    return found | {"size": 1, "read_only": False, "unread": "", "signatures": [], "parts": [], "mounts": []} | changes


def machine(name: str) -> Machine:
    """Return a machine with which all is well."""
    wanted = {
        "user": "ops",
        "host_name": name,
        "address": NAMES[name],
        "names": NAMES,
        "tunnel_link": "tun0",
        "tunnel_address": "203.0.113.11",
        "tunnel_mtu": 1600,
        "external_link": "ext0",
        "datapath": "system",
        "disks": ["/dev/disk/by-id/one"],
        "services": [
            {"name": f"{name}-server", "unit": f"{name}.service", "port": PORTS[name]},
            {"name": "quiet", "unit": "quiet@*.service", "port": None},
        ],
        "consent": [],
        "packages": ["memcached"],
        "memory_mb": 4000,
        "disk_mb": 6000,
        "time_service": False,
        "time_units": ["chrony", "systemd-timesyncd"],
        "forbid_forwarding": True,
    }
    seen = {
        "deployed": False,
        "system": {"id": "debian", "version": "13", "name": "Debian GNU/Linux 13 (trixie)"},
        "host_name": name,
        "links": [link("lo", "127.0.0.1"), link("eth0", NAMES[name]), link("tun0"), link("ext0")],
        "default_links": ["eth0"],
        "owners": {"tun0": [], "ext0": []},
        "networkd": True,
        "network_files": [],
        "kernel_modules": {"openvswitch": True, "vxlan": True},
        "disks": [disk()],
        "memory_mb": 4000,
        "free_mb": 6000,
        "apt": {"missing": [], "removed": [], "said": ""},
        "services": ["ssh.service", "systemd-timesyncd.service"],
        "listeners": [],
        "enforced": ["/usr/sbin/cupsd", "virt-aa-helper", "libvirtd//qemu_bridge_helper"],
        "names": {"localhost": ["127.0.0.1"], name: ["127.0.1.1"]},
        "forwarding": {"net.ipv4.ip_forward": "0", "net.ipv6.conf.all.forwarding": "0"},
    }
    return {"wanted": wanted, "seen": seen, "reached": True, "privileged": True, "said": "", "clock": [-0.1, 0.1]}


def lab() -> dict[str, Machine]:
    """Return three machines with which all is well."""
    return {name: machine(name) for name in NAMES}


def ways() -> dict[str, Any]:
    """Return what each found on the ways to the others where all is well."""
    return {
        name: {
            "closed": [],
            "tunnels": [
                {"name": other, "mtu": 1600, "answers": True, "passes": True} for other in NAMES if other != name
            ],
        }
        for name in NAMES
    }


@dataclass(frozen=True)
class Mistake:
    """What is wrong with ctl1, the check that has to name it, and words that the message has to have."""

    change: Callable[[Machine], Any]
    check: str
    words: str
    acceptable: bool = False


def put(way: str, value: Any) -> Callable[[Machine], None]:
    """Return what sets a value of a machine; the way to it is its keys and numbers, with dots between them."""

    def change(found: Machine) -> None:
        *keys, last = [int(key) if key.isdigit() else key for key in way.split(".")]
        at: Any = found
        for key in keys:
            at = at[key]
        at[last] = value

    return change


def listens(**changes: Any) -> Callable[[Machine], None]:
    """Return what has somebody listen on the port of ctl1's service."""
    entry = {"address": "0.0.0.0", "port": 3306, "process": "mysqld", "unit": "site-db.service"} | changes
    return put("seen.listeners", [entry])


def debian(version: str) -> dict[str, str]:
    """Return what a machine with a version of Debian says of itself."""
    return {"id": "debian", "version": version, "name": f"Debian {version}"}


UNREACHABLE = {"reached": False, "privileged": False, "seen": None, "clock": None, "said": "port 22: refused."}
FREE = "network alone, and "
MISTAKES = {
    "unreachable": Mistake(lambda m: m.update(UNREACHABLE), "reach", "(port 22: refused): see that it runs"),
    "no sudo": Mistake(
        lambda m: m.update(privileged=False, said="Missing sudo password"),
        "privileges",
        "ops can't become root there (Missing sudo password): let sudo run commands without asking",
    ),
    "no python": Mistake(
        lambda m: m.update(seen=None, unseen="python3: not found"), "python", "(python3: not found): see that python3"
    ),
    "bookworm": Mistake(put("seen.system", debian("12")), "system", "it runs Debian 12: install Debian 13"),
    "ubuntu": Mistake(put("seen.system.id", "ubuntu"), "system", "it runs Debian GNU/Linux 13 (trixie): install"),
    "host name": Mistake(
        put("seen.host_name", "db7"),
        "host-name",
        "is db7, and the inventory's name is ctl1: run `hostnamectl set-hostn",
    ),
    "domain": Mistake(
        put("seen.host_name", "ctl1.example.org"), "host-name", "set nova_compute_host_name to ctl1.example.org for it"
    ),
    "memory": Mistake(put("seen.memory_mb", 3999), "memory", "3999 MB of memory, and what is to run there needs 4000"),
    "disk space": Mistake(
        put("seen.free_mb", 5999), "disk-space", "5999 MB are free in /var, and what is to run there"
    ),
    "address": Mistake(
        put("wanted.address", "192.0.2.99"),
        "address",
        "management address 192.0.2.99; it has 127.0.0.1 (lo), 192.0.2.11 (eth0): set management_address",
    ),
    "no tunnel link": Mistake(
        put("wanted.tunnel_link", "eth7"),
        "tunnel-link",
        "no link eth7 for the tunnel network; it has eth0, ext0, tun0: set neutron_ovs_agent_tunnel_interface",
    ),
    "no external link": Mistake(
        put("wanted.external_link", "eth7"),
        "external-link",
        "no link eth7 for the external network; it has eth0, ext0, tun0: set neutron_ovs_agent_external_interface",
    ),
    "one link for both": Mistake(
        put("wanted.external_link", "tun0"), "tunnel-link", "tun0 is its link into the tunnel network and into the ext"
    ),
    "management link": Mistake(put("wanted.tunnel_link", "eth0"), "tunnel-link", FREE + "has the address 192.0.2.11"),
    "address on a link": Mistake(
        put("seen.links.2", link("tun0", "10.0.0.1")), "tunnel-link", FREE + "has the address 10"
    ),
    "port of a bridge": Mistake(
        put("seen.links.3", link("ext0", master="br0")), "external-link", FREE + "is a port of br0"
    ),
    "default route": Mistake(
        put("seen.default_links", ["tun0"]), "tunnel-link", FREE + "has the default route: free it"
    ),
    "a VLAN": Mistake(
        lambda m: m["seen"]["links"].append(link("tun0.5", below="tun0")), "tunnel-link", FREE + "carries tun0.5: free"
    ),
    "ifupdown": Mistake(
        put("seen.owners.tun0", ["/etc/network/interfaces (ifupdown)"]),
        "tunnel-link-owner",
        "its link tun0 for the tunnel network is configured by /etc/network/interfaces (ifupdown), too: take the link",
    ),
    "netplan": Mistake(
        put("seen.owners.ext0", ["/etc/netplan/50.yaml (netplan)"]),
        "external-link-owner",
        "its link ext0 for the external network is configured by /etc/netplan/50.yaml (netplan), too: take the link",
    ),
    "small link": Mistake(
        put("seen.links.2", link("tun0", max_mtu=1500)), "tunnel-mtu", "1500 bytes at most, and the tunnel network has"
    ),
    "no module": Mistake(
        put("seen.kernel_modules", {"openvswitch": False, "vxlan": False}),
        "kernel",
        "its kernel has no openvswitch and no vxlan, which neutron_ovs_agent_datapath_type: system needs: install",
    ),
    "no disk": Mistake(put("seen.disks", [{"path": "/dev/x", "exists": False}]), "disk", "it has no disk /dev/x: set"),
    "a file": Mistake(put("seen.disks", [disk(block=False)]), "disk", "/dev/disk/by-id/one is no disk: set ceph_osd"),
    "signature": Mistake(
        put("seen.disks", [disk(signatures=["ext4"])]), "disk", "is not empty: it has the signature ext4: name an empty"
    ),
    "mounted": Mistake(
        put("seen.disks", [disk(mounts=["/srv"], parts=["sdb1 (part)"])]),
        "disk",
        "mounted on /srv, has the part sdb1 (",
    ),
    "OSD of others": Mistake(
        put("seen.disks", [disk(parts=["ceph--x-osd--y (lvm)"])]), "disk", "has the part ceph--x-osd--y (lvm): name"
    ),
    "unreadable": Mistake(
        put("seen.disks", [disk(unread="Input/output error")]), "disk", "can't be read (Input/output error): see why"
    ),
    "read-only": Mistake(
        put("seen.disks", [disk(read_only=True)]), "disk", "the disk /dev/disk/by-id/one can't be writ"
    ),
    "no candidate": Mistake(
        put("seen.apt.missing", ["a", "b"]), "packages", "apt has no candidate for a, b: run `apt-get update`"
    ),
    "held back": Mistake(put("seen.apt.said", "unmet"), "packages", "apt could not install the packages (unmet): run"),
    "no time": Mistake(
        put("seen.services", []), "time-source", "no time service runs on it, and base_time_service is f"
    ),
    "port": Mistake(listens(), "port", "site-db.service listens on port 3306 (0.0.0.0), which ctl1-server needs: stop"),
    "port of a program": Mistake(
        listens(unit="", address="127.0.0.1"), "port", "mysqld listens on port 3306 (127.0.0.1), which ctl1-server"
    ),
    "port of nobody": Mistake(listens(unit="", process=""), "port", "another program listens on port 3306"),
    "port of that unit": Mistake(listens(unit="ctl1.service"), "port", "ctl1.service listens on port 3306"),
    "fast clock": Mistake(put("clock", [89.9, 90.1]), "clock", "its clock is 89.9 s ahead of the others': set it"),
    "slow clock": Mistake(put("clock", [-2.2, -1.9]), "clock", "its clock is 1.9 s behind the others': set it"),
    "disk name": Mistake(
        put("seen.disks", [disk("/dev/sdb")]),
        "disk-name",
        "/dev/sdb may be another disk after the next boot: name it in ceph_osd_devices by a path in /dev/disk/by-id, "
        "such as /dev/disk/by-id/one",
        True,
    ),
    "removal": Mistake(
        put("seen.apt.removed", ["ntpsec"]), "removed-packages", "would remove ntpsec: see whether", True
    ),
    "forwarding": Mistake(
        put("seen.forwarding", {"net.ipv4.ip_forward": "1"}),
        "forwarding",
        "(net.ipv4.ip_forward), which the lab switches off: see that it is no router",
        True,
    ),
    "networkd": Mistake(
        lambda m: m["seen"].update(networkd=False, network_files=["/etc/systemd/network/x.network"]),
        "networkd",
        "systemd-networkd does not run, and would begin to obey /etc/systemd/network/x.network: see",
        True,
    ),
    "service": Mistake(
        lambda m: m["seen"]["services"].append("quiet@7.service"),
        "service",
        "quiet@7.service runs already, and not for this lab, whose roles would stop it or change its configuration",
    ),
    "apparmor": Mistake(
        lambda m: m["seen"]["enforced"].append("/usr/sbin/dnsmasq//x"),
        "apparmor",
        "profile of /usr/sbin/dnsmasq//x, which the lab's services run: let it only complain",
        True,
    ),
    "hosts": Mistake(
        put("seen.names", {"cmp1": ["10.9.9.9"]}),
        "name-cmp1",
        "its /etc/hosts says that cmp1 is 10.9.9.9, and for the lab it would be 192.0.2.21: correct",
        True,
    ),
}
"""By a name of the mistake."""
