"""Judge all machines of a play together, and fail once with all that is wrong."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.hoplab.lab.plugins.action.machine_paths import looked_at
from ansible_collections.hoplab.lab.plugins.module_utils.machine_judging import judge, unmeasured
from ansible_collections.hoplab.lab.plugins.module_utils.machine_ports import ask_ports
from ansible_collections.hoplab.lab.plugins.module_utils.machine_problems import Problem
from ansible_collections.hoplab.lab.plugins.module_utils.machine_reading import ask

USUAL_PORTS = (22, 53, 80, 443)


def reach(gateway: str) -> dict[str, Any]:
    """Return how this machine reaches a gateway: the link of its route (empty for none), and whether it answers.

    An answer is what any of some usual ports says, be it a refusal, one to a ping, or the address of its link.
    """
    status, told, _error = ask("ip", "-json", "route", "get", gateway)
    link = str(json.loads(told)[0].get("dev", "")) if status == 0 else ""
    closed = ask_ports([{"name": gateway, "address": gateway, "ports": list(USUAL_PORTS)}]) if link else []
    answers = bool(link) and (
        len(closed) < len(USUAL_PORTS)
        or ask("ping", "-n", "-q", "-c", "2", "-W", "2", gateway)[0] == 0
        or any("lladdr" in row for row in json.loads(ask("ip", "-json", "neighbour", "show", gateway)[1] or "[]"))
    )
    return {"gateway": gateway, "route": link, "answers": answers}


def report(problems: list[Problem]) -> str:
    """Return all problems as a text, by machine."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    lines = [f"{count}, found before anything was changed. Machines that are not named here are ready."]
    for machine in dict.fromkeys(problem.machine for problem in problems):
        lines.append(f"{machine}:")
        lines += [f"- {problem}" for problem in problems if problem.machine == machine]
    keys = list(dict.fromkeys(problem.key for problem in problems if problem.acceptable))
    if keys:
        lines.append(
            "What ends with a name in brackets may be all right at your site: then add that name to "
            f"machine_check_accepted in the inventory's group_vars/all (machine_check_accepted: {json.dumps(keys)})."
        )
    return "\n".join(lines)


class ActionModule(ActionBase):
    """See the module of the same name."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"facts", "paths", "external_gateway", "accepted"})
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with all problems, if there are any; else say that all machines are ready."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = task_vars or {}
        machines = looked_at(given, self._task.args["facts"])
        paths = {name: found for name, found in looked_at(given, self._task.args["paths"]).items() if "closed" in found}
        gateway = self._task.args.get("external_gateway")
        problems = judge(machines, paths, reach(gateway) if gateway else None, self._task.args["accepted"])
        result |= {"changed": False, "problems": [vars(problem) for problem in problems]}
        if problems:
            return result | {"failed": True, "msg": report(problems)}
        notes = "".join(f". Not looked at: {note}" for note in unmeasured(machines, paths))
        return result | {"msg": f"{', '.join(machines)}: ready for the lab{notes}"}
