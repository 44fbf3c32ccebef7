"""MariaDB's statements: its slow log with a limit of 0 s, as the table mysql.slow_log, whose file is followed.

The table has what no log file has: the start in microseconds, the account, and how many rows there were. Sessions keep
`long_query_time` from their beginning, so it must be 0 in the server's configuration; only `log_output` is switched.
"""

import os
import subprocess

from hoplab.capture.agent.link import Lines, Recorder, send_text, stopping

POLL = 0.1
CHUNK = 1 << 20
WANTED = {"slow_query_log": "ON", "long_query_time": "0.000000", "log_slow_always_query_time": "0.000000"}


def ask(statement: str) -> list[list[str]]:
    """Run a statement as root, over the server's own socket; return its rows."""
    done = subprocess.run(
        ["mariadb", "--batch", "--skip-column-names", "-e", statement], capture_output=True, text=True, timeout=20
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return [line.split("\t") for line in done.stdout.splitlines()]


class Database(Recorder):
    """Every statement of every account."""

    source = "database"

    def begin(self) -> None:
        """Empty the table, and have statements written to it."""
        names = ", ".join(f"'{name}'" for name in WANTED)
        rows = ask(f"show global variables where variable_name in ({names})")
        found = {row[0]: row[1] if len(row) > 1 else "" for row in rows}
        for name, value in WANTED.items():
            if found.get(name) != value:
                raise RuntimeError(f"{name} is {found.get(name)!r}, not {value!r}: set it in MariaDB's configuration")
        self._off()
        ((directory,),) = ask("select @@datadir")
        self.stream = open(os.path.join(directory, "mysql", "slow_log.CSV"), "rb")  # noqa: SIM115 closed in `end`
        ask("set global log_output = 'TABLE'")

    def record(self) -> None:
        """Send rows as they come; a row is one line, since line ends in statements are escaped."""
        lines = Lines(self.source)
        last = False
        while True:
            while data := self.stream.read(CHUNK):
                send_text(self.source, lines.whole(data).decode("utf-8", "replace"))
            if last:
                return
            last = stopping.wait(POLL)

    def end(self) -> None:
        """Stop the writing and empty the table: there are passwords' digests in it."""
        self._off()

    def _off(self) -> None:
        ask("set global log_output = 'NONE'; truncate mysql.slow_log")
