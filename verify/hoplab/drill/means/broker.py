"""Rights in RabbitMQ that are taken away, queues that get no messages any more, and a broker without memory."""

import json
import re
from typing import Final

from hoplab.drill.means.place import MARK, Kept, MeansKind, Place
from hoplab.model.errors import SourceError

CTL: Final = ("rabbitmqctl", "--quiet")


def _rights(place: Place) -> Kept:
    said = place.ask(*CTL, "--formatter=json", "list_user_permissions", place.options["account"])
    rows = json.loads(said)
    return {"rows": json.dumps([[row["vhost"], row["configure"], row["write"], row["read"]] for row in rows])}


def _take_rights(place: Place) -> None:
    """Take the right to send to what is named; without a name, all rights."""
    account = place.options["account"]
    for vhost, configure, write, read in json.loads(_rights(place)["rows"]):
        target = place.options.get("target")
        left = [configure, f"^(?!{target}$)(?:{write})", read] if target else ["^$", "^$", "^$"]
        place.ask(*CTL, "set_permissions", "--vhost", vhost, account, *left)
    # What a channel may do is remembered for as long as it is open.
    place.ask(*CTL, "close_all_user_connections", account, MARK)


def _give_rights(place: Place, kept: Kept) -> None:
    for vhost, *rights in json.loads(kept["rows"]):
        place.ask(*CTL, "set_permissions", "--vhost", vhost, place.options["account"], *rights)


def _bindings(place: Place) -> Kept:
    """Keep which queues get messages of the exchange under keys that fit."""
    said = place.ask(*CTL, "--formatter=json", "list_bindings", "source_name", "destination_name", "routing_key")
    rows = [
        [row["destination_name"], row["routing_key"]]
        for row in json.loads(said)
        if row["source_name"] == place.options["exchange"] and re.fullmatch(place.options["key"], row["routing_key"])
    ]
    if not rows:
        raise SourceError(
            f"{place.node.name}: no queue is bound to {place.options['exchange']} by {place.options['key']}"
        )
    return {"rows": json.dumps(rows)}


def _binding(place: Place, verb: str, queue: str, key: str) -> None:
    exchange = place.options["exchange"]
    source, to = (
        f'{{resource,<<"/">>,{kind},<<"{name}">>}}' for kind, name in (("exchange", exchange), ("queue", queue))
    )
    place.ask(*CTL, "eval", f'rabbit_binding:{verb}({{binding,{source},<<"{key}">>,{to},[]}},<<"{MARK}">>).')


def _unbind(place: Place) -> None:
    for queue, key in json.loads(_bindings(place)["rows"]):
        _binding(place, "remove", queue, key)


def _bind(place: Place, kept: Kept) -> None:
    for queue, key in json.loads(kept["rows"]):
        _binding(place, "add", queue, key)


def _watermark(place: Place) -> Kept:
    return {"limit": place.ask(*CTL, "eval", "vm_memory_monitor:get_vm_memory_high_watermark().").strip()}


def _alarm(place: Place) -> None:
    """Have the broker take what it uses for too much: it reads nothing more from whoever publishes.

    Source: RabbitMQ's documentation, "Memory and Disk Alarms".
    """
    place.ask(*CTL, "set_vm_memory_high_watermark", "0.00001")


def _all_clear(place: Place, kept: Kept) -> None:
    place.ask(*CTL, "eval", f"vm_memory_monitor:set_vm_memory_high_watermark({kept['limit']}).")


TAKE_RIGHTS: Final = MeansKind(_take_rights, _give_rights, _rights, frozenset({"account"}), frozenset({"target"}))
UNBIND: Final = MeansKind(_unbind, _bind, _bindings, frozenset({"exchange", "key"}))
ALARM: Final = MeansKind(_alarm, _all_clear, _watermark)
