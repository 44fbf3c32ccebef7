"""Who configures a network link of a machine beside us: ifupdown, netplan, NetworkManager, systemd-networkd's files."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from typing import Any

from ansible_collections.hoplab.lab.plugins.module_utils.machine_reading import ask, text_of

# Where systemd-networkd looks, the strongest first.
_NETWORKD = ("etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network", "usr/lib/systemd/network")


def claims(link: dict[str, Any], *, deployed: bool, root: str = "/") -> list[str]:
    """Return in words who else has settings for a link.

    deployed: whether what is ours may be there already; root: directory in which the machine's files are.
    """
    name = link["name"]
    found = [f"{path} (ifupdown)" for path in _ifupdown(name, root)]
    found += [f"{path} (netplan)" for path in _mentioned(name, root, ("etc/netplan", "run/netplan", "lib/netplan"))]
    found += [f"{path} (NetworkManager)" for path in _network_manager(name, root)]
    found += [f"{path} (systemd-networkd)" for path in _networkd(link, root, deployed=deployed)]
    return found


def managed_by_network_manager(name: str) -> str:
    """Return the state that NetworkManager gives a link; empty where it leaves it alone, or does not run."""
    for line in ask("nmcli", "--terse", "--fields", "DEVICE,STATE", "device")[1].splitlines():
        device, _sign, state = line.partition(":")
        if device == name and state != "unmanaged":
            return state
    return ""


def _files(root: str, pattern: str) -> list[str]:
    return sorted(path for path in glob.glob(os.path.join(root, pattern)) if os.path.isfile(path))


def _lines(path: str) -> list[str]:
    return [line.partition("#")[0] for line in text_of(path).splitlines()]


def _ifupdown(name: str, root: str) -> list[str]:
    found = []
    for path in _files(root, "etc/network/interfaces") + _files(root, "etc/network/interfaces.d/*"):
        words = [line.split() for line in _lines(path)]
        if any(
            row and (row[0] in ("iface", "auto") or row[0].startswith("allow-")) and name in row[1:] for row in words
        ):
            found.append(path)
    return found


def _mentioned(name: str, root: str, places: tuple[str, ...]) -> list[str]:
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    paths = [path for place in places for path in _files(root, place + "/*.yaml")]
    return [path for path in paths if any(word.search(line) for line in _lines(path))]


def _network_manager(name: str, root: str) -> list[str]:
    paths = [
        path
        for place in ("etc", "run")
        for path in _files(root, f"{place}/NetworkManager/system-connections/*.nmconnection")
    ]
    return [path for path in paths if f"interface-name={name}" in [line.replace(" ", "") for line in _lines(path)]]


def _networkd(link: dict[str, Any], root: str, *, deployed: bool) -> list[str]:
    # The first file that fits a link is the only one that counts; ours is named so (roles/neutron_ovs_agent).
    ours = f"20-{link['name']}.network"
    by_name: dict[str, str] = {}
    for place in _NETWORKD:
        for path in _files(root, place + "/*.network"):
            by_name.setdefault(os.path.basename(path), path)
    earlier = [name for name in sorted(by_name) if name < ours or (name == ours and not deployed)]
    return [by_name[name] for name in earlier if fits(text_of(by_name[name]), link)]


def fits(text: str, link: dict[str, Any]) -> bool:
    """Tell whether a .network file's section [Match] fits a link. One that names no property of a link fits any."""
    section = ""
    wanted: dict[str, list[str]] = {}
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            section = line
        elif section == "[Match]" and "=" in line and not line.startswith(("#", ";")):
            key, _sign, value = line.partition("=")
            # An empty value takes back what was said before.
            wanted[key.strip()] = wanted.get(key.strip(), []) + value.split() if value.strip() else []
    return all(_meets(key, values, link) for key, values in wanted.items() if values)


def _meets(key: str, values: list[str], link: dict[str, Any]) -> bool:
    properties = {
        "Name": link["names"],
        "MACAddress": [link["mac"]],
        "PermanentMACAddress": [link["permanent_mac"] or link["mac"]],
        "Type": [link["type"]],
        "Kind": [link["kind"]],
        "Path": [link.get("path", "")],
        "Driver": [link.get("driver", "")],
    }
    if key not in properties:
        return True  # a property of the machine, such as Host=: taken as met
    inverted = values[0].startswith("!")
    patterns = [values[0].lstrip("!"), *values[1:]]
    if key.endswith("MACAddress"):
        patterns = [pattern.lower().replace("-", ":") for pattern in patterns]
    met = any(fnmatch.fnmatchcase(value, pattern) for value in properties[key] for pattern in patterns)
    return met is not inverted


def udev_properties(told: str) -> dict[str, str]:
    """Return path and driver of a link, as .network files match them, from what `udevadm info` told."""
    pairs = dict(line.partition("=")[::2] for line in told.splitlines())
    return {"path": pairs.get("ID_PATH", ""), "driver": pairs.get("ID_NET_DRIVER", "")}
