"""Parsing what dnsmasq, the DHCP agent and the metadata proxies say: a lab's lines with other ids, and garbage."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.model.events import Event
from hoplab.parse.dnsmasq import HostWrite, host_writes, parse_dnsmasq
from hoplab.parse.haproxy import parse_haproxy

NETWORK = "8a7d5ebe-0000-4000-8000-000000000001"
PORT = "8a7d5ebe-0000-4000-8000-000000000002"
INSTANCE = "8a7d5ebe-0000-4000-8000-000000000003"
MAC = "fa:16:3e:00:00:11"
ADDRESS = "10.77.0.238"
READ = 1795246337.0
"""07:32:17 UTC on 2026-11-21: a second in which dnsmasq says that it read a network's files."""
LOOK = 0.02
"""Seconds between two looks of the agent's recorder."""


def stamped(line: str, since: float = READ) -> str:
    """Return a record of the recorder `stamped`, whose line was not yet there at `since`."""
    return json.dumps({"t": since + LOOK, "since": since, "line": line}) + "\n"


def reading(since: float = READ, *, network: str = NETWORK, pid: int = 2325) -> list[str]:
    folder = f"/var/lib/neutron/dhcp/{network}"
    lines = (
        f"dnsmasq[{pid}]: read {folder}/addn_hosts - 4 names",
        f"dnsmasq-dhcp[{pid}]: read {folder}/host",
        f"dnsmasq-dhcp[{pid}]: read {folder}/opts",
    )
    return [stamped(f"Nov 21 07:32:17 {line}", since) for line in lines]


def said(text: str, *, xid: int = 1739455746, pid: int = 2325) -> str:
    return stamped(f"Nov 21 07:32:29 dnsmasq-dhcp[{pid}]: {xid} {text}", READ + 12)


def dnsmasq(*lines: str, writes: tuple[HostWrite, ...] = ()) -> list[Event]:
    return list(parse_dnsmasq(lines, node="net", source="dnsmasq", writes=writes))


def facts(*lines: str) -> list[str]:
    return [event.fields["fact"] for event in dnsmasq(*lines)]


def write(time: float, network: str = NETWORK) -> HostWrite:
    return HostWrite(time, network, PORT, MAC, (ADDRESS,))


class TestDhcp:
    discover = said(f"DHCPDISCOVER(tap79b53377-26) {MAC} ")
    offer = said(f"DHCPOFFER(tap79b53377-26) {ADDRESS} {MAC} ")
    known = said("tags: subnet-10dd979f, known, tap79b53377-26")

    def test_an_exchange(self) -> None:
        events = dnsmasq(
            *reading(),
            self.discover,
            self.known,
            self.offer,
            said("sent size:  1 option: 53 message-type  2"),
            said(f"DHCPREQUEST(tap79b53377-26) {ADDRESS} {MAC} "),
            said(f"DHCPACK(tap79b53377-26) {ADDRESS} {MAC} host-10-77-0-238"),
        )
        found = [event.fields["fact"] for event in events]
        assert found == ["host-file-read", "discover", "offer", "host-known", "request", "ack"]
        assert events[1].ids == {"mac": {MAC}, "network": {NETWORK}}
        assert events[-1].ids == {"mac": {MAC}, "address": {ADDRESS}, "network": {NETWORK}}
        assert {(event.who, event.kind) for event in events} == {("dnsmasq", "dhcp.said")}

    def test_the_time_is_the_earliest_and_says_how_uncertain_it_is(self) -> None:
        """What dnsmasq's own clock says plays no part: it has neither a year nor parts of a second."""
        (event,) = dnsmasq(stamped(f"Jan  1 00:00:00 dnsmasq-dhcp[1]: 7 DHCPDISCOVER(tap0) {MAC} ", 1795246349.25))
        assert (event.time, event.fields["precision"]) == (1795246349.25, "0.020")

    def test_the_line_is_dnsmasq_s_own(self) -> None:
        assert dnsmasq(self.offer)[0].line.startswith("Nov 21 07:32:29 dnsmasq-dhcp[2325]: 1739455746 DHCPOFFER")

    def test_an_offer_to_a_mac_that_is_not_in_the_file(self) -> None:
        assert facts(self.discover, said("tags: unknown, tap0"), self.offer) == ["discover", "offer"]
        assert facts(self.discover, said("tags: unknown-tap, tap0"), self.offer) == ["discover", "offer"]

    def test_what_is_known_of_one_transaction_is_not_said_of_another(self) -> None:
        other = said(f"DHCPOFFER(tap0) {ADDRESS} {MAC} ", xid=2)
        assert facts(self.discover, self.known, other) == ["discover", "offer"]
        assert facts(self.discover, self.known, self.discover, self.offer) == ["discover", "discover", "offer"]

    def test_each_dnsmasq_has_its_own_network(self) -> None:
        events = dnsmasq(
            *reading(),
            *reading(network=INSTANCE, pid=2),
            self.offer,
            said(f"DHCPOFFER(tap1) {ADDRESS} {MAC} ", pid=2),
            said(f"DHCPOFFER(tap2) {ADDRESS} {MAC} ", pid=3),
        )
        assert [event.ids.get("network") for event in events[2:]] == [{NETWORK}, {INSTANCE}, None]

    def test_a_guest_that_gets_nothing(self) -> None:
        assert facts(said(f"DHCPDISCOVER(tap0) {MAC} no address available")) == ["discover"]

    @pytest.mark.parametrize(
        "change",
        [{"t": None}, {"since": "soon"}, {"since": float("nan")}, {"line": 5}, {"line": "dnsmasq"}, {"since": [1]}],
    )
    def test_a_record_that_is_not_as_it_was_written_is_no_event(self, change: dict[str, object]) -> None:
        assert dnsmasq(json.dumps(json.loads(self.offer) | change)) == []
        assert dnsmasq(json.dumps([self.offer]), "null", self.offer[:40]) == []


