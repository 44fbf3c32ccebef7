r"""Statements as MariaDB notes them: the rows of mysql.slow_log (`log_output=TABLE`) as its CSV file has them.

The form: sql/log.cc (Log_to_csv_event_handler::log_slow) and storage/csv/ha_tina.cc (encode_quote) of MariaDB 11.8: one
row on each line, texts in double quotes with backslashes before quotes and backslashes, \n and \r for line ends.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from hoplab.model.events import Event
from hoplab.parse.log_records import SHOWN, seconds
from hoplab.parse.sql import HEADS, read_statement, template

COLUMNS: Final = 11
"""start_time, user_host, query_time, lock_time, rows_sent, rows_examined, db, last_insert_id, insert_id, server_id; and
then sql_text, thread_id and rows_affected, which are split off from the end, for a statement has commas."""


def parse_statements(lines: Iterable[str], *, node: str, source: str) -> Iterator[Event]:
    """Yield a `db.statement` for each statement that a flow may ask for. node and source: where the lines are from.

    The time is that of the statement's start. account: the user of MariaDB; schema: in which the statement was carried
    out; rows, affected: how many rows it gave back and how many it changed. An INSERT that put no row in is left out.
    """
    for line in lines:
        parts = line.split(",", COLUMNS - 1)
        if len(parts) < COLUMNS or parts[10][1:7] not in HEADS:
            continue
        before, _, affected = parts[10].rstrip("\n").rpartition(",")
        text, _, _thread = before.rpartition(",")
        if not affected.isdigit() or not text.endswith('"'):
            continue
        text = _unescaped(text[1:-1])
        time = seconds(parts[0].strip('"'))
        read = read_statement(text)
        if read is None or time is None or not read.matters or _refused(read.verb, parts[4], affected):
            continue
        yield Event(
            time=time,
            node=node,
            source=source,
            who="database",
            kind="db.statement",
            fields={
                "account": parts[1].strip('"').partition("[")[0],
                "schema": parts[6].strip('"'),
                "verb": read.verb,
                "table": read.table,
                "rows": parts[4],
                "affected": affected,
                **read.new,
            },
            ids={**read.ids, "statement": frozenset({template(text)})},
            line=line[:SHOWN].rstrip("\n"),
        )


def _refused(verb: str, rows: str, affected: str) -> bool:
    """Tell whether an INSERT came to nothing: the statement of one that the database refused is noted all the same.

    One with RETURNING, as SQLAlchemy 2.0 writes it for MariaDB, gives rows back and counts none as changed.
    """
    return verb == "INSERT" and affected == "0" and rows == "0"


def _unescaped(text: str) -> str:
    """Return a text of the CSV file as it was."""
    if "\\" not in text:
        return text
    # The columns of a SELECT are long and often the same.
    end = max(text.find("FROM"), 0)
    return _columns(text[:end]) + _pairs(text[end:])


def _pairs(text: str) -> str:
    """Take the escapes out. Pairs of backslashes first: what is left of one escapes what follows."""
    if "\\\\" not in text:
        return text.replace('\\"', '"').replace("\\n", "\n").replace("\\r", "\r")
    pieces = text.split("\\\\")
    return "\\".join(
        piece.replace('\\"', '"').replace("\\n", "\n").replace("\\r", "\r") if "\\" in piece else piece
        for piece in pieces
    )


_columns = lru_cache(maxsize=1024)(_pairs)
