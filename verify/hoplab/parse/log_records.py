"""Records of oslo.log's default form: a head, and the lines that go on with it until the next head.

The form: oslo_log/_options.py (logging_context_format_string) and oslo_log/formatters.py. Several processes of one
service may write one file, and uWSGI writes its access lines between them; each record is written in one piece.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

REQUEST: Final = re.compile(r"req-[0-9a-f-]{36}")
ACCESS: Final = "ACCESS "
SHOWN: Final = 2000
"""So many characters of a record are kept as an event's line: a record may hold a whole document."""
MOST: Final = 2000
"""So many lines are taken for one record: what goes on longer is no record of a log."""
KEPT: Final = 1024
"""So many things of one kind a reader remembers of a file: what is asked for again is asked for soon."""
HEAD: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (\d+) [A-Z]+ (\S+) \[([^\]]*)\] ", re.ASCII)
"""Time, process, level, logger, and context."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(OrderedDict[Key, Value]):
    """A dictionary that forgets the oldest of its entries, so that what is read may be of any length.

    most: how many it keeps.
    """

    def __init__(self, most: int = KEPT) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        if len(self) > self._most:
            self.popitem(last=False)


class LogRecord(NamedTuple):
    """One record. time: as it stands there; said: the message with all its lines; head: the first line."""

    time: str
    pid: str
    logger: str
    context: str
    said: str
    head: str

    @property
    def speaker(self) -> tuple[str, str]:
        """Whose record it is: the process, and the request that it works for."""
        return self.pid, self.context


class LogFact(NamedTuple):
    """What a record says.

    ids: beside those of its context; line: what stood there, None for the record's head; before: seconds by which it
    happened before it was noted.
    """

    kind: str
    fields: dict[str, str]
    ids: dict[str, frozenset[str]]
    line: str | None = None
    before: float = 0.0


class LoggerReader(NamedTuple):
    """Who reads a logger's records. may: tells by the first line whether a record may say something; read: reads it."""

    may: Callable[[str], object]
    read: Callable[[LogRecord], LogFact | None]


def records(
    lines: Iterable[str], reader_of: Callable[[str], LoggerReader | None]
) -> Iterator[tuple[LoggerReader, LogRecord] | str]:
    """Yield the records that may say something, each with its logger's reader, and the access lines, as they come.

    Lines of another form are left out.
    """
    reader: LoggerReader | None = None
    head: LogRecord | None = None
    more: list[str] = []
    match = HEAD.match
    for line in lines:
        found = match(line)
        if found is not None:
            if head is not None and reader is not None:
                yield reader, _joined(head, more)
                head = None
            reader = reader_of(found[3])
            if reader is not None:
                said = line[found.end() :].rstrip("\n")
                if reader.may(said):
                    more = []
                    time, pid, logger, context = found.groups()
                    head = LogRecord(time, pid, logger, context, said, line.rstrip("\n"))
        elif line.startswith(ACCESS):
            yield line
        elif head is not None and len(more) < MOST:
            more.append(line.rstrip("\n"))
    if head is not None and reader is not None:
        yield reader, _joined(head, more)


@lru_cache(maxsize=1024)
def context_ids(context: str, kind: str) -> Mapping[str, frozenset[str]]:
    """Return the ids of a record's context: the request that came from outside first, and then the service's own.

    The service that notes the requests that it serves in this form is Glance, which takes the id from outside for its
    own (glance/api/middleware/context.py), so its one id stands for both.
    """
    words = context.split()
    names = ("global-request", "request")
    ids = {name: frozenset({word}) for name, word in zip(names, words, strict=False) if REQUEST.fullmatch(word)}
    if kind == "http.served" and "request" in ids:
        ids.setdefault("global-request", ids["request"])
    return MappingProxyType(ids)


def seconds(text: str) -> float | None:
    """Return seconds since 1970 of a time that a node wrote, None if it is no time; nodes keep UTC."""
    try:
        if text[19:20] == "." and text[20:].isdecimal():
            # Many lines are of one second.
            scale = float(10 ** len(text[20:]))
            return (_second(text[:19]) * scale + int(text[20:])) / scale
        return _second(text)
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _second(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _joined(head: LogRecord, more: list[str]) -> LogRecord:
    return head._replace(said="\n".join([head.said, *more])) if more else head
