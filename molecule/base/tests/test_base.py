"""What every node has: the others' names, a journal that keeps all, and logs that are rotated."""

import pytest
from scenario import Node, Scenario, eventually


@pytest.mark.parametrize(("node", "other"), [("ctl1", "cmp1"), ("cmp1", "ctl1")])
def test_nodes_reach_each_other_by_name(scenario: Scenario, node: str, other: str) -> None:
    nodes = scenario.nodes
    answer = nodes[node].output(f"getent ahostsv4 {other}").split()
    assert answer[0] == nodes[other].address
    banner = "import socket; answer = socket.create_connection((given['name'], 22), 5).recv(64).decode()"
    assert nodes[node].python(banner, name=other).startswith("SSH-2.0-OpenSSH")


def test_the_journal_keeps_all_of_a_busy_second(ctl1: Node) -> None:
    # journald's default drops what a service says beyond 10,000 lines in 30 s.
    ctl1.output("seq 12000 | systemd-cat --identifier=busy")

    def kept() -> bool:
        ctl1.output("journalctl --sync")
        return ctl1.output("journalctl --identifier=busy --output=cat | wc -l").strip() == "12000"

    eventually("all lines are in the journal", kept, seconds=30)


def test_the_journal_outlives_a_reboot(ctl1: Node) -> None:
    assert len(ctl1.output("journalctl --list-boots --no-pager").splitlines()) >= 3  # header, first and second boot


def test_the_system_is_in_good_health(ctl1: Node) -> None:
    eventually("the node has booted", lambda: ctl1.run("systemctl is-system-running").stdout.strip() == "running", 60)
    assert ctl1.output("systemctl --failed --plain --no-legend").strip() == ""


def test_of_a_sites_own_hosts_only_a_block_is_changed(scenario: Scenario, ctl1: Node) -> None:
    site = "127.0.0.1 localhost\n::1 ip6-localhost\n192.0.2.7 printer.example.org printer\n"
    ctl1.output("cat > /etc/hosts", site)
    for _time in range(2):
        done = scenario.converge(base_hosts_block=True)
        assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.count("changed=0") == len(scenario.nodes) + 1  # and this machine
    found = ctl1.output("cat /etc/hosts")
    assert found.endswith(f"# END nodes of the lab, made by Hoplab\n{site}")
    assert ctl1.output("getent ahostsv4 cmp1").split()[0] == scenario.nodes["cmp1"].address
    assert ctl1.output("getent hosts printer").split()[0] == "192.0.2.7"
