"""What the agent's recorders and our own client note: records of a lab, shortened and with other ids."""

import json
from typing import Any

import pytest

from hoplab.model.events import Event
from hoplab.parse.broker import parse_broker
from hoplab.parse.cache import parse_cache
from hoplab.parse.client import parse_client

GLOBAL = "req-11111111-2222-4333-8444-555555555555"
OWN = "req-aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
INSTANCE = "8a7d5ebe-0000-4000-8000-000000000001"
PORT = "8a7d5ebe-0000-4000-8000-000000000002"
VOLUME = "8a7d5ebe-0000-4000-8000-000000000003"
IMAGE = "8a7d5ebe-0000-4000-8000-000000000004"
ATTACHMENT = "8a7d5ebe-0000-4000-8000-000000000005"
MAC = "fa:16:3e:00:00:01"
CALL = "3cc92b106dcb4a559673152fe5154fc6"
MESSAGE = "b1f6dbc0ba754d6481adc66d27489189"
TIME = 1795248647.2034795
HOSTS = {"192.0.2.21": "compute", "192.0.2.11": "control"}

Document = dict[str, Any]


def traced(
    place: str, message: Document | None, *, exchange: str = "nova", taken: bool = False, user: str = "nova-compute"
) -> str:
    """Return a record of the broker's trace. place: routing key or queue; taken: a consumer got it."""
    address = "192.0.2.11:37302" if taken else "192.0.2.21:57884"
    headers = {
        "connection": f"{address} -> 192.0.2.11:5672",
        "exchange_name": exchange,
        "routing_keys": ["" if exchange.endswith("_fanout") else place],
        "user": user,
    }
    key = f"deliver.{place}" if taken else f"publish.{exchange}"
    return json.dumps({"t": TIME, "key": key, "headers": headers, "message": message}) + "\n"


def call(method: str, arguments: Document, **more: object) -> Document:
    context = {"_context_request_id": OWN, "_context_global_request_id": GLOBAL}
    return {"method": method, "args": arguments, "_msg_id": CALL, "_unique_id": MESSAGE, **context, **more}


def nova(name: str, changes: tuple[str, ...] = (), **data: object) -> Document:
    return {"nova_object.name": name, "nova_object.data": data, "nova_object.changes": list(changes)}


def broker(*lines: str) -> list[Event]:
    return list(parse_broker(lines, node="control", source="broker", hosts=HOSTS))


