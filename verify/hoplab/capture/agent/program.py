"""What a program that goes on and on writes, line by line."""

import os
import subprocess

from hoplab.capture.agent.link import Lines, Recorder, stopping

CHUNK = 1 << 16


class Program(Recorder):
    """Runs a program until the end. errors_too: what it writes on standard error counts, too."""

    argv: tuple[str, ...] = ()
    errors_too = False

    def __init__(self) -> None:
        super().__init__()
        self.process: subprocess.Popen[bytes] | None = None

    def handle(self, line: str) -> None:
        """Send what matters of a whole line."""
        raise NotImplementedError

    def begin(self) -> None:
        """Start the program."""
        errors = subprocess.STDOUT if self.errors_too else None
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=errors)

    def record(self) -> None:
        """Send what comes, until the end."""
        assert self.process is not None
        assert self.process.stdout is not None
        lines, line = Lines(self.source), ""
        # What is not whole at the end was ended in the middle of a line.
        while data := os.read(self.process.stdout.fileno(), CHUNK):
            for line in lines.whole(data).decode("utf-8", "replace").split("\n")[:-1]:
                self.handle(line)
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
