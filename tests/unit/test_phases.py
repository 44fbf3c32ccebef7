"""What `make` shows of a playbook: a line for each play, and below it what tasks tell."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from tests.unit.tree import ROOT


def shown(directory: Path, *plays: tuple[str, list[dict[str, Any]]]) -> list[str]:
    """Return the lines that plays with tasks make, without seconds and dots."""
    head = {"hosts": "localhost", "gather_facts": False, "connection": "local"}
    text = yaml.safe_dump([{"name": name, **head, "tasks": tasks} for name, tasks in plays], sort_keys=False)
    (directory / "play.yml").write_text(text, encoding="utf-8")
    lines = directory / "lines"
    with lines.open("w") as stream:
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "HOPLAB_PROGRESS_FD": str(stream.fileno()),
        }
        subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", directory / "play.yml"],
            cwd=ROOT,
            env=environment,
            pass_fds=[stream.fileno()],
            capture_output=True,
            timeout=120,
            check=False,
        )
    return [re.sub(r" \.+ +[\d.]+ s ?", "", line) for line in lines.read_text(encoding="utf-8").splitlines()]


def task(name: str, **module: object) -> dict[str, Any]:
    return {"name": name, **{f"ansible.builtin.{key}": value for key, value in module.items()}}


def test_what_a_task_tells_stands_below_its_play(tmp_path: Path) -> None:
    lines = shown(
        tmp_path,
        ("Stop", [task("Tell", debug={"msg": "ctl1 runs\non"}), task("Ask", set_fact={"x": "unheard"})]),
        ("Start", [task("Ask", set_fact={"x": 1})]),
    )
    assert lines == ["  Stop", "    ctl1 runs on", "  Start"]


def test_a_failure_is_told_after_it(tmp_path: Path) -> None:
    lines = shown(tmp_path, ("Stop", [task("Tell", debug={"msg": "first"}), task("Break", fail={"msg": "the reason"})]))
    assert lines == ["  StopFAILED", "    first", "", "  FAILED on localhost: Break", "    the reason"]


def test_each_machine_that_can_t_be_reached_is_named(tmp_path: Path) -> None:
    away: dict[str, Any] = {"delegate_to": "{{ item }}", "loop": ["m1", "m2"], "vars": {"ansible_connection": "ssh"}}
    nowhere = {"ansible_host": "127.0.0.1", "ansible_port": 1}
    lines = shown(tmp_path, ("Nodes", [{**task("Look", ping={}), **away, "vars": away["vars"] | nowhere}]))
    assert lines[:3] == ["  NodesUNREACHABLE", "", "  UNREACHABLE on localhost: Look"]
    assert [line.split(":")[0].strip() for line in lines[3:]] == ["m1", "m2"]
    assert all("ssh: connect to host 127.0.0.1 port 1" in line for line in lines[3:])
