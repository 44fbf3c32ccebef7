"""What guests, and whoever else is in the external network, reach of the lab: nothing that is not listed on purpose."""

import ipaddress
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from neighbour import Neighbour, neighbour
from onnodes import on_node

from hoplab.lab.deployment import Deployment

pytestmark = pytest.mark.lab

SCANNER = Path(__file__).with_name("scan.py")
ALLOWED: dict[str, list[int]] = {}
"""TCP ports by address that guests may use: node_container_guest_endpoints of the default inventory has none."""
QUESTION = "00010100000100000000000003777777076578616d706c6503636f6d0000010001"  # DNS: the address of www.example.com
UDP = {"53": QUESTION, "67": "00", "111": "00", "123": "1b" + 47 * "00", "161": "00", "4789": "00", "11211": "00"}


@pytest.fixture(scope="module")
def outsider(deployment: Deployment) -> Iterator[Neighbour]:
    """A network namespace with a link in the external network, as a neighbour of this machine would have one."""
    with neighbour(deployment.external_network.cidr, 250) as made:
        yield made


def addresses(deployment: Deployment) -> list[str]:
    """Return all nodes' addresses, and this machine's in the lab's networks."""
    management = ipaddress.IPv4Network(f"{deployment.nodes[0].address}/24", strict=False)
    return [*(node.address for node in deployment.nodes), str(management[1]), deployment.external_network.gateway]


def expect(answer: str) -> None:
    """Check that what a scan found is what is listed, and that nothing was left to silence."""
    found = json.loads(answer)
    assert found
    assert {address: one["tcp"] for address, one in found.items() if one["tcp"]} == ALLOWED
    assert {address: one["udp"] for address, one in found.items() if one["udp"]} == {}
    # What is refused is refused at once: a port that keeps silent was not looked at.
    assert {address: one["silent"] for address, one in found.items() if one["silent"]} == {}


def test_from_the_external_network(deployment: Deployment, outsider: Neighbour) -> None:
    wanted = json.dumps({"targets": addresses(deployment), "udp": UDP})
    expect(outsider.run("python3", str(SCANNER), given=wanted))


def test_no_node_is_a_way_into_the_management_network(deployment: Deployment, outsider: Neighbour) -> None:
    network = ipaddress.IPv4Network(deployment.external_network.cidr)
    node = deployment.first_in_group("neutron_l3")
    hardware = on_node(deployment, node, ["cat", "/sys/class/net/ext0/address"]).strip()
    target = deployment.first_in_group("control").address
    outsider.ip("neighbour", "replace", str(network[251]), "lladdr", hardware, "dev", outsider.link)
    outsider.ip("route", "add", f"{target}/32", "via", str(network[251]), "dev", outsider.link)
    try:
        probe = f"import socket; socket.create_connection(({target!r}, 22), 3)"
        argv = ["ip", "netns", "exec", outsider.name, "python3", "-c", probe]
        assert subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode != 0
    finally:
        outsider.ip("route", "delete", f"{target}/32")
    for node in deployment.nodes:
        assert on_node(deployment, node, ["cat", "/proc/sys/net/ipv4/ip_forward"]).strip() == "0", node.name


def test_from_a_guests_router(deployment: Deployment) -> None:
    node = deployment.first_in_group("neutron_l3")
    spaces = on_node(deployment, node, ["ip", "netns", "list"]).split()
    router = next(space for space in spaces if space.startswith("qrouter-"))
    wanted = json.dumps({"targets": addresses(deployment), "udp": UDP})
    argv = ["ip", "netns", "exec", router, "python3", "-c", SCANNER.read_text()]
    expect(on_node(deployment, node, argv, given=wanted))
