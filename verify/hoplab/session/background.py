"""Something that is done while something else goes on."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class BackgroundTask(Generic[Result]):
    """A piece of work that can be begun, and waited for later. It does not outlive the program: Ctrl-C ends it, too."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._thread: threading.Thread | None = None
        self._results: list[Result] = []
        self._errors: list[BaseException] = []

    def begin(self) -> None:
        """Begin it, unless it has begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._do, daemon=True)
            self._thread.start()

    def end(self) -> Result | None:
        """Wait until it is over, and return what came of it; None if it never began. Raises what it raised."""
        if self._thread is None:
            return None
        self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._results[0]

    def _do(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 told to whoever waits for it
            self._errors.append(error)
