"""Prechecks: each message names the field, its value and what to do."""

import pytest
from ansible_collections.hoplab.lab.plugins.modules.lab_preflight import (
    check_machine,
    check_names,
    check_subnets,
    read_routes,
)

FREE = {"management": "172.29.20.0/24", "tunnel": "172.29.21.0/24", "external": "172.29.22.0/24"}


@pytest.mark.parametrize("lab", ["ab", "hoplab", "my-lab", "lab12345"])
@pytest.mark.parametrize("node", ["c", "ctl1", "ceph1"])
def test_good_names(lab: str, node: str) -> None:
    assert check_names(lab, [node]) == []


@pytest.mark.parametrize("lab", ["", "a", "lab123456", "Lab", "1lab", "lab_1", "lab-", "lab\n", "lab/x"])
def test_bad_lab_names(lab: str) -> None:
    (problem,) = check_names(lab, ["ctl1"])
    assert problem.startswith(f"lab_name is {lab!r}: use 2 to 8 lower-case letters")


@pytest.mark.parametrize("node", ["", "compute1", "1ctl", "c-1", "CTL", "ctl1\n"])
def test_bad_node_names(node: str) -> None:
    (problem,) = check_names("lab", ["ctl1", node])
    assert problem.startswith(f"a node is named {node!r}: use 1 to 5 lower-case letters")


def test_free_subnets() -> None:
    routes = [("10.0.0.0/8", "eth0"), ("172.29.19.0/24", "eth1"), ("172.29.23.7", "eth1")]
    assert check_subnets(FREE, routes, []) == []


@pytest.mark.parametrize("subnet", ["172.29.20.0/33", "172.29.20.1/24", "fd00::/64", "words", ""])
def test_what_is_no_subnet(subnet: str) -> None:
    (problem,) = check_subnets({"management": subnet}, [], [])
    assert problem.startswith(f"lab_networks.management.subnet is {subnet!r}: ")
    assert problem.endswith("Use an IPv4 network such as 172.29.20.0/24")


def test_too_small_a_subnet() -> None:
    assert check_subnets({"external": "172.29.20.0/25"}, [], []) == [
        "lab_networks.external.subnet is 172.29.20.0/25: use a /24 or larger"
    ]


def test_subnets_that_overlap_are_told_once() -> None:
    (problem,) = check_subnets(FREE | {"tunnel": "172.29.20.0/23", "external": "10.1.0.0/16"}, [], [])
    assert problem == (
        "lab_networks.management.subnet 172.29.20.0/24 and lab_networks.tunnel.subnet 172.29.20.0/23 overlap: "
        "choose others"
    )


@pytest.mark.parametrize("route", ["172.29.20.0/24", "172.16.0.0/12", "172.29.20.77", "172.29.20.128/25"])
def test_clash_with_a_route(route: str) -> None:
    (problem,) = check_subnets({"management": "172.29.20.0/24"}, [(route, "eth0")], [])
    assert problem == (
        f"lab_networks.management.subnet 172.29.20.0/24 clashes with this machine's route to {route} (eth0): choose a "
        "free subnet in the inventory's group_vars/all/lab.yml"
    )


def test_the_labs_own_links_are_no_clash() -> None:
    assert check_subnets(FREE, [("172.29.20.0/24", "hoplab-mgmt0")], ["hoplab-mgmt0"]) == []


def test_routes_of_this_machine() -> None:
    assert all(destination != "default" for destination, _link in read_routes())


def test_what_the_machine_lacks() -> None:
    memory, disk, cores = [part for part in check_machine(10**9, 10**9, 10**5) if "the lab needs" in part]
    assert memory.endswith(
        "of memory are free and the lab needs 1000000000 MB: end other programs or use a larger machine"
    )
    assert disk.endswith("MB are free in /var and the lab needs 1000000000 MB: make room")
    assert cores.endswith("processor cores and the lab needs 100000: use a larger machine")
    assert not [part for part in check_machine(0, 0, 1) if "the lab needs" in part]
