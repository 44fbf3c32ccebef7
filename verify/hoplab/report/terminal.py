"""The report on a terminal, and as plain text where the output is no terminal: a line per hop, and the result."""

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from hoplab.report.lags import idle_time, slowness, waiting
from hoplab.report.less import first_title
from hoplab.report.looks import LOOKS
from hoplab.report.outline import (
    Document,
    Entry,
    failure_lines,
    journey,
    label,
    number,
    one_line,
    ordered,
    preparation_lines,
    problems,
    read,
    route,
    sentence,
    since,
    start,
    verdict_summary,
    voices,
)

WAITED: Final = "WAITED"
HEADER: Final = ("NO", "FROM -> TO", "HOP", "VERDICT", "SINCE START", WAITED, "SEEN BY")
RIGHT: Final = (HEADER.index("NO"), HEADER.index("SINCE START"))
RESULTS: Final = {"proved": "bold green", "failed": "bold red", "inconclusive": "bold yellow"}
VERDICT: Final = HEADER.index("VERDICT")


def show_report(document: Document, console: Console) -> None:
    """Print the report of a result document (report.json), with colours if the console is a terminal.

    No line is cut or wrapped, so that ids can be searched and commands copied. Raises KeyError for a document without
    what the schema has, ValueError for a time that is none.
    """
    document = read(document)
    print_lines([*_hops(document), Text(), *_ending(document)], console)


def print_lines(lines: Iterable[Text], console: Console) -> None:
    """Print lines, none cut or wrapped, with their colours if the console is a terminal."""
    for line in lines:
        if console.is_terminal:
            console.print(line, soft_wrap=True)
        else:
            console.file.write(f"{line.plain}\n")


def result_line(document: Document) -> str:
    """Return the last line: the result, what it means, the counts and what the run is called."""
    return (
        f"{document['flow']} {document['result']}: {sentence(document)} {len(document['hops'])} hops: "
        f"{verdict_summary(document)}. {document['duration_s']:.1f} s, run {document['run']}"
    )


def _hops(document: Document) -> Iterator[Text]:
    first = start(document)
    hops = ordered(document["hops"])
    # Only a run that tells of waiting has a column for it.
    kept = [column for column, title in enumerate(HEADER) if title != WAITED or document.get("waits")]
    rows = [[row[column] for column in kept] for row in (HEADER, *(_row(hop, first) for hop in hops))]
    yield from table_lines(rows, right=RIGHT, coloured=(VERDICT,))


def table_lines(rows: Sequence[Sequence[str]], *, right: Container[int], coloured: Container[int]) -> Iterator[Text]:
    """Yield the lines of a table with columns apart by two spaces; the first row is its header.

    right: columns that are aligned on the right; coloured: columns of verdicts.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for place, row in enumerate(rows):
        line = Text()
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            style = "bold" if place == 0 else _verdict_style(cell) if column in coloured else ""
            line.append(cell.rjust(width) if column in right else cell.ljust(width), style)
            line.append("  ")
        line.rstrip()
        yield line


def _verdict_style(verdict: str) -> str:
    return LOOKS[verdict].terminal if verdict in LOOKS else "bold"


def _row(hop: Entry, first: float | None) -> tuple[str, ...]:
    # For the good ones the witnesses say it all.
    why = "" if hop["verdict"] == "proved" else one_line(hop["why"])
    seen = "; ".join(part for part in (voices(hop), why) if part)
    return number(hop), route(hop), hop["name"], hop["verdict"], since(hop, first), idle_time(hop), seen


def _ending(document: Document) -> Iterator[Text]:
    failure, preparation = document["failure"], document.get("preparation")
    if preparation:
        yield Text(f"Before the {journey(document)}: {preparation['step']}")
        yield from (Text(f"  {title:<9}  {one_line(text)}") for title, text in preparation_lines(preparation))
        yield Text()
    elif failure is not None:
        yield from (Text(line) for line in _failure(failure, document))
        yield Text()
    elif document["result"] != "proved":
        for hop in problems(document):
            yield Text(f"not proved: {label(hop)}: {one_line(hop['why'])}")
    for note in document.get("notes", ()):
        yield Text(f"not as it was meant: {one_line(note)}")
    for source in document["unread"]:
        yield Text(f"not read: {source['source']} on {source['node']}: {one_line(source['problem'])}")
    if document["launch"]["error"]:
        yield Text(f"the {journey(document)} reported: {one_line(document['launch']['error'])}")
    if waiting(document):
        yield Text(waiting(document))
    if slowness(document):
        yield Text(slowness(document), "yellow")
    yield Text(result_line(document), RESULTS.get(document["result"], "bold"))


def _failure(failure: Entry, document: Document) -> Iterator[str]:
    """Yield all that helps with the first unproven hop: a title for each kind of line, and the lines as they are."""
    hop = next((hop for hop in document["hops"] if hop["name"] == failure["name"]), None)
    yield f"{first_title(failure)}: {f'{label(hop)}, {route(hop)}' if hop else failure['name']}"
    if hop:
        yield f"  meaning    {one_line(hop['meaning'])}"
        yield f"  why        {hop['verdict']}: {one_line(hop['why'])}"
    yield from (f"  {title:<10} {one_line(text)}" for title, text in failure_lines(failure))
