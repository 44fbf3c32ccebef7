"""Parsing lines as a lab wrote them, with its ids replaced, and garbage."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.model.events import Event
from hoplab.parse.access import parse_access
from hoplab.parse.oslo import parse_oslo
from hoplab.parse.rgw import parse_rgw

GLOBAL = "req-11111111-2222-4333-8444-555555555555"
OWN = "req-aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
INSTANCE = "8a7d5ebe-0000-4000-8000-000000000001"
AGENT = 'ua="openstacksdk/4.22.0 keystoneauth1/5.18.1 python-requests/2.34.2 CPython/3.11.7"'


def access(line: str) -> list[Event]:
    return list(parse_access([line], node="ctl1", source="access", who="nova-api"))


def oslo(*lines: str) -> list[Event]:
    return list(parse_oslo(lines, node="ctl1", source="log", who="nova-conductor"))


def messaging(said: str, context: str = f"{GLOBAL} {OWN} user project - - default default") -> str:
    where = "/usr/lib/python3/dist-packages/oslo_messaging/_drivers/amqpdriver.py:781"
    return f"2026-11-21 04:38:11.739 1255 DEBUG oslo_messaging._drivers.amqpdriver [{context}] {said} _send {where}\n"


def command(said: str) -> str:
    where = "/usr/lib/python3/dist-packages/oslo_concurrency/processutils.py:349"
    context = f"None {OWN} - - - - - -"
    return f"2026-11-21 04:43:24.392 1961 DEBUG oslo_concurrency.processutils [{context}] {said} execute {where}"


class TestAccess:
    def test_a_request_with_all_its_ids(self) -> None:
        start = 'ACCESS t=1795234300040 pid=1246 peer=172.29.20.1 "POST /v2.1/servers" 202 405B 1311ms'
        line = f"{start} grid={GLOBAL} rid={OWN} {AGENT}"
        (event,) = access(line)
        assert event.kind == "http.served"
        assert event.time == 1795234300.040
        assert event.fields["method"] == "POST"
        assert event.fields["path"] == "/v2.1/servers"
        assert event.fields["status"] == "202"
        assert event.ids["global-request"] == {GLOBAL}
        assert event.ids["request"] == event.ids["poll-request"] == {OWN}
        assert event.line == line

    @pytest.mark.parametrize(
        ("path", "name"),
        [
            (f"/v2.1/servers/{INSTANCE}", "instance"),
            (f"/v2.1/servers/{INSTANCE}/os-instance-actions", "instance"),
            (f"/allocations/{INSTANCE}", "instance"),
            (f"/v2/images/{INSTANCE}/file", "image"),
            (f"/v3/attachments/{INSTANCE}", "attachment"),
            (f"/v2.0/ports/{INSTANCE}?fields=id", "port"),
        ],
    )
    def test_the_id_in_a_path(self, path: str, name: str) -> None:
        (event,) = access(f'ACCESS t=1 pid=1 peer=10.0.0.1 "GET {path}" 200 5B 7ms grid=- rid=- ua="x"')
        assert event.ids == {name: {INSTANCE}}
        assert event.fields["path"] == path.partition("?")[0]

    def test_metadata_names_instance_and_guest(self) -> None:
        (event,) = access(
            'ACCESS t=1795235892941 pid=1253 peer=172.29.20.12 "GET /latest/meta-data/hostname" 200 87B 2ms '
            f'grid=- rid=- ua="python-requests/2.32.3" inst={INSTANCE} xff=10.77.0.243'
        )
        assert event.ids == {"instance": {INSTANCE}, "address": {"10.77.0.243"}}

    @pytest.mark.parametrize("line", ["", "ACCESS", "ACCESS t=x", "2026-11-21 04:38:11.739 1255 INFO nova [-] hello"])
    def test_other_lines_are_no_events(self, line: str) -> None:
        assert access(line) == []


class TestMessaging:
    @pytest.mark.parametrize(
        ("said", "kind", "fields", "ids"),
        [
            (
                "CALL msg_id: 5fa7 exchange 'nova' topic 'compute.cmp1'",
                "rpc.sent",
                {"kind": "call", "exchange": "nova", "topic": "compute", "server": "cmp1"},
                {"call": "5fa7"},
            ),
            (
                "CAST unique_id: ab12 exchange 'nova' topic 'conductor'",
                "rpc.sent",
                {"kind": "cast", "exchange": "nova", "topic": "conductor"},
                {"message": "ab12"},
            ),
            (
                "CAST unique_id: fc41 FANOUT topic 'scheduler'",
                "rpc.sent",
                {"kind": "cast", "fanout": "yes", "topic": "scheduler"},
                {"message": "fc41"},
            ),
            (
                "received message msg_id: 549c reply to reply_cmp1:nova-compute:1",
                "rpc.received",
                {"kind": "call", "caller": "nova-compute"},
                {"call": "549c"},
            ),
            ("received message with unique_id: ab12", "rpc.received", {"kind": "cast"}, {"message": "ab12"}),
            (
                "sending reply msg_id: 549c reply queue: reply_cmp1:nova-compute:1 time elapsed: 0.0048s",
                "rpc.sent",
                {"kind": "reply", "caller": "nova-compute"},
                {"call": "549c"},
            ),
            ("received reply msg_id: 549c", "rpc.received", {"kind": "reply"}, {"call": "549c"}),
        ],
    )
    def test_each_kind_of_line(self, said: str, kind: str, fields: dict[str, str], ids: dict[str, str]) -> None:
        (event,) = oslo(messaging(said))
        assert event.kind == kind
        assert event.fields == fields
        wanted = {"global-request": GLOBAL, "request": OWN, **ids}
        assert event.ids == {name: {value} for name, value in wanted.items()}

    @pytest.mark.parametrize("context", ["-", f"None {OWN} - - - - - -"])
    def test_a_context_without_a_request_from_outside(self, context: str) -> None:
        (event,) = oslo(messaging("received reply msg_id: 549c", context))
        assert "global-request" not in event.ids
        assert ("request" in event.ids) is (context != "-")

    def test_the_time_is_utc(self) -> None:
        (event,) = oslo(messaging("received reply msg_id: 549c"))
        assert event.time == 1795235891.739


class TestGlance:
    def test_its_request_has_the_id_from_outside_as_its_own(self) -> None:
        (event,) = oslo(
            f"2026-11-21 04:39:44.403 1074 INFO eventlet.wsgi.server [None {GLOBAL} user project - - default default] "
            f'172.29.20.1 - - [21/Nov/2026 04:39:44] "GET /v2/images/{INSTANCE}/file?x=1 HTTP/1.1" 200 1285 0.008343'
        )
        assert event.kind == "http.served"
        assert event.fields == {
            "method": "GET",
            "path": f"/v2/images/{INSTANCE}/file",
            "status": "200",
            "address": "172.29.20.1",
            "milliseconds": "8",
        }
        assert event.ids == {"global-request": {GLOBAL}, "request": {GLOBAL}, "image": {INSTANCE}}

    def test_an_accepted_connection_is_no_request(self) -> None:
        line = "2026-11-21 04:39:44.388 1074 DEBUG eventlet.wsgi.server [-] (1074) accepted ('172.29.20.1', 42996) s"
        assert oslo(line) == []


class TestObjectGateway:
    def line(self, **changes: object) -> str:
        entry = {
            "bucket": "glance",
            "time": "2026-11-21T04:34:46.881671Z",
            "remote_addr": "172.29.20.11",
            "operation": "get_obj",
            "uri": f"GET /swift/v1/AUTH_1/glance/{INSTANCE} HTTP/1.1",
            "http_status": "200",
            "bytes_sent": 27262976,
            "object_size": 27262976,
            "total_time": 139,
            "user_agent": "python-swiftclient-4.7.0",
        }
        return json.dumps(entry | changes)

    def test_an_object_that_went_out(self) -> None:
        (event,) = parse_rgw([self.line() + ",\n"], node="ceph1", source="ops")
        assert (event.who, event.kind, event.time) == ("ceph-rgw", "http.served", 1795235686.881671)
        assert event.fields["method"] == "GET"
        assert event.fields["operation"] == "get_obj"
        assert event.fields["whole"] == "yes"
        assert event.ids == {"image": {INSTANCE}}

    @pytest.mark.parametrize("sent", [0, 27262975])
    def test_a_part_of_an_object_is_not_the_whole(self, sent: int) -> None:
        (event,) = parse_rgw([self.line(bytes_sent=sent)], node="ceph1", source="ops")
        assert event.fields["whole"] == "no"

    def test_what_is_no_object_names_no_image(self) -> None:
        (event,) = parse_rgw([self.line(bucket="", uri="GET /swift/info HTTP/1.1")], node="ceph1", source="ops")
        assert event.ids == {}

    @pytest.mark.parametrize("line", ["", "[", "[]", "{}", "null", '{"uri": 1}', '{"uri": "GET", "time": ""}'])
    def test_other_lines_are_no_events(self, line: str) -> None:
        assert list(parse_rgw([line], node="ceph1", source="ops")) == []


class TestCommands:
    def test_a_command_and_its_end(self) -> None:
        begun, ended = oslo(
            command("Running cmd (subprocess): ceph mon dump --format=json --id nova --conf /etc/ceph/ceph.conf"),
            command('CMD "ceph mon dump --format=json --id nova --conf /etc/ceph/ceph.conf" returned: 0 in 0.331s'),
        )
        assert (begun.kind, begun.fields) == ("command.run", {"command": "ceph mon dump"})
        assert (ended.kind, ended.fields) == ("command.ended", {"command": "ceph mon dump", "status": "0"})
        assert begun.ids == ended.ids == {"request": {OWN}}

    def test_an_import_names_the_instance(self) -> None:
        (event,) = oslo(
            command(f"Running cmd (subprocess): rbd import --pool vms /var/lib/nova/_base/ab {INSTANCE}_disk --id nova")
        )
        assert event.fields["command"] == "rbd import"
        assert event.ids["instance"] == {INSTANCE}


@given(st.lists(st.text(max_size=200), max_size=5))
def test_garbage_is_no_event_and_no_error(lines: list[str]) -> None:
    assert list(parse_access(lines, node="n", source="s", who="w")) == []
    assert oslo(*lines) == []
    assert list(parse_rgw(lines, node="n", source="s")) == []


@given(st.integers(0, 300))
def test_a_line_that_is_cut_off_is_no_event_or_the_same(length: int) -> None:
    line = messaging("CALL msg_id: 5fa71a76f07e4b5d97860a17911a9501 exchange 'nova' topic 'conductor'")
    cut = oslo(line[:length])
    assert all(event.kind == "rpc.sent" and event.fields["topic"] == "conductor" for event in cut)
