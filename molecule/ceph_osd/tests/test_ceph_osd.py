"""OSDs alone: they keep what clients write, each client in its own pool, and lose nothing when a process is killed."""

from typing import Any

import pytest
from ceph_help import Cluster, images, key_of
from scenario import Node, Scenario, eventually

# Writes and reads objects as a client, with nothing but its key.
OBJECTS = """
import errno, rados
settings = {"key": given["key"], "keyring": "/dev/null", "rados_osd_op_timeout": "30", "client_mount_timeout": "20"}
with rados.Rados(name=given["entity"], conffile="/etc/ceph/ceph.conf", conf=settings) as cluster:
    with cluster.open_ioctx(given["pool"]) as pool:
        answer = []
        for action, name, *text in given["actions"]:
            try:
                if action == "write":
                    pool.write_full(name, text[0].encode())
                    answer.append("written")
                elif action == "read":
                    answer.append(pool.read(name, 1 << 20).decode())
                else:
                    pool.remove_object(name)
                    answer.append("removed")
            except rados.Error as error:
                answer.append(errno.errorcode.get(abs(error.errno), repr(error)))
"""
SIZE = 21474836480  # 20 GiB


@pytest.fixture(scope="module")
def cluster(ctl1: Node) -> Cluster:
    """Return the cluster, once it is as before the reboot."""
    found = Cluster(ctl1)
    eventually("both OSDs are up and all placement groups clean", found.clean, seconds=120)
    return found


def objects(scenario: Scenario, pool: str, *actions: tuple[str, ...], entity: str = "client.admin") -> list[str]:
    """Do things with objects: ("write", name, text), ("read", name), ("remove", name); return what each comes to."""
    answer: list[str] = scenario.control.python(
        OBJECTS, entity=entity, key=key_of(scenario, entity), pool=pool, actions=actions
    )
    return answer


def acting(cluster: Cluster, pool: str, name: str) -> int:
    """Return the number of the OSD that has an object."""
    told: dict[str, Any] = cluster.ask("osd map", pool=pool, object=name)
    assert len(told["acting"]) == 1  # one storage node, one copy
    return int(told["acting"][0])


def test_two_osds_of_the_size_are_up_on_the_node(cluster: Cluster, scenario: Scenario) -> None:
    osds = cluster.ask("osd dump")["osds"]
    assert [(osd["osd"], osd["up"], osd["in"]) for osd in osds] == [(0, 1, 1), (1, 1, 1)]
    addresses = {osd["public_addr"].rsplit(":", 1)[0] for osd in osds}
    assert addresses == {scenario.subnet_address("management", 11)}
    nodes = {node["name"]: node for node in cluster.ask("osd tree")["nodes"]}
    assert sorted(nodes["ctl1"]["children"]) == [0, 1]

    def sizes() -> list[int]:
        return [osd["kb"] * 1024 for osd in cluster.ask("osd df", to_manager=True)["nodes"]]

    # The OSDs report to the manager daemon every few seconds.
    eventually("both have told their sizes", lambda: sizes() == [SIZE, SIZE], seconds=60)


def test_objects_lie_on_both_osds_and_come_back(cluster: Cluster, scenario: Scenario) -> None:
    names = [f"hop-{number}" for number in range(32)]
    assert objects(scenario, "vms", *(("write", name, f"text of {name}") for name in names)) == ["written"] * 32
    try:
        # A pool has eight placement groups; that all of two pools' are on the same OSD is next to impossible.
        assert {acting(cluster, pool, name) for pool in ("vms", "volumes") for name in names[:16]} == {0, 1}
        assert objects(scenario, "vms", *(("read", name) for name in names)) == [f"text of {name}" for name in names]
    finally:
        objects(scenario, "vms", *(("remove", name) for name in names))


@pytest.mark.parametrize(("own", "other", "client"), [("vms", "volumes", "nova"), ("volumes", "vms", "cinder")])
def test_a_client_has_its_own_pool_only(
    cluster: Cluster, scenario: Scenario, own: str, other: str, client: str
) -> None:
    del cluster  # it is clean
    entity = f"client.{client}"
    assert objects(scenario, other, ("write", "hop", "58")) == ["written"]
    actions = [("write", "hop", "59"), ("read", "hop"), ("remove", "hop")]
    assert objects(scenario, own, *actions, entity=entity) == ["written", "59", "removed"]
    assert objects(scenario, other, *actions, entity=entity) == ["EPERM", "EPERM", "EPERM"]
    assert objects(scenario, other, ("read", "hop"), ("remove", "hop")) == ["58", "removed"]


def test_the_pools_are_ready_for_rbd_images(cluster: Cluster, ctl1: Node) -> None:
    pools = {pool["pool_name"]: pool for pool in cluster.ask("osd pool ls", detail="detail")}
    assert {name: list(pools[name]["application_metadata"]) for name in ("volumes", "vms")} == {
        "volumes": ["rbd"],
        "vms": ["rbd"],
    }
    text = "fifty-eight hops"
    done = images(
        ctl1,
        "admin",
        "volumes",
        ("create", "disk", 1 << 22),
        ("write", "disk", 4096, text),
        ("read", "disk", 4096, len(text)),
        ("remove", "disk"),
    )
    assert done[2] == text


@pytest.mark.parametrize("number", [0, 1])
def test_an_osd_that_loses_its_process_comes_back_with_the_data(
    cluster: Cluster, scenario: Scenario, number: int
) -> None:
    name = next(name for name in (f"kept-{n}" for n in range(64)) if acting(cluster, "volumes", name) == number)
    assert objects(scenario, "volumes", ("write", name, "58 hops")) == ["written"]
    try:
        before = cluster.node.kill(f"ceph-osd@{number}")
        eventually(
            "the object is there again", lambda: objects(scenario, "volumes", ("read", name)) == ["58 hops"], seconds=90
        )
        assert cluster.node.main_process(f"ceph-osd@{number}") != before
        # Nothing moved to the other one: it came from the OSD that was killed.
        assert acting(cluster, "volumes", name) == number
    finally:
        objects(scenario, "volumes", ("remove", name))
