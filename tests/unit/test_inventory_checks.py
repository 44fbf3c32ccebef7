"""Inventories with mistakes: each is told with host, field, value, place and what to do, before anything is touched."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hoplab.lab.plugins.module_utils.lab_inventory import check_inventory

ROLES = Path(__file__).resolve().parents[2] / "roles"
GOOD: dict[str, Any] = {
    "lab_name": "hoplab",
    "lab_networks": {
        "management": {"subnet": "172.29.20.0/24", "mtu": 1500},
        "tunnel": {"subnet": "172.29.21.0/24", "mtu": 1600},
        "external": {"subnet": "172.29.22.0/24", "mtu": 1500},
    },
    "lab_debug": True,
    "management_address": "{{ lab_networks.management.subnet | nth_address(node_id) }}",
}
GROUPS = {"control": ["ctl1"], "compute": ["cmp1"], "nodes": ["ctl1", "cmp1"], "all": ["localhost", "ctl1", "cmp1"]}
SPECS: dict[str, dict[str, Any]] = {
    name: option
    for path in ROLES.glob("*/meta/argument_specs.yml")
    for name, option in yaml.safe_load(path.read_text())["argument_specs"].get("main", {}).get("options", {}).items()
}


def problems(
    shared: dict[str, Any] | None = None,
    ctl1: dict[str, Any] | None = None,
    groups: dict[str, list[str]] | None = None,
) -> list[str]:
    """Return what is wrong with the default inventory when some of it is something else."""
    common = copy.deepcopy(GOOD) | (shared or {})
    hosts = {
        "localhost": common,
        "ctl1": common | ({"node_id": 11} if ctl1 is None else ctl1),
        "cmp1": common | {"node_id": 21},
    }
    return check_inventory(hosts, groups or GROUPS, SPECS, lambda value: "" if value is None else ", in a file")


def networks(name: str, **changes: Any) -> dict[str, Any]:
    """Return networks of which one is changed; a value of None takes a field away."""
    found = copy.deepcopy(GOOD["lab_networks"])
    found[name] = {key: value for key, value in (found[name] | changes).items() if value is not None}
    return {"lab_networks": found}


def test_a_good_inventory() -> None:
    assert problems() == []


@pytest.mark.parametrize("node_id", [2, 11, 22, 254, "30"])
def test_good_node_ids(node_id: object) -> None:
    expected = ["ctl1: node_id", "cmp1: node_id"] if node_id == 21 else []
    assert [text[:13] for text in problems(ctl1={"node_id": node_id})] == expected


@pytest.mark.parametrize(
    "node_id", [0, 1, 255, 256, -5, 2.5, 11.0, True, "abc", "", "2.5", "-5", " 11", "0x11", "²", None, [11], {"a": 1}]
)
def test_bad_node_ids(node_id: object) -> None:
    (problem,) = problems(ctl1={"node_id": node_id})
    assert problem.startswith(f"ctl1: node_id is {node_id!r}")
    assert "a whole number from 2 to 254 that no other node has, in the inventory's hosts.yml" in problem


def test_this_machines_own_address_is_called_so() -> None:
    assert "which is this machine's own address, in a file" in problems(ctl1={"node_id": 1})[0]


def test_a_missing_node_id_names_the_node() -> None:
    (problem,) = problems(ctl1={})
    assert problem.startswith("ctl1: node_id is missing: give it a whole number from 2 to 254")


def test_no_node_id_is_needed_where_addresses_are_given() -> None:
    assert problems(ctl1={"management_address": "172.29.20.11"}) == []


@pytest.mark.parametrize("field", ["management_address", "tunnel_address"])
@pytest.mark.parametrize("value", ["192.0.2.11", "172.29.20", "ctl1", "", 11, "172.29.20.11/24"])
def test_an_address_that_its_network_does_not_have(field: str, value: object) -> None:
    (problem,) = problems(ctl1={"node_id": 11, field: value})
    assert problem.startswith(f"ctl1: {field} is {value!r}, in a file: give it an IPv4 address in lab_networks.")


def test_a_node_with_a_switch_needs_a_tunnel_address() -> None:
    (problem,) = problems(groups=GROUPS | {"neutron_ovs_agent": ["cmp1"]})
    assert problem == "cmp1: tunnel_address is missing: give it an address in lab_networks.tunnel.subnet"


@pytest.mark.parametrize("jump", ["ops@jump.example.org", "ops@192.0.2.1:2222", "{{ lab_jump_host }}", ""])
def test_good_jump_hosts(jump: str) -> None:
    assert problems({"lab_ssh_jump": jump}) == []


@pytest.mark.parametrize("jump", ["jump.example.org", "ops@", "ops@jump:ssh", "ops@jump -o X=y", "ops@jump;true"])
def test_bad_jump_hosts(jump: str) -> None:
    (problem,) = problems({"lab_ssh_jump": jump})
    assert problem.endswith(f"lab_ssh_jump is {jump!r}, in a file: use USER@HOST or USER@HOST:PORT")


@pytest.mark.parametrize("kind", ["vms", "container", "", True, ["machines"]])
def test_another_kind_of_nodes_is_refused_with_those_that_there_are(kind: object) -> None:
    (problem,) = problems({"lab_nodes_kind": kind})
    assert f"lab_nodes_kind is {kind!r}, in a file: " in problem
    assert isinstance(kind, list) or "containers, machines" in problem


def test_a_node_may_be_of_another_kind() -> None:
    assert problems({"lab_nodes_kind": "containers"}, ctl1={"node_id": 11, "lab_nodes_kind": "machines"}) == []


def test_a_node_id_that_another_node_has() -> None:
    (problem,) = problems(ctl1={"node_id": 21})
    assert "node_id is 21, in a file, which ctl1 has" in problem


def test_larger_subnets_have_more_node_ids() -> None:
    wide = {name: {"subnet": f"10.{number}.0.0/16", "mtu": 1500} for number, name in enumerate(GOOD["lab_networks"])}
    assert problems({"lab_networks": wide}, ctl1={"node_id": 3000}) == []


@pytest.mark.parametrize("name", ["management", "tunnel", "external"])
@pytest.mark.parametrize("mtu", [10, 0, -1, 1279, 9217, 999999999, "big", "", 1500.5, True, [], {}, "1500 bytes", None])
def test_bad_mtus(name: str, mtu: object) -> None:
    found = problems(networks(name, mtu=mtu))
    (problem,) = [text for text in found if f"lab_networks.{name}.mtu" in text]
    assert problem.startswith(f"lab_networks.{name}.mtu is {'missing' if mtu is None else repr(mtu)}, in a file: ")
    assert problem.endswith("use a whole number from 1280 to 9216")


def test_a_tunnel_that_is_too_small_for_what_it_carries() -> None:
    (problem,) = problems(networks("tunnel", mtu=1400))
    assert problem.startswith("lab_networks.tunnel.mtu is 1400, in a file, less than what it carries")
    assert problem.endswith("Use 1500 or more")


@pytest.mark.parametrize("name", ["management", "tunnel", "external"])
@pytest.mark.parametrize(
    ("subnet", "reason"),
    [
        ("172.29.20.0", "it has no mask"),
        ("172.29.20.1/24", "has host bits set"),
        ("172.29.20.0/30", "use a prefix from /8 to /24"),
        ("172.29.20.0/25", "use a prefix from /8 to /24"),
        ("0.0.0.0/0", "use a prefix from /8 to /24"),
        ("172.29.20.0/33", "not a valid netmask"),
        ("fd00::/64", "Expected 4 octets"),
        ("words/24", "Expected 4 octets"),
        ("", "it has no mask"),
        (24, "no text"),
        (["172.29.20.0/24"], "no text"),
        (None, "missing"),
    ],
)
def test_bad_subnets(name: str, subnet: object, reason: str) -> None:
    (problem,) = problems(networks(name, subnet=subnet))
    assert problem.startswith(f"lab_networks.{name}.subnet is ")
    assert reason in problem
    assert ", in a file" in problem


@pytest.mark.parametrize("name", ["management", "tunnel", "external"])
def test_a_missing_network(name: str) -> None:
    found = copy.deepcopy(GOOD["lab_networks"])
    del found[name]
    (problem,) = problems({"lab_networks": found})
    assert problem == f"lab_networks.{name} is missing, in a file: give it a subnet and an mtu"


@pytest.mark.parametrize("value", [[], ["172.29.20.0/24"], "172.29.20.0/24", 5, None, True])
def test_networks_that_are_no_mapping(value: object) -> None:
    (problem,) = problems({"lab_networks": value})
    assert problem.startswith("lab_networks is ")
    assert problem.endswith("give a mapping of management, tunnel, external, each with subnet and mtu")


@pytest.mark.parametrize("value", [[], "x", 5, None])
def test_a_network_that_is_no_mapping(value: object) -> None:
    found = problems({"lab_networks": GOOD["lab_networks"] | {"tunnel": value}})
    assert found == [f"lab_networks.tunnel is {value!r}, in a file: give it a subnet and an mtu"]


def test_what_is_not_known_in_the_networks() -> None:
    found = problems({"lab_networks": GOOD["lab_networks"] | {"storage": {}}})
    assert found == ["lab_networks.storage is no network of a lab, in a file: use management, tunnel, external"]
    (problem,) = problems(networks("tunnel", mtuu=1500))
    assert problem == "lab_networks.tunnel.mtuu is not known, in a file: use subnet and mtu"


@pytest.mark.parametrize("field", ["lab_name", "lab_networks"])
def test_what_every_lab_needs(field: str) -> None:
    common = {name: value for name, value in GOOD.items() if name != field}
    hosts = {"localhost": common, "ctl1": common | {"node_id": 11}}
    groups = GROUPS | {"nodes": ["ctl1"]}
    assert check_inventory(hosts, groups, SPECS, lambda _value: "") == [
        f"{field} is missing: set it in the inventory's group_vars/all/lab.yml"
    ]


def test_two_hosts_where_one_can_be() -> None:
    (problem,) = problems(groups=GROUPS | {"control": ["ctl1", "ctl2"]})
    assert problem.startswith(
        "the group control has 2 hosts, ctl1, ctl2: keep one of them in the inventory's hosts.yml"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lab_debug", "maybe"),
        ("lab_debug", 7),
        ("lab_debug", []),
        ("lab_name", {"a": 1}),
        ("lab_ceph_pool_size", "two"),
        ("lab_ceph_pool_size", 2.5),
        ("lab_ceph_pool_size", True),
        ("nova_compute_virt_type", "xen"),
        ("neutron_ovs_agent_datapath_type", "kernel"),
        ("ceph_osd_backing", "tape"),
        ("ceph_osd_count", "many"),
        ("ceph_osd_devices", {"a": 1}),
        ("nova_control_api_workers", "lots"),
        ("nova_control_api_workers", False),
        ("preflight_cores", "two"),
        ("node_container_guest_endpoints", [{"address": "172.29.20.11"}]),
        ("node_container_guest_endpoints", [{"address": "172.29.20.11", "port": "http"}]),
        ("node_container_guest_endpoints", 5000),
    ],
)
def test_each_variable_is_what_the_argument_specs_say(name: str, value: object) -> None:
    found = problems({name: value})
    assert len(found) == 1
    assert found[0].startswith(f"localhost: {name} is {value!r}, in a file: ")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lab_debgu", "lab_debug"),
        ("nova_compute_virt_typ", "nova_compute_virt_type"),
        ("ceph_osd_counts", "ceph_osd_count"),
    ],
)
def test_a_name_that_is_misspelt(name: str, meant: str) -> None:
    (problem,) = problems({name: "x"})
    assert problem.startswith(f"localhost: {name} is no variable of ")
    assert problem.endswith(f"in a file: did you mean {meant}?")


@pytest.mark.parametrize("name", ["ansible_user", "my_own_note", "client_sshx_note"])
def test_a_variable_of_the_users_own_is_no_mistake(name: str) -> None:
    assert problems({name: "x"}) == []


def test_what_is_a_template_is_left_to_its_role() -> None:
    assert problems({"ceph_osd_count": "{{ 1 + 1 }}", "lab_debug": "{{ true }}"}) == []
