"""When all services of a lab answer: after its nodes were started, or put back from a snapshot."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from openstack.connection import Connection

from hoplab.checks.findings import CheckResult
from hoplab.checks.nodes import check_nodes
from hoplab.lab.connection import connect, image_api, new_request_id, project_id, translate_errors, volume_api
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import NodeConnections
from hoplab.launch.waiting import Pending, wait_for
from hoplab.model.errors import HoplabError, SourceError
from hoplab.session.daemons import down

SECONDS: Final = 180.0
INTERVAL: Final = 2.0
"""Seconds between two looks: each takes time from services that are about to start."""
ANSWER_SECONDS: Final = 10.0
"""How long an API may keep silent before it is asked again."""
LAST: Final = 3
"""How many of those that came last are named."""
AWAY: Final = frozenset(
    {"MON_DOWN", "MGR_DOWN", "OSD_DOWN", "OSD_HOST_DOWN", "PG_AVAILABILITY", "PG_DEGRADED", "PG_DAMAGED", "SLOW_OPS"}
)
"""Health checks of Ceph that say that a daemon or data are not there (Ceph's documentation, "Health checks")."""
START: Final = ("systemctl", "show", "--property=UserspaceTimestamp", "--timestamp=unix")
"""Tells when a node's init began."""


def wait_ready(deployment: Deployment, say: Callable[[str], None], timeout: float = SECONDS) -> None:
    """Wait until every unit is active, every API answers and every daemon gave a sign of life since its node booted.

    say: told at the end which were the last, in seconds since the first node booted; timeout: seconds. Raises
    WaitTimeoutError, with what is still missing.
    """
    came: dict[str, float] = {}
    waited: set[str] = set()
    began: list[float] = []
    with NodeConnections(deployment.ssh) as nodes:

        def asked() -> bool | Pending:
            try:
                wrong = list(_missing(deployment, nodes, began))
            except HoplabError as error:
                return Pending(str(error))
            now = time.time()
            for name in waited - set(wrong):
                came.setdefault(name, now)
            waited.update(wrong)
            return Pending(", ".join(wrong)) if wrong else True

        wait_for("every service answers", asked, timeout=timeout, interval=INTERVAL)
    last = sorted(came.items(), key=lambda one: one[1])[-LAST:]
    named = ", ".join(f"{name} ({at - min(began):.0f} s after the first node's start)" for name, at in reversed(last))
    say(f"every service of the lab answers{'; the last were ' + named if named else ''}")


def ceph_unhealthy(nodes: NodeConnections, deployment: Deployment) -> Iterator[str]:
    """Yield what Ceph says of daemons and data that are not there; other warnings may be older than a fault."""
    for node, _service in deployment.running("ceph-mon")[:1]:
        health = json.loads(nodes.read(node, ["ceph", "--connect-timeout=10", "health", "--format=json"]))
        yield from (name for name in health["checks"] if name in AWAY)


def _missing(deployment: Deployment, nodes: NodeConnections, began: list[float]) -> Iterator[str]:
    """Yield what does not do its work yet. began: gets the times of the nodes' starts, in seconds since 1970."""
    away = [check_node for check_node in check_nodes(nodes, deployment) if check_node.verdict is not CheckResult.HOLDS]
    if away:
        # Services wait for each other: what comes next would only tell the same.
        yield from (f"{one.subject}: {one.actual}" for one in away)
        return
    if not began:
        began += [_started(nodes.read(node, START)) for node in deployment.nodes]
    cloud = connect(deployment, new_request_id(), ANSWER_SECONDS)
    # Those that have no daemons to tell of.
    with translate_errors("ask Keystone"):
        project_id(cloud)
    with translate_errors("ask Glance"):
        next(image_api(cloud).images(limit=1, paginated=False), None)
    with translate_errors("ask Placement"):
        next(iter(cloud.placement.resource_providers()), None)
    with translate_errors("ask who is up"):
        yield from sorted({*down(cloud), *_silent(cloud, min(began)), *ceph_unhealthy(nodes, deployment)})


def _started(said: str) -> float:
    """Return when a node's init began, in seconds since 1970, from what systemd says."""
    _key, _equals, moment = said.strip().partition("=@")
    try:
        return float(moment)
    except ValueError:
        raise SourceError(f"systemd did not say when it began: {said.strip()!r}") from None


def _silent(cloud: Connection, since: float) -> Iterator[str]:
    """Yield the daemons whose last sign of life is older than their nodes' start: it is an earlier life's."""
    yield from _older(
        ((service.binary, service.host, service.updated_at) for service in cloud.compute.services()), since
    )
    yield from _older(((agent.binary, agent.host, agent.last_heartbeat_at) for agent in cloud.network.agents()), since)
    yield from _older(
        (
            (each_service.binary, each_service.host, each_service.updated_at)
            for each_service in volume_api(cloud).services()
        ),
        since,
    )


def _older(told: Iterable[tuple[str, str, str | None]], since: float) -> Iterator[str]:
    for binary, host, moment in told:
        if moment is None or _seconds(moment) < since:
            yield f"{binary}@{host}"


def _seconds(moment: str) -> float:
    """Return a time that an API tells, which is in UTC where it names no zone, in seconds since 1970."""
    found = datetime.fromisoformat(moment)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
