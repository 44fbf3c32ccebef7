"""Messages as RabbitMQ's trace tells them: one when the broker took it, one when it gave it to a consumer.

The forms: rabbitmq.com/docs/firehose for the trace, oslo_messaging/_drivers/common.py and amqpdriver.py for messages,
oslo_versionedobjects/base.py for what is in them. Records are made by the agent's recorder `broker`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from hoplab.flow.vocabulary import places
from hoplab.model.events import GARBLED, Event, Origin
from hoplab.parse.access import UUID

IS_UUID: Final = re.compile(UUID)
REPLY: Final = re.compile(r"^reply_(?P<host>[^:]+):(?P<program>[^:]+):")
VERSIONED: Final = re.compile(r"^(?P<topic>.+?)(?:-\d+\.\d+)?_fanout")
"""A fanout's exchange and queue; those of Neutron's objects have the object's version in their names."""

KEYS: Final = places("messages")
"""Which id a key of a message has; what is no UUID is left out, but for a MAC."""
OBJECTS: Final = places("objects")
"""Which id a versioned object has, by its name."""
OBJECT: Final = (
    ("nova_object.name", "nova_object.data"),
    ("versioned_object.name", "versioned_object.data"),
)
"""Under which keys the name and the contents of a versioned object stand."""
PLAIN: Final = places("members")
"""Which id a dictionary has that stands under such a key and has an `id`."""

Ids = dict[str, set[str]]


def parse_broker(
    lines: Iterable[str], *, node: str, source: str, hosts: Mapping[str, str], who: str = "rabbitmq"
) -> Iterator[Event]:
    """Yield `rpc.published` and `rpc.delivered`. hosts: node by address, for the field `host` of who sent or took it.

    Fields: exchange, topic (the routing key or queue up to the host's name, or what the fanout is of), routing_key or
    queue, method, object (of Nova's indirection: `Instance.save`), state (vm_state, where the message changes it), kind
    (call, cast or reply), caller (a reply's), failed (`yes` of a reply that is an error), account. A reply carries no
    id but its call's.
    """
    origin = Origin(node, source, who)
    for line in lines:
        try:
            event = _event(origin, json.loads(line), line, hosts)
        except GARBLED:
            continue
        if event is not None:
            yield event


def _event(origin: Origin, record: dict[str, Any], line: str, hosts: Mapping[str, str]) -> Event | None:
    message, headers = record["message"], record["headers"]
    if not isinstance(message, dict):
        return None
    action, _dot, queue = record["key"].partition(".")
    published = action == "publish"
    place = headers["routing_keys"][0] if published else queue
    fanout = VERSIONED.match(headers["exchange_name"] if published else queue)
    reply = REPLY.match(place)
    fields = {
        "exchange": headers["exchange_name"],
        "topic": fanout["topic"] if fanout else place.partition(".")[0],
        "routing_key" if published else "queue": place,
        "account": headers["user"],
        "host": hosts.get(headers["connection"].partition(":")[0], ""),
        "kind": "reply" if reply else "call" if "_msg_id" in message else "cast",
        "method": message.get("method", ""),
    }
    ids: Ids = {}
    if reply:
        fields["caller"] = reply["program"]
        fields["failed"] = "yes" if message.get("failure") else ""
    else:
        arguments = message.get("args") or {}
        fields |= _object(arguments, ids)
        _collect(arguments, ids)
        _add(ids, "request", message.get("_context_request_id"))
        _add(ids, "global-request", message.get("_context_global_request_id"))
        _add(ids, "message", message.get("_unique_id"))
    _add(ids, "call", message.get("_msg_id"))
    kind = "rpc.published" if published else "rpc.delivered"
    return origin.event(float(record["t"]), kind, {name: value for name, value in fields.items() if value}, ids, line)


def _object(arguments: Mapping[str, Any], ids: Ids) -> dict[str, str]:
    """Return which object's method nova-compute calls through the conductor (nova/conductor/rpcapi.py)."""
    if "objmethod" not in arguments:
        return {}
    instance = arguments.get("objinst") or {}
    name = arguments.get("objname") or instance.get("nova_object.name", "")
    data = instance.get("nova_object.data", {})
    if "instance_uuid" in arguments["objmethod"]:
        for value in arguments.get("args", ()):
            _add(ids, "instance", value)
    state = data.get("vm_state", "") if "vm_state" in instance.get("nova_object.changes", ()) else ""
    return {"object": f"{name}.{arguments['objmethod']}", "state": str(state or "")}


def _collect(value: Any, ids: Ids) -> None:
    """Collect the ids of resources anywhere in a message, by the names of keys and objects."""
    if isinstance(value, list):
        for member in value:
            _collect(member, ids)
    elif isinstance(value, dict):
        _collect_object(value, ids)
        for key, inner in value.items():
            if key in KEYS or key in PLAIN:
                _collect_key(key, inner, ids)
            if isinstance(inner, (dict, list)):
                _collect(inner, ids)


def _collect_object(value: Mapping[str, Any], ids: Ids) -> None:
    """Collect the id of a versioned object, Nova's or oslo's own."""
    for name, inside in OBJECT:
        kind = OBJECTS.get(value[name]) if name in value else None
        if kind:
            data = value.get(inside, {})
            _add(ids, kind, data.get("uuid", data.get("id")))


def _collect_key(key: str, inner: Any, ids: Ids) -> None:
    """Collect the ids of which a key says what they are."""
    if key in KEYS:
        for member in inner if isinstance(inner, list) else [inner]:
            _add(ids, KEYS[key], member)
    if key in PLAIN and isinstance(inner, dict):
        _add(ids, PLAIN[key], inner.get("id"))


def _add(ids: Ids, kind: str, value: Any) -> None:
    resource = kind not in {"request", "global-request", "message", "call", "mac"}
    if isinstance(value, str) and value and (not resource or IS_UUID.fullmatch(value)):
        ids.setdefault(kind, set()).add(value)
