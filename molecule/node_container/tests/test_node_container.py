"""Nodes are systems of their own, reached as real machines are, and they keep their data."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scenario import Node, Scenario, eventually

LABS = Path("/var/lib/hoplab/labs")


def links(node: Node) -> dict[str, Any]:
    """Return MTU and addresses of a node's links."""
    told = json.loads(node.output("ip -json -4 address show"))
    return {row["ifname"]: (row["mtu"], [address["local"] for address in row["addr_info"]]) for row in told}


def manager(scenario: Scenario, node: str) -> int:
    """Return the process id of a node's container manager."""
    argv = ["pgrep", "--full", f"^systemd-nspawn .*--directory={LABS}/m{scenario.number}/nodes/{node}/root"]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("name", ["ctl1", "cmp1"])
def test_each_node_is_a_system_of_its_own(scenario: Scenario, name: str) -> None:
    node = scenario.nodes[name]
    assert node.output("hostname").strip() == name
    assert node.output("cat /proc/1/comm").strip() == "systemd"
    assert "VERSION_CODENAME=trixie" in node.output("cat /etc/os-release")
    eventually("it has booted", lambda: node.run("systemctl is-system-running").stdout.strip() == "running", 60)
    others = [other.output("cat /etc/machine-id") for other in scenario.nodes.values() if other.name != name]
    assert node.output("cat /etc/machine-id") not in others