class TestHostFile:
    def ports(self, *lines: str, writes: tuple[HostWrite, ...]) -> list[set[str]]:
        events = dnsmasq(*lines, writes=writes)
        assert all(event.ids["network"] == {NETWORK} for event in events)
        return [set(event.ids.get("port", frozenset())) for event in events]

    def test_a_reading_after_the_port_was_written_has_it(self) -> None:
        started = stamped("Nov 21 07:32:09 dnsmasq[2325]: started, version 2.91 cachesize 150", READ - 8)
        (event,) = dnsmasq(started, *reading(), writes=(write(READ - 0.2),))
        assert event.ids == {"network": {NETWORK}, "port": {PORT}, "mac": {MAC}, "address": {ADDRESS}}
        assert event.fields == {"fact": "host-file-read", "precision": "0.020"}

    def test_a_reading_before_it_has_not(self) -> None:
        assert self.ports(*reading(), writes=(write(READ + 1),)) == [set()]

    def test_a_reading_between_the_same_two_looks_may_have_been_before_it(self) -> None:
        assert self.ports(*reading(), writes=(write(READ + LOOK / 2),)) == [set()]

    def test_two_readings_in_one_second_are_told_apart_by_when_their_lines_came(self) -> None:
        lines = *reading(READ + 0.2), *reading(READ + 0.6)
        assert self.ports(*lines, writes=(write(READ + 0.4),)) == [set(), {PORT}]

    def test_a_port_stays_in_the_file(self) -> None:
        assert self.ports(*reading(), *reading(READ + 60), writes=(write(READ),)) == [{PORT}, {PORT}]

    def test_another_network_s_port_is_not_in_it(self) -> None:
        assert self.ports(*reading(), writes=(write(READ - 1, INSTANCE),)) == [set()]


