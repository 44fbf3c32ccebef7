import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hoplab.lab.deployment import find_lab, load
from hoplab.model.errors import EXIT_USAGE, ConfigurationError

Document = dict[str, Any]
WriteLab = Callable[[object], Path]


def test_a_complete_description_is_read(document: Document, write_lab: WriteLab, tmp_path: Path) -> None:
    lab = load(write_lab(document))
    assert [node.name for node in lab.nodes] == ["ctl1", "cmp1", "ceph1"]
    assert lab.nodes[0].services[0].unit == "nova-scheduler.service"
    assert lab.external_network.pool == ("172.29.22.100", "172.29.22.199")
    assert lab.directory == tmp_path
    assert lab.first_in_group("ceph_rgw").name == "ceph1"


def test_how_nodes_are_reached_is_read(document: Document, write_lab: WriteLab) -> None:
    lab = load(write_lab(document))
    assert (lab.ssh.sudo, lab.ssh.proxy_command, lab.nodes[1].ssh) == (False, "", None)
    own = document["ssh"] | {"user": "ops", "sudo": True, "proxy_command": "ssh jump -W %h:%p"}
    found = load(write_lab(change(document, "nodes/1/ssh", own))).nodes[1].ssh
    assert found is not None
    assert (found.user, found.sudo, found.proxy_command) == ("ops", True, "ssh jump -W %h:%p")


def test_a_key_of_one_node_that_is_not_there_is_named(document: Document, write_lab: WriteLab) -> None:
    own = document["ssh"] | {"key": "/nowhere/key"}
    with pytest.raises(ConfigurationError, match=r"nodes.1.ssh.key: '/nowhere/key' is not a file that exists"):
        load(write_lab(change(document, "nodes/1/ssh", own)))


@pytest.mark.parametrize("host", ["cmp1", "cmp1.lab.example"])
def test_a_host_is_found_with_and_without_its_domain(document: Document, write_lab: WriteLab, host: str) -> None:
    node = load(write_lab(document)).find_node(host)
    assert node is not None
    assert node.address == "172.29.20.21"


def test_an_unknown_host_is_no_node(document: Document, write_lab: WriteLab) -> None:
    assert load(write_lab(document)).find_node("cmp9") is None


def test_a_group_without_nodes_is_named(document: Document, write_lab: WriteLab) -> None:
    with pytest.raises(ConfigurationError, match="no node is in group 'horizon'"):
        load(write_lab(document)).first_in_group("horizon")


def change(document: Document, path: str, value: object) -> Document:
    changed = copy.deepcopy(document)
    inner: Any = changed
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in parents:
        inner = inner[part]
    inner[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("schema", 2, "schema: 2, and this hoplab knows 1"),
        ("schema", True, "schema: True, and"),
        ("release", "", 'release: "" is shorter than 1 character'),
        ("nodes", [], r"nodes: \[\] has less than 1 item"),
        ("nodes", {}, r'nodes: {} is not of type "array"'),
        ("nodes/0", "ctl1", r'nodes.0: "ctl1" is not of type "object"'),
        ("nodes/1/name", "ctl1", r"nodes.1.name: 'ctl1' is not one that no other node has"),
        ("nodes/1/address", "172.29.20.11", r"nodes.1.address: '172.29.20.11' is not one that no other"),
        ("nodes/0/address", "ctl1", r"nodes.0.address: 'ctl1' is not an IP address"),
        ("nodes/0/groups", "control", r'nodes.0.groups: "control" is not of type "array"'),
        ("nodes/0/services/0/port", 0, r"nodes.0.services.0.port: 0 is less than the minimum of 1"),
        ("nodes/0/services/0/port", "80", r'nodes.0.services.0.port: "80"'),
        ("ssh/key", "id_ed25519", "ssh.key: 'id_ed25519' is not an absolute path"),
        ("ssh/sudo", "yes", r'ssh.sudo: "yes" is not of type "boolean"'),
        ("ssh/proxy_command", "", 'ssh.proxy_command: "" is shorter than 1 character'),
        ("nodes/1/ssh", {"user": "ops"}, r"nodes.1.ssh"),
        ("guest_image", "/nowhere/guest.raw", "guest_image: '/nowhere/guest.raw' is not a file that exists"),
        ("external_network/cidr", "172.29.22.1/24", "external_network.cidr: '172.29.22.1/24'"),
        ("external_network/gateway", "10.0.0.1", "external_network.gateway: '10.0.0.1' is not an address of"),
        (
            "external_network/pool",
            ["172.29.22.100"],
            r'external_network.pool: \["172.29.22.100"\] has less than 2 items',
        ),
        ("external_network/pool", ["172.29.22.199", "172.29.22.100"], "the first not above the last"),
        ("external_network/pool", ["10.0.0.1", "10.0.0.2"], "two addresses of 172.29.22.0/24"),
        ("external_network/pool", ["::1", "::2"], "two addresses of 172.29.22.0/24"),
        ("token_cache", {"strategy": "NONE", "secret_file": "/x"}, 'token_cache.strategy: "NONE" is not one of'),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_to_do(
    document: Document, write_lab: WriteLab, path: str, value: object, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        load(write_lab(change(document, path, value)))
    assert "run `make lab`" in str(caught.value)
    assert "lab.json" in str(caught.value)


@pytest.mark.parametrize("field", ["schema", "nodes", "ssh", "cloud", "guest_image", "external_network"])
def test_a_missing_field_is_named(document: Document, write_lab: WriteLab, field: str) -> None:
    del document[field]
    with pytest.raises(
        ConfigurationError,
        match=f"(top: \"{field}\" is a required property|schema: 'none', and this hoplab knows 1): run `make lab`",
    ):
        load(write_lab(document))


def test_a_long_value_is_cut_in_the_message(document: Document, write_lab: WriteLab) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(write_lab(change(document, "cloud", ["x" * 1000])))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("content", ["", "{", "\x00"])
def test_what_is_no_json_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "lab.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="is not JSON"):
        load(path)


def test_a_document_that_is_no_object_is_told(write_lab: WriteLab) -> None:
    with pytest.raises(ConfigurationError, match='is not of type "object"'):
        load(write_lab([1]))


def test_the_lab_is_searched_upwards(tmp_path: Path) -> None:
    lab = tmp_path / ".lab" / "local" / "lab.json"
    lab.parent.mkdir(parents=True)
    lab.write_text("{}")
    below = tmp_path / "docs" / "adr"
    below.mkdir(parents=True)
    assert find_lab(None, environ={}, cwd=below) == lab


@pytest.mark.parametrize("named", [".", ".lab/local", ".lab/local/lab.json"])
def test_the_lab_may_be_named_by_checkout_directory_or_file(tmp_path: Path, named: str) -> None:
    lab = tmp_path / ".lab" / "local" / "lab.json"
    lab.parent.mkdir(parents=True)
    lab.write_text("{}")
    assert find_lab(named, environ={}, cwd=tmp_path).samefile(lab)
    assert find_lab(None, environ={"HOPLAB_LAB": named}, cwd=tmp_path).samefile(lab)


def test_the_argument_outweighs_the_environment(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("{}")
    assert find_lab("one", environ={"HOPLAB_LAB": "two"}, cwd=tmp_path) == tmp_path / "one"


@pytest.mark.parametrize("argument", [None, "nowhere", "nowhere/lab.json"])
def test_no_lab_is_told_with_what_to_do(tmp_path: Path, argument: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"no lab found at .*`make lab`") as caught:
        find_lab(argument, environ={}, cwd=tmp_path)
    assert caught.value.exit_code == EXIT_USAGE
