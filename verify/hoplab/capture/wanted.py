"""What is recorded on a node: it follows from the services that run there."""

from collections.abc import Mapping
from typing import Any, Final

from hoplab.flow.actors import ACTORS
from hoplab.lab.deployment import Node, Service

RECORDERS: Final = {
    service: [
        name for actor in ACTORS.values() for name, recorder in actor.recorders.items() if service in recorder.beside
    ]
    for service in {
        beside
        for actor in ACTORS.values()
        for each_recorder in actor.recorders.values()
        for beside in each_recorder.beside
    }
}
"""Recorders by the service beside which they record."""
SOCKETS: Final = "/run/ceph/*-mon.*.asok"
"""Admin sockets of a node's monitors."""
DUMPED: Final = r"\s*(?:[\"{}\[\]]|\d+,?$)|\S+ [0-9a-f]+ +(?:[2-9]|1\d|20) (?!.* entity_name )"
"""Lines of a monitor's log that nobody reads: what it dumps as JSON at debug_mon 20, and what it says above level 1."""
COARSE: Final = ("/dhcp_dns_log",)
"""How the paths of log files end whose lines tell whole seconds only (dnsmasq's own; dnsmasq_base_log_dir)."""
DHCP: Final = "/var/lib/neutron/dhcp"
"""Where the DHCP agent keeps a directory for each network (neutron/conf/agent/dhcp.py, dhcp_confs)."""
PROXY: Final = "haproxy-metadata-proxy-"
"""How the metadata proxies' names in the journal begin (neutron/agent/metadata/driver.py)."""


def wanted(node: Node) -> dict[str, Mapping[str, Any]]:
    """Return the recorders for a node with their parameters, by the names of the agent's modules."""
    found: dict[str, Mapping[str, Any]] = {}
    patterns = sorted({path for service in node.services for path in service.logs})
    for recorder, coarse in (("logs", False), ("stamped", True)):
        own = [path for path in patterns if path.endswith(COARSE) is coarse]
        if own:
            found[recorder] = {"patterns": own}
    for service in node.services:
        for recorder in RECORDERS.get(service.name, ()):
            found[recorder] = _parameters(recorder, node, service)
            if recorder == "monitor":
                found["logs"] = {**found["logs"], "passed_over": dict.fromkeys(service.logs, DUMPED)}
    return found


def _parameters(recorder: str, node: Node, service: Service) -> Mapping[str, Any]:
    match recorder:
        case "broker" | "cache" | "packets":
            return {"address": node.address, "port": service.port}
        case "monitor":
            return {"sockets": SOCKETS}
        case "reads":
            return {"directory": DHCP}
        case "journal":
            return {"prefixes": [PROXY]}
        case _:
            return {}
