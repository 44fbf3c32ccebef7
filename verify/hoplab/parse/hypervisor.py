"""What libvirt tells of its domains. Records are made by the agent's recorder `hypervisor`.

The definition's form: libvirt.org/formatdomain; who writes what into it: nova/virt/libvirt/vif.py and volume/net.py.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from typing import Any, Final

from hoplab.model.events import GARBLED, Event, Origin
from hoplab.parse.log_records import Recent

NAME: Final = re.compile(r"^block\.\d+\.name$")
"""Under which key a disk's name stands in its counters (libvirt's VIR_DOMAIN_STATS_BLOCK)."""

Found = tuple[str, str, dict[str, str], dict[str, str]]
"""Who, kind, fields and ids of an event."""


def parse_hypervisor(lines: Iterable[str], *, node: str, source: str, who: str = "libvirt") -> Iterator[Event]:
    """Yield `domain.changed` (field `to`), `domain.defined` (field `has`: interface or disk) and `disk.used`.

    `disk.used` is QEMU's own count of what it has read of a disk, which libvirt passes on; fields `protocol`, `read`
    (`yes` if it was anything). Ids: instance (the domain's UUID is Nova's), port and mac, volume.
    """
    volumes: Recent[str, str] = Recent()
    for line in lines:
        try:
            record = json.loads(line)
            for voice, kind, fields, ids in _found(record, volumes):
                origin = Origin(node, source, voice or who)
                carried = {name: {value} for name, value in ids.items()}
                yield origin.event(float(record["t"]), kind, {**fields, "host": node}, carried, line)
        except (*GARBLED, ET.ParseError):
            continue


def _found(record: dict[str, Any], volumes: Recent[str, str]) -> Iterator[Found]:
    instance = {"instance": record["uuid"]}
    if "state" in record:
        yield "", "domain.changed", {"to": record["state"]}, instance
    if "xml" in record:
        yield from _defined(ET.fromstring(record["xml"]), instance, volumes)
    if "blocks" in record:
        blocks = record["blocks"]
        for key in [key for key in blocks if NAME.match(key)]:
            name = blocks[key]
            read = int(blocks.get(key.replace(".name", ".rd.bytes"), 0))
            volume = volumes.get(f"{record['uuid']} {name}")
            if volume:
                used = {"device": name, "read": "yes" if read > 0 else "no"}
                yield "qemu", "disk.used", used, {**instance, "volume": volume}


def _defined(domain: ET.Element, instance: dict[str, str], volumes: Recent[str, str]) -> Iterator[Found]:
    for interface in domain.iterfind("./devices/interface"):
        mac, port = interface.find("mac"), interface.find("virtualport/parameters")
        if mac is not None:
            # An interface that Nova has plugged itself (type ethernet) has no port of a virtual switch in it.
            ids = {**instance, "mac": mac.get("address", "")}
            ids |= {"port": port.get("interfaceid", "")} if port is not None else {}
            yield "", "domain.defined", {"has": "interface"}, ids
    for disk in domain.iterfind("./devices/disk"):
        disk_source, serial, target = disk.find("source"), disk.findtext("serial"), disk.find("target")
        if disk_source is not None and serial and target is not None:
            volumes[f"{instance['instance']} {target.get('dev', '')}"] = serial
            fields = {"has": "disk", "protocol": disk_source.get("protocol", ""), "name": disk_source.get("name", "")}
            yield "", "domain.defined", fields, {**instance, "volume": serial}
