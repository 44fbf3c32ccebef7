"""What a statement of SQL says: its verb, its table, the ids in it, and the same statement without its values.

It is read as the services' own SQLAlchemy writes it and as MariaDB gets it from PyMySQL: capital keywords, columns that
may have their table before them, texts in single quotes with backslashes (pymysql/converters.py).
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from hoplab.flow.vocabulary import EVENTS, IDS, places
from hoplab.parse.access import UUID
from hoplab.parse.log_records import REQUEST

STATEMENT: Final = EVENTS["db.statement"]
FORMS: Final = {
    "address": re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]+"),
    "mac": re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}"),
    "request": REQUEST,
    "uuid": re.compile(UUID),
}
"""How the text of an id is built, by the name that ids.yaml has for it."""
COLUMNS: Final = {column: (name, FORMS[IDS[name].form]) for column, name in places("columns").items()}
"""Which id a column has, and its form: by its name, or by its table's and its own."""

QUOTED: Final = r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'"
TEXT: Final = re.compile(f"({QUOTED})", re.DOTALL)
VALUE: Final = re.compile(
    rf"(?:_binary\s*)?{QUOTED}|%\(\w+\)s|%s|(?<![\w`.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b|\b(?:NULL|true|false)\b",
    re.DOTALL,
)
ROWS: Final = re.compile(r"(\(\?(?:,\?)*\))(?:,\(\?(?:,\?)*\))+")
COLUMN: Final = re.compile(r"(?:`?(?P<table>\w+)`?\.)?`?(?P<column>\w+)`?\s*(?:=|<=>|\bIN)\s*\(?\s*$")
NEAR: Final = 160
"""So many characters before a value are looked at for its column: identifiers have at most 64."""
BINARY: Final = re.compile(r"_binary\s*$")
"""What PyMySQL writes before a value of bytes."""
NUMBERED: Final = re.compile(r"_\d+$")
HEADS: Final = {
    "SELECT": re.compile(r"FROM\s+`?(?P<table>\w+)"),
    "INSERT": re.compile(r"INSERT\s+(?:IGNORE\s+)?INTO\s+`?(?P<table>\w+)`?\s*\((?P<columns>[^)]*)\)\s*VALUES\s*"),
    "UPDATE": re.compile(r"UPDATE\s+`?(?P<table>\w+)"),
    "DELETE": re.compile(r"DELETE\s+FROM\s+`?(?P<table>\w+)"),
}
TOKEN: Final = re.compile(rf"{QUOTED}|[(),]|[^'(),]+", re.DOTALL)


class Statement(NamedTuple):
    """A statement. ids: by kind; new: the fields that it sets (state of an instance, status of a port)."""

    verb: str
    table: str
    ids: dict[str, frozenset[str]]
    new: dict[str, str]

    @property
    def matters(self) -> bool:
        """Whether a flow may ask for it: it carries an id, or its table is asked for."""
        return bool(self.ids) or self.table in STATEMENT.tables


class Value(NamedTuple):
    """A text in a statement that matters. kind: of which id it is, if it has that form; new: which field it sets."""

    text: str
    kind: str
    form: re.Pattern[str]
    new: str


class SqlValues(NamedTuple):
    """What a statement is, and its values that matter."""

    verb: str
    table: str
    values: tuple[Value, ...]

    def statement(self, text_of: Callable[[str], str | None]) -> Statement:
        """Return what it says. text_of: gives the text that stands for that of a value, None for none."""
        ids: dict[str, frozenset[str]] = {}
        new: dict[str, str] = {}
        for value in self.values:
            text = text_of(value.text)
            if text is None:
                continue
            if value.kind and value.form.fullmatch(text):
                ids[value.kind] = ids.get(value.kind, frozenset()) | {text}
            if value.new:
                new.setdefault(value.new, text)
        return Statement(self.verb, self.table, ids, new)


def read_statement(text: str) -> Statement | None:
    """Return what a statement says, None if it is none of the four verbs or of another form."""
    found = read_values(text)
    return found.statement(lambda value: value) if found else None


