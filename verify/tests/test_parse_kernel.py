"""What the kernel tells: packets to memcached, and the readings of dnsmasq's file."""

import json
from typing import Any

import pytest

from hoplab.model.events import Event
from hoplab.parse.packets import parse_packets
from hoplab.parse.reads import parse_reads

KEY = "c9" * 20
STORE = {
    "t": 1000.2,
    "client": "172.29.20.11:40434",
    "unit": "keystone.service",
    "time": 1000.1,
    "command": "set",
    "key": KEY,
    "answer": "STORED",
}
NETWORK = "8e9b7002-aa29-45fb-98e3-bb0882848cff"
FILE = f"/var/lib/neutron/dhcp/{NETWORK}/host"
MAC, ADDRESS = "fa:16:3e:d1:28:fd", "10.77.0.67"
READ = {
    "t": 1000.5,
    "pid": 1378,
    "program": "dnsmasq",
    "arguments": [f"--dhcp-hostsfile={FILE}"],
    "file": FILE,
    "text": f"fa:16:3e:8d:a1:06,host-10-77-0-1.openstacklocal,10.77.0.1\n{MAC},host.openstacklocal,{ADDRESS}\n",
}


def stores(**changes: Any) -> list[Event]:
    line = json.dumps({**STORE, **changes})
    return list(parse_packets([line], node="ctl1", source="packets", services={"keystone.service": "keystone"}))


def reads(*changes: dict[str, Any]) -> list[Event]:
    lines = [json.dumps({**READ, **change}) for change in changes]
    return list(parse_reads(lines, node="net1", source="reads"))


class TestPackets:
    def test_keystone_s_store(self) -> None:
        (event,) = stores()
        assert (event.who, event.kind, event.time) == ("kernel", "cache.sent", 1000.1)
        assert event.fields == {"region": "keystone", "peer": "keystone", "status": "stored"}
        assert event.ids == {"cache-key": {KEY}}

    def test_a_store_of_the_services(self) -> None:
        (event,) = stores(key=f"tokens/{'ab' * 32}", answer="NOT_STORED", unit="other.service")
        assert event.fields == {"region": "tokens", "status": "not stored"}
        assert event.ids == {"token": {"ab" * 32}}

    @pytest.mark.parametrize("change", [{"key": 1}, {"answer": None}, {"time": "x"}, {"time": float("nan")}])
    def test_what_is_garbled_is_passed_over(self, change: dict[str, Any]) -> None:
        assert stores(**change) == []


class TestReads:
    def test_each_entry_with_its_own_address(self) -> None:
        other, own = reads({})
        assert (own.who, own.kind, own.time, own.fields) == ("kernel", "file.read", 1000.5, {"reader": "dnsmasq"})
        assert own.ids == {"network": {NETWORK}, "mac": {MAC}, "address": {ADDRESS}}
        assert other.ids["address"] == {"10.77.0.1"}

    def test_only_what_was_not_there_before(self) -> None:
        first = {"text": str(READ["text"]).splitlines(keepends=True)[0]}
        assert [event.ids["mac"] for event in reads(first, {}, {})] == [{"fa:16:3e:8d:a1:06"}, {MAC}]

    def test_an_entry_that_comes_back_is_told_again(self) -> None:
        assert len(reads({}, {"text": ""}, {})) == 4

    @pytest.mark.parametrize(
        ("change", "reader"),
        [
            ({"program": "cat"}, "cat"),
            ({"arguments": [f"--dhcp-hostsfile={FILE.replace('8e9b', '0000')}"]}, "another dnsmasq"),
        ],
    )
    def test_another_reader_is_no_dnsmasq_of_this_network(self, change: dict[str, Any], reader: str) -> None:
        assert {event.fields["reader"] for event in reads(change)} == {reader}

    def test_tags_names_and_addresses_of_version_6(self) -> None:
        text = f"{MAC},set:port-1,host,[fd00::9],{ADDRESS},set:x\nmac,host,1.2.3.4\n{MAC},ignore\n"
        assert [event.ids["address"] for event in reads({"text": text})] == [{"fd00::9"}, {ADDRESS}]

    @pytest.mark.parametrize("change", [{"text": None}, {"file": 7}, {"arguments": None}, {"pid": "x"}])
    def test_what_is_garbled_is_passed_over(self, change: dict[str, Any]) -> None:
        assert reads(change) == []
