"""memcached's own account (`watch`): what was stored and what was looked for, and by whom.

The forms: doc/protocol.txt of memcached, "Watchers"; records are made by the agent's recorder `cache`. Which keys are
tokens: for the services' cache keystonemiddleware/auth_token/_cache.py, `tokens/` and the token's SHA-256 digest, or,
where tokens are protected, what _memcache_crypt.py makes of token and secret; for Keystone's own a digest. Both of
these only who has the token can work out (`hoplab.lab.tokens`).
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from hoplab.model.events import GARBLED, Event, Origin
from hoplab.parse.log_records import KEPT

TOLD: Final = re.compile(
    r"ts=(?P<seconds>\d+)\.(?P<microseconds>\d+) gid=\d+ type=(?P<type>item_get|item_store) "
    r"key=(?:tokens(?:%2F|/)(?:(?P<token>[0-9a-f]{64}) |(?P<sealed>[^\s\"]+) )|(?P<own>[0-9a-f]{40}) |[^\s\"]+ )"
    r"status=(?P<status>[^\s\"]+)[^\"]* cfd=(?P<connection>\d+)"
)
"""The microseconds come without leading zeros (logger.c)."""
RECORD: Final = re.compile(rf'^\{{"t": [\d.]+, "told": "{TOLD.pattern}[^"\\]*"\}}$', re.ASCII)
"""A record as a whole. Most of all that is recorded are of this kind, and this is the quickest way to read them."""
SEALED: Final = re.compile(r"(?:b')?([A-Za-z0-9+/]{22}==)'?")
"""A protected token's key: 16 bytes in base64, which keystonemiddleware puts into the key as Python shows bytes."""
KINDS: Final = {"item_get": "cache.fetched", "item_store": "cache.stored"}


def parse_cache(
    lines: Iterable[str], *, node: str, source: str, services: Mapping[str, str], who: str = "memcached"
) -> Iterator[Event]:
    """Yield `cache.stored` and `cache.fetched`. services: actor by the systemd unit of who is connected.

    Fields: region (`tokens` for the services' cache, `keystone` for Keystone's own), peer (the actor), status (`found`
    or `stored`). Ids: `token`, or `cache-key` for Keystone's own and for tokens that services protect. Who is behind a
    connection is told now and then, so what is told before that is kept until then.
    """
    origin = Origin(node, source, who)
    peers: dict[str, str] = {}
    waiting: deque[tuple[re.Match[str], str]] = deque()
    for line in lines:
        found = RECORD.match(line)
        if found is None:
            try:
                record = json.loads(line)
                told, connections = str(record.get("told")), record.get("peers")
            except GARBLED:
                continue
            found = TOLD.match(told)
            if isinstance(connections, dict):
                peers = {connection: services.get(str(peer), "") for connection, peer in connections.items()}
                yield from (_event(origin, *one, peers) for one in waiting)
                waiting.clear()
        if found is not None:
            waiting.append((found, line))
            if len(waiting) > KEPT:
                yield _event(origin, *waiting.popleft(), peers)
    yield from (_event(origin, *one, peers) for one in waiting)


def missed(lines: Iterable[str], *, until: float, who: str = "memcached") -> str:
    """Return what was not recorded, in words; empty if nothing was.

    until: when what is of interest was over, in seconds since 1970 by the source's node; who: whose recorder it is.
    """
    for line in lines:
        if '"back": true' in line:
            try:
                time = float(json.loads(line)["t"])
            except GARBLED:
                continue
            if time <= until:
                return f"{who} was gone and came back: what came first then was missed"
    return ""


def _event(origin: Origin, told: re.Match[str], line: str, peers: Mapping[str, str]) -> Event:
    seconds, microseconds, kind, token, sealed, own, status, connection = told.groups()
    fields: dict[str, str] = {"status": status}
    ids: dict[str, frozenset[str]] = {}
    if peers.get(connection):
        fields["peer"] = peers[connection]
    if token:
        fields["region"] = "tokens"
        ids["token"] = frozenset({token})
    elif sealed and (key := SEALED.fullmatch(unquote(sealed))):
        fields["region"] = "tokens"
        ids["cache-key"] = frozenset({key[1]})
    elif own:
        fields["region"] = "keystone"
        ids["cache-key"] = frozenset({own})
    time = int(seconds) + int(microseconds) / 1e6
    return Event(time, origin.node, origin.source, origin.who, KINDS[kind], fields, ids, line.rstrip("\n"))
