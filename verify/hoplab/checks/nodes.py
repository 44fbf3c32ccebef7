"""Whether each node is there, with each of its services' units active."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hoplab.deployment import Deployment, Node, Service
from hoplab.errors import SourceError
from hoplab.findings import Finding, fails, holds, unknown
from hoplab.transport import Nodes

PROPERTIES = ("LoadState", "ActiveState", "SubState", "Result")


@dataclass(frozen=True, slots=True)
class UnitState:
    """A systemd unit's state in systemd's own words; result: how it last ended."""

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


def judge(node: Node, states: Sequence[UnitState], commands: Sequence[str]) -> Finding:
    """Judge a node by its units' states, given in the order of its services; commands: how to see each one's log."""
    expected = promise(node)
    if len(states) != len(node.services):
        return unknown(
            f"node {node.name}",
            expected,
            f"systemd told of {len(states)} units, asked for {len(node.services)}",
            "systemctl show",
        )
    bad = [
        (service, state, command)
        for service, state, command in zip(node.services, states, commands, strict=True)
        if state.active != "active"
    ]
    evidence = f"{node.address}: systemctl show of {', '.join(service.unit for service in node.services) or 'no unit'}"
    if bad:
        actual = "; ".join(f"{service.unit} is {state}" for service, state, _ in bad)
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


def check_node(nodes: Nodes, node: Node) -> Finding:
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


def check_nodes(nodes: Nodes, deployment: Deployment) -> tuple[Finding, ...]:
    """Read and judge all nodes at once; findings in the order of the description."""
    with ThreadPoolExecutor(max_workers=len(deployment.nodes)) as pool:
        return tuple(pool.map(lambda node: check_node(nodes, node), deployment.nodes))
