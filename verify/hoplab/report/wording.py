"""The flows' own words put into plain ones: verdicts, actors, ids, and what a witness saw.

One place for the page docs/hops.md (`hoplab.report.catalogue`) and for `hoplab explain` (`hoplab.report.explanation`).
What has no words here is shown as the flow files have it, so nothing of a witness is ever left out.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from hoplab.flow.actors import ACTORS
from hoplab.flow.model import NEEDED, PLACEHOLDER, Hop, Witness
from hoplab.parse.facts import FACTS

TODAYS: Final = {
    "same": ("as documented", "It happens as it is documented."),
    "moved": ("moved to another actor", "It happens, and another program does it, or to another one."),
    "split": ("split into several", "It is several things today, at different times or by different programs."),
    "gone": ("gone and replaced", "There is no such thing today. What stands in for it is what is proved."),
}
"""How today's release goes together with the document: in a sentence, and what it means."""

IDS: Final = {
    "address": ("the guest's address", "the fixed address that Neutron chose for the port"),
    "answer-request": (
        "the answering server's id of that request",
        "a request that one service sends to another gets an id there, which comes back in the answer's header",
    ),
    "attachment": ("the volume's attachment", "Cinder's id of this volume at this instance"),
    "auth-request": ("Keystone's id of our request for the token", "comes back in the answer's header"),
    "cache-key": (
        "the key under which Keystone or the services cache our token",
        "a digest that only who has the token can work out",
    ),
    "call": ("the call's id", "oslo.messaging's `_msg_id`, which a call and its reply share"),
    "ceph-client": ("the Ceph client's id", "its address and nonce, learnt from what it did with this launch's disks"),
    "global-request": ("our global request id", "we choose it, and services hand it on to each other"),
    "image": ("the image's id", "Glance's"),
    "instance": ("the instance's id", "Nova's"),
    "mac": ("the port's MAC address", "as Neutron chose it"),
    "message": ("the message's id", "oslo.messaging's `_unique_id`, each message's own"),
    "network": ("the network's id", "whose DHCP and metadata it is"),
    "poll-request": ("Nova's id of our poll", "each of our GET requests has one"),
    "port": ("the port's id", "Neutron's"),
    "request": ("Nova's id of our request", "of the POST that asked for the instance; all of Nova hands it on"),
    "serving": ("the server's id of the request that it serves", "a server's log has it in each line about a request"),
    "token": ("a digest of our token", "never the token itself"),
    "volume": ("the volume's id", "Cinder's"),
}
"""How an id is called in a sentence, and where it comes from."""

KINDS: Final = {
    "http.sent": "the request[ {call}] as it sends it[, about {name}][, which says {event_status}]",
    "http.answered": "the answer[ {status}] to its request[ {call}][, with the state {state}][, {failed}]",
    "http.served": "the request[ {call}] as it comes in[, from {host}]",
    "http.replied": "its answer[ {status}] to the request[ {call}][, to {host}][, with {whole}][, {failed}]",
    "rpc.published": "a {noun} that it is given[ for the exchange {exchange}][ with the routing key {routing_key}]"
    "[ on the topic {topic}][ by {host}][, method {method}][, on the object {object}]"
    "[, which sets the state to {state}][, for {caller}][, {failed}]",
    "rpc.delivered": "a {noun} that it hands out[ from the queue {queue}][ for the topic {topic}][ to {host}]"
    "[, method {method}][, on the object {object}][, which sets the state to {state}][, for {caller}]",
    "rpc.sent": "a {noun} as it sends it[ to the exchange {exchange}][ on the topic {topic}]",
    "rpc.received": "a {noun} as it takes it",
    "db.statement": "the statement[ {verb}][ on the table {table}] as it carries it out[, for the account {account}]"
    "[, in the database {schema}][, with the state {state}][, with the status {status}][, with a result of {rows} row]",
    "db.sent": "the statement[ {verb}][ on the table {table}] as it sends it[, with the state {state}]",
    "cache.stored": "a value that it stores[ in {region}][ for {peer}][, outcome {status}]",
    "cache.fetched": "a value that it looks up[ in {region}][ for {peer}][, outcome {status}]",
    "cache.sent": "a value on its way[ into {region}][ from {peer}], and memcached's answer[ {status}]",
    "log.said": "a line in its log[: {fact}][, about {name}]",
    "command.run": "its command[ {command}] as it starts",
    "command.ended": "its command[ {command}] as it ends[, with the exit status {status}]",
    "map.fetched": "{step}[, {has}][; the client is {entity}][ on {host}]",
    "object.read": "a read[ of the object {object}][ in the pool {pool}][ for {host}][, outcome {status}]",
    "object.written": "a write[ of the object {object}][ in the pool {pool}][ for {host}][, outcome {status}]",
    "watch.held": "a client's watch on an object[ in the pool {pool}][, held from {host}]",
    "dhcp.said": "a line in its log[: {fact}]",
    "file.read": "an entry of the file with the network's ports and addresses[, read by {reader}]",
    "port.wired": "its record of the port[, {attached}][, {tagged}]",
    "flow.added": "its record of a flow[ on {bridge}] that lets the port's packets through",
    "domain.defined": "the guest's definition[ with {has}]",
    "domain.changed": "a change of the guest's state[ to {to}]",
    "disk.used": "its own count of what it did with a disk[: {read}]",
    "console.said": "a line on its console[: {fact}]",
}
"""What each kind of event is, by whose word it is. What stands in brackets is left out where a witness does not ask."""

