"""The L3 agent: packets of a machine behind a router, as this machine sees them in the external network."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from neighbour import neighbour
from neutron_help import Bench, Machine, bench
from scenario import Node, Scenario, eventually


@dataclass(frozen=True)
class Site:
    """An external network in which a neighbour listens, a router, and a machine in each of two networks behind it."""

    outside: Any
    router: Any
    machines: tuple[Machine, Machine]
    beyond: tuple[str, int]  # a neighbour's address and port, where each caller is told its address


@pytest.fixture(scope="module")
def neutron(scenario: Scenario) -> Iterator[Bench]:
    """A bench on which the switch and routers work."""
    with bench(scenario, "neutron-openvswitch-agent", "neutron-l3-agent") as made:
        yield made


@pytest.fixture(scope="module")
def site(scenario: Scenario, neutron: Bench, ctl1: Node) -> Iterator[Site]:
    """The site; its machines let in only TCP to port 8080."""
    own, first, last = (scenario.subnet_address("external", number) for number in (1, 100, 140))
    subnet = scenario.subnet_address("external", 0)
    pool = [{"start": first, "end": last}]
    outside = neutron.network(f"{subnet}/24", external=True, gateway_ip=own, allocation_pools=pool)
    inside = [neutron.network(f"10.7{number}.0.0/24") for number in (1, 2)]
    router = neutron.router(*inside, outside=outside)
    group = neutron.security_group({"protocol": "tcp", "port_range_min": 8080, "port_range_max": 8080})
    machines = [neutron.machine(ctl1, network, security_groups=[group.id]) for network in inside]
    for number, machine in enumerate(machines, start=1):
        machine.settle(24, f"10.7{number}.0.1")
        machine.serve(8080)
        machine.serve(8081)
    # This machine itself answers nothing but ping to guests.
    with neighbour(f"{subnet}/24", 50) as beyond:
        beyond.serve(8080)
        yield Site(outside, router, (machines[0], machines[1]), (beyond.address, 8080))


def call(address: str, port: int) -> str:
    """Connect from this machine; return the address that the other side saw, or `refused` or `silence`."""
    try:
        with socket.create_connection((address, port), timeout=3) as link:
            return link.recv(64).decode()
    except ConnectionRefusedError:
        return "refused"
    except OSError:  # no answer to TCP, or to the question whose the address is
        return "silence"


def address_of(router: Any) -> str:
    """Return the router's own address in the external network."""
    return str(router.external_gateway_info["external_fixed_ips"][0]["ip_address"])


def test_what_leaves_carries_the_routers_address(site: Site) -> None:
    for machine in site.machines:
        machine.receives(*site.beyond, address_of(site.router))
        assert machine.pings(site.beyond[0], size=1422)  # 1450 with the headers


def test_between_tenant_networks_nothing_is_translated(site: Site) -> None:
    one, two = site.machines
    one.receives(two.address, 8080, one.address)
    two.receives(one.address, 8080, two.address)


def test_a_floating_ip_leads_to_its_machine_and_back(scenario: Scenario, neutron: Bench, site: Site) -> None:
    machine, own = site.machines[0], scenario.subnet_address("external", 1)
    floating = neutron.api.create_ip(floating_network_id=site.outside.id, port_id=machine.port.id)
    address = str(floating.floating_ip_address)
    try:
        # The machine sees who calls, not its router.
        eventually("the floating IP answers", lambda: call(address, 8080) == own)
        assert call(address, 8081) == "silence"  # the security group
        assert machine.connect(*site.beyond) == address
        assert neutron.api.get_ip(floating.id).status == "ACTIVE"
    finally:
        neutron.api.delete_ip(floating)
    eventually("it does not answer when it is deleted", lambda: call(address, 8080) == "silence")
    machine.receives(*site.beyond, address_of(site.router))


def test_a_deleted_router_leaves_nothing(neutron: Bench, site: Site, ctl1: Node) -> None:
    router = neutron.api.create_router(name="short", external_gateway_info={"network_id": site.outside.id})
    namespace, address = f"qrouter-{router.id}", address_of(router)
    try:
        # Nothing listens there, and the router says so.
        eventually("the router answers this machine", lambda: call(address, 8080) == "refused")
    finally:
        neutron.api.delete_router(router)
    eventually("its namespace is gone", lambda: namespace not in ctl1.output("ip netns list"))
    assert call(address, 8080) == "silence"


def test_a_killed_agent_comes_back_and_packets_flow_meanwhile(neutron: Bench, site: Site, ctl1: Node) -> None:
    ctl1.output("systemctl kill --signal=KILL --kill-whom=main neutron-l3-agent")
    assert site.machines[0].connect(*site.beyond) == address_of(site.router)
    network = neutron.network("10.73.0.0/24")
    router = neutron.router(network, outside=site.outside)
    machine = neutron.machine(ctl1, network)
    machine.settle(24, "10.73.0.1")
    machine.receives(*site.beyond, address_of(router), seconds=90)
