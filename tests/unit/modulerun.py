"""Runs a module of the project as Ansible does on a node: a process of its own, arguments on standard input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys
sys.path.insert(0, {collections!r})
from ansible.module_utils import basic
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.hoplab.lab.plugins.modules import {name} as module
for constant, value in {constants!r}.items():
    setattr(module, constant, value)
module.main()
"""


def run_module(
    name: str, arguments: dict[str, Any], *, check: bool = False, **constants: float | str
) -> dict[str, Any]:
    """Return what a module answers; constants: values for its constants, such as the directory of its notes."""
    program = PROGRAM.format(collections=str(ROOT / "collections"), name=name, constants=constants)
    sent = json.dumps({"ANSIBLE_MODULE_ARGS": arguments | {"_ansible_check_mode": check}})
    done = subprocess.run(
        [sys.executable, "-c", program], input=sent, capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stdout.strip().splitlines()
    assert lines, f"{name} said nothing: {done.stderr}"
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer
