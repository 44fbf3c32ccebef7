"""What a machine is and has, read by its own tools; nothing here changes anything."""

from __future__ import annotations

import glob
import json
import os
import re
import stat
import subprocess
from typing import Any

PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
FORWARDING = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
# apt would write down what it knows of all packages, in /var/cache/apt.
_NO_CACHE = ("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=")


def ask(*argv: str, timeout: float = 120) -> tuple[int, str, str]:
    """Run a command that only reads; return its status, its output and its errors.

    The status is 127 where there is no such program, or where it did not end within timeout seconds.
    """
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": PATH}
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, "", str(error)
    return done.returncode, done.stdout, done.stderr


def text_of(path: str) -> str:
    """Return a file's text, empty where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def parsed(text: str) -> Any:
    """Return what a text says as JSON, None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def system(text: str) -> dict[str, str]:
    """Return id, version and name of an operating system from its os-release."""
    pairs = [line.partition("=") for line in text.splitlines()]
    found = {key.strip(): value.strip().strip("\"'") for key, _sign, value in pairs}
    return {
        "id": found.get("ID", ""),
        "version": found.get("VERSION_ID", ""),
        "name": found.get("PRETTY_NAME", "an unknown system"),
    }


def links(told: Any) -> list[dict[str, Any]]:
    """Return all network links from what `ip -details -json address show` told."""
    return [
        {
            "name": row["ifname"],
            "names": [row["ifname"], *row.get("altnames", [])],
            "up": "UP" in row.get("flags", []),
            "carrier": "LOWER_UP" in row.get("flags", []),
            "mtu": row.get("mtu", 0),
            "max_mtu": row.get("max_mtu", 0),  # 0: the driver names no limit
            "mac": row.get("address", ""),
            "permanent_mac": row.get("permaddr", ""),
            "type": row.get("link_type", ""),
            "kind": row.get("linkinfo", {}).get("info_kind", ""),
            "master": row.get("master", ""),
            "below": row.get("link", ""),
            "addresses": [
                {"address": entry["local"], "scope": entry.get("scope", "")}
                for entry in row.get("addr_info", [])
                if "local" in entry
            ],
        }
        for row in told or []
        if "ifname" in row
    ]


def find_link(there: list[dict[str, Any]], given: str) -> dict[str, Any] | None:
    """Return the link of a name or a MAC address, None where there is none.

    Bridges of Open vSwitch are passed over with MAC addresses: they take that of a port.
    """
    for link in there:
        macs = [] if link["kind"] == "openvswitch" else [link["mac"], link["permanent_mac"]]
        if given in link["names"] or (":" in given and given.lower() in macs):
            return link
    return None


def default_links() -> list[str]:
    """Return the links by which the machine's default routes go."""
    found = set()
    for family in ("-4", "-6"):
        routes = parsed(ask("ip", family, "-json", "route", "show", "default")[1]) or []
        found |= {str(route["dev"]) for route in routes if "dev" in route}
    return sorted(found)


def has_module(name: str) -> bool:
    """Tell whether the running kernel has a module: loaded, built in, or to be loaded."""
    if os.path.isdir(f"/sys/module/{name.replace('-', '_')}"):
        return True
    return ask("modprobe", "--dry-run", "--quiet", name)[0] == 0


def disk(path: str) -> dict[str, Any]:
    """Return what is known of a disk: whether it is one, its other names, its size in bytes and what it holds."""
    try:
        block = stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        return {"path": path, "exists": False}
    device = os.path.realpath(path)
    stable = [name for name in sorted(glob.glob("/dev/disk/by-*/*")) if os.path.realpath(name) == device]
    found = {"path": path, "exists": True, "block": block, "device": device, "stable": stable}
    if not block:
        return found
    columns = "NAME,TYPE,SIZE,RO,MOUNTPOINTS"
    listed = ask("lsblk", "--json", "--bytes", "--output", columns, device)
    probed = ask("wipefs", "--json", device)
    told, signatures = parsed(listed[1]) or {}, parsed(probed[1]) or {}
    # Only root may read a disk: of others' failures the missing privileges are the reason.
    failed = [error for status, _told, error in (listed, probed) if status != 0 and os.geteuid() == 0]
    top = (told.get("blockdevices") or [{}])[0]
    inner = list(_below(top))
    mounts = [place for row in [top, *inner] for place in row.get("mountpoints") or [] if place]
    return {
        **found,
        "size": top.get("size") or 0,
        "read_only": bool(top.get("ro")),
        "unread": " ".join(" ".join(failed).split()),
        "signatures": sorted({row["type"] for row in signatures.get("signatures", [])}),
        "parts": [f"{row['name']} ({row['type']})" for row in inner],
        "mounts": mounts,
    }


