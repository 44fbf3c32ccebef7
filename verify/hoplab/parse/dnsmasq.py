"""What dnsmasq logs for a network's DHCP, and the DHCP agent's log of what it wrote for dnsmasq to read.

The forms of the lines: dnsmasq 2.91 src/rfc2131.c (log_packet, log_tags), src/option.c (one_file) and src/cache.c
(read_hostsfile); neutron/agent/dhcp/agent.py (_port_create) and neutron/agent/linux/dhcp.py (_output_hosts_file).
dnsmasq tells whole seconds without a year, so the agent notes when each line came: after `since` and not after `t`.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from hoplab.model.events import GARBLED, Event, Origin
from hoplab.parse.access import UUID
from hoplab.parse.log_records import Recent

LINE: Final = re.compile(
    r"^(?P<when>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) dnsmasq(?:-dhcp)?\[(?P<pid>\d+)\]: "
    r"(?:(?P<xid>\d+) )?(?P<said>.+)$"
)
HOSTS: Final = re.compile(rf"^read \S*/(?P<network>{UUID})/host$")
TAGS: Final = re.compile(r"^tags: (?P<tags>.+)$")
DHCP: Final = re.compile(
    r"^DHCP(?P<fact>DISCOVER|OFFER|REQUEST|ACK|NAK)\(\S+\) (?:(?P<address>\d+\.\d+\.\d+\.\d+) )?"
    r"(?P<mac>[0-9a-f]{2}(?::[0-9a-f]{2}){5})(?: (?P<rest>.*))?$"
)

AGENT: Final = re.compile(r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) \d+ [A-Z]+ neutron\.agent\.\S+ ")
TRIGGER: Final = re.compile(
    rf"Trigger reload_allocations for port .*?fixed_ips=\[(?P<ips>[^\]]*)\], id=(?P<port>{UUID}), "
    rf"mac_address=(?P<mac>[0-9a-f:]{{17}}),.* on network (?P<network>{UUID})$"
)
BUILDING: Final = re.compile(rf" (?P<done>Done building|Building) host file:? \S*/(?P<network>{UUID})/host ")
ADDRESS: Final = re.compile(r"ip_address=([^,\s]+)")
PORTS: Final = 64
"""So many ports that were written last are remembered: each reading of the file has all of them."""


@dataclass(frozen=True, slots=True)
class HostWrite:
    """A port's entry in the file of a network's hosts. time: seconds since 1970 when the file was complete."""

    time: float
    network: str
    port: str
    mac: str
    addresses: tuple[str, ...]


class HostFiles:
    """Learns when the agent first wrote each port into its network's file, from neutron-dhcp-agent.log.

    Ports that were there when the agent started dnsmasq for the network are not told of, so they are not here.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Recent[str, re.Match[str]]] = {}
        self._building: dict[str, list[re.Match[str]]] = {}
        self._done: Recent[str, HostWrite] = Recent(PORTS)

    def note(self, line: str) -> None:
        """Take note of a line. They come in the file's order."""
        if "Trigger reload_allocations for port" in line:
            if (head := AGENT.match(line)) and (found := TRIGGER.search(line.rstrip("\n"), head.end())):
                self._waiting.setdefault(found["network"], Recent())[found["port"]] = found
        elif "uilding host file" in line and (head := AGENT.match(line)) and (found := BUILDING.search(line)):
            network = found["network"]
            if found["done"] == "Building":
                # What is asked for while the file is being written may be too late for it.
                self._building[network] = list(self._waiting.pop(network, {}).values())
                return
            for port in self._building.pop(network, []):
                addresses = tuple(ADDRESS.findall(port["ips"]))
                write = HostWrite(_seconds(head["time"]), network, port["port"], port["mac"], addresses)
                if port["port"] not in self._done:
                    self._done[port["port"]] = write

    @property
    def writes(self) -> Collection[HostWrite]:
        """What was written so far, as it goes on."""
        return self._done.values()


def host_writes(lines: Iterable[str]) -> tuple[HostWrite, ...]:
    """Return when the agent first wrote each port into its network's file. See `HostFiles`."""
    files = HostFiles()
    for line in lines:
        files.note(line)
    return tuple(files.writes)


def parse_dnsmasq(
    lines: Iterable[str], *, node: str, source: str, writes: Collection[HostWrite] = (), who: str = "dnsmasq"
) -> Iterator[Event]:
    """Yield a `dhcp.said` for what dnsmasq said to guests and for each reading of the file of a network's hosts.

    lines: records of the agent's recorder `stamped`; writes: from `host_writes`, by the same node's clock. Field
    `fact` is `discover`, `offer`, `request`, `ack` or `nak`; `host-known` where it found the MAC in the file as it
    made its offer; and `host-file-read`. A reading has the ids of the ports that were in the file by then: the agent
    writes the whole file and dnsmasq reads the whole file, so a reading that began after a port was written has it.
    """
    origin = Origin(node, source, who)
    servers: Recent[str, _DhcpDialogue] = Recent()
    for line in lines:
        try:
            record = json.loads(line)
            since, until, text = float(record["since"]), float(record["t"]), str(record["line"])
            found = LINE.match(text)
            if found is None:
                continue
            server = servers.get(found["pid"]) or _DhcpDialogue()
            servers[found["pid"]] = server
            for fact, ids in server.requests(found["said"].rstrip(), found["xid"] or "", since, writes):
                yield origin.event(since, "dhcp.said", {"fact": fact, "precision": f"{until - since:.3f}"}, ids, text)
        except GARBLED:
            continue


Said = tuple[str, dict[str, set[str]]]


@dataclass(slots=True)
class _DhcpDialogue:
    """What is known of one dnsmasq process. known: transactions whose MAC is in the file."""

    network: str = ""
    known: Recent[str, None] = field(default_factory=Recent)

    def requests(self, said: str, xid: str, since: float, writes: Collection[HostWrite]) -> Iterator[Said]:
        """Yield what a line says: its fact and its ids."""
        if found := DHCP.match(said):
            yield from self._answer(found, xid)
        elif found := TAGS.match(said):
            if "known" in found["tags"].split(", "):
                self.known[xid] = None
        elif found := HOSTS.match(said):
            self.network = found["network"]
            yield "host-file-read", _ports(found["network"], since, writes)

    def _answer(self, found: re.Match[str], xid: str) -> Iterator[Said]:
        fact = found["fact"].lower()
        ids = {"mac": {found["mac"]}, "address": {found["address"]} if found["address"] else set()}
        if self.network:
            ids["network"] = {self.network}
        if fact == "discover":
            self.known.pop(xid, None)
        yield fact, ids
        if fact == "offer" and xid in self.known:
            yield "host-known", ids


def _ports(network: str, since: float, writes: Collection[HostWrite]) -> dict[str, set[str]]:
    """Return the ids of the ports that were in a network's file by a time."""
    mine = [write for write in writes if write.network == network and write.time <= since]
    return {
        "network": {network},
        "port": {write.port for write in mine},
        "mac": {write.mac for write in mine},
        "address": {address for write in mine for address in write.addresses},
    }


def _seconds(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
