"""The DHCP agent: a real client in a network namespace asks dnsmasq for its address."""

from collections.abc import Iterator

import pytest
from neutron_help import Bench, bench
from scenario import Node, Scenario, eventually


@pytest.fixture(scope="module")
def neutron(scenario: Scenario) -> Iterator[Bench]:
    """A bench on which the switch and DHCP work."""
    with bench(scenario, "neutron-openvswitch-agent", "neutron-dhcp-agent") as made:
        yield made


def test_a_client_gets_the_address_that_neutron_gave_to_its_port(neutron: Bench, ctl1: Node) -> None:
    network = neutron.network("10.62.0.0/24", dhcp=True, gateway_ip="10.62.0.254", dns_nameservers=["192.0.2.53"])
    machine = neutron.machine(ctl1, network, fixed_ips=[{"ip_address": "10.62.0.77"}])
    lease = machine.lease()
    assert (lease["address"], lease["prefix"], lease["gateway"]) == ("10.62.0.77", "24", "10.62.0.254")
    assert lease["mtu"] == "1450"  # VXLAN takes 50 bytes of 1500
    assert lease["dns"] == "192.0.2.53"
    # The server is a port of the network itself, and the address that it gave away works.
    served = [port for port in neutron.api.ports(network_id=network.id) if port.device_owner == "network:dhcp"]
    assert [port.fixed_ips[0]["ip_address"] for port in served] == [lease["server"]]
    assert machine.pings(lease["server"], size=1422)  # 1450 with the headers


def test_a_mac_that_no_port_has_gets_nothing(neutron: Bench, ctl1: Node) -> None:
    network = neutron.network("10.63.0.0/24", dhcp=True)
    # Without port security the switch lets the unknown through to dnsmasq, so it is dnsmasq that says no.
    port = neutron.port(network, ctl1, port_security_enabled=False)
    machine = neutron.plug(ctl1, port, mac="02:00:00:00:58:58")
    neutron.active(port)
    assert machine.lease(tries=3) == {}
    log = ctl1.output(f"cat /var/log/neutron/{network.id}/dhcp_dns_log")
    assert "02:00:00:00:58:58 no address available" in log
    machine.output(f"ip link set {machine.name} address {port.mac_address}")
    assert machine.lease()["address"] == machine.address


def test_a_port_with_a_new_address_gets_the_new_one(neutron: Bench, ctl1: Node) -> None:
    network = neutron.network("10.64.0.0/24", dhcp=True)
    machine = neutron.machine(ctl1, network)
    assert machine.lease()["address"] == machine.address
    neutron.api.update_port(machine.port.id, fixed_ips=[{"ip_address": "10.64.0.99"}])
    eventually("the new address is leased", lambda: machine.lease()["address"] == "10.64.0.99", seconds=60)
    neutron.api.delete_port(machine.port.id)
    eventually("nothing is leased for a deleted port", lambda: machine.lease(tries=1) == {}, seconds=60)


def test_networks_with_the_same_addresses_are_kept_apart(neutron: Bench, ctl1: Node) -> None:
    leases = []
    for gateway in ("10.65.0.1", "10.65.0.2"):
        network = neutron.network("10.65.0.0/24", dhcp=True, gateway_ip=gateway)
        leases.append(neutron.machine(ctl1, network, fixed_ips=[{"ip_address": "10.65.0.10"}]).lease())
    assert [lease["address"] for lease in leases] == ["10.65.0.10", "10.65.0.10"]
    assert [lease["gateway"] for lease in leases] == ["10.65.0.1", "10.65.0.2"]


def test_a_killed_agent_comes_back_and_with_it_a_killed_dnsmasq(neutron: Bench, ctl1: Node) -> None:
    old = neutron.machine(ctl1, neutron.network("10.66.0.0/24", dhcp=True))
    # dnsmasq outlives the agent and goes on answering.
    ctl1.output("systemctl kill --signal=KILL --kill-whom=main neutron-dhcp-agent")
    assert old.lease()["address"] == old.address
    ctl1.output("systemctl kill --signal=KILL neutron-dhcp-agent")  # and all that it has started
    assert old.lease(tries=1) == {}
    eventually("dnsmasq answers again", lambda: old.lease()["address"] == old.address, seconds=90)
    new = neutron.machine(ctl1, neutron.network("10.67.0.0/24", dhcp=True))
    assert new.lease()["address"] == new.address
