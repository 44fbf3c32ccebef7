"""What the tests of this project's rules look at: its files, the tasks in them, and the lines that a pattern finds."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("command", "shell", "script", "raw", "expect")
PARTS = ("block", "rescue", "always", "pre_tasks", "tasks", "post_tasks", "handlers")


def tracked(*patterns: str) -> list[Path]:
    """Return the files that are or will be in git."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    told = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in told.stdout.split("\0") if name and (ROOT / name).is_file()]


def offending(files: list[Path], pattern: str) -> list[str]:
    """Return each line that the pattern finds, with its place."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if re.search(pattern, line)
    ]


def flat(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return tasks with those of blocks."""
    found = []
    for task in tasks:
        found.append(task)
        for part in ("block", "rescue", "always"):
            found += flat(task.get(part, []))
    return found


@dataclass(frozen=True)
class Task:
    """A task as it stands in a file; a block is none, but what is in it."""

    path: Path
    line: int
    keys: frozenset[str]
    comments: tuple[str, ...]
    """Those above it, on lines of their own in it, and behind its command; behind another key they are about that."""

    @property
    def runs_a_command(self) -> bool:
        """Tell whether it hands a line to a program and not options to a module."""
        return any(
            key.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.") in COMMANDS for key in self.keys
        )

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path}:{self.line}"


def tasks_in(path: Path) -> list[Task]:
    """Return all tasks in a file of tasks or handlers, or in a playbook."""
    text = path.read_text(encoding="utf-8")
    return list(_tasks(path, text.splitlines(), yaml.compose(text, Loader=yaml.SafeLoader)))


def _tasks(path: Path, lines: list[str], found: yaml.Node | None) -> Iterator[Task]:
    for entry in found.value if isinstance(found, yaml.SequenceNode) else []:
        values = {key.value: value for key, value in entry.value}
        inner = [part for part in PARTS if part in values]
        for part in inner:
            yield from _tasks(path, lines, values[part])
        if inner or "hosts" in values or any(key.endswith("import_playbook") for key in values):
            continue
        yield _task(path, lines, entry, frozenset(values))


def _task(path: Path, lines: list[str], entry: yaml.Node, keys: frozenset[str]) -> Task:
    begins, column = entry.start_mark.line, entry.start_mark.column
    first = begins
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    # The mapping ends where the next begins: what is less indented stands above that one.
    body = [line for line in lines[begins : entry.end_mark.line] if len(line) - len(line.lstrip()) >= column - 2]
    inside = [line for line in body if re.match(rf" {{{column}}}\s*#", line)]
    behind = [line for line in body if re.match(rf"[\s-]*[\w.]*\b({'|'.join(COMMANDS)}):.*\s#", line)]
    notes = [line.partition("#")[2].strip() for line in [*lines[first:begins], *inside, *behind]]
    return Task(
        path=path,
        line=begins + 1,
        keys=keys,
        comments=tuple(note for note in notes if note and not note.startswith("noqa")),
    )
