"""Statements as the service that sends them notes them: SQLAlchemy's engine at level INFO, without its results.

The form: sqlalchemy/engine/base.py (_execute_context) of 2.0: a record with the statement, which may have several
lines, and then one with how it was compiled and the parameters. Long parameters are cut in the middle, and of many
rows only some are shown (sqlalchemy/sql/util.py _repr_params).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from hoplab.parse.records import Recent, Record, Seen, context_ids
from hoplab.parse.sql import HEADS, read_statement, template

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
WORDS: Final = {"None": "NULL", "True": "true", "False": "false"}


def may_be_statement(said: str) -> bool:
    """Tell whether a record of LOGGER begins a statement or has its parameters."""
    return said[:1] == "[" or said[:6] in HEADS


class Statements:
    """Reads the engine's records of one file."""

    def __init__(self) -> None:
        self._open: Recent[tuple[str, str], Record] = Recent()

    def read(self, record: Record) -> Seen | None:
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
        statement = MANY.sub(r"\1", begun.said) if " characters truncated " in begun.said else begun.said
        read = [read_statement(text) for text in _filled(statement, found["values"])]
        some = [one for one in read if one is not None and one.matters]
        if not some:
            return None
        ids: dict[str, frozenset[str]] = {"statement": frozenset({template(statement.replace("%%", "%"))})}
        for one in some:
            for name, values in one.ids.items():
                ids[name] = ids.get(name, frozenset()) | values
        ids["poll-request"] = context_ids(record.context, "db.sent").get("request", frozenset())
        fields = {"verb": some[0].verb, "table": some[0].table, **some[0].new}
        return Seen("db.sent", fields, ids, f"{begun.head} {record.said}")


def _filled(statement: str, values: str) -> Iterator[str]:
    """Yield a statement with its parameters in their places, once for each set of them."""
    some: dict[str, str] = {}
    for found in PARAMETER.finditer(values):
        if found["name"] in some:
            yield _put(some, statement)
            some = {}
        some[found["name"]] = _literal(found)
    yield _put(some, statement)


def _put(values: Mapping[str, str], statement: str) -> str:
    return PLACE.sub(lambda place: values.get(place[1], "?"), statement)


def _literal(found: re.Match[str]) -> str:
    if found["text"] is not None:
        return f"'{found['text']}'"
    if found["other"] is not None:
        return "'" + found["other"].replace("'", "\\'") + "'"
    if found["time"]:
        return "''"
    return WORDS.get(found["bare"], found["bare"])
