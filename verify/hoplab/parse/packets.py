"""What went over the wire to memcached, as the kernel copied it: stores with their answers, and who sent them.

Records are made by the agent's recorder `packets`: `time` of the command by the kernel's clock, `client` and `unit` of
who sent it, `command`, `key`, and memcached's `answer` on the same connection (doc/protocol.txt).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from hoplab.model.events import GARBLED, Event, Origin

KEY: Final = re.compile(r"(?:tokens/(?P<token>[0-9a-f]{64})|(?P<own>[0-9a-f]{40}))\Z")


def parse_packets(
    lines: Iterable[str], *, node: str, source: str, services: Mapping[str, str], who: str = "kernel"
) -> Iterator[Event]:
    """Yield a `cache.sent` for each store. services: actor by the systemd unit of who is connected.

    Fields and ids are those of memcached's own account (`hoplab.parse.cache`): region, peer and status; `token` or
    `cache-key`. The status is memcached's answer, in small letters.
    """
    origin = Origin(node, source, who)
    for line in lines:
        try:
            record = json.loads(line)
            if "answer" not in record:
                continue
            found = KEY.match(record["key"])
            fields = {"status": record["answer"].lower().replace("_", " ")}
            ids: dict[str, set[str]] = {}
            if peer := services.get(record["unit"]):
                fields["peer"] = peer
            if found:
                fields["region"] = "tokens" if found["token"] else "keystone"
                ids = {"token": {found["token"] or ""}, "cache-key": {found["own"] or ""}}
            yield origin.event(float(record["time"]), "cache.sent", fields, ids, line)
        except GARBLED:
            continue
