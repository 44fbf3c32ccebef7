"""Runs that were just made: judged, written, and shown."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rich.console import Console

from hoplab.flow.model import Catalogue, Flow
from hoplab.judge.pace import write_usual
from hoplab.judge.verdicts import Result
from hoplab.model.errors import ConfigurationError
from hoplab.report.document import Document
from hoplab.report.output import as_json, print_message, safe_line
from hoplab.report.terminal import result_line, show_report
from hoplab.run.record import point_latest
from hoplab.session.judge_run import judge_run

PAGE: Final = "report.html"
"""What a run's report as a page is called, in the run's directory."""
WORST_LAST: Final = (0, 3, 1)
"""Exit statuses of several runs: the last of these that is among them counts."""


def judge_all(directories: Iterable[Path], catalogue: Catalogue, flow: Flow) -> dict[Path, Document]:
    """Judge runs that were just made, and write each one's report as data and as a page."""
    from hoplab.report.html import render_html  # noqa: PLC0415 its library is slow to load, and `replay` writes no page

    found = {}
    for directory in directories:
        write_usual(directory, catalogue.name)
        found[directory] = document = judge_run(directory, catalogue, flow)
        (directory / PAGE).write_text(render_html(document), encoding="utf-8")
        if document["result"] != Result.PROVED:
            print_message(result_line(document))
    point_latest(next(iter(found)))
    return found


def show(documents: list[Document], directories: "tuple[Path, ...] | list[Path]", *, json: bool) -> None:
    """Show reports: the only one as a whole, of several a line each and those that are not proved as a whole."""
    if json:
        found = documents[0] if len(documents) == 1 else documents
        sys.stdout.write(as_json(found))
        return
    console = Console()
    for document in documents:
        if len(documents) == 1 or document["result"] != "proved":
            show_report(document, console)
        else:
            console.print(safe_line(result_line(document)), soft_wrap=True, highlight=False, markup=False)
    for directory in directories:
        print_message(f"run {directory}")


def worst_status(statuses: Iterable[int]) -> int:
    """Return the exit status of several things: what does not hold before what could not be read."""
    return max(statuses, key=WORST_LAST.index)


def write_page(option: str, file: Path, text: str) -> None:
    """Write what was asked for with an option; ConfigurationError that names it if that can't be done."""
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(f"{option} {file}: {error.strerror}: name another file") from None
    print_message(f"written to {file}")
