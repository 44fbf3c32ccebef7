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
