"""The flows' own words put into plain ones: verdicts, actors, ids, and what a witness saw.

One place for the page docs/hops.md (`hoplab.report.catalogue`) and for `hoplab explain` (`hoplab.report.explanation`).
What has no words here is shown as the flow files have it, so nothing of a witness is ever left out.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from hoplab.flow.actors import ACTORS
from hoplab.flow.model import NEEDED, PLACEHOLDER, Hop, Witness
from hoplab.flow.sources import SourceKind
from hoplab.flow.vocabulary import EVENTS, IDS
from hoplab.parse.facts import FACTS

TODAYS: Final = {
    "same": ("as documented", "It happens as it is documented."),
    "moved": ("moved to another actor", "It happens, and another program does it, or to another one."),
    "split": ("split into several", "It is several things today, at different times or by different programs."),
    "gone": ("gone and replaced", "There is no such thing today. What stands in for it is what is proved."),
}
"""How today's release goes together with the document: in a sentence, and what it means."""

FACT: Final = {
    "binding-failed": "no driver could bind the port to the host",
    "attach-failed": "the hypervisor did not take the volume",
    "ack": "the guest was given its address (DHCPACK)",
    "device-xml": "the disk as libvirt is to plug it in",
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


def level_words(kind: SourceKind) -> str:
    """Return in words from which level on a kind of source may be read."""
    return "only where it is deployed so" if kind.level is None else f"level {kind.level}"


def kind_words(kind: str) -> str:
    """Return what a kind of event is, whatever a witness asks of it."""
    return _filled(kind, {}, "")


def witness_words(witness: Witness, mark: str = "") -> str:
    """Return in words what a witness saw and by which ids it is joined to the launch: the end of a sentence.

    mark: put before and after what is no word, such as a path: a backtick for Markdown.
    """
    ids = listed(IDS[name].called if name in IDS else f"{mark}{name}{mark}" for name in witness.by)
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
    template = EVENTS[kind].said if kind in EVENTS else f"an event {mark}{kind}{mark}"
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
