"""What guests, and whoever else is in the external network, reach of the lab: nothing that is not listed on purpose."""

import ipaddress
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from onnodes import on_node

from hoplab.deployment import Deployment

pytestmark = pytest.mark.lab

SCANNER = Path(__file__).with_name("scan.py")
ALLOWED: dict[str, list[int]] = {}
"""TCP ports by address that guests may use: node_container_guest_endpoints of the default inventory has none."""
NAMESPACE = "hoplab-scan"
LINKS = ("hoplabscan0", "hoplabscan1")
QUESTION = "00010100000100000000000003777777076578616d706c6503636f6d0000010001"  # DNS: the address of www.example.com
UDP = {"53": QUESTION, "67": "00", "111": "00", "123": "1b" + 47 * "00", "161": "00", "4789": "00", "11211": "00"}
SECONDS = 240


def run(*argv: str, given: str = "") -> str:
    """Run a command on this machine as root and return what it prints."""
    done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def outsider(deployment: Deployment) -> Iterator[str]:
    """A network namespace with a link in the external network, as a neighbour of this machine would have one."""
    network = ipaddress.IPv4Network(deployment.external_network.cidr)
    links = json.loads(run("ip", "-json", "address", "show"))
    (bridge,) = [
        link["ifname"]
        for link in links
        if any(entry["local"] == deployment.external_network.gateway for entry in link["addr_info"])
    ]
    with ExitStack() as undo:
        run("ip", "netns", "add", NAMESPACE)
        undo.callback(run, "ip", "netns", "delete", NAMESPACE)
        run("ip", "link", "add", LINKS[0], "type", "veth", "peer", "name", LINKS[1], "netns", NAMESPACE)
        run("ip", "link", "set", LINKS[0], "master", bridge, "up")
        within = ("ip", "-netns", NAMESPACE)
        run(*within, "address", "add", f"{network[250]}/{network.prefixlen}", "dev", LINKS[1])
        run(*within, "link", "set", LINKS[1], "up")
        run(*within, "route", "add", "default", "via", deployment.external_network.gateway)
        yield NAMESPACE


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


def test_from_the_external_network(deployment: Deployment, outsider: str) -> None:
    wanted = json.dumps({"targets": addresses(deployment), "udp": UDP})
    expect(run("ip", "netns", "exec", outsider, "python3", str(SCANNER), given=wanted))


def test_no_node_is_a_way_into_the_management_network(deployment: Deployment, outsider: str) -> None:
    within = ("ip", "-netns", outsider)
    network = ipaddress.IPv4Network(deployment.external_network.cidr)
    node = deployment.first_in_group("neutron_l3")
    hardware = on_node(deployment, node, ["cat", "/sys/class/net/ext0/address"]).strip()
    target = deployment.first_in_group("control").address
    run(*within, "neighbour", "replace", str(network[251]), "lladdr", hardware, "dev", LINKS[1])
    run(*within, "route", "add", f"{target}/32", "via", str(network[251]), "dev", LINKS[1])
    try:
        probe = f"import socket; socket.create_connection(({target!r}, 22), 3)"
        argv = ["ip", "netns", "exec", outsider, "python3", "-c", probe]
        assert subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode != 0
    finally:
        run(*within, "route", "delete", f"{target}/32")
    for node in deployment.nodes:
        assert on_node(deployment, node, ["cat", "/proc/sys/net/ipv4/ip_forward"]).strip() == "0", node.name


def test_from_a_guests_router(deployment: Deployment) -> None:
    node = deployment.first_in_group("neutron_l3")
    spaces = on_node(deployment, node, ["ip", "netns", "list"]).split()
    router = next(space for space in spaces if space.startswith("qrouter-"))
    wanted = json.dumps({"targets": addresses(deployment), "udp": UDP})
    argv = ["ip", "netns", "exec", router, "python3", "-c", SCANNER.read_text()]
    expect(on_node(deployment, node, argv, given=wanted))
