"""Machines that one has already are looked at, and their services stopped; they themselves are left as they are."""

import re
from subprocess import CompletedProcess

from scenario import Node, Scenario, eventually

OPS = {"name": "ctl1", "user": "ops", "units": ["memcached.service"], "hypervisor": False}


def alive(node: Node) -> list[str]:
    """Return what tells one boot of a node from another, and one start of memcached."""
    eventually("memcached is up", lambda: node.run("systemctl is-active memcached").returncode == 0, seconds=30)
    return [node.output("systemctl show --value --property=UserspaceTimestamp"), node.main_process("memcached")]


def told(done: CompletedProcess[str]) -> str:
    """Return what Ansible said, with one space between words."""
    return " ".join(done.stdout.split())


def changed(done: CompletedProcess[str]) -> int:
    """Return how many tasks changed something."""
    return sum(map(int, re.findall(r"changed=(\d+)", done.stdout)))


def test_a_machine_that_is_there_is_left_as_it_is(scenario: Scenario, ctl1: Node) -> None:
    before = alive(ctl1)
    done = scenario.converge()
    assert done.returncode == 0, done.stdout[-3000:]
    assert changed(done) == 0
    assert alive(ctl1) == before


def test_stop_stops_the_services_and_not_the_machine(scenario: Scenario, ctl1: Node) -> None:
    boot, _process = alive(ctl1)
    done = scenario.converge(node_machine_state="stopped")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "ctl1: the lab's services are stopped" in told(done)
    assert ctl1.run("systemctl is-active memcached").stdout.strip() == "inactive"
    assert ctl1.output("systemctl is-enabled memcached").strip() == "enabled"
    assert ctl1.output("systemctl is-active ssh.service ssh.socket | sort -u | head -1").strip() == "active"
    again = scenario.converge(node_machine_state="stopped")
    assert (again.returncode, changed(again)) == (0, 0), again.stdout[-3000:]
    ctl1.output("systemctl start memcached")
    assert alive(ctl1)[0] == boot


def test_down_leaves_all_of_it(scenario: Scenario, ctl1: Node) -> None:
    before = alive(ctl1)
    done = scenario.converge(node_machine_state="absent")
    assert (done.returncode, changed(done)) == (0, 0), done.stdout[-3000:]
    assert "ctl1: left as they are, with all that the roles installed" in told(done)
    assert alive(ctl1) == before
    ctl1.output("dpkg --status memcached")


def test_snapshots_are_refused_with_the_reason(scenario: Scenario, ctl1: Node) -> None:
    before = alive(ctl1)
    for action in ("make", "restore", "delete"):
        wanted = {"action": action, "name": "x", "controller": "/x", "inventory": "/x", "version": "test"}
        done = scenario.converge(scenario_tasks="snapshot", node_machine_snapshot=wanted)
        assert done.returncode == 2
        assert f"A lab with machines has no snapshots ({action} x): their disks are not Hoplab's" in told(done)
    assert alive(ctl1) == before


def test_a_service_that_runs_for_something_else_is_told_and_left(scenario: Scenario, ctl1: Node) -> None:
    before = alive(ctl1)
    mark = "/etc/systemd/journald.conf.d/hoplab.conf"
    ctl1.output(f"mv {mark} /root/mark")
    done = scenario.converge()
    assert done.returncode == 2
    assert "run already, and not for this lab: memcached.service on ctl1. The roles would" in told(done)
    allowed = scenario.converge(node_machine_consent=["memcached.service"])
    assert allowed.returncode == 0, allowed.stdout[-3000:]
    ctl1.output(f"mv /root/mark {mark}")
    assert alive(ctl1) == before


def test_a_user_that_is_not_root_does(scenario: Scenario, ctl1: Node) -> None:
    ctl1.output(
        "id ops || useradd --create-home ops; install -d -o ops -m 700 /home/ops/.ssh;"
        " install -o ops -m 600 /root/.ssh/authorized_keys /home/ops/.ssh/authorized_keys;"
        " echo 'ops ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops"
    )
    done = scenario.converge(node_machine_state="stopped", node_machine_nodes=[OPS], ansible_user="ops")
    assert done.returncode == 0, done.stdout[-3000:]
    assert ctl1.run("systemctl is-active memcached").stdout.strip() == "inactive"
    ctl1.output("systemctl start memcached")


def test_one_that_may_not_become_root_is_told_before_anything_is_done(scenario: Scenario, ctl1: Node) -> None:
    before = alive(ctl1)
    ctl1.output("rm /etc/sudoers.d/ops")
    done = scenario.converge(node_machine_state="stopped", node_machine_nodes=[OPS], ansible_user="ops")
    assert done.returncode != 0
    assert "sudo" in done.stdout
    assert alive(ctl1) == before
