"""Every command in README.md's blocks, run as it stands there, in its order, on the lab that `make lab` built.

Those that bin/test runs as steps are left to it; tests/unit/test_readme_commands.py sees to it that none is left out.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from labhelp import say
from patience import patient
from readmecommands import SHOWS, STEPS, WHOLE, Shows
from readmehelp import ROOT, Command, Shell, commands_in

pytestmark = pytest.mark.lab

COMMANDS = [
    command
    for command in commands_in((ROOT / "README.md").read_text(encoding="utf-8"))
    if command.text in SHOWS.get(command.section, {}) or command.text not in {*STEPS, WHOLE}
]
OTHER = ROOT / "inventories" / "other"
OTHER_LAB = """---
lab_name: other
lab_networks:
  management: {subnet: 172.29.120.0/24, mtu: 1500}
  tunnel: {subnet: 172.29.121.0/24, mtu: 1600}
  external: {subnet: 172.29.122.0/24, mtu: 1500}
# Nothing runs on its nodes here, so it needs little beside the lab that runs.
preflight_memory_mb: 500
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home directory of the reader."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def shells() -> Iterator[dict[str, Shell]]:
    """A terminal for each section, opened when it is needed. At the end nothing of what was made is left."""
    if OTHER.exists():
        pytest.fail(
            f"{OTHER} is there already, and the README's command would write into it: move it away", pytrace=False
        )
    opened: dict[str, Shell] = {}
    yield opened
    for shell in opened.values():
        with shell:
            pass
    if OTHER.exists():
        # Its own command took the lab away, but if one before it failed.
        argv = ["make", "--no-print-directory", "down", "INVENTORY=inventories/other"]
        argv = argv if Path("/var/lib/hoplab/labs/other").exists() else ["true"]
        removed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
        shutil.rmtree(OTHER)
        assert removed.returncode == 0, f"{removed.stdout}{removed.stderr}"
    for page in ("report.html", "junit.xml"):
        (ROOT / "runs" / page).unlink(missing_ok=True)


def edit_other_lab() -> None:
    """Do what the README tells the reader to do after copying the inventory."""
    (OTHER / "group_vars" / "all" / "lab.yml").write_text(OTHER_LAB, encoding="utf-8")


def changed_nothing(text: str, directory: Path) -> None:
    """Check a playbook's recap as `make test` always did."""
    (directory / "site-readme.log").write_text(text, encoding="utf-8")
    argv = [str(ROOT / "bin" / "unchanged"), str(directory)]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr + told.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.lines[0]}: {command.text[:70]}")
def test_a_command_of_the_readme(command: Command, shells: dict[str, Shell], home: Path, tmp_path: Path) -> None:
    wanted: Shows = SHOWS[command.section][command.text]
    if command.section not in shells:
        shells[command.section] = Shell(home)
    said = shells[command.section].run(command.text, stdin=wanted.stdin, timeout=patient(wanted.seconds))
    # As bin/play does: the end of what a playbook said is seldom what went wrong.
    log = ROOT / ".lab" / "logs" / f"readme-{command.lines[0]:03}.log"
    log.unlink(missing_ok=True)
    log.touch(0o600)
    log.write_text(said.text, encoding="utf-8")
    say(f"{command.text}: {said.seconds:.1f} s, status {said.status}; all that it said: {log.relative_to(ROOT)}")
    if command.text.endswith(" inventories/other"):
        edit_other_lab()
    status, end = said.status, said.text[-2000:]
    assert status == 0, end
    assert re.search(wanted.sign, said.text), f"no {wanted.sign!r} in what it said: {end}"
    if wanted.changes_nothing:
        changed_nothing(said.text, tmp_path)
