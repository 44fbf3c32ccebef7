"""The journal's lines of the metadata proxies, as `journalctl -o json` gives them: one JSON object on each line.

haproxy writes its own httplog form (doc/configuration.txt, section 8.2.3), under the tag that Neutron gives it
(neutron/agent/metadata/driver_base.py: `log-tag haproxy-metadata-proxy-<network or router>`).
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from hoplab.model.events import GARBLED, Event

TAG: Final = "haproxy-metadata-proxy-"
LINE: Final = re.compile(
    r"^(?P<address>\S+):\d+ \[(?P<when>[^\]]+)\] \S+ \S+ (?:-?\d+/){4}\+?(?P<took>-?\d+) (?P<status>-?\d+) "
    r'\+?(?P<size>\d+) .*"(?P<method>[A-Z]+) (?P<uri>\S+)(?: HTTP/[\d.]+)?"$'
)


def parse_haproxy(lines: Iterable[str], *, node: str, source: str, who: str = "metadata-proxy") -> Iterator[Event]:
    """Yield an `http.served` for each request of a guest. node and source: where the lines are from.

    The time is that of the request's start, in milliseconds by the node's clock, which is UTC. `network` is the id in
    the proxy's name: for a proxy beside a router it is the router's, and joins nothing. `status` is -1 where the guest
    went away before there was an answer; `bytes` are those sent to the guest.
    """
    for line in lines:
        if TAG not in line:
            continue
        try:
            entry = json.loads(line)
            tag, message = entry["SYSLOG_IDENTIFIER"], entry["MESSAGE"]
            found = LINE.match(message) if tag.startswith(TAG) else None
            if found is None:
                continue
            moment = datetime.strptime(found["when"], "%d/%b/%Y:%H:%M:%S.%f").replace(tzinfo=UTC)
        except GARBLED:
            continue
        yield Event(
            time=moment.timestamp(),
            node=node,
            source=source,
            who=who,
            kind="http.served",
            fields={
                "method": found["method"],
                "path": found["uri"].partition("?")[0],
                "status": found["status"],
                "milliseconds": found["took"],
                "bytes": found["size"],
            },
            ids={"address": frozenset({found["address"]}), "network": frozenset({tag.removeprefix(TAG)})},
            line=f"{tag}: {message}",
        )
