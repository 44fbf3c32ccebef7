"""The comparison of two runs on a terminal: what is known of both, a line for each hop that differs, and the sum."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from hoplab.report.comparison import SIDES, comparison_sentence, difference_words, run_facts
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
    rows = [("", "FIRST", "SECOND"), *(tuple(map(one_line, row)) for row in run_facts(comparison))]
    yield from table_lines(rows, right=(), coloured=())


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