class TestBroker:
    def test_a_call_that_was_sent_and_that_was_taken(self) -> None:
        message = call("select_destinations", {"instance_uuids": [INSTANCE]})
        sent, taken = broker(traced("compute.cmp1", message), traced("compute.cmp1", message, taken=True, user="c"))
        assert (sent.who, sent.kind, sent.time) == ("rabbitmq", "rpc.published", TIME)
        assert sent.fields == {
            "exchange": "nova",
            "topic": "compute",
            "routing_key": "compute.cmp1",
            "account": "nova-compute",
            "host": "compute",
            "kind": "call",
            "method": "select_destinations",
        }
        assert sent.ids == {"request": {OWN}, "global-request": {GLOBAL}, "message": {MESSAGE}, "call": {CALL}}
        assert taken.kind == "rpc.delivered"
        assert (taken.fields["queue"], taken.fields["host"]) == ("compute.cmp1", "control")
        assert taken.ids == sent.ids

    def test_a_cast_has_no_call(self) -> None:
        (event,) = broker(traced("conductor", {"method": "x", "args": {}, "_unique_id": MESSAGE}))
        assert event.fields["kind"] == "cast"
        assert event.ids == {"message": {MESSAGE}}

    def test_a_reply_has_its_call_and_nothing_else(self) -> None:
        """What a reply contains may be about anything: it proves no more than that the call was answered."""
        message = {"result": nova("Instance", uuid=INSTANCE), "failure": None, "_msg_id": CALL, "_unique_id": MESSAGE}
        (event,) = broker(traced("reply_cmp1:nova-compute:1", message, exchange=""))
        assert (event.fields["kind"], event.fields["caller"]) == ("reply", "nova-compute")
        assert event.ids == {"call": {CALL}}

    @pytest.mark.parametrize(
        ("place", "topic"),
        [("scheduler_fanout", "scheduler"), ("neutron-vo-Port-1.10_fanout", "neutron-vo-Port")],
    )
    def test_a_fanout_s_topic(self, place: str, topic: str) -> None:
        message = call("push", {"resource_list": []})
        events = broker(traced(place, message, exchange=place), traced(f"{place}_ab12", message, taken=True))
        assert [event.fields["topic"] for event in events] == [topic, topic]

    @pytest.mark.parametrize(
        ("arguments", "ids"),
        [
            ({"build_requests": [{"instance_uuid": INSTANCE}]}, {"instance": {INSTANCE}}),
            ({"instance": nova("Instance", uuid=INSTANCE)}, {"instance": {INSTANCE}}),
            ({"payload": {"port": {"id": PORT, "mac_address": MAC}}}, {"port": {PORT}, "mac": {MAC}}),
            ({"port_ids": [PORT, VOLUME]}, {"port": {PORT, VOLUME}}),
            ({"devices_up": [PORT], "devices_down": [VOLUME]}, {"port": {PORT}}),
            ({"events": [{"server_uuid": INSTANCE, "tag": PORT}]}, {"instance": {INSTANCE}, "port": {PORT}}),
            (
                {
                    "vref": {"versioned_object.name": "Volume", "versioned_object.data": {"id": VOLUME}},
                    "attachment_id": ATTACHMENT,
                },
                {"volume": {VOLUME}, "attachment": {ATTACHMENT}},
            ),
            ({"image": {"image_ref": IMAGE}}, {"image": {IMAGE}}),
            ({"device_id": "dhcp-network", "tag": "7", "nova_object.name": "Port"}, {}),
        ],
    )
    def test_the_ids_of_what_it_is_about(self, arguments: Document, ids: dict[str, set[str]]) -> None:
        (event,) = broker(traced("q-plugin", {"method": "x", "args": arguments}))
        assert event.ids == ids

    def test_a_save_tells_the_new_state_only_where_it_changes(self) -> None:
        for changes, state in ((("vm_state",), "active"), (("host",), None)):
            instance = nova("Instance", changes, uuid=INSTANCE, vm_state="active")
            message = call("object_action", {"objinst": instance, "objmethod": "save", "args": []})
            (event,) = broker(traced("conductor", message))
            assert event.fields["object"] == "Instance.save"
            assert event.fields.get("state") == state
            assert event.ids["instance"] == {INSTANCE}

    def test_what_is_looked_up_by_an_instance_names_it(self) -> None:
        arguments = {"objname": "MigrationList", "objmethod": "get_by_instance_uuid", "args": [INSTANCE]}
        (event,) = broker(traced("conductor", call("object_class_action_versions", arguments)))
        assert event.fields["object"] == "MigrationList.get_by_instance_uuid"
        assert event.ids["instance"] == {INSTANCE}

    def test_what_is_no_message_of_oslo_is_no_event(self) -> None:
        assert broker(traced("x", None), "null\n", "{}\n", traced("x", {})[:80]) == []


DIGEST = "c398b3095efbe797f700528ef42c15a1a01dd11dd22741584721ced621bb95dd"
KEY = "309c99f54e36244cad00f8367cdf99b54cadcec0"


def told(kind: str, key: str, status: str, connection: int, at: str = "1795248647.237796") -> str:
    more = "cmd=set ttl=0 clsid=15" if kind == "item_store" else "clsid=7"
    line = f"ts={at} gid=16885 type={kind} key={key} status={status} {more} cfd={connection} size=2067"
    return json.dumps({"t": TIME, "told": line}) + "\n"


def peers(**units: str) -> str:
    return json.dumps({"t": TIME, "peers": {name[1:]: unit for name, unit in units.items()}}) + "\n"


def cache(*lines: str) -> list[Event]:
    services = {"keystone.service": "keystone", "nova-api.service": "nova-api"}
    return list(parse_cache(lines, node="control", source="cache", services=services))


