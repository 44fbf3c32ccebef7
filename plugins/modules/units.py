#!/usr/bin/python3
"""Bring several systemd units into one state in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: units
short_description: Enable, start, restart, stop or mask several systemd units in one step
description:
  - One call for all units of a role; systemd starts them in parallel. C(ansible.builtin.systemd_service) takes one unit
    a call, which costs 0.4 s each.
  - Does a daemon-reload by itself when a unit file is newer than what systemd knows.
  - Without C(enabled), C(state) and C(masked) it only reads.
options:
  names:
    description:
      - Units, with their suffix (C(nova-api.service)). Where it only reads, patterns, too (C(ceph-osd@*.service)).
    type: list
    elements: str
    required: true
  enabled:
    description: Whether they start at boot; untouched when left out. To enable, start or restart a unit lifts its mask.
    type: bool
  state:
    description: What they shall be now; untouched when left out. C(restarted) always restarts.
    type: str
    choices: [started, stopped, restarted]
  configuration:
    description:
      - Files and directories that the units read when they start. With C(started), a unit that runs since before the
        newest change of them, or of its own unit file, is restarted. This heals a run that was interrupted between a
        change and its handler.
    type: list
    elements: path
    default: []
  masked:
    description: Whether they are masked; untouched when left out. Units that do not exist are masked too.
    type: bool
author: Hoplab
"""

EXAMPLES = r"""
- name: Start Nova's services
  hoplab.lab.units:
    names: [nova-api.service, nova-scheduler.service, nova-conductor.service]
    enabled: true
    state: started
    configuration: [/etc/nova]

- name: Read the state of all OSDs
  hoplab.lab.units:
    names: ["ceph-osd@*.service"]
"""

RETURN = r"""
units:
  description: What was changed, by unit.
  type: dict
  returned: always
states:
  description: By each name that was given, systemd's ActiveState of each unit that it stands for and systemd knows.
  type: dict
  returned: when it only reads
"""

import contextlib
import os
import time
from collections.abc import Callable

from ansible.module_utils.basic import AnsibleModule

Note = Callable[[list[str], str], None]

PROPERTIES = (
    "Id",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "LoadState",
    "NeedDaemonReload",
    "Result",
    "FragmentPath",
    "DropInPaths",
    "ExecMainStartTimestampMonotonic",
    "ActiveEnterTimestampMonotonic",
)


def read_units(module: AnsibleModule, names: list[str]) -> dict[str, dict[str, str]]:
    """Return systemd's properties of each unit, by the name that was asked for."""
    argv = ["systemctl", "show", "--property=" + ",".join(PROPERTIES), "--", *names]
    code, out, error = module.run_command(argv)
    if code != 0:
        module.fail_json(msg=f"systemctl show failed: {error.strip()}", cmd=argv)
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in out.strip().split("\n\n")]
    return dict(zip(names, blocks, strict=True))


def read_states(module: AnsibleModule, name: str) -> dict[str, str]:
    """Return the ActiveState of a unit, or of all units that a pattern finds."""
    argv = ["systemctl", "show", "--property=Id,ActiveState", "--", name]
    code, out, error = module.run_command(argv)
    if code != 0:
        module.fail_json(msg=f"systemctl show failed: {error.strip()}", cmd=argv)
    return states_by_unit(out)


