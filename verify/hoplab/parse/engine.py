"""Statements as the service that sends them notes them: SQLAlchemy's engine at level INFO, without its results.

The form: sqlalchemy/engine/base.py (_execute_context) of 2.0: a record with the statement, which may have several
lines, and then one with how it was compiled and the parameters. Long parameters are cut in the middle, and of many
rows only some are shown (sqlalchemy/sql/util.py _repr_params).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from hoplab.parse.log_records import LogFact, LogRecord, Recent, context_ids
from hoplab.parse.sql import HEADS, SqlValues, Statement, read_values, template

LOGGER: Final = "sqlalchemy.engine.Engine"
PARAMETERS: Final = re.compile(r"^\[[^\]]*\] (?P<values>[{\[(].*)", re.DOTALL)
MANY: Final = re.compile(
    r"(VALUES \((?:%\(\w+\)s(?:, )?)+\)), \(.* \.\.\. \d+ characters truncated \.\.\. .*\)s\)", re.DOTALL
)
"""An INSERT of many rows, of which the middle is cut out: its first row is enough, for the others are like it."""
PLACE: Final = re.compile(r"%\((\w+)\)s")
PARAMETER: Final = re.compile(
    r"'(?P<name>\w+)': (?:'(?P<text>(?:[^'\\]|\\.)*)'|\"(?P<other>(?:[^\"\\]|\\.)*)\""
    r"|(?P<time>datetime\.\w+\([^)]*\))|(?P<bare>[^,}\]]+))",
    re.DOTALL,
)


def may_be_statement(said: str) -> bool:
    """Tell whether a record of LOGGER begins a statement or has its parameters."""
    return said[:1] == "[" or said[:6] in HEADS


class Statements:
    """Reads the engine's records of one file."""

    def __init__(self) -> None:
        self._open: Recent[tuple[str, str], LogRecord] = Recent()

    def read(self, record: LogRecord) -> LogFact | None:
        """Return a `db.sent` at the record that has a statement's parameters, else None.

        Nova's id of the request stands for `request` and for `poll-request`, as it does in an access line.
        """
        if record.said[:6] in HEADS:
            self._open[record.speaker] = record
            return None
        found = PARAMETERS.match(record.said)
        begun = self._open.pop(record.speaker, None)
        if found is None or begun is None:
            return None
        shape = _shape(begun.said)
        if shape is None:
            return None
        some = [statement for statement in _statements(shape.reading, found["values"]) if statement.matters]
        if not some:
            return None
        ids: dict[str, frozenset[str]] = {"statement": frozenset({shape.template})}
        for one in some:
            for name, values in one.ids.items():
                ids[name] = ids.get(name, frozenset()) | values
        ids["poll-request"] = context_ids(record.context, "db.sent").get("request", frozenset())
        fields = {"verb": some[0].verb, "table": some[0].table, **some[0].new}
        return LogFact("db.sent", fields, ids, f"{begun.head} {record.said}")


class _Shape(NamedTuple):
    """What a statement is without its parameters. reading: with the places of parameters as texts of values."""

    reading: SqlValues
    template: str


@lru_cache(maxsize=1024)
def _shape(statement: str) -> _Shape | None:
    """Return what a statement is. A service has few statements, and sends each of them again and again."""
    if " characters truncated " in statement:
        statement = MANY.sub(r"\1", statement)
    reading = read_values(PLACE.sub(r"'\g<0>'", statement))
    return _Shape(reading, template(statement.replace("%%", "%"))) if reading else None


def _statements(reading: SqlValues, values: str) -> Iterator[Statement]:
    """Yield what a statement says with its parameters, once for each set of them."""
    some: dict[str, str | None] = {}

    def text_of(value: str) -> str | None:
        place = PLACE.fullmatch(value)
        return some.get(place[1]) if place else value

    if reading.values:
        for found in PARAMETER.finditer(values):
            if found["name"] in some:
                yield reading.statement(text_of)
                some.clear()
            some[found["name"]] = _text(found)
    yield reading.statement(text_of)


def _text(parameter: re.Match[str]) -> str | None:
    """Return a parameter's text as the statement has it, None for a number and the like, which is no text there."""
    if parameter["other"] is not None:
        return str(parameter["other"]).replace("'", "\\'")
    return "" if parameter["time"] else parameter["text"]