class TestCache:
    def test_a_token_that_was_stored_and_found(self) -> None:
        stored, found = cache(
            told("item_store", KEY, "stored", 33),
            told("item_get", f"tokens%2F{DIGEST}", "found", 40, at="1795248647.8"),
            peers(_33="keystone.service", _40="nova-api.service"),
        )
        assert (stored.who, stored.kind, stored.time) == ("memcached", "cache.stored", 1795248647.237796)
        assert stored.fields == {"status": "stored", "peer": "keystone", "region": "keystone"}
        assert stored.ids == {"cache-key": {KEY}}
        assert found.kind == "cache.fetched"
        assert found.ids == {"token": {DIGEST}}
        assert found.fields == {"status": "found", "peer": "nova-api", "region": "tokens"}
        assert found.time == pytest.approx(1795248647.000008, abs=1e-7)

    @pytest.mark.parametrize(
        "key", ["tokens%2Fb%27+a/uNjdYNDqpXKXzOjJdnQ%3D%3D%27", "tokens/b'%2Ba%2FuNjdYNDqpXKXzOjJdnQ=='"]
    )
    def test_a_protected_token_is_found_by_what_is_made_of_it_and_the_secret(self, key: str) -> None:
        (found,) = cache(told("item_get", key, "found", 7))
        assert found.ids == {"cache-key": {"+a/uNjdYNDqpXKXzOjJdnQ=="}}
        assert found.fields["region"] == "tokens"

    def test_who_asked_is_what_is_told_next_and_unknown_without_that(self) -> None:
        line = told("item_get", KEY, "not_found", 7)
        events = cache(line, peers(_7="keystone.service"), line, peers(_7="192.0.2.11:4711"), line)
        assert [event.fields.get("peer") for event in events] == ["keystone", None, None]

    @pytest.mark.parametrize("key", ["x" * 40, DIGEST, f"tokens%2F{DIGEST}a", "tokens%2Fabc"])
    def test_another_key_has_no_id(self, key: str) -> None:
        (event,) = cache(told("item_get", key, "found", 7))
        assert event.ids == {}
        assert "region" not in event.fields

    def test_other_records_are_no_events(self) -> None:
        region = json.dumps({"t": TIME, "region": "b'\\x05'"})
        assert cache(region, '{"told": "ts=1.2 gid=1 type=conn_new"}', "[]", "x", '{"told": null}', peers()) == []


def asked(**changes: object) -> str:
    entry = {
        "sent": 1795248650.017903,
        "method": "GET",
        "path": f"/v2.1/servers/{INSTANCE}",
        "global-request": GLOBAL,
        "answered": 1795248650.1176808,
        "status": 200,
        "request": OWN,
        "token": None,
    }
    return json.dumps(entry | changes) + "\n"


def client(*lines: str) -> list[Event]:
    return list(parse_client(lines, node="client", source="http"))


class TestClient:
    def test_a_request_and_its_answer(self) -> None:
        sent, answered = client(asked(instance=INSTANCE, state="BUILD"))
        path = f"/v2.1/servers/{INSTANCE}"
        assert (sent.who, sent.kind, sent.time) == ("client", "http.sent", 1795248650.017903)
        assert sent.fields == {"method": "GET", "path": path}
        assert (answered.kind, answered.time) == ("http.answered", 1795248650.1176808)
        assert answered.fields == {"method": "GET", "path": path, "status": "200", "state": "BUILD"}
        ids = {"global-request": {GLOBAL}, "instance": {INSTANCE}}
        ids |= {name: {OWN} for name in ("request", "poll-request", "answer-request")}
        assert sent.ids == answered.ids == ids

    def test_the_request_for_the_token_is_told_from_the_others(self) -> None:
        sent, _answered = client(asked(method="POST", path="/v3/auth/tokens", token=DIGEST))
        assert sent.ids["auth-request"] == {OWN}
        assert sent.ids["token"] == {DIGEST}

    @pytest.mark.parametrize(("status", "failed"), [(202, None), (304, None), (404, "yes"), (503, "yes"), (999, None)])
    def test_an_answer_that_is_an_error_has_failed(self, status: int, failed: str | None) -> None:
        _sent, answered = client(asked(status=status))
        assert answered.fields.get("failed") == failed

    def test_what_was_not_answered_was_sent_all_the_same(self) -> None:
        entry = {name: value for name, value in json.loads(asked()).items() if name not in {"answered", "status"}}
        (event,) = client(json.dumps(entry | {"request": None, "error": "ConnectionError"}))
        assert event.kind == "http.sent"
        assert event.ids == {"global-request": {GLOBAL}, "instance": {INSTANCE}}
