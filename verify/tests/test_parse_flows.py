"""Flows of Open vSwitch, as `ovs-ofctl monitor` told of them in a lab, with other ids."""

import json

import pytest

from hoplab.model.events import Event
from hoplab.parse.flows import parse_flows

MAC, ADDRESS = "fa:16:3e:00:00:11", "10.77.0.11"
IP = f"ip,reg5=0x28,in_port=40,dl_src={MAC},nw_src={ADDRESS}"


def flow(match: str, event: str = "ADDED") -> str:
    text = f"event={event} table=71 cookie=0x3ea7a6ef8546686e {match} actions=ct(table=72,zone=NXM_NX_REG6[0..15])"
    return json.dumps({"t": 1000.5, "bridge": "br-int", "flow": text}) + "\n"


def parsed(*lines: str) -> list[Event]:
    return list(parse_flows(lines, node="cmp1", source="flows"))


def test_what_a_port_may_send_has_its_mac_and_its_address() -> None:
    (event,) = parsed(flow(IP))
    assert (event.time, event.who, event.kind) == (1000.5, "open-vswitch", "flow.added")
    assert event.fields == {"bridge": "br-int", "table": "71", "host": "cmp1"}
    assert event.ids == {"mac": {MAC}, "address": {ADDRESS}}


def test_what_it_may_send_without_an_address_has_the_mac_only() -> None:
    (event,) = parsed(flow(f"rarp,reg5=0x28,in_port=40,dl_src={MAC}"))
    assert event.ids == {"mac": {MAC}}


@pytest.mark.parametrize(
    "line",
    [
        flow(IP, "DELETED reason=delete"),
        flow("in_port=40"),
        flow(f"dl_vlan=33,dl_dst={MAC}"),
        flow(IP)[:60],
        "\n",
        "[]\n",
        '{"t": 1, "bridge": 7, "flow": null}\n',
        json.dumps({"t": "NaN", "bridge": "br-int", "flow": json.loads(flow(IP))["flow"]}),
    ],
)
def test_what_is_deleted_for_others_or_garbled_is_no_flow_of_the_port(line: str) -> None:
    assert parsed(line) == []


def test_a_network_is_no_address() -> None:
    (event,) = parsed(flow(f"ip,dl_src={MAC},nw_src=10.77.0.0/24"))
    assert event.ids == {"mac": {MAC}}
