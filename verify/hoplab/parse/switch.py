"""Open vSwitch's tables Interface and Port, and each change of them (RFC 7047, 4.1.5 and 5.1).

Records are made by the agent's recorder `switch`.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from hoplab.model.events import GARBLED, Event, Origin

DEAD_VLAN = 4095
"""The tag of a port that the L2 agent has not wired yet (neutron/plugins/ml2/common/constants.py DEAD_VLAN_TAG)."""


def parse_switch(lines: Iterable[str], *, node: str, source: str, who: str = "open-vswitch") -> Iterator[Event]:
    """Yield a `port.wired` each time when what is known of a tap that carries a Neutron port has changed.

    Fields: name, attached (`yes` with a port number of the datapath), tagged (`yes` with the VLAN that the L2 agent
    chose), host (the node). Ids: port, instance and mac, which Nova writes to the interface (os-vif,
    vif_plug_ovs/linux_net.py).
    """
    origin = Origin(node, source, who)
    interfaces: dict[str, dict[str, Any]] = {}
    ports: dict[str, dict[str, Any]] = {}
    told: dict[str, tuple[str, str]] = {}
    for line in lines:
        try:
            record = json.loads(line)
            change = record.get("update") or record.get("initial") or {}
            _merge(interfaces, change.get("Interface", {}))
            _merge(ports, change.get("Port", {}))
            by_name = {port.get("name"): port for port in ports.values()}
            for interface in interfaces.values():
                name = str(interface.get("name"))
                state = _state(interface, by_name.get(name, {}))
                if state is None or told.get(name) == state:
                    continue
                told[name] = state
                yield _event(origin, float(record["t"]), interface, state, line)
        except GARBLED:
            continue


def _merge(table: dict[str, dict[str, Any]], changes: dict[str, Any]) -> None:
    for row, change in changes.items():
        if "new" in change:
            table[row] = {**table.get(row, {}), **change["new"]}
        else:
            table.pop(row, None)


def _map(value: Any) -> dict[str, str]:
    """Return a column that is a map: ["map", [[key, value], ...]]."""
    return dict(value[1]) if isinstance(value, list) and value[:1] == ["map"] else {}


def _state(interface: dict[str, Any], port: dict[str, Any]) -> tuple[str, str] | None:
    """Return whether an interface of a Neutron port is attached and tagged; None if it is none."""
    if "iface-id" not in _map(interface.get("external_ids")):
        return None
    number, tag = interface.get("ofport"), port.get("tag")
    attached = isinstance(number, int) and number > 0
    tagged = isinstance(tag, int) and tag != DEAD_VLAN
    return ("yes" if attached else "no", "yes" if tagged else "no")


def _event(origin: Origin, time: float, interface: dict[str, Any], state: tuple[str, str], line: str) -> Event:
    names = _map(interface["external_ids"])
    fields = {"name": str(interface["name"]), "attached": state[0], "tagged": state[1], "host": origin.node}
    ids = {"port": names.get("iface-id"), "instance": names.get("vm-uuid"), "mac": names.get("attached-mac")}
    return origin.event(time, "port.wired", fields, {name: {str(value)} for name, value in ids.items() if value}, line)
