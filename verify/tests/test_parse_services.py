"""What the services' logs say of requests, and in words: a lab's lines with its ids replaced, and garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.parse.access import parse_access
from samples.service_log import (
    ADDRESS,
    CONTEXT,
    DIGEST,
    GLOBAL,
    IMAGE,
    INSTANCE,
    MAC,
    NETWORK,
    OTHER,
    OWN,
    PORT,
    SERVER,
    VOLUME,
    ids,
    oslo,
    record,
)


def asked(method: str, path: str, more: str = "") -> str:
    said = (
        f'REQ: curl -g -i -X {method} http://10.0.0.1:9292{path} -H "Accept: application/json"{more} _http_log_request'
    )
    return record("keystoneauth.session", said)


def answer(status: int, request: str, more: str = "", *, context: str = CONTEXT, pid: int = 3305) -> str:
    said = f"RESP: [{status}] Connection: close {more}x-openstack-request-id: {request} _http_log_response s.py:621"
    return record("keystoneauth.session", said, context=context, pid=pid)


def used(method: str, path: str, request: str, *, context: str = CONTEXT, pid: int = 3305) -> str:
    said = f"{method} call to image for http://10.0.0.1:9292{path} used request id {request} request s.py:1081"
    return record("keystoneauth.session", said, context=context, pid=pid)


class TestCalls:
    def test_a_request_and_its_answer(self) -> None:
        path = f"/v2.0/ports/{PORT}"
        sent, answered = oslo(asked("PUT", f"{path}?x=1"), answer(200, SERVER), used("PUT", f"{path}?x=1", SERVER))
        assert (sent.kind, sent.fields) == ("http.sent", {"method": "PUT", "path": path})
        assert sent.ids == {"global-request": {GLOBAL}, "request": {OWN}, "serving": {OWN}, "port": {PORT}}
        assert (answered.kind, answered.fields) == ("http.answered", {"method": "PUT", "path": path, "status": "200"})
        assert answered.ids["serving"] == {OWN}
        assert ids(answered) == {"port": {PORT}, "answer-request": {SERVER}}

    def test_outside_of_a_request_of_its_own_a_service_serves_none(self) -> None:
        (sent,) = oslo(record("keystoneauth.session", "REQ: curl -g -i -X GET http://10.0.0.1:9292/ x", context="-"))
        assert sent.ids == {}

    def test_what_is_said_and_not_asked_serves_none(self) -> None:
        (event,) = oslo(record("nova.compute.manager", f"[instance: {INSTANCE}] VM Started (Lifecycle Event)"))
        assert event.ids == {"global-request": {GLOBAL}, "request": {OWN}, "instance": {INSTANCE}}

    def test_the_validation_of_a_token_meets_keystones_access_line(self) -> None:
        token = f' -H "X-Subject-Token: {{SHA256}}{DIGEST}"'
        sent, answered = oslo(
            asked("GET", "/v3/auth/tokens", token),
            answer(200, SERVER, f"X-Subject-Token: {{SHA256}}{DIGEST} "),
            used("GET", "/v3/auth/tokens", SERVER),
        )
        line = f'ACCESS t=1 pid=1 peer=10.0.0.1 "GET /v3/auth/tokens" 200 5B 7ms grid=- rid={SERVER} ua="x"'
        (served,) = parse_access([line], node="ctl1", source="access", who="keystone")
        assert ids(sent) == {"token": {DIGEST}}
        assert ids(answered) == {"token": {DIGEST}, "answer-request": {SERVER}}
        assert served.ids["answer-request"] == answered.ids["answer-request"]

    @pytest.mark.parametrize("context", [CONTEXT, "-"])
    def test_calls_in_flight_at_once_keep_their_answers(self, context: str) -> None:
        answers = [answer(200, SERVER, context=context), answer(404, OTHER, context=context)]
        ends = [used("GET", "/b", OTHER, context=context), used("GET", "/a", SERVER, context=context)]
        found = {event.fields["path"]: event.fields["status"] for event in oslo(*answers, *ends)}
        assert found == {"/a": "200", "/b": "404"}

    def test_an_answer_of_another_process_or_request_is_not_taken(self) -> None:
        assert oslo(answer(200, SERVER, pid=1), used("GET", "/a", SERVER, pid=2)) == []
        assert oslo(answer(200, SERVER, context="-"), used("GET", "/a", SERVER)) == []
        assert oslo(used("GET", "/a", SERVER)) == []

    def test_glance_answers_with_our_own_id_which_proves_nothing(self) -> None:
        (event,) = oslo(answer(200, GLOBAL), used("GET", f"/v2/images/{IMAGE}", GLOBAL))
        assert ids(event) == {"image": {IMAGE}}

    def test_two_different_answers_under_one_id_are_neither(self) -> None:
        assert oslo(answer(200, GLOBAL), answer(404, GLOBAL), used("GET", "/a", GLOBAL)) == []

    def test_an_external_event_names_instance_and_port(self) -> None:
        body = f"""{{"events": [{{"server_uuid": "{INSTANCE}", "name": "network-vif-plugged", "tag": "{PORT}"}}]}}"""
        carried = f" -H \"X-OpenStack-Request-ID: {OTHER}\" -d '{body}'"
        (sent,) = oslo(asked("POST", "/v2.1/os-server-external-events", carried))
        assert sent.fields["name"] == "network-vif-plugged"
        assert ids(sent, without=("request", "serving")) == {
            "instance": {INSTANCE},
            "port": {PORT},
            "global-request": {GLOBAL, OTHER},
        }
        assert "server_uuid" not in sent.line

    def test_a_name_in_another_body_is_no_field(self) -> None:
        (sent,) = oslo(asked("POST", "/v2.0/ports", f' -d \'{{"port": {{"name": "x", "device_id": "{INSTANCE}"}}}}\''))
        assert sent.fields == {"method": "POST", "path": "/v2.0/ports"}
        assert ids(sent) == {"instance": {INSTANCE}}

    @pytest.mark.parametrize(("option", "method"), [("-X GET", "GET"), ("-I", "HEAD"), ("DELETE", "DELETE")])
    def test_swift(self, option: str, method: str) -> None:
        context = f"None {GLOBAL} user project - - default default"
        path = f"/swift/v1/AUTH_1/glance/{IMAGE}"
        lines = (
            f'REQ: curl -i http://10.0.0.2:7480{path} {option} -H "X-Auth-Token: abc..." http_log c.py:160',
            "RESP STATUS: 200 OK http_log c.py:161",
            "RESP HEADERS: {'Content-Length': '5', 'X-Trans-Id': 'tx1-default'} http_log c.py:162",
        )
        sent, answered = oslo(*(record("swiftclient", said, context=context) for said in lines), who="glance-api")
        assert (sent.kind, sent.fields) == ("http.sent", {"method": method, "path": path, "noted": "answered"})
        # Glance has one id for what came to it and for its own request, so it is what it serves, too.
        assert sent.ids == {"request": {GLOBAL}, "serving": {GLOBAL}, "global-request": {GLOBAL}, "image": {IMAGE}}
        assert (answered.kind, answered.fields["status"]) == ("http.answered", "200")
        assert answered.ids["answer-request"] == {"tx1-default"}
        assert "X-Auth-Token" not in sent.line


class TestFacts:
    @pytest.mark.parametrize(
        ("logger", "said", "fields", "found"),
        [
            ("nova.scheduler.manager", "Filtered [(cmp1, cmp1) ram: 5MB] _get_sorted_hosts", {"fact": "filtered"}, {}),
            (
                "nova.scheduler.manager",
                "Weighed [WeighedHost [host: (cmp1, cmp1), weight: 3.0]] _get_sorted_hosts",
                {"fact": "hosts-weighed"},
                {},
            ),
            (
                "neutron.agent.dhcp.agent",
                f"Trigger reload_allocations for port admin_state_up=True, device_id={INSTANCE}, device_owner=, "
                f"fixed_ips=[ip_address={ADDRESS}, subnet_id={NETWORK}], id={PORT}, mac_address={MAC}, name=, "
                f"network=admin_state_up=True, id={NETWORK}, ipv4_address_scope=None",
                {"fact": "reload-allocations"},
                {"instance": {INSTANCE}, "address": {ADDRESS}, "port": {PORT}, "mac": {MAC}},
            ),
            (
                "neutron.agent.dhcp.agent",
                f"DHCP configuration for ports {{'{PORT}', '{NETWORK}'}} is completed",
                {"fact": "dhcp-completed"},
                {"port": {PORT, NETWORK}},
            ),
            (
                "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent",
                f"Port {PORT} updated. Details: {{'device': '{PORT}', 'device_id': '{INSTANCE}', "
                f"'network_id': '{NETWORK}', 'mac_address': '{MAC}'}}",
                {"fact": "port-updated"},
                {"port": {PORT}, "instance": {INSTANCE}, "mac": {MAC}},
            ),
            (
                "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent",
                f"Configuration for devices up ['{PORT}'] and devices down ['{NETWORK}'] completed.",
                {"fact": "devices-up"},
                {"port": {PORT}},
            ),
            (
                "neutron.db.provisioning_blocks",
                f"Provisioning complete for port {PORT} triggered by entity L2. provisioning_complete",
                {"fact": "port-active", "entity": "L2"},
                {"port": {PORT}},
            ),
            (
                "neutron.agent.metadata.agent",
                f"Got ports for remote_address {ADDRESS}, network_id {NETWORK}, remote_mac None, router_id None"
                f"[{{'id': '{PORT}', 'mac_address': '{MAC}', 'device_id': '{INSTANCE}', 'fixed_ips': []}}]",
                {"fact": "port-found"},
                {"address": {ADDRESS}, "port": {PORT}, "mac": {MAC}, "instance": {INSTANCE}},
            ),
            (
                "nova.api.openstack.compute.server_external_events",
                f"Creating event network-vif-plugged:{PORT} for instance {INSTANCE} on cmp1",
                {"fact": "external-event", "name": "network-vif-plugged", "host": "cmp1"},
                {"port": {PORT}, "instance": {INSTANCE}},
            ),
            (
                "nova.compute.manager",
                f"[instance: {INSTANCE}] Received event network-vif-plugged-{PORT} external_instance_event",
                {"fact": "event-received", "name": "network-vif-plugged"},
                {"port": {PORT}, "instance": {INSTANCE}},
            ),
            (
                "nova.compute.manager",
                f"[instance: {INSTANCE}] VM Started (Lifecycle Event)",
                {"fact": "lifecycle-started"},
                {"instance": {INSTANCE}},
            ),
            (
                "nova.compute.manager",
                f"[instance: {INSTANCE}] VM Resumed (Lifecycle Event)",
                {"fact": "lifecycle-resumed"},
                {"instance": {INSTANCE}},
            ),
        ],
    )
    def test_each(self, logger: str, said: str, fields: dict[str, str], found: dict[str, set[str]]) -> None:
        (event,) = oslo(record(logger, said))
        assert event.kind == "log.said"
        assert event.fields == fields
        assert ids(event) == found

    @pytest.mark.parametrize(
        ("logger", "said"),
        [
            ("neutron.agent.dhcp.agent", f"Calling driver for network: {NETWORK}/seg=None action: reload_allocations"),
            (
                "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent",
                f"Configuration for devices up [] and devices down ['{PORT}'] completed.",
            ),
            ("neutron.db.provisioning_blocks", f"Provisioning for port {PORT} completed by entity L2."),
            (
                "nova.compute.manager",
                f"[instance: {INSTANCE}] Processing event network-vif-plugged-{PORT} _process_instance_event",
            ),
            ("nova.compute.manager", f"[instance: {INSTANCE}] VM Paused (Lifecycle Event)"),
        ],
    )
    def test_what_only_looks_like_one(self, logger: str, said: str) -> None:
        assert oslo(record(logger, said)) == []

    def test_the_guests_definition_over_many_lines(self) -> None:
        said = f"""[instance: {INSTANCE}] End _get_guest_xml xml=<domain type="qemu">
  <nova:root type="image" uuid="{IMAGE}"/>
  <nova:port uuid="{PORT}">
    <nova:ip type="fixed" address="{ADDRESS}" ipVersion="4"/>
  <serial>{VOLUME}</serial>
  <mac address="{MAC}"/>
