"""Ask whether a machine can be reached, what its user may do and what time it has; then have the module look at it."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

# What the kernel's datapath of Open vSwitch with VXLAN needs.
DATAPATH_MODULES = ("openvswitch", "vxlan")
CLOCK_TRIES = 3


def module_arguments(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what the module is to look for on a machine that shall be this."""
    links = [name for name in (wanted["tunnel_link"], wanted["external_link"]) if name]
    return {
        "links": links,
        "kernel_modules": list(DATAPATH_MODULES) if wanted["datapath"] == "system" else [],
        "disks": wanted["disks"],
        "packages": wanted["packages"],
        "ports": sorted({service["port"] for service in wanted["services"] if service.get("port")}),
    }


class ActionModule(ActionBase):
    """See the module of the same name."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"wanted"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was found, and what hindered it; never fails for the machine's sake."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        wanted = self._task.args["wanted"]
        result |= {"changed": False, "wanted": wanted, "seen": None, "said": "", "clock": None}
        try:
            result["clock"] = self._clock()
        except AnsibleConnectionFailure as error:
            return result | {"reached": False, "privileged": False, "said": str(error)}
        except AnsibleError as error:
            return result | {"reached": True, "privileged": False, "said": str(error)}
        result["reached"] = True
        refusal = self._refusal()
        result |= {"privileged": not refusal, "said": refusal}
        if refusal:
            # What needs no privileges can be told all the same.
            self._connection.set_become_plugin(None)
        try:
            answer = self._execute_module(
                module_name="hoplab.lab.machine_facts", module_args=module_arguments(wanted), task_vars=task_vars
            )
        except AnsibleError as error:
            answer = {"msg": str(error)}
        result["seen"] = answer.get("seen")
        if result["seen"] is None:
            result["unseen"] = " ".join(f"{answer.get('msg', '')} {answer.get('module_stderr', '')}".split())
        return result

    def _clock(self) -> list[float]:
        """Return the least and the most by which the machine's clock is ahead of this one's, in seconds."""
        least, most = float("-inf"), float("inf")
        for _try in range(CLOCK_TRIES):
            before = time.time()
            told = self._low_level_execute_command("date +%s.%N", sudoable=False)
            after = time.time()
            try:
                its = float(str(told["stdout"]).strip().splitlines()[-1])
            except (ValueError, IndexError):
                continue
            least, most = max(least, its - after), min(most, its - before)
        return [least, most]

    def _refusal(self) -> str:
        """Return what the machine says to somebody who wants to be root there; empty where it lets them."""
        try:
            told = self._low_level_execute_command("id -u")
        except AnsibleError as error:
            return str(error)
        words = str(told["stdout"]).split()
        if words and words[-1] == "0":
            return ""
        said = " ".join(f"{told['stdout']} {told.get('stderr', '')}".split())
        return said if not words or not words[-1].isdigit() else f"its user has the number {words[-1]}"
