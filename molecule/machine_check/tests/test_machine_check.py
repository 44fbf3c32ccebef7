"""Mistakes of all kinds, made on five machines at once: each is found and named, and nothing there is changed."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from patience import patient
from scenario import ROOT, Scenario
from site_machines import Site, run

PLANTED = {
    "amber": [
        "systemd-run --quiet --unit=site-app python3 -m http.server 8774",
        "iptables --insert INPUT --protocol tcp --dport 3306 --jump DROP",
        "iptables --insert INPUT --protocol tcp --dport 5672 --jump REJECT",
        "echo '10.77.0.9 cedar' >> /etc/hosts",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
        "until ss --no-header --listening --tcp --numeric | grep -q :8774; do sleep 0.1; done",
    ],
    "birch": [
        "rm /etc/os-release; printf 'ID=debian\\nVERSION_ID=12\\nPRETTY_NAME=Debian-12\\n' > /etc/os-release",
        "echo '127.0.1.1 birch.site.example' >> /etc/hosts; hostname birch.site.example",
        "mkdir -p /etc/network/interfaces.d; echo 'iface tun0 inet dhcp' > /etc/network/interfaces.d/tun0",
        "ip address add 10.88.0.1/24 dev ext0",
        "systemctl stop systemd-timesyncd",
    ],
    "cedar": [
        "rm /etc/sudoers.d/siteadmin",
        "printf 'Package: chrony\\nPin: version *\\nPin-Priority: -1\\n' > /etc/apt/preferences.d/site",
        "ip link set tun0 down; ip link set tun0 name spare0",
        "printf 'FAKETIME=+90\\nLD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1\\n' > /etc/environment",
    ],
}
"""Commands that a site might have run, by the machine."""
WRONG: dict[str, Any] = {
    "base_time_service": "{{ inventory_hostname == 'cedar' }}",
    "ceph_osd_devices": ["/dev/disk/by-id/site-used", "/dev/disk/by-id/none", "/dev/sdx"],
    "client_external_gateway": "172.30.137.250",  # nobody has it
    "machine_check_accepted": ["delta:disk-name", "amber:port"],
    "machine_check_address": "{{ '10.99.0.1' if inventory_hostname == 'delta' else management_address }}",
    "machine_check_disk_mb": "{{ 99999999 if inventory_hostname == 'delta' else 100 }}",
    "machine_check_memory_mb": "{{ 99999999 if inventory_hostname == 'cedar' else 100 }}",
    "neutron_ovs_agent_datapath_type": "{{ 'system' if inventory_hostname == 'cedar' else 'netdev' }}",
}
"""Variables of an inventory with mistakes."""
FOUND = [
    ("amber", "port", "site-app.service listens on port 8774 (0.0.0.0), which nova-api needs"),
    ("amber", "firewall", "TCP port 3306 of it can't be reached from birch, cedar, delta, frost (no answer)"),
    (
        "amber",
        "firewall",
        "TCP port 5672 of it can't be reached from birch, cedar, delta, frost (rejected by a firewall)",
    ),
    ("amber", "name-cedar", "its /etc/hosts says that cedar is 10.77.0.9"),
    ("amber", "forwarding", "it forwards packets (net.ipv4.ip_forward"),
    ("birch", "system", "it runs Debian-12"),
    ("birch", "host-name", "its host name is birch.site.example, and the inventory's name is birch"),
    (
        "birch",
        "tunnel-link-owner",
        "its link tun0 for the tunnel network is configured by /etc/network/interfaces.d/tun0",
    ),
    ("birch", "external-link", "its link ext0 is to be for the external network alone, and has the address 10.88.0.1"),
    ("birch", "time-source", "no time service runs on it"),
    ("birch", "tunnel-path", "packets of 1600 bytes are lost on the tunnel network's way to frost"),
    ("cedar", "privileges", "siteadmin can't become root there"),
    ("cedar", "memory", "what is to run there needs 99999999 MB"),
    ("cedar", "tunnel-link", "it has no link tun0 for the tunnel network; it has ext0, lan0, spare0"),
    ("cedar", "packages", "apt has no candidate for chrony"),
    ("cedar", "clock", "ahead of the others'"),
    ("delta", "address", "none of its links has the management address 10.99.0.1"),
    ("delta", "disk", "the disk /dev/disk/by-id/site-used is not empty: it has the signature ext4"),
    ("delta", "disk", "it has no disk /dev/disk/by-id/none"),
    ("delta", "disk-space", "what is to run there needs 99999999 MB"),
    ("ghost", "reach", "it can't be reached"),
    ("deployer", "external-network", "this machine does not reach the external network's gateway 172.30.137.250"),
]
"""Machine, check, words."""
OF_THE_KERNEL = ("cedar", "kernel", "neutron_ovs_agent_datapath_type: system needs")
"""Unless this machine has Open vSwitch loaded, which its containers then have, too."""


@dataclass(frozen=True)
class Outcome:
    """What the check said of machines with mistakes, and what these were before it and after."""

    said: str
    problems: list[dict[str, Any]]
    before: dict[str, Any]
    after: dict[str, Any]


def check(
    scenario: Scenario, inventories: list[str], limit: str = "all", **variables: Any
) -> subprocess.CompletedProcess[str]:
    """Run what `make check-machines` runs, with connections of its own: the old ones have been let in before."""
    shared = ROOT / "molecule" / "shared"
    argv = [
        "ansible-playbook",
        f"--limit={limit}",
        *(f"--inventory={scenario.directory}/{name}" for name in inventories),
    ]
    argv += [f"--extra-vars=@{path}" for path in (shared / "lab.yml", scenario.directory / "scenario.yml")]
    # The inventory alone is not whole: a scenario's variables are extra ones.
    argv += [
        f"--extra-vars={json.dumps(variables)}",
        "--skip-tags=inventory",
        str(ROOT / "playbooks/check_machines.yml"),
    ]
    with tempfile.TemporaryDirectory(prefix="cp", dir="/tmp") as sockets:  # a socket's path is short
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "NO_COLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
        }
        environment |= {
            "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=5",
        }
        return subprocess.run(
            argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=patient(300), check=False
        )


@pytest.fixture(scope="module")
def site(scenario: Scenario) -> Site:
    return Site(Path(scenario.settings["site_directory"]))


@pytest.fixture(scope="module")
def outcome(scenario: Scenario, site: Site) -> Outcome:
    machines = site.machines()
    for name, commands in PLANTED.items():
        for command in commands:
            machines[name].run(command)
    run("ip", "link", "set", site.end("birch", "tun0"), "mtu", "1400")
    before = {name: machine.state() for name, machine in machines.items()}
    done = check(scenario, ["hosts.yml", "groups.yml", "ghost.ini"], **WRONG)
    after = {name: machine.state() for name, machine in machines.items()}
    assert done.returncode == 2, done.stdout[-4000:] + done.stderr[-2000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("fatal: ")]
    problems = json.loads(line.partition(" => ")[2])["problems"]
    return Outcome(done.stdout, problems, before, after)


def expected() -> list[tuple[str, str, str]]:
    there = all(Path(f"/sys/module/{name}").is_dir() for name in ("openvswitch", "vxlan"))
    return FOUND if there else [*FOUND, OF_THE_KERNEL]


def test_each_mistake_is_found_by_its_machine_and_name(outcome: Outcome) -> None:
    wanted = expected()
    assert len(wanted) > 15
    found = sorted((problem["machine"], problem["check"]) for problem in outcome.problems)
    assert found == sorted((machine, check) for machine, check, _words in wanted)


def test_each_is_told_with_what_was_seen_and_what_to_do(outcome: Outcome) -> None:
    for machine, check, words in expected():
        told = [problem for problem in outcome.problems if (problem["machine"], problem["check"]) == (machine, check)]
        assert any(words in problem["seen"] for problem in told), (words, told)
        assert all(len(problem["advice"].split()) > 3 for problem in told)


def test_all_of_them_are_told_in_one_message_for_people(outcome: Outcome) -> None:
    assert f"{len(outcome.problems)} problems, found before anything was changed" in outcome.said
    for machine in ("amber", "birch", "cedar", "delta", "ghost", "deployer"):
        assert f"{machine}:\\n- " in outcome.said


def test_a_machine_without_mistakes_is_none_of_them(outcome: Outcome) -> None:
    assert "frost" not in {problem["machine"] for problem in outcome.problems}


def test_nothing_on_any_machine_has_changed(outcome: Outcome) -> None:
    assert len(outcome.before) == 5
    for name, before in outcome.before.items():
        assert len(before["files"]) > 500
        assert {"site-web.service", "ssh.service"} <= set(before["units"])
        for what, value in before.items():
            after = outcome.after[name][what]
            if isinstance(value, dict):
                changed = {path for path in value.keys() | after.keys() if value.get(path) != after.get(path)}
                assert changed == set(), name
            assert after == value, (name, what)


def test_a_machine_without_mistakes_is_ready(scenario: Scenario, site: Site) -> None:
    # All were ready before the mistakes were made, when the role was applied to them; this one still is.
    done = check(scenario, ["hosts.yml", "groups.yml"], limit="frost")
    assert done.returncode == 0, done.stdout[-3000:]
    assert site.machines()["frost"].run("test ! -e /etc/hoplab-lab && echo untouched") == "untouched\n"
