"""The commands of a document's indented blocks, and a shell that runs them as somebody who types them would."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = re.compile(r"<!-- run: begin -->.*?<!-- run: end -->", re.DOTALL)
"""What a command printed: not a block of commands."""


@dataclass(frozen=True)
class Command:
    """A command of a document: under which heading and on which lines, and what is typed, without its comment."""

    section: str
    lines: tuple[int, ...]
    text: str


def without_comment(line: str) -> str:
    """Return a line of shell without the comment at its end."""
    quote = ""
    for index, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (index == 0 or line[index - 1].isspace()):
            return line[:index].rstrip()
    return line.rstrip()


def commands_in(text: str) -> list[Command]:
    """Return all commands in a document's indented blocks; a line that ends in a backslash goes on in the next.

    A section is a heading of the second level with all that is below it.
    """
    # As many lines as before, so that numbers stay.
    kept = OUTPUT.sub(lambda found: "\n" * found[0].count("\n"), text)
    found: list[Command] = []
    section, begun, before, in_block = "", "", "", False
    numbers: tuple[int, ...] = ()
    for number, line in enumerate(kept.splitlines(), 1):
        if line.startswith("## "):
            section = line.removeprefix("## ").strip()
        in_block = line.startswith("    ") and (in_block or not before.strip())
        before = line
        if not in_block:
            continue
        typed = without_comment(line.strip())
        numbers = (*numbers, number)
        if typed.endswith("\\"):
            begun += typed.removesuffix("\\").rstrip() + " "
            continue
        if begun + typed:
            found.append(Command(section, numbers, begun + typed))
        begun, numbers = "", ()
    return found


@dataclass(frozen=True)
class Said:
    """What a command said, how it ended, and how long it took."""

    status: int
    text: str
    seconds: float


class Shell:
    """A bash in the root of this clone that runs commands one after the other and keeps what they set.

    It has the environment of somebody who just opened a terminal: nothing of make's or of an active .venv, and a home
    directory of its own, so that nothing is left in the user's. pip's configuration and cache are the user's.
    """

    def __init__(self, home: Path) -> None:
        self._directory = home
        for name in (".config", ".cache"):
            real = Path.home() / name
            if real.is_dir() and not (home / name).exists():
                (home / name).symlink_to(real)
        told = (
            "HOPLAB_",
            "OS_",
            "MAKE",
            "MFLAGS",
            "INVENTORY",
            "TAKE",
            "VIRTUAL_ENV",
            "ANSIBLE_",
            "PYTEST_",
            "PYTHONPATH",
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith(told)}
        own = str(ROOT / ".venv" / "bin")
        environment["PATH"] = ":".join(part for part in os.environ["PATH"].split(":") if part != own)
        environment["HOME"] = str(home)
        reader, writer = os.pipe()
        self._statuses = os.fdopen(reader, "r", encoding="ascii")
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            pass_fds=[writer],
            text=True,
            start_new_session=True,
        )
        self._status_fd = writer
        os.close(writer)

    def run(self, command: str, stdin: str = "", timeout: float = 120) -> Said:
        """Run a command and return what it said on both outputs. An AssertionError tells that it did not end."""
        typed, given, output = (self._directory / name for name in ("typed", "given", "output"))
        typed.write_text(f"{command}\n", encoding="utf-8")
        given.write_text(stdin, encoding="utf-8")
        assert self._bash.stdin is not None
        began = time.monotonic()
        # Sourced, so that what it exports stays. Without the status' descriptor, which what it leaves would keep open.
        line = f". '{typed}' <'{given}' >'{output}' 2>&1 {self._status_fd}>&-; echo $? >&{self._status_fd}\n"
        self._bash.stdin.write(line)
        self._bash.stdin.flush()
        ready, _writable, _failed = select.select([self._statuses], [], [], timeout)
        text = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
        assert ready, f"{command}: not done after {timeout:g} s; it said {text[-2000:]}"
        status = self._statuses.readline().strip()
        assert status, f"{command}: ended the shell; it said {text[-2000:]}"
        return Said(int(status), text, time.monotonic() - began)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """End the shell, and what it may still run."""
        if self._bash.stdin is not None:
            self._bash.stdin.close()
        try:
            self._bash.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._bash.pid, 15)
            self._bash.wait(30)
        self._statuses.close()
