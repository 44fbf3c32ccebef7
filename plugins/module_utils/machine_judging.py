"""All that keeps machines from becoming the nodes of a lab, and what the site has to agree to."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.hoplab.lab.plugins.module_utils.machine_problems import (
    CONFINED,
    LOOPBACK,
    MUST,
    Found,
    Problem,
    Seen,
    Wanted,
)

APART = 1.0  # seconds that clocks may differ
DEPLOYER = "deployer"
STABLE_NAMES = "/dev/disk/by-"


def changes_of_site(wanted: Wanted, seen: Seen) -> Found:
    """Yield what of the site's the lab would change, or rests on: the site has to agree."""
    yield from _changes_of_what_is_there(wanted, seen)
    # Later on, all this is the lab's own.
    if not seen["deployed"]:
        yield from _changes_of_settings(wanted, seen)
        yield from _changes_of_profiles(seen)


def _changes_of_what_is_there(wanted: Wanted, seen: Seen) -> Found:
    for disk in seen["disks"]:
        if disk["exists"] and disk["block"] and not disk["path"].startswith(STABLE_NAMES):
            known = f", such as {disk['stable'][0]}" if disk["stable"] else ""
            yield (
                "disk-name",
                f"{disk['path']} may be another disk after the next boot",
                f"name it in ceph_osd_devices by a path in /dev/disk/by-id{known}",
            )
    if seen["apt"]["removed"]:
        yield (
            "removed-packages",
            f"installing the lab's packages would remove {', '.join(seen['apt']['removed'])}",
            "see whether the site can do without",
        )
    for name, address in wanted["names"].items():
        wrong = [entry for entry in seen["names"].get(name.lower(), []) if entry != address]
        # Debian's installer writes the machine's own name beside 127.0.1.1.
        if wrong and not (name == wanted["host_name"] and set(wrong) <= set(LOOPBACK)):
            yield (
                f"name-{name}",
                f"its /etc/hosts says that {name} is {', '.join(wrong)}, and for the lab it would be {address}",
                "correct the line, or the inventory's management_address; or see that nothing needs it as it is",
            )


def _changes_of_settings(wanted: Wanted, seen: Seen) -> Found:
    forwards = [name for name, value in seen["forwarding"].items() if value == "1"]
    if forwards and wanted["forbid_forwarding"]:
        yield (
            "forwarding",
            f"it forwards packets ({', '.join(forwards)}), which the lab switches off",
            "see that it is no router and carries no containers, or set base_forbid_forwarding to false",
        )
    if seen["network_files"] and (wanted["tunnel_link"] or wanted["external_link"]):
        yield (
            "networkd",
            f"systemd-networkd does not run, and would begin to obey {', '.join(seen['network_files'])}",
            "see that the links named there may be set up so, or remove the files",
        )


def _changes_of_profiles(seen: Seen) -> Found:
    confined = sorted({name for name in seen["enforced"] if _is_ours(name)})
    if confined:
        yield (
            "apparmor",
            f"AppArmor enforces the site's profile of {', '.join(confined)}, which the lab's services run",
            "let it only complain (`aa-complain`), or see that it allows what they do",
        )


def _is_ours(profile: str) -> bool:
    # A profile is named after its program, with or without its directory; hats and children stand behind //.
    program = profile.partition("//")[0].rpartition("/")[2]
    return any(fnmatch.fnmatchcase(program, pattern) for pattern in CONFINED)


