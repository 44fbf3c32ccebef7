"""What is recorded on a node: it follows from the services that run there."""

from collections.abc import Mapping
from typing import Any, Final

from hoplab.lab.deployment import Node

LISTENERS: Final = {"rabbitmq": ("broker",), "memcached": ("cache", "packets")}
"""Recorders that connect to the service itself or look at what is sent to it, by the service."""
MONITOR: Final = "ceph-mon"
SOCKETS: Final = "/run/ceph/*-mon.*.asok"
"""Admin sockets of a node's monitors."""
DUMPED: Final = r"\s*(?:[\"{}\[\]]|\d+,?$)|\S+ [0-9a-f]+ +(?:[2-9]|1\d|20) (?!.* entity_name )"
"""Lines of a monitor's log that nobody reads: what it dumps as JSON at debug_mon 20, and what it says above level 1."""
LOCAL: Final = {"mariadb": "database", "ovsdb-server": "switch", "ovs-vswitchd": "flows", "libvirtd": "hypervisor"}
"""Recorders that ask a service of their own node."""
COARSE: Final = ("/dhcp_dns_log",)
"""How the paths of log files end whose lines tell whole seconds only (dnsmasq's own; dnsmasq_base_log_dir)."""
DHCP: Final = "/var/lib/neutron/dhcp"
"""Where the DHCP agent keeps a directory for each network (neutron/conf/agent/dhcp.py, dhcp_confs)."""
PROXY: Final = "haproxy-metadata-proxy-"
"""How the metadata proxies' names in the journal begin (neutron/agent/metadata/driver.py)."""
PROXY_STARTERS: Final = frozenset({"neutron-dhcp-agent", "neutron-l3-agent"})


def wanted(node: Node) -> dict[str, Mapping[str, Any]]:
    """Return the recorders for a node with their parameters, by the names of the agent's modules."""
    found: dict[str, Mapping[str, Any]] = {}
    patterns = sorted({path for service in node.services for path in service.logs})
    for recorder, coarse in (("logs", False), ("stamped", True)):
        own = [path for path in patterns if path.endswith(COARSE) is coarse]
        if own:
            found[recorder] = {"patterns": own}
    for service in node.services:
        for recorder in LISTENERS.get(service.name, ()):
            found[recorder] = {"address": node.address, "port": service.port}
        if service.name in LOCAL:
            found[LOCAL[service.name]] = {}
        if service.name == MONITOR:
            found["monitor"] = {"sockets": SOCKETS}
            found["logs"] = {**found["logs"], "passed_over": dict.fromkeys(service.logs, DUMPED)}
        if service.name == "neutron-dhcp-agent":
            found["reads"] = {"directory": DHCP}
        if service.name in PROXY_STARTERS:
            found["journal"] = {"prefixes": [PROXY]}
    return found
