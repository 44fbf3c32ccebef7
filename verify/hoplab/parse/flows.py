"""Flows that came on a bridge of Open vSwitch, in the words of `ovs-ofctl monitor` (ovs-ofctl(8), ovs-fields(7)).

Records are made by the agent's recorder `flows`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from hoplab.model.events import GARBLED, Event, Origin

ADDED: Final = re.compile(r"^event=ADDED table=(?P<table>\d+) cookie=\S+ (?P<match>\S+) actions=")
FROM: Final = re.compile(
    r"\bdl_src=(?P<mac>[0-9a-f]{2}(?::[0-9a-f]{2}){5})\b(?:.*\bnw_src=(?P<address>\d+\.\d+\.\d+\.\d+)(?![/\d]))?"
)


def parse_flows(lines: Iterable[str], *, node: str, source: str, who: str = "open-vswitch") -> Iterator[Event]:
    """Yield a `flow.added` for each flow that lets a MAC's packets through.

    Fields: bridge, table, host (the node). Ids: mac, and address where the flow is for one (the L2 agent's firewall
    has one flow for each pair of MAC and address that a port may send from:
    neutron/agent/linux/openvswitch_firewall/firewall.py, _initialize_egress).
    """
    origin = Origin(node, source, who)
    for line in lines:
        try:
            record = json.loads(line)
            found = ADDED.match(record["flow"])
            sender = FROM.search(found["match"]) if found else None
            if found and sender:
                fields = {"bridge": record["bridge"], "table": found["table"], "host": node}
                ids = {name: {value} for name, value in sender.groupdict().items() if value}
                yield origin.event(float(record["t"]), "flow.added", fields, ids, line)
        except GARBLED:
            continue
