"""Whether each node is there, with each of its services' units active."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hoplab.checks.findings import Finding, fails, holds, unknown
from hoplab.lab.deployment import Deployment, Node, Service
from hoplab.lab.ssh import NodeConnections
from hoplab.model.errors import SourceError

PROPERTIES = ("Id", "LoadState", "ActiveState", "SubState", "Result")


@dataclass(frozen=True, slots=True)
class UnitState:
    """A systemd unit's state in systemd's own words; name: the unit's; result: how it last ended."""

    name: str
    load: str
    active: str
    sub: str
    result: str

    def __str__(self) -> str:
        if self.load != "loaded":
            return self.load
        shown = f"{self.active} ({self.sub})"
        return shown if self.result in {"", "success"} else f"{shown}, result {self.result}"


def show_argv(units: Sequence[str]) -> list[str]:
    """Return the command that prints the units' states, one block per unit in the given order."""
    return ["systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", *units]


def parse_show(text: str) -> tuple[UnitState, ...]:
    """Return the states in the output of show_argv, in its order; a property that isn't there is empty."""
    states = []
    for block in text.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values:
            states.append(UnitState(*(values.get(name, "") for name in PROPERTIES)))
    return tuple(states)


def service_states(
    services: Sequence[Service], states: Sequence[UnitState]
) -> tuple[tuple[Service, UnitState], ...] | None:
    """Return each service with each of its units' states; None if systemd told of too few or too many.

    A unit with a star, such as ceph-osd@*.service, stands for all that run on the node, at least one; systemd tells of
    those after all others.
    """
    patterns = [service for service in services if "*" in service.unit]
    plain = [service for service in services if service not in patterns]
    found = {
        service: [state for state in states[len(plain) :] if fnmatchcase(state.name, service.unit)]
        for service in patterns
    }
    if len(states) != len(plain) + sum(map(len, found.values())) or not all(found.values()):
        return None
    pairs = [*zip(plain, states[: len(plain)], strict=True)]
    return (*pairs, *((service, state) for service, mine in found.items() for state in mine))


def judge(node: Node, states: Sequence[UnitState], commands: Sequence[str]) -> Finding:
    """Judge a node by its units' states, given in the order of its services; commands: how to see each one's log."""
    expected = promise(node)
    pairs = service_states(node.services, states)
    if pairs is None:
        return unknown(
            f"node {node.name}",
            expected,
            f"systemd told of {len(states)} units, asked for {len(node.services)}",
            "systemctl show",
        )
    shown = dict(zip((service.unit for service in node.services), commands, strict=True))
    bad = [(service, state, shown[service.unit]) for service, state in pairs if state.active != "active"]
    evidence = f"{node.address}: systemctl show of {', '.join(service.unit for service in node.services) or 'no unit'}"
    if bad:
        actual = "; ".join(f"{state.name or service.unit} is {state}" for service, state, _ in bad)
        return fails(f"node {node.name}", expected, actual, evidence, *(command for _, _, command in bad))
    names = ", ".join(service.name for service in node.services)
    actual = f"{promise(node)}{': ' if names else ''}{names}"
    return holds(f"node {node.name}", expected, actual, evidence)


def promise(node: Node) -> str:
    """Return what is expected of a node, in words."""
    count = len(node.services)
    return f"SSH answers, {count} service{'' if count == 1 else 's'} active"


def log_argv(service: Service) -> list[str]:
    """Return the command that shows the end of a unit's journal."""
    return ["journalctl", "--no-pager", "-n", "50", "-u", service.unit]


def check_node(nodes: NodeConnections, node: Node) -> Finding:
    """Read and judge one node with one SSH call."""
    units = [service.unit for service in node.services]
    argv = show_argv(units) if units else ["true"]
    try:
        result = nodes.run(node, argv)
    except SourceError as error:
        # That SSH answers is itself what is claimed here.
        return fails(f"node {node.name}", promise(node), str(error), f"ssh {node.address}", nodes.shown(node, ["true"]))
    if result.status != 0:
        said = result.stderr.strip() or f"exit status {result.status}"
        command = nodes.shown(node, argv)
        return unknown(f"node {node.name}", "systemd tells its units' states", said, "systemctl show", command)
    commands = [nodes.shown(node, log_argv(service)) for service in node.services]
    return judge(node, parse_show(result.stdout) if units else (), commands)


def check_nodes(nodes: NodeConnections, deployment: Deployment) -> tuple[Finding, ...]:
    """Read and judge all nodes at once; findings in the order of the description."""
    with ThreadPoolExecutor(max_workers=len(deployment.nodes)) as pool:
        return tuple(pool.map(lambda node: check_node(nodes, node), deployment.nodes))
