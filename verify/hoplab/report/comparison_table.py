"""The comparison of two runs on a terminal: what is known of both, a line for each hop that differs, and the sum."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from hoplab.report.comparison import SIDES, comparison_sentence, difference_words
from hoplab.report.outline import Document, Entry, one_line, route
from hoplab.report.terminal import print_lines, table_lines

HEADER: Final = ("NO", "FROM -> TO", "HOP", "FIRST", "SECOND", "WAITED", "WAITED", "DIFFERENCE")
RIGHT: Final = (0, 5, 6)
VERDICTS: Final = (3, 4)


def show_comparison(comparison: Document, console: Console) -> None:
    """Print a comparison (`hoplab.report.comparison.compare`), with colours if the console is a terminal.

    No line is cut or wrapped. Raises KeyError for what is no comparison.
    """
    lines = [*_runs(comparison), Text(), *_hops(comparison), Text(comparison_sentence(comparison), "bold")]
    print_lines(lines, console)


def _runs(comparison: Document) -> Iterator[Text]:
    first, second = (comparison[side] for side in SIDES)
    rows = [
        ("", "FIRST", "SECOND"),
        ("run", first["run"], second["run"]),
        ("list", first["flow"], second["flow"]),
        ("release", first["release"], second["release"]),
        ("start", *("warm" if run["warm"] else "cold" for run in (first, second))),
        ("result", first["result"], second["result"]),
        ("broke at", *(_unproven(run) for run in (first, second))),
        ("took", *("" if run["seconds"] is None else f"{run['seconds']:.1f} s" for run in (first, second))),
    ]
    kept = [tuple(map(one_line, row)) for row in rows if any(row[1:])]
    yield from table_lines(kept, right=(), coloured=())


def _unproven(run: Entry) -> str:
    first = run["first_unproven"]
    return "" if first is None else first["name"] if first["hop"] is None else f"{first['hop']} {first['name']}"


def _hops(comparison: Document) -> Iterator[Text]:
    differing = [hop for hop in comparison["hops"] if hop["differs"]]
    if differing:
        yield from table_lines([HEADER, *map(_row, differing)], right=RIGHT, coloured=VERDICTS)
        yield Text()


def _row(hop: Entry) -> tuple[str, ...]:
    some = hop["first"] or hop["second"]
    sides = [hop[side] for side in SIDES]
    return (
        some["number"],
        route(some),
        hop["name"],
        *("" if side is None else side["verdict"] for side in sides),
        *("" if side is None or side["lag_s"] is None else f"{side['lag_s']:.3f} s" for side in sides),
        difference_words(hop),
    )