class TestAgent:
    CONTEXT = "[req-3ddd1e12 req-4b371ec2 user project - - default default]"
    TRIGGER = (
        f"2026-11-21 07:32:16.813 1678 INFO neutron.agent.dhcp.agent {CONTEXT} Trigger reload_allocations for port "
        f"admin_state_up=True, device_id={INSTANCE}, device_owner=, fixed_ips=[ip_address={ADDRESS}, "
        f"subnet_id=10dd979f], id={PORT}, mac_address={MAC}, name=, network=admin_state_up=True, id={NETWORK}, "
        f"mtu=1450, network_id={NETWORK}, status=DOWN, updated_at=2026-11-21T07:32:16Z on network {NETWORK}\n"
    )

    def built(self, said: str, clock: str, network: str = NETWORK) -> str:
        return (
            f"2026-11-21 {clock} 1678 DEBUG neutron.agent.linux.dhcp {self.CONTEXT} {said} "
            f"/var/lib/neutron/dhcp/{network}/host _output_hosts_file /usr/lib/python3/dist-packages/x.py:985\n"
        )

    def test_when_a_port_was_written(self) -> None:
        lines = [
            self.built("Done building host file", "07:32:16.814"),
            self.TRIGGER,
            self.built("Building host file:", "07:32:16.815"),
            self.built("Done building host file", "07:32:16.816", INSTANCE),
            self.built("Done building host file", "07:32:16.817"),
        ]
        assert host_writes(lines) == (HostWrite(READ - 0.183, NETWORK, PORT, MAC, (ADDRESS,)),)

    def test_a_file_that_was_begun_before_has_not_the_port(self) -> None:
        lines = [
            self.built("Building host file:", "07:32:16.800"),
            self.TRIGGER,
            self.built("Done building host file", "07:32:16.817"),
        ]
        assert host_writes(lines) == ()


class TestProxy:
    MESSAGE = (
        f"{ADDRESS}:49168 [21/Nov/2026:07:32:30.150] listener listener/metadata 0/0/0/620/620 200 1282 - - ---- "
        '1/1/0/0/0 0/0 "GET /openstack/latest/meta_data.json?x=1 HTTP/1.1"'
    )

    def line(self, **changes: object) -> str:
        entry = {"SYSLOG_IDENTIFIER": f"haproxy-metadata-proxy-{NETWORK}", "MESSAGE": self.MESSAGE, "_PID": "2330"}
        return json.dumps(entry | changes)

    def test_a_request(self) -> None:
        (event,) = parse_haproxy([self.line() + "\n"], node="net", source="journal")
        assert (event.who, event.kind, event.time) == ("metadata-proxy", "http.served", 1795246350.150)
        assert event.fields == {
            "method": "GET",
            "path": "/openstack/latest/meta_data.json",
            "status": "200",
            "milliseconds": "620",
            "bytes": "1282",
        }
        assert event.ids == {"address": {ADDRESS}, "network": {NETWORK}}

    @pytest.mark.parametrize(
        "line",
        [
            "haproxy-metadata-proxy-",
            '["haproxy-metadata-proxy-"]',
            '{"SYSLOG_IDENTIFIER": "haproxy-metadata-proxy-x"}',
            '{"SYSLOG_IDENTIFIER": "haproxy-metadata-proxy-x", "MESSAGE": [104, 105]}',
            '{"SYSLOG_IDENTIFIER": "haproxy-metadata-proxy-x", "MESSAGE": "Proxy listener started."}',
            '{"SYSLOG_IDENTIFIER": null, "MESSAGE": "haproxy-metadata-proxy-x"}',
        ],
    )
    def test_other_lines_are_no_events(self, line: str) -> None:
        assert list(parse_haproxy([line], node="net", source="journal")) == []

    def test_a_line_of_another_program_or_without_a_time_is_no_event(self) -> None:
        lines = [
            self.line(SYSLOG_IDENTIFIER="x"),
            self.line(MESSAGE=self.MESSAGE.replace("21/Nov", "41/Nov")),
            self.line()[:-30],
        ]
        assert list(parse_haproxy(lines, node="net", source="journal")) == []


@given(st.lists(st.text(max_size=200), max_size=5))
def test_garbage_is_no_event_and_no_error(lines: list[str]) -> None:
    marked = [
        mark + line
        for line in lines
        for mark in (
            "",
            "Nov 21 07:32:29 dnsmasq-dhcp[1]: 7 ",
            "Nov 21 07:32:29 dnsmasq-dhcp[1]: 7 DHCPOFFER(",
            '{"haproxy-metadata-proxy-": "',
            "Trigger reload_allocations for port",
            "Building host file",
        )
    ]
    assert dnsmasq(*marked, *map(stamped, marked)) == []
    assert list(parse_haproxy(marked, node="net", source="journal")) == []
    assert host_writes(marked) == ()
