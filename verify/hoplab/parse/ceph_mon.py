"""What a monitor logs of its clients at debug_ms 1 and debug_mon 20, and the cluster's audit log.

The forms of the lines: src/mon/Monitor.cc (_ms_dispatch: entity_name, and audit) and src/messages/MMonSubscribe.h,
MMonGetMap.h, MMonMap.h, MOSDMap.h, MConfig.h (print) of Ceph 18.2.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from hoplab.model.events import Event
from hoplab.parse.ceph import CLIENT, seconds
from hoplab.parse.log_records import Recent

RECEIVED: Final = re.compile(r"^\S+ (?P<thread>\S+) +\d+ -- \S+ <== \S+ (?P<client>\S+) \d+ ==== ")
NAMED: Final = re.compile(r"^\S+ (?P<thread>\S+) +\d+ mon\.\S+ \S+ +entity_name (?P<entity>\S+) global_id \d+ ")
"""Whose message it is that the same thread noted right before."""
ASKED: Final = re.compile(
    r"^(?P<time>\S+) \S+ +\d+ -- \S+ <== client\.\S+ (?P<client>\S+) \d+ ==== "
    r"(?:(?P<map>mon_getmap) |mon_subscribe\(\{(?P<wanted>[^}]*)\}\) v\d+ ====)"
)
ANSWERED: Final = re.compile(
    r"^(?P<time>\S+) \S+ +\d+ -- \S+ --> (?P<client>\S+) -- "
    r"(?P<has>mon_map|osd_map|config)(?:\((?:\d+\.\.(?P<epoch>\d+) )?[^)]*\)| magic: \d+) v\d+ -- "
)
HAS: Final = {"mon_map": "monmap", "osd_map": "osdmap", "config": "config"}
AUDIT: Final = re.compile(
    r"^(?P<time>\S+) mon\.\S+ \(mon\.\d+\) \d+ : audit \[\w+\] from='client\.\S+ (?P<client>\S+)' "
    r"entity='(?P<entity>[^']+)' cmd=(?P<command>\[.*\]): (?P<step>dispatch|finished)$"
)
SESSIONS: Final = 4096
"""So many clients are remembered: some dozens begin with each launch, and a client may live long."""
COMMANDS: Final = {"mon dump": "monmap", "mon getmap": "monmap", "osd dump": "osdmap", "osd getmap": "osdmap"}


def parse_mon(
    lines: Iterable[str], *, node: str, source: str, hosts: Mapping[str, str], who: str = "ceph-mon"
) -> Iterator[Event]:
    """Yield a `map.fetched` for each map that a client asked of the monitor, and for each that it was sent.

    hosts: names of nodes by their IP. Fields: `step` (`asked` or `sent`), `has` (`monmap`, `osdmap` or `config`),
    `epoch` of an OSD map that was sent, `host` of the client, and `entity` such as `client.nova`. The entity is left
    out where the log does not say it, or not surely.
    """
    sessions = _Sessions()
    asked: list[_Told] = []  # Only the next lines say whose message the last one was.

    def events(told: Iterable[_Told]) -> Iterator[Event]:
        for time, address, fields, line in told:
            said = {**fields, "entity": sessions.entity(address["address"])}
            if event := _event(time, address, said, hosts, node=node, source=source, who=who, line=line):
                yield event

    for line in lines:
        if (" entity_name " in line or " <== " in line) and sessions.note(line):
            yield from events(asked)
            asked.clear()
        found = _parse_line(line)
        if found and found[0][2]["step"] == "asked":
            asked += found
        else:
            yield from events(found)
    yield from events(asked)


def parse_audit(
    lines: Iterable[str], *, node: str, source: str, hosts: Mapping[str, str], who: str = "ceph-mon"
) -> Iterator[Event]:
    """Yield a `map.fetched` for each command by which a client asked for a map, such as `ceph mon dump`.

    hosts: names of nodes by their IP. Fields: `command`, `entity`, `has`, `host` and `step`, which is `asked` when the
    command is dispatched and `sent` when it is finished; commands that only read are never logged as finished.
    """
    for line in lines:
        if "cmd=" not in line:
            continue
        text = line.rstrip("\n")
        found = AUDIT.match(text)
        address = CLIENT.fullmatch(found["client"]) if found else None
        command = _prefix(found["command"]) if found else ""
        if found is None or address is None or command not in COMMANDS:
            continue
        step = "asked" if found["step"] == "dispatch" else "sent"
        fields = {"command": command, "entity": found["entity"], "has": COMMANDS[command], "step": step}
        if event := _event(found["time"], address, fields, hosts, node=node, source=source, who=who, line=line):
            yield event


_Told = tuple[str, re.Match[str], dict[str, str], str]
"""A map that was asked for or sent: time, client's address, fields, line."""


class _Sessions:
    """Whose session each client's address is.

    Each message is followed by its sender's name, on the same thread.
    """

    def __init__(self) -> None:
        self._entities: Recent[str, str] = Recent(SESSIONS)
        self._last: Recent[str, str] = Recent(SESSIONS)

    def note(self, line: str) -> bool:
        """Take note of a message that came, and of the next name on its thread, which is its sender's.

        Tells whether nothing more will be known of who sent the one before.
        """
        if found := NAMED.match(line):
            address = self._last.pop(found["thread"], "")
            if address:
                self._entities[address] = found["entity"]
            return bool(address)
        if found := RECEIVED.match(line):
            client = CLIENT.fullmatch(found["client"])
            self._last[found["thread"]] = client["address"] if client else ""
        return True

    def entity(self, address: str) -> str:
        """Return the entity's name, empty if it is not known."""
        return self._entities.get(address, "")


def _parse_line(line: str) -> list[_Told]:
    maps = ((time, CLIENT.fullmatch(client), fields) for time, client, fields in _maps(line))
    return [(time, address, fields, line) for time, address, fields in maps if address]


def _maps(line: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield a line's time, client and fields for each map that it tells of."""
    if " <== client." in line:
        if ("mon_getmap" in line or "mon_subscribe(" in line) and (found := ASKED.match(line)):
            wanted = [item.partition("=")[0] for item in (found["wanted"] or "").split(",")]
            for has in ["monmap"] if found["map"] else wanted:
                if has in HAS.values():
                    yield found["time"], found["client"], {"has": has, "step": "asked"}
    elif ("_map" in line or "-- config(" in line) and (found := ANSWERED.match(line)):
        has = HAS[found["has"]]
        yield found["time"], found["client"], {"has": has, "step": "sent", "epoch": found["epoch"] or ""}


def _prefix(text: str) -> str:
    """Return the words of the command in an audit line, empty if it cannot be read."""
    try:
        (command,) = json.loads(text)
        return str(command["prefix"])
    except (ValueError, KeyError, TypeError):
        return ""


def _event(
    time: str,
    address: re.Match[str],
    fields: Mapping[str, str],
    hosts: Mapping[str, str],
    *,
    node: str,
    source: str,
    who: str,
    line: str,
) -> Event | None:
    try:
        when = seconds(time)
    except ValueError:
        return None
    known = {**fields, "host": hosts.get(address["ip"].strip("[]"), "")}
    return Event(
        time=when,
        node=node,
        source=source,
        who=who,
        kind="map.fetched",
        fields={name: value for name, value in known.items() if value},
        ids={"ceph-client": frozenset({address["address"]})},
        line=line.rstrip("\n"),
    )
