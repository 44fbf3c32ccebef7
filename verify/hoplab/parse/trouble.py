"""What went wrong by the daemons' own word: the errors and warnings in their logs that are about a launch.

The form is oslo.log's default one (oslo_log/_options.py, logging_context_format_string), or RabbitMQ's
(rabbitmq_prelaunch, rabbit_logger_text_fmt.erl). A traceback has a line of its
own for each of its own, with the same head but without a context, and often without any id: it belongs to the record
before it (oslo_log/formatters.py, ContextFormatter.formatException).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hoplab.model.events import Ids
from hoplab.parse.log_records import seconds

MOST: Final = 20
"""Troubles that are shown of a launch: errors come before warnings where there are more."""
KEPT: Final = 500
"""Different troubles that are kept while logs are read."""
ALONE: Final = 5
"""Errors without an id of the launch that are shown of those who should have acted, where there is none with one."""
SHOWN: Final = 500
"""Characters that are kept of a line."""
LINES: Final = 400
"""Lines that are taken for one record."""
IMPERSONAL: Final = frozenset({"rabbitmq"})
"""Who names no request in what he logs, and only warns where he stops everybody: where he acts, all of it counts."""
LEFT_OUT: Final = frozenset({"ceph-client", "cache-key", "token"})
"""Ids that stand in no log of a daemon."""

HEAD: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (?P<pid>\d+) (?P<level>ERROR|WARNING|CRITICAL) (?P<logger>\S+) ?",
    re.ASCII,
)
BROKER_HEAD: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\d{3}\+00:00 \[(?P<level>error|warning|critical)\] "
    r"<(?P<pid>[\d.]+)> (?P<logger>)",
    re.ASCII,
)
BEGINNING: Final = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}(?: \d+ [A-Z]+ |\d{3}\+00:00 \[)|ACCESS ", re.ASCII
)
"""How a record begins, of whatever level."""
STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \d+ [A-Z]+ ", re.ASCII)
CONTEXT: Final = re.compile(r"\[(?:-|None|req-)[^\]]*\] ?")
ABOUT: Final = re.compile(r"\[instance: [0-9a-f-]{36}\] ?")
BETWEEN: Final = ("Traceback (most recent call last)", "During handling of", "The above exception was")
VARYING: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+|\d+")


@dataclass(frozen=True, slots=True)
class Log:
    """A daemon's log.

    who: the daemon as the flows call it; node, name: where it lies; offset: seconds by which the node's clock is ahead
    of ours; lines: its text.
    """

    who: str
    node: str
    name: str
    offset: float
    lines: Iterable[str]


@dataclass(slots=True)
class Trouble:
    """An error or a warning.

    time: seconds since 1970 by our clock; who, node, source: whose log has it; level: ERROR, WARNING or CRITICAL; id:
    the launch's id in it, as `instance=...`, empty for none; line: what was said, without time and context; cause: the
    last line of a traceback, which names the exception, empty without one; times: how often the same was said.
    """

    time: float
    who: str
    node: str
    source: str
    level: str
    id: str
    line: str
    cause: str
    times: int = 1


@dataclass(slots=True)
class _Record:
    head: re.Match[str]
    first: str
    more: list[str] = field(default_factory=list)

    @property
    def level(self) -> str:
        """ERROR, WARNING or CRITICAL."""
        return self.head["level"].upper()

    def continues_with(self, found: re.Match[str]) -> bool:
        """Tell whether a line with a head is one more line of this record."""
        rest = found.string[found.end() :]
        return found.groups() == self.head.groups() and not CONTEXT.match(rest)


def find_troubles(logs: Iterable[Log], ids: Ids, actors: Iterable[str] = ()) -> tuple[Trouble, ...]:
    """Return the errors and warnings that carry an id of the launch, by time; the same said again is there once.

    actors: whose errors are returned though they carry no id of the launch, where there is none with one. At most MOST
    with an id and ALONE without are returned, errors before warnings, and memory does not grow with what others log.
    """
    known = _IdFinder(ids)
    own: dict[tuple[str, ...], Trouble] = {}
    others: dict[tuple[str, ...], Trouble] = {}
    acting = frozenset(actors)
    for log in logs:
        for record in _records(log.lines):
            joined = known.first_id(record)
            mine = bool(joined) or log.who in acting & IMPERSONAL
            if mine or (log.who in acting and record.level != "WARNING"):
                _note(own if mine else others, _trouble(record, log, joined))
    told = any(own_value.level != "WARNING" for own_value in own.values())
    chosen = _most_severe(own.values(), MOST) + ([] if told else _most_severe(others.values(), ALONE))
    return tuple(sorted(chosen, key=lambda one: one.time))


def plain(line: str) -> str:
    """Return a line of a log without its time, level and context, and not longer than is shown of one."""
    return CONTEXT.sub("", STAMP.sub("", line, count=1), count=1)[:SHOWN]


class _IdFinder:
    """Finds a launch's ids in text."""

    def __init__(self, ids: Ids) -> None:
        self._names: Mapping[str, str] = {
            value: name for name, values in ids.items() if name not in LEFT_OUT for value in values if value
        }
        longest = sorted(self._names, key=len, reverse=True)
        self._find: Callable[[str], re.Match[str] | None] = (
            re.compile(rf"(?<![\w.:-])(?:{'|'.join(map(re.escape, longest))})(?![\w-]|[.:]\w)").search
            if longest
            else lambda _text: None
        )

    def first_id(self, record: _Record) -> str:
        """Return the first id of the launch in a record, with its name; empty if it has none."""
        for line in (record.first, *record.more):
            if found := self._find(line):
                return f"{self._names[found[0]]}={found[0]}"
        return ""


