"""Shows the hops of a launch as they happen: judges again and again what was recorded so far."""

import threading
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hoplab.flow.model import Catalogue, Flow
from hoplab.judge.verdicts import Verdict, Verdicts
from hoplab.model.errors import HoplabError
from hoplab.report.output import safe_line
from hoplab.session.judge_run import judge_record
from hoplab.session.recorded_launches import Look

AGAIN: Final = 1.0
"""Seconds between two looks."""
COLUMNS: Final = 3
MARKS: Final = {
    Verdict.PROVED: ("●", "green"),
    Verdict.WEAK: ("◐", "yellow"),
    Verdict.CACHED: ("○", "cyan"),
    Verdict.NOT_APPLICABLE: ("-", "dim"),
    Verdict.OUT_OF_ORDER: ("✗", "bold red"),
}
WAITING: Final = ("·", "dim")


class LiveTable:
    """A table of the hops in the terminal, in which those light up that have happened. Use it in a with statement."""

    def __init__(self, catalogue: Catalogue, flow: Flow, console: Console) -> None:
        self._catalogue = catalogue
        self._flow = flow
        self._live = Live(self._table(None), console=console, refresh_per_second=4)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._look: Look | None = None

    def __enter__(self) -> Self:
        self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._live.stop()

    def say(self, message: str) -> None:
        """Print a message above the table."""
        self._live.console.print(f"hoplab: {safe_line(message)}", highlight=False, markup=False)

    def began(self, look: Look) -> None:
        """Begin to look at a launch that is being recorded."""
        self._look = look

    def _watch(self) -> None:
        while not self._over.wait(AGAIN):
            look = self._look
            if look is None:
                continue
            try:
                directory, record = look()
                judgement = judge_record(directory, record, self._catalogue, self._flow).judgement
            except (HoplabError, OSError):
                continue  # Something is being written just now; the report in the end says what can't be read.
            self._live.update(self._table(judgement))

    def _table(self, judgement: Verdicts | None) -> Table:
        """Return the hops with their marks, in columns from top to bottom."""
        verdicts = {judged_hop.hop.name: judged_hop.verdict for judged_hop in judgement.hops} if judgement else {}
        listed = [(step.number, name) for step in self._flow.steps for name in step.hops]
        cells = []
        for number, name in [*listed, *(("+", name) for name in self._flow.also)]:
            mark, style = MARKS.get(verdicts.get(name, Verdict.ABSENT), WAITING)
            cells.append(Text.assemble((f"{mark} ", style), (f"{number:>3} ", "dim"), (name, style)))
        table = Table.grid(padding=(0, 2))
        rows = -(-len(cells) // COLUMNS)
        for row in range(rows):
            table.add_row(*cells[row::rows])
        return table
