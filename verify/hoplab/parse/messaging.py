"""What oslo.messaging notes of the messages that it sends and takes.

The forms of the lines: oslo_messaging/_drivers/amqpdriver.py (_send, _send_reply, __call__) of 16.1.
"""

import re
from typing import Final

from hoplab.parse.log_records import LogFact, LogRecord

LOGGER: Final = "oslo_messaging._drivers.amqpdriver"

ASKED: Final = re.compile(
    r"^(?P<kind>CALL msg_id|CAST unique_id): (?P<id>\w+) (?:exchange '(?P<exchange>[^']*)'|(?P<fanout>FANOUT)) "
    r"topic '(?P<topic>[^'.]*?)(?:-\d+\.\d+)?(?:\.(?P<server>[^']*))?'"
)
"""A topic is followed by the server's name, or by the version of the objects that it is for."""
TAKEN: Final = re.compile(
    r"^received message (?:msg_id: (?P<call>\w+) reply to (?P<queue>\S+)|with unique_id: (?P<message>\w+))"
)
REPLIED: Final = re.compile(r"^sending reply msg_id: (?P<call>\w+) reply queue: (?P<queue>\S+)")
ANSWERED: Final = re.compile(r"^received reply msg_id: (?P<call>\w+)")
QUEUE: Final = re.compile(r"^reply_[^:]+:(?P<program>[^:]+):")


def may_be_message(said: str) -> bool:
    """Tell whether a record of LOGGER may note a message: most are about connections and listeners."""
    return said.startswith(("CALL ", "CAST ", "received ", "sending reply "))


def read_message(record: LogRecord) -> LogFact | None:
    """Return the message that a record of LOGGER notes, None if it notes none."""
    said = record.said
    seen = None
    if found := ASKED.match(said):
        kind = found["kind"].partition(" ")[0].lower()
        fields = {name: found[name] or "" for name in ("exchange", "topic", "server")}
        fields |= {"kind": kind, "fanout": "yes" if found["fanout"] else ""}
        seen = _seen("rpc.sent", fields, "call" if kind == "call" else "message", found["id"])
    elif found := TAKEN.match(said):
        if found["message"]:
            seen = _seen("rpc.received", {"kind": "cast"}, "message", found["message"])
        else:
            seen = _seen("rpc.received", {"kind": "call", "caller": _program(found["queue"])}, "call", found["call"])
    elif found := REPLIED.match(said):
        seen = _seen("rpc.sent", {"kind": "reply", "caller": _program(found["queue"])}, "call", found["call"])
    elif found := ANSWERED.match(said):
        seen = _seen("rpc.received", {"kind": "reply"}, "call", found["call"])
    return seen


def _seen(kind: str, fields: dict[str, str], name: str, value: str) -> LogFact:
    return LogFact(kind, fields, {name: frozenset({value})})


def _program(queue: str) -> str:
    """Return whose reply queue it is: with the queue manager its name has host, program and process."""
    found = QUEUE.match(queue)
    return found["program"] if found else ""
