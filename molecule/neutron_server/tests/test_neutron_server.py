"""Neutron's server alone: ports get addresses, agents are heard, projects see only what is theirs."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from neutron_help import Bench, bench
from openstack.connection import Connection
from openstack.exceptions import ConflictException, ForbiddenException, NotFoundException
from scenario import Node, Scenario, eventually

REPORT = """
import os
from datetime import datetime, timezone
os.environ["OS_OSLO_MESSAGING_RABBIT__PROCESSNAME"] = "neutron-openvswitch-agent"
import oslo_messaging
from oslo_config import cfg
oslo_messaging.set_transport_defaults(control_exchange="neutron")
cfg.CONF(["--config-file", "/etc/neutron/neutron.conf"])
transport = oslo_messaging.get_rpc_transport(cfg.CONF, url=given["url"])
target = oslo_messaging.Target(topic="q-reports-plugin", version="1.2")
state = {
    "binary": "neutron-openvswitch-agent",
    "host": given["host"],
    "topic": "N/A",
    "agent_type": "Open vSwitch agent",
    "configurations": {"tunneling_ip": "192.0.2.1", "tunnel_types": ["vxlan"], "bridge_mappings": {}},
    "start_flag": True,
}
answer = oslo_messaging.get_rpc_client(transport, target, timeout=30).call(
    {"is_admin": True},
    "report_state",
    agent_state={"agent_state": state},
    time=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f"),
)
"""
CHANGE_SCHEMA = """
import pymysql
answer = []
for account, password in given["accounts"]:
    link = pymysql.connect(host=given["host"], user=account, password=password, database="neutron", connect_timeout=5)
    for statement in ("SELECT COUNT(*) FROM agents", "CREATE TABLE hops (name INT)", "DROP TABLE agents",
                      "ALTER TABLE agents ADD COLUMN hop INT"):
        try:
            link.cursor().execute(statement)
            answer.append("done")
        except pymysql.MySQLError as error:
            answer.append(error.args[0])
"""
DENIED = 1142  # ER_TABLEACCESS_DENIED_ERROR
DAEMONS = ["neutron-api", "neutron-rpc-server", "neutron-periodic-workers"]


@pytest.fixture(scope="module")
def neutron(scenario: Scenario) -> Iterator[Bench]:
    """A bench of the administrator."""
    with bench(scenario) as made:
        yield made


@pytest.fixture(scope="module")
def member(person: Connection) -> Any:
    """The network API as a member of a project of its own sees it."""
    return person.network


def report(scenario: Scenario, host: str) -> str:
    """Report an agent's state as the Open vSwitch agent of a host does; return the server's answer."""
    node = scenario.control
    password = scenario.secret("messaging_neutron-openvswitch-agent")
    url = f"rabbit://neutron-openvswitch-agent:{password}@{node.address}:5672//"
    return str(node.python(REPORT, url=url, host=host))


def test_a_port_gets_an_address_of_the_subnet_and_a_mac_of_its_own(neutron: Bench) -> None:
    network = neutron.network("10.58.0.0/24", allocation_pools=[{"start": "10.58.0.40", "end": "10.58.0.41"}])
    first, second = neutron.port(network), neutron.port(network)
    assert {port.fixed_ips[0]["ip_address"] for port in (first, second)} == {"10.58.0.40", "10.58.0.41"}
    assert first.mac_address.startswith("fa:16:3e:")
    assert first.mac_address != second.mac_address
    assert first.status == "DOWN"  # nobody has plugged it
    assert neutron.api.get_network(network.id).mtu == 1450  # VXLAN takes 50 bytes of 1500
    with pytest.raises(ConflictException, match="No more IP addresses"):
        neutron.port(network)
    with pytest.raises(ConflictException, match="already allocated"):
        neutron.port(network, fixed_ips=[{"ip_address": "10.58.0.41"}])


def test_a_member_of_another_project_sees_no_network_and_may_not_choose_a_physical_one(
    neutron: Bench, member: Any
) -> None:
    network = neutron.network("10.59.0.0/24")
    assert network.id in {seen.id for seen in neutron.api.networks()}
    assert list(member.networks()) == []
    with pytest.raises(NotFoundException):
        member.get_network(network.id)
    with pytest.raises(NotFoundException):
        member.create_port(network_id=network.id)
    with pytest.raises(ForbiddenException):
        member.create_network(name="out", provider_network_type="flat", provider_physical_network="physnet1")


def test_a_project_gets_no_more_networks_than_its_quota(neutron: Bench, member: Any) -> None:
    first = member.create_network(name="first")
    try:
        neutron.api.update_quota(first.project_id, networks=1)
        with pytest.raises(ConflictException, match="Quota exceeded"):
            member.create_network(name="second")
    finally:
        member.delete_network(first)
        neutron.api.delete_quota(first.project_id)


def test_a_forged_token_is_refused(scenario: Scenario, neutron: Bench) -> None:
    del neutron  # the API answers
    url = f"http://{scenario.control.address}:9696/v2.0/networks"
    for token, status in ((str(scenario.cloud.auth_token), 200), ("gAAAAA-forged", 401)):
        assert requests.get(url, headers={"X-Auth-Token": token}, timeout=30).status_code == status


def test_an_agent_that_reports_can_get_ports_bound(scenario: Scenario, neutron: Bench) -> None:
    host = f"host-{secrets.token_hex(3)}"
    eventually("neutron-rpc-server takes a report", lambda: report(scenario, host) in {"new", "alive"}, seconds=60)
    agent = next(neutron.api.agents(host=host))
    try:
        assert (agent.binary, agent.is_alive) == ("neutron-openvswitch-agent", True)
        network = neutron.network("10.60.0.0/24")
        there = neutron.port(network, binding_host_id=host)
        nowhere = neutron.port(network, binding_host_id="host-without-agent")
        assert (there.binding_vif_type, nowhere.binding_vif_type) == ("ovs", "binding_failed")
    finally:
        neutron.api.delete_agent(agent)


def test_daemons_use_their_own_accounts_which_may_not_change_the_schema(
    scenario: Scenario, neutron: Bench, ctl1: Node
) -> None:
    used = "SELECT DISTINCT user FROM information_schema.processlist WHERE db = 'neutron'"

    def connected() -> set[str]:
        return set(ctl1.output(f'mariadb --skip-column-names -e "{used}"').split())

    # The RPC server connects when it is asked something, the periodic workers with their first period.
    eventually("neutron-rpc-server takes a report", lambda: report(scenario, "host-of-accounts"), seconds=60)
    eventually("each daemon is connected, and nobody else", lambda: connected() == set(DAEMONS), seconds=60)
    for agent in neutron.api.agents(host="host-of-accounts"):
        neutron.api.delete_agent(agent)
    accounts = [(name, scenario.secret(f"database_{name}")) for name in DAEMONS]
    assert ctl1.python(CHANGE_SCHEMA, host=ctl1.address, accounts=accounts) == ["done", DENIED, DENIED, DENIED] * 3


def test_killed_daemons_come_back(scenario: Scenario, neutron: Bench, ctl1: Node) -> None:
    ctl1.output("systemctl kill --signal=KILL neutron-api neutron-rpc-server")
    eventually("the API answers again", lambda: neutron.api.get("/networks").ok, seconds=90)
    eventually("reports are taken again", lambda: report(scenario, "host-after-kill") in {"new", "alive"}, seconds=90)
    for agent in neutron.api.agents(host="host-after-kill"):
        neutron.api.delete_agent(agent)
