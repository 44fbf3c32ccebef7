"""Which entries dnsmasq has read of a network's file of hosts, as the kernel tells it.

Records are made by the agent's recorder `reads`: the process, the file that it runs and the file of hosts that it was
started with, the file that it has read, and what stood in that. The file's form: neutron/agent/linux/dhcp.py
(_output_hosts_file) and dnsmasq(8), `--dhcp-host`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from hoplab.model.events import GARBLED, Event, Origin
from hoplab.parse.access import UUID
from hoplab.parse.log_records import Recent

HOSTS: Final = re.compile(rf"/(?P<network>{UUID})/host\Z")
MAC: Final = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}\Z")
ADDRESS: Final = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])\Z")

Entry = tuple[str, str]
"""MAC and address."""


def parse_reads(lines: Iterable[str], *, node: str, source: str, who: str = "kernel") -> Iterator[Event]:
    """Yield a `file.read` for each entry that a process finds in a file of hosts and that was not there before.

    Field `reader` is the program, `dnsmasq` only if it is the process that was started for this file. Ids: `network`,
    and `mac` and `address` as they stand beside each other.
    """
    origin = Origin(node, source, who)
    known: Recent[tuple[int, str], frozenset[Entry]] = Recent()
    for line in lines:
        try:
            record = json.loads(line)
            file, program = record["file"], record["program"]
            found = HOSTS.search(file)
            if found is None:
                continue
            if program == "dnsmasq" and f"--dhcp-hostsfile={file}" not in record["arguments"]:
                program = "another dnsmasq"
            reader = (int(record["pid"]), file)
            entries = _entries(record["text"])
            fresh = [entry for entry in entries if entry not in known.get(reader, frozenset())]
            known[reader] = frozenset(entries)
            for mac, address in fresh:
                ids = {"network": {found["network"]}, "mac": {mac}, "address": {address.strip("[]")}}
                said = json.dumps({**record, "text": f"… {mac} … {address} …"}, ensure_ascii=False)
                yield origin.event(float(record["t"]), "file.read", {"reader": program}, ids, said)
        except GARBLED:
            continue


def _entries(text: str) -> list[Entry]:
    """Return MAC and address of each line of a file of hosts; tags, names and client ids stand between them."""
    found = []
    for line in text.splitlines():
        mac, *rest = line.split(",")
        if MAC.match(mac):
            found += [(mac, word) for word in rest if ADDRESS.match(word)]
    return found