def _records(lines: Iterable[str]) -> Iterator[_Record]:
    """Yield the records of trouble, each with the lines that go on with it."""
    current: _Record | None = None
    for raw in lines:
        found = HEAD.match(raw) or BROKER_HEAD.match(raw)
        if found is not None:
            if current is not None and current.continues_with(found):
                if len(current.more) < LINES:
                    current.more.append(raw[found.end() :].rstrip("\n"))
                continue
            if current is not None:
                yield current
            current = _Record(found, raw[found.end() :].rstrip("\n"))
        elif current is not None:
            if BEGINNING.match(raw):
                yield current
                current = None
            elif len(current.more) < LINES:
                current.more.append(raw.rstrip("\n"))
    if current is not None:
        yield current


def _trouble(record: _Record, log: Log, joined: str) -> Trouble:
    said = CONTEXT.sub("", record.first, count=1)
    causes = [cause for line in record.more if (cause := ABOUT.sub("", line, count=1)) and _names_cause(cause)]
    return Trouble(
        time=(seconds(record.head["time"]) or 0.0) - log.offset,
        who=log.who,
        node=log.node,
        source=log.name,
        level=record.level,
        id=joined,
        line=f"{record.head['logger'] or log.who}: {said}"[:SHOWN],
        cause=causes[-1][:SHOWN] if causes else "",
    )


def _names_cause(line: str) -> bool:
    """Tell whether a line of a traceback is none of its frames: the last of those names the exception."""
    # Ornaments name nothing.
    return any(map(str.isalnum, line)) and not line[0].isspace() and not line.startswith(BETWEEN)


def _note(found: dict[tuple[str, ...], Trouble], trouble: Trouble) -> None:
    """Keep a trouble, or count it where the same was said before."""
    key = (trouble.node, trouble.source, trouble.level, VARYING.sub("#", trouble.line), VARYING.sub("#", trouble.cause))
    if key in found:
        found[key].times += 1
    elif len(found) < KEPT:
        found[key] = trouble


def _most_severe(troubles: Iterable[Trouble], most: int) -> list[Trouble]:
    """Return so many troubles: errors before warnings, and earlier ones before later ones."""
    return sorted(troubles, key=lambda trouble: (trouble.level == "WARNING", trouble.time))[:most]
