"""Ask a node once in a run what is installed on it, and call the module only where something is missing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

# A module call costs a third of a second, and a node gets up to a dozen roles.


class ActionModule(ActionBase):
    """See the module of the same name for the documentation of its arguments."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"names"})

    def _memory(self, task_vars: dict[str, Any]) -> Path:
        """Return the file with the packages of the task's node. Ansible removes its directory when the run ends."""
        node = self._task.delegate_to or task_vars["inventory_hostname"]
        return Path(constants.DEFAULT_LOCAL_TMP) / f"packages-{node}.json"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result, without calling it when this run has seen the packages on the node."""
        result = super().run(tmp, task_vars)
        memory = self._memory(task_vars or {})
        names = self._task.args.get("names")
        known = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else []
        if isinstance(names, list) and set(names) <= set(known):
            return result | {"changed": False, "installed": []}
        result.update(self._execute_module(module_name="hoplab.lab.packages", task_vars=task_vars))
        present = result.pop("present", None)
        if present is not None:
            whole = memory.with_suffix(f".{os.getpid()}")
            whole.write_text(json.dumps(present), encoding="utf-8")
            whole.replace(memory)
        return result
