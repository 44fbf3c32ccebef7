"""What systemd's journal gets from programs that write nowhere else, by the beginning of their names there."""

import json
import subprocess

from hoplab.capture.agent.link import Recorder, send_text, stopping

FIELDS = ("__REALTIME_TIMESTAMP", "SYSLOG_IDENTIFIER", "MESSAGE")


class Journal(Recorder):
    """Follows the journal. prefixes: with which SYSLOG_IDENTIFIER has to begin."""

    source = "journal"

    def __init__(self, prefixes: list[str]) -> None:
        super().__init__()
        self.prefixes = tuple(prefixes)
        self.process: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Start journalctl at the journal's end."""
        self.process = subprocess.Popen(
            ["journalctl", "--follow", "--lines=0", "--output=json", f"--output-fields={','.join(FIELDS)}"],
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def record(self) -> None:
        """Send what comes, until the end."""
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break  # It was ended in the middle of a line.
            entry = json.loads(line)
            if str(entry.get("SYSLOG_IDENTIFIER")).startswith(self.prefixes):
                send_text(self.source, json.dumps({name: entry.get(name) for name in FIELDS}) + "\n")
        if not stopping.is_set():
            raise RuntimeError("journalctl ended by itself")

    def halt(self) -> None:
        """End journalctl, and with it `record`."""
        if self.process is not None:
            self.process.terminate()

    def end(self) -> None:
        """See that it is gone."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(5)