def _below(row: dict[str, Any]) -> Any:
    for child in row.get("children") or []:
        yield child
        yield from _below(child)


def candidates(told: str) -> dict[str, tuple[str, str]]:
    """Return (installed, candidate) by package from what `apt-cache policy` told; empty for none."""
    found: dict[str, tuple[str, str]] = {}
    name = installed = ""
    for line in told.splitlines():
        if re.fullmatch(r"\S+:", line):
            name, installed = line[:-1], ""
        key, _sign, value = line.strip().partition(": ")
        value = "" if value == "(none)" else value
        if key == "Installed":
            installed = value
        elif key == "Candidate":
            found[name] = (installed, value)
    return found


def apt(packages: list[str]) -> dict[str, Any]:
    """Return which packages apt can't get, which others it would remove, and what it said if it can't install."""
    if not packages:
        return {"missing": [], "removed": [], "said": ""}
    status, told, error = ask("apt-cache", *_NO_CACHE, "policy", *packages)
    if status != 0:
        return {"missing": [], "removed": [], "said": error.strip()}
    known = candidates(told)
    missing = [name for name in packages if not any(known.get(name, ("", "")))]
    wanted = [name for name in packages if name not in missing and not known[name][0]]
    if not wanted:
        return {"missing": missing, "removed": [], "said": ""}
    argv = ["apt-get", "--simulate", "--quiet", "--no-install-recommends", *_NO_CACHE, "install", *wanted]
    status, told, error = ask(*argv)
    removed = [line.split()[1] for line in told.splitlines() if line.startswith("Remv ")]
    said = " ".join((error.strip() or told.strip()).splitlines()[-6:]) if status != 0 else ""
    return {"missing": missing, "removed": removed, "said": said}


def active_services() -> list[str]:
    """Return the services that run, as systemd names them."""
    argv = ("systemctl", "list-units", "--type=service", "--state=active", "--plain", "--no-legend", "--full")
    return [line.split()[0] for line in ask(*argv)[1].splitlines() if line.split()]


def listeners(told: str, ports: list[int]) -> list[dict[str, Any]]:
    """Return who listens on some TCP ports: address, port, process, unit, from what `ss -Hltnp` told."""
    found = []
    for line in told.splitlines():
        words = line.split()
        # State, two queues, the own address, that of the others, the process.
        address, _sign, port = words[3].rpartition(":") if words[3:] else ("", "", "")
        if not port.isdigit() or int(port) not in ports:
            continue
        who = re.search(r'\("([^"]*)",pid=(\d+)', line)
        found.append(
            {
                "address": address.strip("[]").partition("%")[0],
                "port": int(port),
                "process": who[1] if who else "",
                "unit": unit_of(text_of(f"/proc/{who[2]}/cgroup")) if who else "",
            }
        )
    return found


def unit_of(control_groups: str) -> str:
    """Return the service that a process is in, from its /proc/PID/cgroup; empty for none."""
    names = [part for line in control_groups.splitlines() for part in line.split("/") if part.endswith(".service")]
    return names[-1] if names else ""


def profiles(told: str) -> list[str]:
    """Return the AppArmor profiles that are enforced, from the kernel's list of them."""
    return [line.rpartition(" (")[0] for line in told.splitlines() if line.endswith("(enforce)")]


def names(told: str) -> dict[str, list[str]]:
    """Return the addresses of each name in a hosts file."""
    found: dict[str, list[str]] = {}
    for line in told.splitlines():
        address, *aliases = line.partition("#")[0].split() or [""]
        for name in aliases:
            found.setdefault(name.lower(), []).append(address)
    return found


def sysctl(name: str) -> str:
    """Return a setting of the kernel, empty where it has none of that name."""
    return text_of("/proc/sys/" + name.replace(".", "/")).strip()
