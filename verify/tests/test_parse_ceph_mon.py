"""Parsing what Ceph's monitor logs: lines as a lab wrote them, with other ids and addresses, and garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.model.events import Event
from hoplab.parse.ceph_mon import parse_audit, parse_mon

QEMU = "192.0.2.21:0/3663534558"
CINDER = "192.0.2.11:0/2215642669"
HOSTS = {"192.0.2.11": "control", "192.0.2.21": "compute"}
MON = "[v2:192.0.2.31:3300/0,v1:192.0.2.31:6789/0]"
TIME = "2026-11-21T07:32:24.377+0000"


def mon(*lines: str) -> list[Event]:
    return list(parse_mon(lines, node="ceph", source="mon", hosts=HOSTS))


def audit(*lines: str) -> list[Event]:
    return list(parse_audit(lines, node="ceph", source="audit", hosts=HOSTS))


class TestMaps:
    def named(self, entity: str, thread: str = "7f22391106c0") -> str:
        return (
            f"{TIME} {thread} 20 mon.ceph@0(leader) e1  entity_name {entity} global_id 4389 (new_ok) caps profile rbd"
        )

    def subscribed(self, client: str, wanted: str = "osdmap=0") -> str:
        request = f"mon_subscribe({{{wanted}}}) v3 ==== 31+0+0 (secure 0 0 0) 0x562f74006d00 con 0x562f742da800"
        return f"{TIME} 7f22391106c0  1 -- {MON} <== client.? {client} 4 ==== {request}"

    def sent(self, client: str, message: str) -> str:
        return f"{TIME} 7f22391106c0  1 -- {MON} --> {client} -- {message} -- 0x562f72c82fc0 con 0x562f742da800"

    def test_a_client_that_asks_and_is_sent_maps(self) -> None:
        events = mon(
            self.subscribed(QEMU, "config=0+,monmap=0+"),
            self.named("client.cinder"),
            self.subscribed(QEMU),
            self.named("client.cinder"),
            self.sent(QEMU, "mgrmap(e 5) v1"),
            self.sent(QEMU, "osd_map(26..26 src has 1..26) v4"),
        )
        assert sorted((event.fields["step"], event.fields["has"]) for event in events) == [
            ("asked", "config"),
            ("asked", "monmap"),
            ("asked", "osdmap"),
            ("sent", "osdmap"),
        ]
        assert {event.fields["entity"] for event in events} == {"client.cinder"}
        assert {event.fields["host"] for event in events} == {"compute"}
        assert all(event.ids == {"ceph-client": {QEMU}} and event.kind == "map.fetched" for event in events)
        assert {event.fields.get("epoch") for event in events} == {None, "26"}

    def test_each_message_is_followed_by_its_senders_name(self) -> None:
        events = mon(
            self.subscribed(QEMU),
            f"{TIME} 7f22391106c0 20 mon.ceph@0(leader) e1 _ms_dispatch existing session 0x5 for client.?",
            self.named("client.cinder"),
            self.sent(QEMU, "osd_map(26..26 src has 1..26) v4"),
            self.subscribed(CINDER),
            self.sent(QEMU, "osd_map(27..27) v4"),
            self.named("client.nova", "7f2240"),
            self.named("client.nova"),
            self.named("client.glance"),
        )
        told = {(event.fields["host"], event.fields["step"], event.fields["entity"]) for event in events}
        assert told == {
            ("compute", "asked", "client.cinder"),
            ("compute", "sent", "client.cinder"),
            ("control", "asked", "client.nova"),
        }

    def test_a_name_after_another_message_is_not_taken_for_a_clients(self) -> None:
        command = f"{TIME} 7f22391106c0  1 -- {MON} <== mgr.4106 192.0.2.31:0/1 9 ==== mgrbeacon v1 ==== 1+0+0 (secure)"
        events = mon(self.subscribed(QEMU), command, self.named("mgr.ceph"), self.sent(QEMU, "osd_map(26..26) v4"))
        assert ["entity" in event.fields for event in events] == [False, False]

    @pytest.mark.parametrize(
        ("message", "has"),
        [("mon_map magic: 0 v1", "monmap"), ("config(0 keys) v1", "config"), ("osd_map(1..3) v4", "osdmap")],
    )
    def test_what_is_sent(self, message: str, has: str) -> None:
        (event,) = mon(self.sent(QEMU, message))
        assert (event.fields["has"], event.fields["step"]) == (has, "sent")
        assert "entity" not in event.fields

    def test_what_the_monitor_sends_to_daemons_is_no_event(self) -> None:
        assert mon(self.sent("192.0.2.31:6802/1", "osd_map(26..26) v4")) == []


class TestAudit:
    def line(self, command: str, step: str = "dispatch") -> str:
        said = f"from='client.? {QEMU}' entity='client.nova' cmd=[{command}]: {step}"
        return f"2026-11-21T07:32:21.610253+0000 mon.ceph (mon.0) 239 : audit [DBG] {said}\n"

    def test_a_command_that_asks_for_a_map(self) -> None:
        (event,) = audit(self.line('{"prefix": "mon dump", "format": "json"}'))
        assert (event.kind, event.time) == ("map.fetched", 1795246341.610253)
        assert event.fields == {
            "command": "mon dump",
            "entity": "client.nova",
            "has": "monmap",
            "step": "asked",
            "host": "compute",
        }
        assert event.ids == {"ceph-client": {QEMU}}

    @pytest.mark.parametrize("command", ['{"prefix": "df"}', "{", "3", '{"prefix": "mon dump"}, {}', '{"a": 1}', ""])
    def test_other_commands_are_no_events(self, command: str) -> None:
        assert audit(self.line(command)) == []


@given(st.lists(st.text(max_size=200), max_size=5))
def test_garbage_is_no_event_and_no_error(lines: list[str]) -> None:
    marks = ("", "cmd=", " <== ", " entity_name ", "_map ", "mon_subscribe(")
    marked = [mark + line for line in lines for mark in marks]
    assert mon(*marked) == []
    assert audit(*marked) == []
