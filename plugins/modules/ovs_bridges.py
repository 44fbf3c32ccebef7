#!/usr/bin/python3
"""Make the bridges of Open vSwitch with their ports, and set what its daemon reads at its start."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ovs_bridges
short_description: Bridges and ports of Open vSwitch in one step, and segmentation offloading
description:
  - Looks at the database once and makes what is missing in one transaction. The collections used here have no module
    for Open vSwitch, and a call per bridge and port would cost 0.4 s each.
  - Never removes a bridge or a port.
options:
  userspace_tso:
    description:
      - Whether ovs-vswitchd does segmentation offloading on the userspace datapath; untouched when left out. An unset
        value counts as no.
      - The daemon reads it only at its start. Where the value changes, a running daemon is stopped first, and whoever
        calls starts it afterwards; so an interrupted run is made good by the next one's start.
    type: bool
  datapath_type:
    description: Where the bridges' packets are switched, in the kernel (C(system)) or in ovs-vswitchd (C(netdev)).
    type: str
    choices: [system, netdev]
    default: system
  bridges:
    description: Bridges, each with its C(name) and the C(port) that it shall have. Needs a running ovs-vswitchd.
    type: list
    elements: dict
    default: []
author: Hoplab
"""

EXAMPLES = r"""
- name: Set segmentation offloading
  hoplab.lab.ovs_bridges:
    userspace_tso: true

- name: Make bridges and ports
  hoplab.lab.ovs_bridges:
    datapath_type: netdev
    bridges: [{name: br-ex, port: ext0}]
"""

RETURN = r"""
done:
  description: What was made or changed.
  type: list
  returned: always
"""

import json
import shutil
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

OVS_VSCTL = "ovs-vsctl"
DAEMON = "ovs-vswitchd.service"
DATABASE = "ovsdb-server.service"
OFFLOADING = "userspace-tso-enable"
# One line of JSON for each command.
LOOK = (
    *("--format=json", "--", "--columns=other_config", "list", "Open_vSwitch"),
    *("--", "--columns=name,datapath_type,ports", "list", "Bridge"),
    *("--", "--columns=_uuid,name", "list", "Port"),
)


@dataclass(frozen=True)
class Switch:
    """What Open vSwitch's database holds. bridges: each bridge's datapath type and the names of its ports."""

    userspace_tso: bool
    bridges: dict[str, tuple[str, set[str]]]


def rows(line: str) -> list[list[Any]]:
    """Return the rows of one table that ovs-vsctl printed as JSON."""
    found: list[list[Any]] = json.loads(line)["data"]
    return found


def members(value: list[Any]) -> list[list[Any]]:
    """Return the members of a set as OVSDB writes it (RFC 7047): one member stands for itself."""
    inner: list[list[Any]] = value[1]
    return inner if value[0] == "set" else [value]


def understand(told: str) -> Switch:
    """Return what the answer to LOOK says."""
    settings, bridges, ports = (rows(line) for line in told.splitlines())
    offloading = [value for [[_map, pairs]] in settings for key, value in pairs if key == OFFLOADING]
    names = {identity[1]: name for identity, name in ports}
    return Switch(
        userspace_tso=offloading == ["true"],
        bridges={
            name: (datapath, {names[identity[1]] for identity in members(value)}) for name, datapath, value in bridges
        },
    )


def missing(switch: Switch, wanted: list[dict[str, str]], datapath_type: str) -> tuple[list[str], list[str]]:
    """Return what lacks, in words and as the commands of the transaction that makes it."""
    done, commands = [], []
    for bridge in wanted:
        name, port = bridge["name"], bridge["port"]
        datapath, ports = switch.bridges.get(name, (None, set()))
        if datapath is None:
            done.append(f"bridge {name}")
            commands += ["--", "add-br", name]
        if datapath != datapath_type:
            done.append(f"datapath type {datapath_type} of {name}")
            commands += ["--", "set", "Bridge", name, f"datapath_type={datapath_type}"]
        if port not in ports:
            done.append(f"port {port} of {name}")
            commands += ["--", "add-port", name, port]
    return done, commands


def set_offloading(module: AnsibleModule, value: bool) -> None:
    """Set segmentation offloading while the daemon does not run."""
    if module.run_command(["systemctl", "is-active", "--quiet", DAEMON])[0] == 0:
        run(module, ["systemctl", "stop", DAEMON], f"journalctl -u {DAEMON} -n 50")
        # The database's unit is part of the same service, and was stopped with the daemon's.
        run(module, ["systemctl", "start", DATABASE], f"journalctl -u {DATABASE} -n 50")
    # Without a daemon nobody would confirm the change.
    setting = f"other_config:{OFFLOADING}={str(value).lower()}"
    run(module, [OVS_VSCTL, "--timeout=30", "--no-wait", "set", "Open_vSwitch", ".", setting], "")


def run(module: AnsibleModule, argv: list[str], look: str) -> str:
    """Run a command and return what it said; look: the command that tells more where it fails."""
    code, out, error = module.run_command(argv)
    if code != 0:
        more = f" See: {look}" if look else ""
        module.fail_json(msg=f"{' '.join(argv)} ended with {code}: {(error or out).strip()}.{more}", cmd=argv)
    return out


def read_switch(module: AnsibleModule) -> Switch:
    """Return what the database holds; ends the module where there is none yet."""
    if shutil.which(OVS_VSCTL) is None:
        if module.check_mode:
            module.exit_json(changed=True, done=["everything: Open vSwitch is not installed yet"])
        module.fail_json(msg=f"{OVS_VSCTL} is not installed: install the package openvswitch-switch first")
    code, out, error = module.run_command([OVS_VSCTL, "--timeout=30", *LOOK])
    if code != 0:
        if module.check_mode:
            module.exit_json(changed=True, done=["everything: Open vSwitch does not run yet"])
        module.fail_json(
            msg=f"can't ask the database of Open vSwitch: {error.strip()}. See: journalctl -u {DATABASE} -n 50"
        )
    return understand(out)


def main() -> None:
    """Run the module."""
    bridge = {"name": {"type": "str", "required": True}, "port": {"type": "str", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "userspace_tso": {"type": "bool"},
            "datapath_type": {"type": "str", "choices": ["system", "netdev"], "default": "system"},
            "bridges": {"type": "list", "elements": "dict", "default": [], "options": bridge},
        },
        supports_check_mode=True,
    )
    switch = read_switch(module)
    done = []
    wanted: bool | None = module.params["userspace_tso"]
    if wanted is not None and wanted != switch.userspace_tso:
        done.append(f"segmentation offloading {'on' if wanted else 'off'}")
        if not module.check_mode:
            set_offloading(module, wanted)
    made, commands = missing(switch, module.params["bridges"], module.params["datapath_type"])
    if commands and not module.check_mode:
        run(module, [OVS_VSCTL, "--timeout=30", *commands], f"journalctl -u {DAEMON} -n 50")
    module.exit_json(changed=bool(done + made), done=done + made)


if __name__ == "__main__":
    main()
