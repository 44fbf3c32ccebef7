"""Looks at a launch while it is being recorded: judges again and again what is there so far."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from hoplab.flow.model import Catalogue, Flow
from hoplab.judge.verdicts import Verdict
from hoplab.model.errors import HoplabError
from hoplab.session.judge_run import RunAnalysis, judge_record
from hoplab.session.recorded_launches import Look

AGAIN: Final = 1.0
"""Seconds between two looks."""
SO_FAR: Final = frozenset(
    {
        *(Verdict.PROVED, Verdict.WEAK, Verdict.SEEN, Verdict.CACHED, Verdict.NOT_APPLICABLE),
        Verdict.OUT_OF_ORDER,
    }
)
"""Verdicts that say something of a hop while the launch is under way. By all others it may still happen."""


class RunWatch:
    """Tells what has happened in a launch so far. Use it in a with statement.

    show: told what came of each look, in a thread of its own.
    """

    def __init__(self, catalogue: Catalogue, flow: Flow, show: Callable[[RunAnalysis], None]) -> None:
        self._catalogue = catalogue
        self._flow = flow
        self._show = show
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._look: Look | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

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
                analysis = judge_record(directory, record, self._catalogue, self._flow)
            except (HoplabError, OSError):
                continue  # Something is being written just now; the report in the end says what can't be read.
            self._show(analysis)