def judge_machine(name: str, machine: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of one machine. machine: what the action machine_facts returned."""
    wanted, seen = machine["wanted"], machine["seen"]
    if not machine["reached"]:
        advice = (
            "see that it runs, that ansible_host, ansible_port and ansible_user are right, that its host key is the "
            "known one, and that the user's key is accepted there"
        )
        yield Problem(name, "reach", f"it can't be reached ({_short(machine['said'])})", advice)
        return
    if not machine["privileged"]:
        said = f" ({_short(machine['said'])})" if machine["said"] else ""
        rule = f"{wanted['user']} ALL=(ALL) NOPASSWD: ALL"
        advice = f"let sudo run commands without asking (`{rule}` in /etc/sudoers.d), or log in as root"
        yield Problem(name, "privileges", f"{wanted['user']} can't become root there{said}", advice)
    if seen is None:
        advice = "see that python3 is installed there, and run it again"
        yield Problem(name, "python", f"it could not be looked at ({_short(machine.get('unseen', ''))})", advice)
        return
    for check in MUST:
        yield from (Problem(name, *found) for found in check(wanted, seen))
    yield from (Problem(name, *found, acceptable=True) for found in changes_of_site(wanted, seen))


def _short(said: str, most: int = 200) -> str:
    text = " ".join(str(said).split()).rstrip(".")
    return text if len(text) <= most else f"{text[:most]}..."


def judge_clocks(machines: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """Yield the machines whose clocks are more than a second from the middle of all, beyond what the asking took.

    The deployer's own clock is one of them, and the one that the others were measured by.
    """
    spans = {name: machine["clock"] for name, machine in machines.items() if machine["reached"] and machine["clock"]}
    middles = sorted([0.0, *(sum(span) / 2 for span in spans.values())])
    # Of an even number the one that is nearer to this machine's clock.
    middle = min(middles[(len(middles) - 1) // 2], middles[len(middles) // 2], key=abs)
    for name, (least, most) in spans.items():
        ahead = least - middle if least > middle else most - middle
        if least > middle + APART or most < middle - APART:
            side = "ahead of" if ahead > 0 else "behind"
            yield Problem(
                name,
                "clock",
                f"its clock is {abs(ahead):.1f} s {side} the others'",
                "set it, and have a time service keep it (chrony, systemd-timesyncd)",
            )
    if abs(middle) > APART and all(least > APART or most < -APART for least, most in spans.values()):
        side = "behind" if middle > 0 else "ahead of"
        yield Problem(
            DEPLOYER, "clock", f"this machine's clock is {abs(middle):.1f} s {side} the others'", "set it, and keep it"
        )


def judge_paths(machines: Mapping[str, Mapping[str, Any]], paths: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """Yield ports that are closed to others, and ways on which the tunnel's packets are lost.

    paths: what `machine_paths` found, by the machine that tried.
    """
    closed: dict[tuple[str, str], dict[int, list[str]]] = {}
    for asker, found in paths.items():
        for row in found["closed"]:
            closed.setdefault((row["name"], row["how"]), {}).setdefault(row["port"], []).append(asker)
    for (name, how), ports in sorted(closed.items()):
        askers = sorted({asker for found in ports.values() for asker in found})
        yield Problem(
            name,
            "firewall",
            f"TCP {_plural('port', sorted(ports))} of it can't be reached from {', '.join(askers)} ({how})",
            f"let its firewall, and those on the way, pass them from {wanted_networks(machines, askers)}",
            acceptable=True,
        )
    for asker, found in paths.items():
        for row in found["tunnels"]:
            if row["answers"] and not row["passes"] and (asker < row["name"] or not _lost(paths, row["name"], asker)):
                yield Problem(
                    asker,
                    "tunnel-path",
                    f"packets of {row['mtu']} bytes are lost on the tunnel network's way to {row['name']}",
                    "raise the MTU of the switches and links between them, or lower lab_networks.tunnel.mtu",
                )


def wanted_networks(machines: Mapping[str, Mapping[str, Any]], askers: Iterable[str]) -> str:
    """Return the addresses of those who ask, as a firewall's rule has them."""
    return ", ".join(machines[asker]["wanted"]["address"] for asker in askers)


def _plural(word: str, values: list[int]) -> str:
    return f"{word}{'s' if len(values) > 1 else ''} {', '.join(map(str, values))}"


def _lost(paths: Mapping[str, Mapping[str, Any]], asker: str, other: str) -> bool:
    rows = paths.get(asker, {}).get("tunnels", ())
    return any(row["name"] == other and row["answers"] and not row["passes"] for row in rows)


def judge_external(external: Mapping[str, Any] | None) -> Iterator[Problem]:
    """Yield why this machine does not reach the external network.

    external: gateway, route (the link; empty for none), answers; None where it is not to be looked at.
    """
    if external is None or external["answers"]:
        return
    gateway = external["gateway"]
    how = "no route leads to it" if not external["route"] else f"it does not answer by way of {external['route']}"
    yield Problem(
        DEPLOYER,
        "external-network",
        f"this machine does not reach the external network's gateway {gateway} ({how})",
        "give it a route there: floating IPs are reached from here; or correct the external network in the inventory",
        acceptable=True,
    )


def unmeasured(machines: Mapping[str, Mapping[str, Any]], paths: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return in words what could not be looked at, and is no problem by itself."""
    tried = {name for name, found in paths.items() if any(row["answers"] for row in found["tunnels"])}
    linked = [name for name, machine in machines.items() if machine["reached"] and machine["wanted"]["tunnel_link"]]
    if set(linked) <= tried or not linked[1:]:
        return []
    names = ", ".join(sorted(set(linked) - tried))
    return [
        f"the MTU of the tunnel network's way from {names}: the links are down there, have no IPv6, or nobody answers"
    ]


def judge(
    machines: Mapping[str, Mapping[str, Any]],
    paths: Mapping[str, Mapping[str, Any]],
    external: Mapping[str, Any] | None,
    accepted: Iterable[str],
) -> list[Problem]:
    """Return all problems of all machines, one machine after the other, without what the site has accepted."""
    found = [problem for name, machine in machines.items() for problem in judge_machine(name, machine)]
    # Whoever asks at a wrong address gets no answer.
    elsewhere = {problem.machine for problem in found if problem.check == "address"}
    ways = [
        problem
        for problem in judge_paths(machines, paths)
        if problem.check != "firewall" or problem.machine not in elsewhere
    ]
    found += [*judge_clocks(machines), *ways, *judge_external(external)]
    order = [*machines, DEPLOYER]
    agreed = set(accepted)
    left = [problem for problem in found if not (problem.acceptable and problem.key in agreed)]
    return sorted(left, key=lambda problem: order.index(problem.machine))