FACT: Final = {
    "binding-failed": "no driver could bind the port to the host",
    "ack": "the guest was given its address (DHCPACK)",
    "devices-up": "the port is wired",
    "dhcp-completed": "DHCP is ready for the port",
    "dhcp-fail": "nobody answered it by DHCP",
    "dhcp-ok": "it got its address by DHCP",
    "disk-rw": "it wrote to the volume and read that back",
    "disk-fail": "it could not write to the volume and read that back",
    "event-received": "it got the event",
    "external-event": "it hands the event on to the instance's host",
    "filtered": "the hosts were filtered",
    "guest-xml": "the guest's definition is written",
    "host-file-read": "it read the file with the network's ports and addresses",
    "hosts-weighed": "the hosts were weighed",
    "image-in-cache": "the lock of the host's images was taken and freed without asking for the image: it was there",
    "image-broken": "a part of its own image could not be used",
    "lifecycle-resumed": "the guest runs",
    "lifecycle-started": "the guest was started",
    "metadata-fail": "it asked for its metadata and did not get it",
    "metadata-ok": "it got its metadata",
    "no-candidates": "Placement knows no host with room",
    "port-active": "the port waits for nothing more",
    "port-found": "it found whose port the address is",
    "port-updated": "it knows the port's details",
    "reload-allocations": "it writes the port's address down for dnsmasq",
}
"""What is said in a log or on a console, by the name of the fact."""

QUOTED: Final = {fact.name: fact.text.strip() for fact in FACTS}
"""Text that stands in the log, by the name of the fact."""

VALUES: Final = {
    ("host", "{host}"): "the instance's host",
    ("region", "keystone"): "Keystone's own cache",
    ("region", "tokens"): "the services' common cache of tokens",
    ("failed", "yes"): "an error",
    ("whole", "yes"): "all of the object's bytes",
    ("attached", "yes"): "attached to the datapath",
    ("tagged", "yes"): "with the VLAN that the L2 agent chose",
    ("read", "yes"): "it read from it",
    ("has", "interface"): "its interface",
    ("has", "disk"): "its disk",
    ("has", "osdmap"): "the map of the OSDs",
    ("step", "asked"): "a map that a client asks for",
    ("step", "sent"): "a map that it sends to a client",
    ("status", "ENOENT"): "ENOENT (no such object)",
}
"""Words for values of a witness's fields that are not understood as they are."""

ACTING: Final = frozenset({"caller", "peer"})
"""Fields whose values are actors."""
OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
KEY: Final = re.compile(r"\{(\w+)\}")


def spoken(actor: str) -> str:
    """Return how an actor is called in a sentence; its name where there is no other."""
    return ACTORS[actor].called if actor in ACTORS else actor


def listed(words: Iterable[str], last: str = "and") -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    *others, end = [*words] or [""]
    return f"{', '.join(others)} {last} {end}" if others else end


def kind_words(kind: str) -> str:
    """Return what a kind of event is, whatever a witness asks of it."""
    return _filled(kind, {}, "")


def witness_words(witness: Witness, mark: str = "") -> str:
    """Return in words what a witness saw and by which ids it is joined to the launch: the end of a sentence.

    mark: put before and after what is no word, such as a path: a backtick for Markdown.
    """
    ids = listed(IDS[name][0] if name in IDS else f"{mark}{name}{mark}" for name in witness.by)
    return f"{_filled(witness.event, witness.where, mark)}; joined by {ids}"


def proof(hop: Hop) -> str:
    """Return in a sentence whose word proves a hop (`hoplab.judge.verdicts`): two actors', if there can be two."""
    voices = list(dict.fromkeys(spoken(witness.who) for witness in hop.evidence))
    if hop.one_witness:
        return f"The word of {listed(voices)} alone."
    if hop.needs:
        return f"At least two of {listed(voices)} must have seen it, {spoken(hop.needs)} among them."
    if len(voices) == NEEDED:
        return f"Both {listed(voices)} must have seen it."
    return f"At least two of {listed(voices)} must have seen it."


def _filled(kind: str, where: Mapping[str, tuple[str, ...]], mark: str) -> str:
    """Return a kind's template filled in, and after it what the template has no place for."""
    values = {key: _value(key, some, mark) for key, some in where.items()}
    template = KINDS.get(kind, f"an event {mark}{kind}{mark}")
    if kind.startswith("http.") and {"method", "path"} & set(where):
        whole = (" or ".join(map(_plain, where.get(key, ()))) for key in ("method", "path"))
        values["call"] = f"{mark}{' '.join(part for part in whole if part)}{mark}"
        values.pop("method", None)
        values.pop("path", None)
    if kind.startswith("rpc."):
        values["noun"] = listed(where.get("kind", ("message",)), "or")
        values.pop("kind", None)
    if kind == "map.fetched":
        values.setdefault("step", "a map that a client asks for or is sent")
    used = set(KEY.findall(template))
    text = OPTIONAL.sub(lambda found: found[1] if {*KEY.findall(found[1])} <= {*values} else "", template)
    rest = [f", {key} {value}" for key, value in values.items() if key not in used]
    return KEY.sub(lambda found: values[found[1]], text) + "".join(rest)


def _value(key: str, some: tuple[str, ...], mark: str) -> str:
    """Return a field's values in words."""
    return listed((_word(key, value, mark) for value in some), "or")


def _word(key: str, value: str, mark: str) -> str:
    if (key, value) in VALUES:
        return VALUES[key, value]
    if key == "fact" and value in FACT:
        return f"{FACT[value]} (“{QUOTED[value]}”)" if value in QUOTED else FACT[value]
    if key in ACTING:
        return spoken(value)
    return f"{mark}{_plain(value)}{mark}"


def _plain(value: str) -> str:
    """Return a value with its placeholders as capitals, as the flow files' own sentences have them."""
    return PLACEHOLDER.sub(lambda found: found[1].upper(), value)
