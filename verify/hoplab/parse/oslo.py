"""Logs of OpenStack's services, in oslo.log's default form: messages, commands, and Glance's requests.

The forms of the lines: oslo_messaging/_drivers/amqpdriver.py (_send, _send_reply, __call__) of 16.1 and
oslo_concurrency/processutils.py (execute) of 7.1; eventlet/wsgi.py (log_format), whose time is that of the answer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from hoplab.events import Event
from hoplab.parse.access import UUID, ids_in_path

LINE: Final = re.compile(
    r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) \d+ [A-Z]+ (?P<logger>\S+) \[(?P<context>[^\]]*)\] (?P<said>.*)$"
)
REQUEST: Final = re.compile(r"req-[0-9a-f-]{36}")
MESSAGING: Final = "oslo_messaging._drivers.amqpdriver"
COMMANDS: Final = "oslo_concurrency.processutils"
SERVER: Final = "eventlet.wsgi.server"

ASKED: Final = re.compile(
    r"^(?P<kind>CALL msg_id|CAST unique_id): (?P<id>\w+) (?:exchange '(?P<exchange>[^']*)'|(?P<fanout>FANOUT)) "
    r"topic '(?P<topic>[^'.]*)(?:\.(?P<server>[^']*))?'"
)
TAKEN: Final = re.compile(
    r"^received message (?:msg_id: (?P<call>\w+) reply to (?P<queue>\S+)|with unique_id: (?P<message>\w+))"
)
REPLIED: Final = re.compile(r"^sending reply msg_id: (?P<call>\w+) reply queue: (?P<queue>\S+)")
ANSWERED: Final = re.compile(r"^received reply msg_id: (?P<call>\w+)")
QUEUE: Final = re.compile(r"^reply_[^:]+:(?P<program>[^:]+):")
STARTED: Final = re.compile(r"^Running cmd \(subprocess\): (?P<command>.+) execute /\S+$")
ENDED: Final = re.compile(r'^CMD "(?P<command>.+)" returned: (?P<status>-?\d+) in ')
SERVED: Final = re.compile(
    r'^(?P<address>\S+) - - \[[^\]]*\] "(?P<method>[A-Z]+) (?P<uri>\S+) HTTP/[\d.]+" (?P<status>\d+) \d+ [\d.]+$'
)
DISK: Final = re.compile(f"({UUID})_disk")


def parse_oslo(lines: Iterable[str], *, node: str, source: str, who: str) -> Iterator[Event]:
    """Yield the events of a service's log. node and source: where the lines are from; who: the service."""
    for line in lines:
        text = line.rstrip("\n")
        found = LINE.match(text)
        if not found:
            continue
        read = {MESSAGING: _messaging, COMMANDS: _command, SERVER: _served}.get(found["logger"])
        seen = read(found["said"]) if read else None
        if seen is None:
            continue
        kind, fields, ids = seen
        yield Event(
            time=_seconds(found["time"]),
            node=node,
            source=source,
            who=who,
            kind=kind,
            fields={name: value for name, value in fields.items() if value},
            ids={name: frozenset({value}) for name, value in (_context(found["context"], kind) | ids).items()},
            line=text,
        )


Seen = tuple[str, Mapping[str, str], dict[str, str]]


def _messaging(said: str) -> Seen | None:
    if found := ASKED.match(said):
        kind = found["kind"].partition(" ")[0].lower()
        fields = {name: found[name] or "" for name in ("exchange", "topic", "server")}
        fields |= {"kind": kind, "fanout": "yes" if found["fanout"] else ""}
        return "rpc.sent", fields, {"call" if kind == "call" else "message": found["id"]}
    if found := TAKEN.match(said):
        if found["message"]:
            return "rpc.received", {"kind": "cast"}, {"message": found["message"]}
        return "rpc.received", {"kind": "call", "caller": _program(found["queue"])}, {"call": found["call"]}
    if found := REPLIED.match(said):
        return "rpc.sent", {"kind": "reply", "caller": _program(found["queue"])}, {"call": found["call"]}
    if found := ANSWERED.match(said):
        return "rpc.received", {"kind": "reply"}, {"call": found["call"]}
    return None


def _command(said: str) -> Seen | None:
    started, ended = STARTED.match(said), ENDED.match(said)
    found = started or ended
    if found is None:
        return None
    disk = DISK.search(found["command"])
    fields = {"command": _verb(found["command"]), "status": ended["status"] if ended else ""}
    return "command.run" if started else "command.ended", fields, {"instance": disk[1]} if disk else {}


def _served(said: str) -> Seen | None:
    found = SERVED.match(said)
    if found is None:
        return None
    path = found["uri"].partition("?")[0]
    return "http.served", {**found.groupdict(), "uri": "", "path": path}, ids_in_path(path)


def _program(queue: str) -> str:
    """Return whose reply queue it is: with the queue manager its name has host, program and process."""
    found = QUEUE.match(queue)
    return found["program"] if found else ""


def _verb(command: str) -> str:
    """Return a command up to its first option or path, such as `ceph mon dump`."""
    words = []
    for word in command.split():
        if word.startswith(("-", "/")):
            break
        words.append(word)
    return " ".join(words)


def _context(text: str, kind: str) -> dict[str, str]:
    """Return the request's ids: the one that came from outside first, and then the service's own.

    The service that logs its requests here is Glance, which takes the one from outside for its own
    (glance/api/middleware/context.py), so its one id stands for both.
    """
    words = text.split()
    names = ("global-request", "request")
    ids = {name: word for name, word in zip(names, words, strict=False) if REQUEST.fullmatch(word)}
    if kind == "http.served" and "request" in ids:
        ids.setdefault("global-request", ids["request"])
    return ids


def _seconds(text: str) -> float:
    """Return seconds since 1970 of a time that a node wrote; nodes keep UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