def states_by_unit(shown: str) -> dict[str, str]:
    """Return the ActiveState of each unit of which systemctl told Id and ActiveState."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.strip().split("\n\n") if block]
    return {block["Id"]: block["ActiveState"] for block in blocks}


def systemctl(module: AnsibleModule, verb: str, names: list[str]) -> None:
    """Run one systemctl verb over several units; on failure name each unhealthy unit and its log."""
    if not names or module.check_mode:
        return
    if verb in ("start", "restart"):
        # A unit that failed often within seconds is not started again, not even by hand and with what it lacked put
        # right, until its count is reset. A unit that systemd has not loaded has no count: no error of ours.
        module.run_command(["systemctl", "reset-failed", "--", *names])
    code, _out, error = module.run_command(["systemctl", verb, "--", *names])
    if code == 0:
        return
    states = read_units(module, names)
    unhealthy = [
        f"{name} is {unit['ActiveState']} ({unit['SubState']}, {unit['Result']}): journalctl -u {name} -n 50"
        for name, unit in states.items()
        if unit["ActiveState"] not in ("active", "activating", "reloading")
    ]
    module.fail_json(msg=f"systemctl {verb} failed. " + "; ".join(unhealthy or [error.strip()]), stderr=error)


def newest_change(paths: list[str]) -> float:
    """Return when a file, or one below a directory, was last changed, in seconds of the monotonic clock."""
    newest = 0.0
    for path in paths:
        for directory, _names, files in os.walk(path):
            for name in files:
                with contextlib.suppress(OSError):
                    newest = max(newest, os.lstat(os.path.join(directory, name)).st_ctime)
        if os.path.isfile(path):
            newest = max(newest, os.stat(path).st_ctime)
    return newest - (time.time() - time.monotonic())


def outdated(units: dict[str, dict[str, str]], names: list[str], configuration: list[str]) -> list[str]:
    """Return the running units that started before their configuration or their unit files were last changed."""
    if not configuration:
        return []
    found = []
    for name in names:
        if not name.endswith(".service"):
            continue  # a target or a socket reads no configuration, and restarting it restarts others
        unit = units[name]
        since = int(unit["ExecMainStartTimestampMonotonic"] or 0) or int(unit["ActiveEnterTimestampMonotonic"] or 0)
        own = [path for path in [unit["FragmentPath"], *unit["DropInPaths"].split()] if path.startswith("/etc/")]
        if unit["ActiveState"] == "active" and newest_change(configuration + own) > since / 1e6:
            found.append(name)
    return found


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "enabled": {"type": "bool"},
            "state": {"type": "str", "choices": ["started", "stopped", "restarted"]},
            "configuration": {"type": "list", "elements": "path", "default": []},
            "masked": {"type": "bool"},
        },
        supports_check_mode=True,
    )
    names: list[str] = list(dict.fromkeys(module.params["names"]))
    if not names:
        module.fail_json(msg="units: names is empty: name at least one unit")
    if not any(module.params[key] is not None for key in ("enabled", "state", "masked")):
        module.exit_json(changed=False, units={}, states={name: read_states(module, name) for name in names})
    done: dict[str, list[str]] = {}

    def note(targets: list[str], what: str) -> None:
        for target in targets:
            done.setdefault(target, []).append(what)

    masked: bool | None = module.params["masked"]
    if masked is None and (module.params["enabled"] or module.params["state"] in ("started", "restarted")):
        masked = False
    units = apply_mask(module, masked, read_reloaded(module, names), note)

    absent = [name for name in names if units[name]["LoadState"] == "not-found"]
    if absent and not masked and module.params["state"] != "stopped":
        if module.check_mode:
            # The package that brings the unit is not installed in a dry run.
            module.exit_json(changed=True, units={name: ["absent"] for name in absent})
        module.fail_json(msg="no such units: " + ", ".join(absent) + ". Is the package that brings them installed?")
    present = [name for name in names if name not in absent]

    apply_enabled(module, module.params["enabled"], {name: units[name] for name in present}, note)
    stale = outdated(units, present, module.params["configuration"]) if module.params["state"] == "started" else []
    apply_state(module, module.params["state"], [name for name in present if name not in stale], units, note)
    if stale:
        apply_state(module, "restarted", stale, units, note)
    module.exit_json(changed=bool(done), units=done)


def read_reloaded(module: AnsibleModule, names: list[str]) -> dict[str, dict[str, str]]:
    """Return systemd's properties of each unit, after a daemon-reload where one was needed."""
    units = read_units(module, names)
    if any(unit["NeedDaemonReload"] == "yes" for unit in units.values()):
        if not module.check_mode:
            module.run_command(["systemctl", "daemon-reload"], check_rc=True)
        units = read_units(module, names)
    return units


def apply_mask(
    module: AnsibleModule, masked: bool | None, units: dict[str, dict[str, str]], note: Note
) -> dict[str, dict[str, str]]:
    """Mask or unmask what is not yet as asked; returns the units' properties afterwards."""
    if masked is None:
        return units
    wrong = [name for name in units if (units[name]["LoadState"] == "masked") != masked]
    systemctl(module, "mask" if masked else "unmask", wrong)
    note(wrong, "masked" if masked else "unmasked")
    return read_units(module, list(units)) if wrong and not module.check_mode else units


def apply_enabled(module: AnsibleModule, enabled: bool | None, units: dict[str, dict[str, str]], note: Note) -> None:
    """Enable or disable what is not yet as asked."""
    if enabled is None:
        return
    on = ("enabled", "static", "alias", "indirect", "generated") if enabled else ("enabled", "enabled-runtime")
    wrong = [name for name, unit in units.items() if (unit["UnitFileState"] in on) != enabled]
    systemctl(module, "enable" if enabled else "disable", wrong)
    note(wrong, "enabled" if enabled else "disabled")


def apply_state(
    module: AnsibleModule, state: str | None, names: list[str], units: dict[str, dict[str, str]], note: Note
) -> None:
    """Start, stop or restart what is not yet as asked."""
    if state == "restarted" and names:
        systemctl(module, "restart", names)
        note(names, "restarted")
    elif state == "started":
        wrong = [name for name in names if units[name]["ActiveState"] not in ("active", "reloading")]
        systemctl(module, "start", wrong)
        note(wrong, "started")
    elif state == "stopped":
        wrong = [name for name in names if units[name]["ActiveState"] not in ("inactive", "failed")]
        systemctl(module, "stop", wrong)
        note(wrong, "stopped")


if __name__ == "__main__":
    main()
