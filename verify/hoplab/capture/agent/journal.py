"""What systemd's journal gets from programs that write nowhere else, by the beginning of their names there."""

import json

from hoplab.capture.agent.link import send_text
from hoplab.capture.agent.program import Program

FIELDS = ("__REALTIME_TIMESTAMP", "SYSLOG_IDENTIFIER", "MESSAGE")


class Journal(Program):
    """Follows the journal from its end on. prefixes: with which SYSLOG_IDENTIFIER has to begin."""

    source = "journal"
    argv = ("journalctl", "--follow", "--lines=0", "--output=json", f"--output-fields={','.join(FIELDS)}")

    def __init__(self, prefixes: list[str]) -> None:
        super().__init__()
        self.prefixes = tuple(prefixes)

    def handle(self, line: str) -> None:
        """Send an entry of one of the programs."""
        entry = json.loads(line)
        if str(entry.get("SYSLOG_IDENTIFIER")).startswith(self.prefixes):
            send_text(self.source, json.dumps({name: entry.get(name) for name in FIELDS}) + "\n")
