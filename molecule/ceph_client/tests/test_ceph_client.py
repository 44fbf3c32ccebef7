"""Clients of Ceph alone: librbd on a node without any daemon works in the client's own pool, and nowhere else."""

import pytest
from ceph_help import Cluster, images
from scenario import Node, Scenario, eventually

SIZE = 1 << 22
TEXT = "58 hops"


@pytest.fixture(scope="module")
def cluster(ctl1: Node) -> Cluster:
    """Return the cluster, once it is as before the reboot."""
    found = Cluster(ctl1)
    eventually("the cluster is clean", found.clean, seconds=120)
    return found


@pytest.fixture(scope="module")
def cmp1(scenario: Scenario, cluster: Cluster) -> Node:
    """Return the compute node, where nothing of Ceph comes from another role."""
    del cluster  # it is up
    return scenario.nodes["cmp1"]


@pytest.mark.parametrize(("client", "own", "other"), [("nova", "vms", "volumes"), ("cinder", "volumes", "vms")])
def test_a_client_writes_and_reads_in_its_own_pool_only(cmp1: Node, client: str, own: str, other: str) -> None:
    disk = f"disk-of-{client}"
    created, written, read, removed, left = images(
        cmp1,
        client,
        own,
        ("create", disk, SIZE),
        ("write", disk, 8192, TEXT),
        ("read", disk, 8192, len(TEXT)),
        ("remove", disk),
        ("list",),
    )
    assert (created, written, read, removed, left) == (None, len(TEXT), TEXT, None, [])
    assert images(cmp1, client, other, ("create", disk, SIZE), ("list",)) == ["EPERM", "EPERM"]


def test_a_client_does_not_open_the_image_of_another(cmp1: Node) -> None:
    assert images(cmp1, "nova", "vms", ("create", "disk", SIZE), ("write", "disk", 0, TEXT)) == [None, len(TEXT)]
    try:
        refused = images(
            cmp1, "cinder", "vms", ("read", "disk", 0, 7), ("write", "disk", 0, "changed"), ("remove", "disk")
        )
        assert refused == ["EPERM", "EPERM", "EPERM"]
        assert images(cmp1, "nova", "vms", ("read", "disk", 0, 7)) == [TEXT]
    finally:
        images(cmp1, "nova", "vms", ("remove", "disk"))


def test_an_image_written_on_one_node_is_read_on_the_other(cmp1: Node, ctl1: Node) -> None:
    made = images(cmp1, "cinder", "volumes", ("create", "volume", SIZE), ("write", "volume", 4096, TEXT))
    assert made == [None, len(TEXT)]
    assert images(ctl1, "cinder", "volumes", ("read", "volume", 4096, 7), ("remove", "volume")) == [TEXT, None]


def test_a_node_can_be_only_the_clients_that_it_needs(cmp1: Node, ctl1: Node) -> None:
    # Nova's disks are used on compute nodes only; nobody is the administrator there.
    assert cmp1.output("rbd --id nova ls vms") == ""
    assert ctl1.run("rbd --id nova ls vms").returncode != 0
    assert cmp1.run("timeout 30 ceph --connect-timeout=20 --id admin fsid").returncode != 0


@pytest.mark.parametrize(("user", "status"), [("nobody", False), ("nobody --supp-group=ceph", True)])
def test_only_who_is_in_group_ceph_may_be_a_client(cmp1: Node, user: str, status: bool) -> None:
    done = cmp1.run(f"runuser --user={user} -- rbd --id nova ls vms")
    assert (done.returncode == 0) is status, done.stderr


def test_a_client_waits_for_an_osd_that_was_killed(cluster: Cluster, cmp1: Node) -> None:
    assert images(cmp1, "nova", "vms", ("create", "kept", SIZE), ("write", "kept", 0, TEXT)) == [None, len(TEXT)]
    for unit in ("ceph-osd@0", "ceph-osd@1"):
        cluster.node.kill(unit)
    # No error reaches the client: it goes on when the OSDs are back.
    assert images(cmp1, "nova", "vms", ("read", "kept", 0, 7), ("remove", "kept")) == [TEXT, None]
