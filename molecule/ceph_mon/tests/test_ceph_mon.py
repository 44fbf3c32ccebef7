"""A Ceph monitor alone: it keeps the cluster's maps, and lets each entity do what it needs and not more."""

from typing import Any

import pytest
from ceph_help import REFUSED, WRONG_KEY, Cluster, key_of
from scenario import Node, Scenario, eventually

FSID = {"prefix": "fsid"}
POOLS = {"prefix": "osd pool ls"}
BLOCKLIST = {"prefix": "osd blocklist ls"}
KEYS = {"prefix": "auth ls"}
ADMIN_KEY = {"prefix": "auth get", "entity": "client.admin"}
SETTINGS = {"prefix": "config-key ls"}
NEW_POOL = {"prefix": "osd pool create", "pool": "more"}
FLAG = {"prefix": "osd set", "key": "noout"}


@pytest.fixture(scope="module")
def cluster(ctl1: Node) -> Cluster:
    """Return the cluster, once its monitor answers."""
    found = Cluster(ctl1)
    eventually(
        "the monitor is in its quorum", lambda: found.ask("quorum_status")["quorum_names"] == ["ctl1"], seconds=60
    )
    return found


def test_the_monitor_of_the_topology_is_the_quorum(cluster: Cluster, scenario: Scenario) -> None:
    told = cluster.ask("quorum_status")
    address = scenario.subnet_address("management", 11)
    listening = [
        {(place["type"], place["addr"]) for place in monitor["public_addrs"]["addrvec"]}
        for monitor in told["monmap"]["mons"]
    ]
    assert told["quorum_leader_name"] == "ctl1"
    assert listening == [{("v2", f"{address}:3300"), ("v1", f"{address}:6789")}]
    assert told["monmap"]["fsid"] == scenario.secret("ceph_fsid")


@pytest.mark.parametrize("protocol", ["v2:{}:3300", "v1:{}:6789"])
def test_clients_get_in_with_both_protocols(cluster: Cluster, scenario: Scenario, protocol: str) -> None:
    place = protocol.format(scenario.subnet_address("management", 11))
    told = cluster.commands("client.nova", key_of(scenario, "client.nova"), FSID, monitors=place)
    assert told == [{"fsid": scenario.secret("ceph_fsid")}]


def test_the_maps_outlive_a_killed_monitor(cluster: Cluster) -> None:
    cluster.ask("osd crush add-bucket", name="rack58", type="rack")
    cluster.ask("config-key set", key="hops", val="58")
    try:
        before = cluster.node.kill("ceph-mon@ctl1")

        def back() -> bool:
            names = {bucket["name"] for bucket in cluster.ask("osd crush dump")["buckets"]}
            return "rack58" in names and cluster.ask("config-key get", key="hops") == 58

        eventually("the monitor is back with what it was told", back, seconds=90)
        assert cluster.node.main_process("ceph-mon@ctl1") != before
    finally:
        cluster.ask("osd crush rm", name="rack58")
        cluster.ask("config-key rm", key="hops")


@pytest.mark.parametrize(
    ("entity", "owner"),
    [("client.admin", ""), ("client.cinder", ""), ("client.nova", "client.cinder"), ("client.nobody", "client.admin")],
)
def test_without_its_own_key_nobody_gets_in(cluster: Cluster, scenario: Scenario, entity: str, owner: str) -> None:
    key = key_of(scenario, owner) if owner else WRONG_KEY
    assert cluster.commands(entity, key, FSID) == REFUSED


@pytest.mark.parametrize(
    ("entity", "may", "may_not"),
    [
        ("client.nova", [POOLS, BLOCKLIST], [KEYS, ADMIN_KEY, SETTINGS, NEW_POOL, FLAG]),
        ("client.cinder", [POOLS, BLOCKLIST], [KEYS, ADMIN_KEY, SETTINGS, NEW_POOL, FLAG]),
        ("client.bootstrap-osd", [FSID], [KEYS, ADMIN_KEY, SETTINGS, NEW_POOL, FLAG]),
        # It makes pools of its own.
        ("client.rgw.ctl1", [POOLS], [KEYS, ADMIN_KEY, SETTINGS]),
    ],
)
def test_an_entity_may_do_what_it_needs_and_not_more(
    cluster: Cluster, scenario: Scenario, entity: str, may: list[dict[str, Any]], may_not: list[dict[str, Any]]
) -> None:
    answers = cluster.commands(entity, key_of(scenario, entity), *may, *may_not)
    assert REFUSED not in answers[: len(may)]
    assert answers[len(may) :] == [REFUSED] * len(may_not)


def test_the_next_run_takes_back_a_capability_that_was_given_by_hand(cluster: Cluster, scenario: Scenario) -> None:
    key = key_of(scenario, "client.nova")
    cluster.ask("auth caps", entity="client.nova", caps=["mon", "allow *"])
    assert cluster.commands("client.nova", key, KEYS) != [REFUSED]
    done = scenario.converge()
    assert done.returncode == 0, done.stdout[-2000:]
    keys, pools = cluster.commands("client.nova", key, KEYS, POOLS)
    assert (keys, pools) == (REFUSED, [])
