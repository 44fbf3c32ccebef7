"""Shows the hops of a launch in the terminal as they happen."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hoplab.flow.model import Flow
from hoplab.judge.verdicts import Verdict, Verdicts
from hoplab.report.output import safe_line
from hoplab.session.judge_run import RunAnalysis
from hoplab.session.run_watch import SO_FAR

COLUMNS: Final = 3
MARKS: Final = {
    Verdict.PROVED: ("●", "green"),
    Verdict.WEAK: ("◐", "yellow"),
    Verdict.SEEN: ("◓", "green"),
    Verdict.CACHED: ("○", "cyan"),
    Verdict.NOT_APPLICABLE: ("-", "dim"),
    Verdict.OUT_OF_ORDER: ("✗", "bold red"),
}
WAITING: Final = ("·", "dim")


class LiveTable:
    """A table of the hops in the terminal, in which those light up that have happened. Use it in a with statement."""

    def __init__(self, flow: Flow, console: Console) -> None:
        self._flow = flow
        self._live = Live(self._table(None), console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, message: str) -> None:
        """Print a message above the table."""
        self._live.console.print(f"hoplab: {safe_line(message)}", highlight=False, markup=False)

    def show(self, analysis: RunAnalysis) -> None:
        """Show what has happened so far."""
        self._live.update(self._table(analysis.judgement))

    def _table(self, judgement: Verdicts | None) -> Table:
        """Return the hops with their marks, in columns from top to bottom."""
        hops = [judged_hop for judged_hop in judgement.hops if judged_hop.verdict in SO_FAR] if judgement else []
        verdicts = {judged_hop.hop.name: judged_hop.verdict for judged_hop in hops}
        listed = [(step.number, name) for step in self._flow.steps for name in step.hops]
        cells = []
        for number, name in [*listed, *(("+", name) for name in self._flow.also)]:
            mark, style = MARKS[verdicts[name]] if name in verdicts else WAITING
            cells.append(Text.assemble((f"{mark} ", style), (f"{number:>3} ", "dim"), (name, style)))
        table = Table.grid(padding=(0, 2))
        rows = -(-len(cells) // COLUMNS)
        for row in range(rows):
            table.add_row(*cells[row::rows])
        return table