def test_each_has_the_links_of_its_part(scenario: Scenario) -> None:
    control, compute = links(scenario.nodes["ctl1"]), links(scenario.nodes["cmp1"])
    assert control["mgmt0"] == (1500, [scenario.subnet_address("management", 11)])
    assert set(control) == {"lo", "mgmt0"}
    assert compute["mgmt0"] == (1500, [scenario.subnet_address("management", 21)])
    told = json.loads(scenario.nodes["cmp1"].output("ip -json link show"))
    assert {row["ifname"] for row in told} == {"lo", "mgmt0", "tun0", "ext0"}
    # This machine's ends carry what the tunnel takes; the node's own end is for a role to set up.
    ends = json.loads(
        subprocess.run(
            ["ip", "-json", "link", "show", "master", f"m{scenario.number}-tun0"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    assert [end["mtu"] for end in ends] == [1600]


@pytest.mark.parametrize(("size", "passes"), [(1472, True), (1473, False)])
def test_a_packet_of_the_whole_mtu_passes_and_no_larger_one(scenario: Scenario, size: int, passes: bool) -> None:
    other = scenario.nodes["cmp1"].address
    done = scenario.control.run(f"ping -c 1 -W 3 -M do -s {size} {other}")
    assert (done.returncode == 0) is passes, done.stdout + done.stderr


def test_a_node_with_another_host_key_is_not_spoken_to(scenario: Scenario, tmp_path: Path) -> None:
    known = (scenario.lab / "ssh" / "known_hosts").read_text(encoding="utf-8").splitlines()
    keys = [line.split()[1:] for line in known]
    assert len(keys) == 2
    assert keys[0] != keys[1]
    forged = tmp_path / "known_hosts"
    forged.write_text("\n".join(" ".join([line.split()[0], *key]) for line, key in zip(known, keys[::-1], strict=True)))
    argv = ["ssh", "-F", str(scenario.lab / "ssh" / "config"), "-o", f"UserKnownHostsFile={forged}", "ctl1", "true"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_nobody_else_gets_in(scenario: Scenario, tmp_path: Path) -> None:
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=30)
    known = f"UserKnownHostsFile={scenario.lab}/ssh/known_hosts"
    argv = ["ssh", "-F", "none", "-o", known, "-o", "IdentitiesOnly=yes", "-i", str(key), "-o", "BatchMode=yes"]
    done = subprocess.run(
        [*argv, f"root@{scenario.control.address}", "true"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 255
    assert "Permission denied (publickey" in done.stderr


def test_what_a_node_writes_is_its_own_and_outlives_a_killed_container(scenario: Scenario) -> None:
    scenario.control.output("echo 58 hops > /srv/written")
    kept = LABS / f"m{scenario.number}" / "nodes" / "ctl1" / "upper" / "srv" / "written"
    assert kept.read_text(encoding="utf-8") == "58 hops\n"
    assert scenario.nodes["cmp1"].run("cat /srv/written").returncode == 1
    scenario.control.output("sync")
    before = manager(scenario, "ctl1")
    os.kill(before, signal.SIGKILL)
    eventually("the container is gone", lambda: not Path(f"/proc/{before}").exists(), seconds=20)
    again = scenario.converge()
    assert again.returncode == 0, again.stdout[-3000:]
    assert manager(scenario, "ctl1") != before
    assert scenario.control.output("cat /srv/written") == "58 hops\n"


def test_a_lab_of_another_clone_is_refused_and_goes_on(scenario: Scenario) -> None:
    boot = scenario.control.output(
        "cat /proc/sys/kernel/random/boot_id; systemctl show --value --property=UserspaceTimestamp"
    )
    refused = scenario.converge(node_container_owner="/srv/another/clone")
    assert refused.returncode == 2
    assert f"a lab named m{scenario.number} of another clone" in refused.stdout
    after = scenario.control.output(
        "cat /proc/sys/kernel/random/boot_id; systemctl show --value --property=UserspaceTimestamp"
    )
    assert after == boot


def test_the_kernel_tells_root_who_reads_a_file(scenario: Scenario) -> None:
    # As on a machine; systemd-nspawn forbids fanotify_init unless it is told not to.
    told = scenario.control.output(
        "python3 -c 'import ctypes; print(ctypes.CDLL(None, use_errno=True).fanotify_init(0, 0), ctypes.get_errno())'"
    )
    assert int(told.split()[0]) >= 0, told


def snapshot(scenario: Scenario, action: str, name: str) -> subprocess.CompletedProcess[str]:
    """Make a snapshot of the two nodes, put one back or remove one."""
    wanted = {
        "action": action,
        "name": name,
        "controller": str(scenario.lab),
        "inventory": str(scenario.directory / "group_vars"),
        "version": "test",
    }
    return scenario.converge(scenario_tasks="snapshot", node_container_snapshot=wanted)


def started(scenario: Scenario) -> None:
    """Start the nodes."""
    again = scenario.converge()
    assert again.returncode == 0, again.stdout[-3000:]


def test_a_snapshot_brings_back_what_nodes_and_controller_had(scenario: Scenario) -> None:
    nodes = scenario.nodes.values()
    for node in nodes:
        node.output("echo one > /srv/state; truncate --size=3G /srv/sparse; rm /etc/motd")
    (scenario.lab / "secret").write_text("one")
    made = snapshot(scenario, "make", "first")
    assert made.returncode == 0, made.stdout[-3000:]
    started(scenario)
    for node in nodes:
        assert node.output("cat /srv/state; ls /etc/motd || true") == "one\n"
        node.output("echo two > /srv/state; rm /srv/sparse; echo new > /etc/motd")
    (scenario.lab / "secret").write_text("two")
    back = snapshot(scenario, "restore", "first")
    assert back.returncode == 0, back.stdout[-3000:]
    started(scenario)
    for node in nodes:
        # A hole of the file takes no room, whatever it was copied through.
        told = node.output("cat /srv/state; ls /etc/motd || true; stat --format='%s %b' /srv/sparse")
        assert told == f"one\n{3 * 1024**3} 0\n"
    assert (scenario.lab / "secret").read_text() == "one"
    (scenario.lab / "secret").unlink()
    gone = snapshot(scenario, "delete", "first")
    assert gone.returncode == 0, gone.stdout[-3000:]
    # The nodes stand on its layers still.
    assert all(node.output("cat /srv/state") == "one\n" for node in nodes)
    assert snapshot(scenario, "delete", "first").returncode == 2


def test_a_snapshot_without_a_sound_name_is_refused_and_the_nodes_go_on(scenario: Scenario) -> None:
    before = manager(scenario, "ctl1")
    refused = snapshot(scenario, "make", "../elsewhere")
    assert refused.returncode == 2
    assert "NAME is '../elsewhere'" in refused.stdout
    assert manager(scenario, "ctl1") == before
