"""How a lab's daemons are: by systemd, by the services' own word, and by what they log."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Final, TypeVar

from openstack.compute.v2.service import Service
from openstack.connection import Connection

from hoplab.capture.redact import redact
from hoplab.lab.connection import translate_errors, volume_api
from hoplab.lab.deployment import Deployment, Node
from hoplab.lab.ssh import NodeConnections
from hoplab.model.errors import HoplabError, SourceError
from hoplab.run.record import LogLine, Unit

T = TypeVar("T")

LOG_BYTES: Final = 4_000_000
"""How much of the end of each log file is looked through."""
LOG_LINES: Final = 40
"""Lines that are taken of each log file."""
LOG_SECONDS: Final = 15.0
"""For one node to look through its logs."""
LEVELS: Final = "|".join(
    (
        r" (ERROR|WARNING|CRITICAL) [^ ]+ \[",
        r"\[(error|critical|warning|ERROR|Warning)\].*[A-Za-z]{3}",
        r"^[^ ]+ [0-9a-f]+ +-1 ",
        r"log_channel\(cluster\) log \[(WRN|ERR)\]",
    )
)
"""What a line has that tells of trouble: in the forms of oslo.log (but for tracebacks), of RabbitMQ and MariaDB (but
for ornaments) and of Ceph, whose monitor's word on the cluster's health has a level of its own.
"""
SEARCH: Final = """
for pattern do
    # Not quoted: it is a pattern.
    for file in $pattern; do
        [ -f "$file" ] || continue
        tail --bytes="$BYTES" -- "$file" | grep --text --extended-regexp -e "$LEVELS" |
            tail --lines="$LINES" | cut --bytes=-2000 | sed "s|^|$file\t|"
    done
done
"""
WHEN: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ] ?(\d{1,2}:\d\d:\d\d)(?:[.,](\d{1,6}))?")


def down(cloud: Connection) -> Iterator[str]:
    """Yield the daemons of Nova, Neutron and Cinder that are down by their services' own word, as daemon@host."""
    yield from _nova(cloud)
    yield from _neutron(cloud)
    yield from _cinder(cloud)


def known_down(cloud: Connection) -> list[str]:
    """Return the same as far as the services tell: one that does not answer does not keep the others from telling."""
    found: list[str] = []
    for ask in (_nova, _neutron, _cinder):
        try:
            with translate_errors("ask who is up"):
                found += ask(cloud)
        except HoplabError:
            continue
    return found


def _nova(cloud: Connection) -> Iterator[str]:
    for service in cloud.compute.services():
        if service.state != "up" or _disabled_itself(service):
            yield f"{service.binary}@{service.host}"


def _neutron(cloud: Connection) -> Iterator[str]:
    yield from (f"{agent.binary}@{agent.host}" for agent in cloud.network.agents() if not agent.is_alive)


def _cinder(cloud: Connection) -> Iterator[str]:
    yield from (f"{service.binary}@{service.host}" for service in volume_api(cloud).services() if service.state != "up")


def _disabled_itself(service: Service) -> bool:
    """Tell whether nova-compute took its host out of service, as it does without libvirt; people are not overruled.

    Source: nova/virt/libvirt/driver.py, DISABLE_PREFIX.
    """
    return str(service.status) == "disabled" and str(service.disabled_reason or "").startswith("AUTO:")


def states(deployment: Deployment) -> Iterator[Unit]:
    """Yield in which state each daemon is by systemd; those of a node that can't be reached are unknown."""
    yield from _on_all_nodes(deployment, _units_on_node)


def _units_on_node(nodes: NodeConnections, node: Node) -> Iterator[Unit]:
    units = [service.unit for service in node.services]
    try:
        said = nodes.run(node, ["systemctl", "show", "--property=Id,ActiveState,SubState", "--", *units]).stdout
    except SourceError:
        said = ""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in said.split("\n\n")]
    found = {block["Id"]: f"{block.get('ActiveState')} ({block.get('SubState')})" for block in blocks if "Id" in block}
    for service in node.services:
        # A unit may be a pattern (ceph-osd@*.service): each that fits is one.
        for unit in [unit for unit in found if fnmatch(unit, service.unit)] or [service.unit]:
            yield Unit(node.name, service.name, unit, found.get(unit, "unknown"))


def pools(deployment: Deployment) -> dict[str, str]:
    """Return the names of Ceph's pools by id; none if the monitor does not tell: then no pool's evidence is found."""
    with NodeConnections(deployment.ssh) as nodes:
        for node, _service in deployment.running("ceph-mon"):
            try:
                found = json.loads(nodes.read(node, ["ceph", "osd", "lspools", "--format=json"]))
                return {str(pool["poolnum"]): str(pool["poolname"]) for pool in found}
            except (SourceError, ValueError, KeyError, TypeError):
                continue
    return {}


def troubles(deployment: Deployment, since: float) -> list[LogLine]:
    """Return what all daemons logged of trouble since then, in the order of time, without secrets.

    since: seconds since 1970 by the nodes' clocks, which keep UTC. Where a file has too many lines, the last ones are
    taken. A node that can't be reached tells nothing.
    """

    def ask(nodes: NodeConnections, node: Node) -> Iterator[LogLine]:
        patterns = [path for service in node.services for path in service.logs]
        given = [f"BYTES={LOG_BYTES}", f"LINES={LOG_LINES}", f"LEVELS={LEVELS}"]
        try:
            said = nodes.run(node, ["env", *given, "sh", "-c", SEARCH, "sh", *patterns], timeout=LOG_SECONDS).stdout
        except SourceError:
            return
        for each_line in said.splitlines():
            file, _tab, line = each_line.partition("\t")
            at = logged_at(line)
            if at is not None and at >= since:
                yield LogLine(node.name, file, redact(line))

    return sorted(_on_all_nodes(deployment, ask), key=lambda on_all_node: logged_at(on_all_node.line) or 0.0)


def logged_at(line: str) -> float | None:
    """Return the time of a line of a log in seconds since 1970, None if it has none; it is taken for UTC."""
    found = WHEN.search(line[:64])
    if found is None:
        return None
    try:
        moment = datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp() + float(f"0.{found[3] or 0}")


def _on_all_nodes(deployment: Deployment, ask: Callable[[NodeConnections, Node], Iterable[T]]) -> Iterator[T]:
    """Ask all nodes at the same time; yield what they say in the order of the nodes."""
    with NodeConnections(deployment.ssh) as nodes, ThreadPoolExecutor(len(deployment.nodes)) as pool:
        for found in pool.map(lambda node: list(ask(nodes, node)), deployment.nodes):
            yield from found
