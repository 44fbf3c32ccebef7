"""Tell a machine what the others said of themselves, so that it can try the ways to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.hoplab.lab.plugins.module_utils.machine_reading import find_link


def tunnel_link(machine: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a machine's link into the tunnel network, an empty mapping for none."""
    return find_link((machine["seen"] or {}).get("links", []), machine["wanted"]["tunnel_link"]) or {}


def link_local(machine: Mapping[str, Any]) -> tuple[str, int]:
    """Return the address that a machine's tunnel link has by itself, and the link's MTU; an empty one for none."""
    link = tunnel_link(machine)
    for entry in link["addresses"] if link and link["carrier"] else ():
        if entry["address"].startswith("fe80:"):
            return entry["address"], link["mtu"]
    return "", 0


def module_arguments(name: str, machines: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a machine has to try. machines: of each what `machine_facts` returned."""
    others = {other: machine for other, machine in machines.items() if other != name}
    mine, my_mtu = link_local(machines[name])
    # A machine that does not answer at all is told of once, and not by all of its ports.
    ports = [
        {
            "name": other,
            "address": machine["wanted"]["address"],
            "ports": sorted({service["port"] for service in machine["wanted"]["services"] if service.get("port")}),
        }
        for other, machine in others.items()
        if machine["reached"]
    ]
    tunnels = []
    for other, machine in others.items():
        address, mtu = link_local(machine)
        if mine and address:
            # Larger packets than the links take now can't be tried; theirs is raised when they become the tunnel's.
            tried = min(my_mtu, mtu, machine["wanted"]["tunnel_mtu"])
            tunnels.append({"name": other, "address": address, "mtu": tried})
    return {"ports": ports, "link": tunnel_link(machines[name]).get("name", ""), "tunnels": tunnels}


class ActionModule(ActionBase):
    """See the module of the same name."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"facts"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = task_vars or {}
        machines = looked_at(given, self._task.args["facts"])
        arguments = module_arguments(given["inventory_hostname"], machines)
        # Only ping may need root, where its file lacks the capability.
        if not machines[given["inventory_hostname"]]["privileged"]:
            self._connection.set_become_plugin(None)
        return result | self._execute_module(
            module_name="hoplab.lab.machine_paths", module_args=arguments, task_vars=task_vars
        )


def looked_at(given: Mapping[str, Any], variable: str) -> dict[str, Any]:
    """Return what a variable of each machine of the play says, for those that have it."""
    hostvars = given["hostvars"]
    found = {str(host): hostvars.raw_get(host).get(variable) for host in given["ansible_play_hosts_all"]}
    return {host: value for host, value in found.items() if value and not value.get("skipped")}