def read_values(text: str) -> SqlValues | None:
    """Return a statement's values that matter, None if it is none of the four verbs or of another form."""
    verb = text[:6]
    head = HEADS.get(verb)
    if head is None:
        return None
    cut = _cut(text)
    found = head.match(text, cut.begin)
    if found is None:
        return None
    table = found["table"]
    if not cut.values:
        return SqlValues(verb, table, ())
    values: list[Value] = []
    for owner, column, value, sets in _inserted(text, found) if verb == "INSERT" else _compared(cut, verb == "UPDATE"):
        kind, form = _known(owner or table, column) or ("", TEXT)
        new = STATEMENT.sets.get(f"{table}.{column}", "") if sets else ""
        if kind or new:
            values.append(Value(value, kind, form, new))
    return SqlValues(verb, table, tuple(values))


def template(text: str) -> str:
    """Return a short digest of a statement without its values: the same for all that differ in them alone.

    What stands for a value counts as one, and so does white space as none. How many rows an INSERT has does not matter.
    """
    cut = _cut(text)
    bare = [_piece(piece).bare for piece in cut.pieces[:-1]]
    return _digest(_plain(cut.before) + "".join(bare) + _plain(cut.pieces[-1]))


class _Cut(NamedTuple):
    """A statement in pieces. before: the columns of a SELECT; begin: where what follows them begins.

    pieces: what stands before, between and after the texts in quotes that follow, which are the values.
    """

    before: str
    begin: int
    pieces: list[str]
    values: list[str]


class _Piece(NamedTuple):
    """What stands before a value. bare: with a mark for the value, without white space; named: table and column."""

    bare: str
    named: tuple[str, str] | None
    comma: bool
    where: bool


@lru_cache(maxsize=8)
def _cut(text: str) -> _Cut:
    """Cut a statement. Remembered, for what it says and its template are asked for one after the other."""
    begin = 0
    if text.startswith("SELECT"):
        # What is between SELECT and FROM is long, and has no value that matters.
        found = HEADS["SELECT"].search(text, max(text.find("FROM"), 0))
        begin = found.start() if found else len(text)
    parts = TEXT.split(text[begin:])
    return _Cut(text[:begin], begin, parts[::2], parts[1::2])


@lru_cache(maxsize=4096)
def _piece(text: str) -> _Piece:
    """Return what a piece before a value is. There are few such texts, but for those with numbers in them."""
    named = COLUMN.search(text[-NEAR:])
    column = (named["table"] or "", named["column"]) if named else None
    return _Piece(_plain(BINARY.sub("", text)) + "?", column, text.strip() == ",", "WHERE" in text)


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return "".join(VALUE.sub("?", text).split())


@lru_cache(maxsize=4096)
def _digest(bare: str) -> str:
    return blake2b(ROWS.sub(r"\1", bare).encode(errors="replace"), digest_size=8).hexdigest()


@lru_cache(maxsize=4096)
def _known(table: str, column: str) -> tuple[str, re.Pattern[str]] | None:
    """Return which id a column has, and its form. An alias is its table's name with a number."""
    return COLUMNS.get(f"{NUMBERED.sub('', table)}.{column}") or COLUMNS.get(column)


def _compared(cut: _Cut, update: bool) -> Iterator[tuple[str, str, str, bool]]:
    """Yield table (it may be empty), column and value of each text that is set or compared, and whether it is set."""
    where, last = False, ("", "")
    for text, value in zip(cut.pieces, cut.values, strict=False):
        piece = _piece(text)
        where = where or piece.where
        if piece.named:
            last = piece.named
        elif not piece.comma:
            continue
        if last[1]:
            yield *last, value[1:-1], not where and update


def _inserted(text: str, head: re.Match[str]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield the same of the texts that an INSERT writes, of all its rows."""
    columns = [name.strip().strip("`") for name in head["columns"].split(",")]
    depth, place = 0, 0
    for found in TOKEN.finditer(text, head.end()):
        token = found[0]
        if token == "(":
            depth += 1
            place = 0 if depth == 1 else place
        elif token == ")":
            depth -= 1
        elif token == ",":
            place += depth == 1
        elif depth == 0:
            if token.strip():
                return
        elif depth == 1 and token[0] == "'" and place < len(columns):
            yield "", columns[place], token[1:-1], True
