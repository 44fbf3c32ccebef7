"""What a program that goes on and on writes, line by line."""

import subprocess

from hoplab.capture.agent.link import Recorder, stopping


class Program(Recorder):
    """Runs a program until the end. errors_too: what it writes on standard error counts, too."""

    argv: tuple[str, ...] = ()
    errors_too = False

    def __init__(self) -> None:
        super().__init__()
        self.process: subprocess.Popen[str] | None = None

    def said(self, line: str) -> None:
        """Send what matters of a whole line."""
        raise NotImplementedError

    def begin(self) -> None:
        """Start the program."""
        errors = subprocess.STDOUT if self.errors_too else None
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace")

    def record(self) -> None:
        """Send what comes, until the end."""
        assert self.process is not None
        assert self.process.stdout is not None
        line = ""
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break  # It was ended in the middle of a line.
            self.said(line)
        if not stopping.is_set():
            raise RuntimeError(f"{self.argv[0]} ended by itself; the last that it wrote: {line.strip() or 'nothing'}")

    def halt(self) -> None:
        """End the program, and with it `record`."""
        if self.process is not None:
            self.process.terminate()

    def end(self) -> None:
        """See that it is gone."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(5)
