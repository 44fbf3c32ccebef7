"""Logs of OpenStack's services, in oslo.log's default form: what each record that matters says.

Messages, requests to other services, statements and facts have modules of their own; commands, and the requests that
Glance serves, are here. The forms of the lines: oslo_concurrency/processutils.py (execute) of 7.1, and eventlet/wsgi.py
(log_format), whose time is that of the answer.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from hoplab.model.events import Event, Origin
from hoplab.parse import engine, facts, http_client, messaging
from hoplab.parse.access import UUID, ids_in_path, read_access
from hoplab.parse.log_records import SHOWN, LogFact, LoggerReader, LogRecord, context_ids, records, seconds

COMMANDS: Final = "oslo_concurrency.processutils"
SERVER: Final = "eventlet.wsgi.server"

STARTED: Final = re.compile(r"^Running cmd \(subprocess\): (?P<command>.+) execute /\S+$")
ENDED: Final = re.compile(r'^CMD "(?P<command>.+)" returned: (?P<status>-?\d+) in ')
SERVED: Final = re.compile(
    r'^(?P<address>\S+) - - \[[^\]]*\] "(?P<method>[A-Z]+) (?P<uri>\S+) HTTP/[\d.]+" (?P<status>\d+) \d+ '
    r"(?P<took>\d{1,9}\.\d{1,9})$"
)
ASKING: Final = frozenset({"http.sent", "http.answered"})
"""What a server asks of others for the request that it serves just then."""
DISK: Final = re.compile(f"({UUID})_disk")


def parse_oslo(lines: Iterable[str], *, node: str, source: str, who: str, access: bool = False) -> Iterator[Event]:
    """Yield the events of a service's log. node and source: where the lines are from; who: the service.

    access: also those of its server's access lines, which some have in the same file and some in one of their own.
    """
    readers = _Readers()
    origin = Origin(node, source, who)
    for found in records(lines, readers.reader):
        if isinstance(found, str):
            if access and (event := read_access(found, origin)):
                yield event
            continue
        reader, record = found
        seen = reader.read(record)
        time = seconds(record.time) if seen else None
        if seen is None or time is None:
            continue
        ids = dict(context_ids(record.context, seen.kind))
        for name, values in seen.ids.items():
            if values:
                ids[name] = ids[name] | values if name in ids else values
        if seen.kind in ASKING and "request" in ids:
            ids["serving"] = ids["request"]
        yield Event(
            time=time - seen.before,
            node=node,
            source=source,
            who=who,
            kind=seen.kind,
            fields={name: value for name, value in seen.fields.items() if value},
            ids=ids,
            line=(record.head if seen.line is None else seen.line)[:SHOWN],
        )


class _Readers:
    """Who reads the records of which logger, with what was read of the file so far."""

    def __init__(self) -> None:
        calls = http_client.Calls()
        self._clients = LoggerReader(http_client.may_ask, calls.read)
        self._known: dict[str, LoggerReader | None] = {
            messaging.LOGGER: LoggerReader(messaging.may_be_message, messaging.read_message),
            COMMANDS: LoggerReader(lambda said: said.startswith(("Running cmd ", "CMD ")), _command),
            SERVER: LoggerReader(lambda said: " HTTP/" in said, _served),
            http_client.SWIFT: LoggerReader(http_client.may_ask, http_client.SwiftCalls().read),
            engine.LOGGER: LoggerReader(engine.may_be_statement, engine.Statements().read),
            facts.LOCKS: LoggerReader(lambda said: facts.FETCH in said, facts.ImageCache(calls).read),
            **{logger: LoggerReader(facts.may_tell(logger), facts.read_fact) for logger in facts.LOGGERS},
        }

    def reader(self, logger: str) -> LoggerReader | None:
        """Return who reads the records of a logger, None where nobody does."""
        try:
            return self._known[logger]
        except KeyError:
            client = logger.partition(".")[0] in http_client.PACKAGES
            return self._known.setdefault(logger, self._clients if client else None)


def _command(record: LogRecord) -> LogFact | None:
    started, ended = STARTED.match(record.said), ENDED.match(record.said)
    found = started or ended
    if found is None:
        return None
    disk = DISK.search(found["command"])
    fields = {"command": _verb(found["command"]), "status": ended["status"] if ended else ""}
    kind = "command.run" if started else "command.ended"
    return LogFact(kind, fields, {"instance": frozenset({disk[1]})} if disk else {})


def _served(record: LogRecord) -> LogFact | None:
    found = SERVED.match(record.said)
    if found is None:
        return None
    path = found["uri"].partition("?")[0]
    ids = {name: frozenset({value}) for name, value in ids_in_path(path).items()}
    took = float(found["took"])
    fields = {name: found[name] for name in ("address", "method", "status")}
    return LogFact("http.served", {**fields, "path": path, "milliseconds": f"{took * 1000:.0f}"}, ids, before=took)


def _verb(command: str) -> str:
    """Return a command up to its first option or path, such as `ceph mon dump`."""
    words = []
    for word in command.split():
        if word.startswith(("-", "/")):
            break
        words.append(word)
    return " ".join(words)