</domain>
 _get_guest_xml /usr/lib/python3/dist-packages/nova/virt/libvirt/driver.py:8048"""
        access = f'ACCESS t=1 pid=1 peer=10.0.0.1 "GET /{NETWORK}" 200 5B 7ms grid=- rid=- ua="x"\n'
        (event,) = oslo(record("nova.virt.libvirt.driver", said).replace("</domain>", access + "</domain>"))
        assert event.fields == {"fact": "guest-xml"}
        assert ids(event) == {
            "instance": {INSTANCE},
            "image": {IMAGE},
            "port": {PORT},
            "address": {ADDRESS},
            "volume": {VOLUME},
            "mac": {MAC},
        }

    def test_lines_after_another_record_are_not_the_definitions(self) -> None:
        first = record("nova.virt.libvirt.driver", f"[instance: {INSTANCE}] End _get_guest_xml xml=<domain>")
        (event,) = oslo(first, record("nova.other", "hello"), f"<serial>{VOLUME}</serial>\n")
        assert ids(event) == {"instance": {INSTANCE}}


class TestImageInCache:
    taken = record("oslo_concurrency.lockutils", 'Lock "ab" acquired by "x.Image.cache.<locals>.fetch_func_sync" :: w')
    freed = record(
        "oslo_concurrency.lockutils", 'Lock "ab" "released" by "x.Image.cache.<locals>.fetch_func_sync" :: h'
    )
    port = asked("POST", "/v2.0/ports")
    image = asked("GET", f"/v2/images/{IMAGE}")

    def facts(self, *records: str) -> list[str]:
        return [event.fields["fact"] for event in oslo(*records) if event.kind == "log.said"]

    def test_no_image_was_asked_for_between_the_two(self) -> None:
        assert self.facts(self.port, self.taken, self.port, self.freed) == ["image-in-cache"]

    def test_an_image_that_was_fetched_was_not_in_the_cache(self) -> None:
        assert self.facts(self.port, self.taken, self.image, self.freed) == []

    def test_where_requests_are_not_noted_nothing_is_known(self) -> None:
        assert self.facts(self.taken, self.freed) == []
        assert self.facts(self.port, self.freed) == []


@given(st.lists(st.text(max_size=200), max_size=5))
def test_garbage_is_no_event_and_no_error(lines: list[str]) -> None:
    assert oslo(*lines) == []


@given(st.sampled_from(["keystoneauth.session", "swiftclient", "nova.compute.manager"]), st.text())
def test_garbage_said_by_a_known_logger_is_no_event_and_no_error(logger: str, said: str) -> None:
    assert oslo(record(logger, said)) == []
