"""The Open vSwitch agent on two nodes: real packets between ports that it wires, and those that it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest
from neutron_help import Bench, Machine, bench
from scenario import Node, Scenario, eventually


@pytest.fixture(scope="module")
def neutron(scenario: Scenario) -> Iterator[Bench]:
    """A bench on which the switches of both nodes work."""
    with bench(scenario, "neutron-openvswitch-agent") as made:
        agents = [agent for agent in made.api.agents() if agent.is_alive]
        assert sorted(agent.host for agent in agents) == ["cmp1", "ctl1"]
        yield made


@pytest.fixture(scope="module")
def cmp1(scenario: Scenario) -> Node:
    """The other node."""
    return scenario.nodes["cmp1"]


@pytest.fixture(scope="module")
def group(neutron: Bench) -> Any:
    """A security group that lets in ping and TCP to port 8080."""
    return neutron.security_group(
        {"protocol": "icmp"}, {"protocol": "tcp", "port_range_min": 8080, "port_range_max": 8080}
    )


@pytest.fixture(scope="module")
def network(neutron: Bench) -> Any:
    """A tenant network."""
    return neutron.network("10.74.0.0/24")


@pytest.fixture(scope="module")
def machines(neutron: Bench, network: Any, group: Any, ctl1: Node, cmp1: Node) -> tuple[Machine, Machine, Machine]:
    """Two machines on the one node and one on the other; Neutron calls their ports ACTIVE."""
    made = [neutron.machine(node, network, security_groups=[group.id]) for node in (ctl1, ctl1, cmp1)]
    for machine in made:
        machine.settle(24)
        machine.serve(8080)
        machine.serve(8081)
    return made[0], made[1], made[2]


def test_packets_pass_between_ports_of_one_node(machines: tuple[Machine, Machine, Machine]) -> None:
    first, second, _ = machines
    eventually("a ping is answered", lambda: first.pings(second.address), seconds=30)
    assert second.connect(first.address, 8080) == second.address


def test_packets_pass_between_nodes_through_the_tunnel(machines: tuple[Machine, Machine, Machine]) -> None:
    here, _, there = machines
    eventually("a ping is answered", lambda: here.pings(there.address), seconds=30)
    assert here.pings(there.address, size=1422)  # 1450 with the headers, in one piece
    assert here.connect(there.address, 8080) == here.address
    assert there.connect(here.address, 8080) == there.address


def test_a_security_group_refuses_what_it_does_not_name(
    neutron: Bench, group: Any, machines: tuple[Machine, Machine, Machine]
) -> None:
    here, near, far = machines
    assert [here.connect(machine.address, 8081) for machine in (near, far)] == ["silence", "silence"]
    rule = neutron.admit(group, protocol="tcp", port_range_min=8081, port_range_max=8081)
    for machine in (near, far):
        here.receives(machine.address, 8081, here.address)
    neutron.api.delete_security_group_rule(rule)
    for machine in (near, far):
        here.receives(machine.address, 8081, "silence")


def test_an_address_that_is_not_the_ports_is_not_let_out(machines: tuple[Machine, Machine, Machine]) -> None:
    here, near, _ = machines
    assert here.pings(near.address)
    here.output(
        f"ip address replace 10.74.0.200/24 dev {here.name}; ip address delete {here.address}/24 dev {here.name}"
    )
    try:
        assert not here.pings(near.address)
    finally:
        here.output(f"ip address flush dev {here.name}")
        here.settle(24)
    assert here.pings(near.address)


def test_networks_are_kept_apart(
    neutron: Bench, group: Any, ctl1: Node, machines: tuple[Machine, Machine, Machine]
) -> None:
    other = neutron.network("10.74.0.0/24")
    stranger = neutron.machine(ctl1, other, security_groups=[group.id], fixed_ips=[{"ip_address": "10.74.0.250"}])
    friend = neutron.machine(ctl1, other, security_groups=[group.id], fixed_ips=[{"ip_address": "10.74.0.251"}])
    stranger.settle(24)
    friend.settle(24)
    eventually("its own network is reached", lambda: stranger.pings(friend.address), seconds=30)
    assert not any(stranger.pings(machine.address) for machine in machines)


def test_a_port_that_is_unplugged_goes_down(neutron: Bench, network: Any, cmp1: Node) -> None:
    machine = neutron.machine(cmp1, network)
    cmp1.output(f"ovs-vsctl --timeout=30 del-port {machine.name}")
    eventually(
        "the port is DOWN", lambda: neutron.api.get_port(machine.port.id).status == "DOWN", seconds=30, interval=0.5
    )


def test_a_killed_agent_comes_back_and_packets_flow_meanwhile(
    neutron: Bench, network: Any, group: Any, ctl1: Node, machines: tuple[Machine, Machine, Machine]
) -> None:
    here, _, far = machines
    ctl1.output("systemctl kill --signal=KILL neutron-openvswitch-agent")
    assert here.pings(far.address)
    machine = neutron.plug(ctl1, neutron.port(network, ctl1, security_groups=[group.id]))
    neutron.active(machine.port, seconds=90)
    machine.settle(24)
    eventually("a new port is wired to the other node", lambda: machine.pings(far.address), seconds=30)
    assert here.connect(far.address, 8080) == here.address
