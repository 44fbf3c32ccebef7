"""Programs of Ceph that give prepared answers, for tests of the modules that call them."""

import getpass
import json
import sys
from pathlib import Path
from typing import Any

from tests.unit.modulerun import run_module

# Each answer is (exit status, output, error), or ("sleep", seconds, "") or ("do", Python, ""). The last of them stays.
# What is called and sent is noted.
PROGRAM = """#!{python}
import json, pathlib, sys, time
here, words = pathlib.Path({here!r}), " ".join(sys.argv[1:])
name = pathlib.Path(sys.argv[0]).name
sent = sys.stdin.read()
with (here / "calls").open("a") as stream:
    stream.write(json.dumps([name, words, sent]) + chr(10))
for match, answers in json.loads((here / "answers").read_text()):
    if match in name + " " + words:
        before = sum(match in " ".join(json.loads(line)[:2]) for line in (here / "calls").open()) - 1
        code, out, error = answers[min(before, len(answers) - 1)]
        if code == "sleep":
            time.sleep(out)
        exec(out) if code == "do" else print(out)
        print(error, file=sys.stderr)
        sys.exit(code if isinstance(code, int) else 0)
sys.exit("unexpected: " + name + " " + words)
"""


class Cluster:
    """Programs of Ceph that give prepared answers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.conf = directory / "etc" / "ceph.conf"
        self.conf.parent.mkdir()
        self.conf.touch()
        for entity in ("admin", "nova", "cinder"):
            (self.conf.parent / f"ceph.client.{entity}.keyring").touch()
        (directory / "bin").mkdir()
        for name in ("ceph", "rbd", "ceph-osd"):
            program = directory / "bin" / name
            program.write_text(PROGRAM.format(python=sys.executable, here=str(directory)))
            program.chmod(0o755)
        self.answer()

    def answer(self, answers: dict[str, list[Any]] | None = None) -> None:
        """Give answers by words of the command; what is no tuple is JSON and a success. Forgets earlier calls."""
        plain = [
            (words, [one if isinstance(one, tuple) else (0, json.dumps(one), "") for one in given])
            for words, given in (answers or {}).items()
        ]
        (self.directory / "answers").write_text(json.dumps(plain))
        (self.directory / "calls").write_text("")

    def calls(self, part: str = "") -> list[tuple[str, str]]:
        """Return (program and arguments, input) of the calls with these words."""
        lines = [json.loads(line) for line in (self.directory / "calls").read_text().splitlines()]
        return [(f"{name} {words}", sent) for name, words, sent in lines if part in f"{name} {words}"]

    def run(self, name: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Return what a module answers."""
        constants = {"HOMES": str(self.directory / "osd"), "USER": getpass.getuser()} if "osd" in name else {}
        return run_module(name, {"conf": str(self.conf)} | arguments, check=check, **constants)
