"""A manager daemon alone: it is active, serves what only it can tell, and comes back."""

from typing import Any

import pytest
from ceph_help import REFUSED, WRONG_KEY, Cluster, key_of
from scenario import Node, Scenario, eventually

# The manager daemon answers these itself; the monitors know nothing of them.
GROUPS: dict[str, Any] = {"prefix": "pg stat", "to_manager": True}
DAEMONS: dict[str, Any] = {"prefix": "service dump", "to_manager": True}


@pytest.fixture(scope="module")
def cluster(ctl1: Node) -> Cluster:
    """Return the cluster, once its manager daemon is active."""
    found = Cluster(ctl1)

    def active() -> bool:
        # The monitors name the one from before the reboot until they hear of the new one, so it has to answer itself.
        answers = found.commands("client.admin", "", GROUPS)
        told = found.ask("mgr dump")
        return isinstance(answers[0], dict) and bool(told["available"] and told["active_addrs"]["addrvec"])

    eventually("a manager daemon is active", active, seconds=90)
    return found


def test_the_daemon_of_the_topology_is_the_active_one(cluster: Cluster, scenario: Scenario) -> None:
    told = cluster.ask("mgr dump")
    assert (told["active_name"], told["standbys"]) == ("ctl1", [])
    addresses = {place["addr"].rsplit(":", 1)[0] for place in told["active_addrs"]["addrvec"]}
    assert addresses == {scenario.subnet_address("management", 11)}


def test_it_answers_what_only_it_knows(cluster: Cluster) -> None:
    groups, daemons = cluster.commands("client.admin", "", GROUPS, DAEMONS)
    assert groups["pg_summary"]["num_pgs"] == 0  # there is no OSD yet, and no pool
    assert "services" in daemons


def test_no_module_of_it_has_failed(cluster: Cluster) -> None:
    # With Debian's bcrypt 13 modules can't be imported; a module that failed is a health check of the cluster.
    checks = cluster.ask("health", detail="detail")["checks"]
    assert {name for name in checks if name.startswith("MGR_")} == set()
    assert cluster.ask("mgr module ls")["enabled_modules"] == []
    assert cluster.ask("balancer status", to_manager=True)["active"] is True


def test_a_client_without_capabilities_for_it_is_refused(cluster: Cluster, scenario: Scenario) -> None:
    own = cluster.commands("client.rgw.ctl1", key_of(scenario, "client.rgw.ctl1"), GROUPS)
    assert own[0]["pg_summary"]["num_pgs"] == 0
    assert cluster.commands("client.nova", key_of(scenario, "client.nova"), GROUPS) == [REFUSED]
    assert cluster.commands("client.admin", WRONG_KEY, GROUPS) == REFUSED


def test_it_comes_back_when_it_was_killed(cluster: Cluster) -> None:
    before = cluster.ask("mgr dump")["active_gid"]
    process = cluster.node.kill("ceph-mgr@ctl1")

    def back() -> bool:
        told = cluster.ask("mgr dump")
        return bool(told["available"] and told["active_gid"] != before)

    eventually("another process is the active manager daemon", back, seconds=90)
    assert cluster.node.main_process("ceph-mgr@ctl1") != process
    assert cluster.commands("client.admin", "", GROUPS)[0]["pg_summary"]["num_pgs"] == 0
