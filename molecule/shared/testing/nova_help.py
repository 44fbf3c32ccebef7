"""What the tests of Placement and Nova share: a server that needs no other service, and what the services say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from openstack.connection import Connection
from requests import Response
from scenario import Node, eventually


@contextmanager
def flavor(cloud: Connection, **size: int) -> Iterator[Any]:
    """Make a flavor (ram, vcpus, disk, ephemeral), and remove it at the end."""
    made = cloud.compute.create_flavor(name=f"flavor-{uuid4().hex[:8]}", **{"ram": 64, "vcpus": 1, "disk": 0, **size})
    try:
        yield made
    finally:
        cloud.compute.delete_flavor(made)


@contextmanager
def server(cloud: Connection, flavor: Any) -> Iterator[Any]:
    """Ask for a server that needs no other service, and delete it at the end.

    Its only disk is an empty one of the flavor's ephemeral size, and it has no network.
    """
    disk = {"boot_index": 0, "source_type": "blank", "destination_type": "local", "delete_on_termination": True}
    made = cloud.compute.create_server(
        name=f"server-{uuid4().hex[:8]}", flavor_id=flavor.id, block_device_mapping=[disk], networks="none"
    )
    try:
        yield made
    finally:
        cloud.compute.delete_server(made)
        cloud.compute.wait_for_delete(made, wait=60)


def ask(cloud: Connection, service: str, method: str, path: str, body: Any = None) -> Response:
    """Return a service's answer, whatever its status; service is its type and the microversion: `placement 1.38`."""
    kind, version = service.split()
    answer: Response = cloud.session.request(
        path, method, json=body, endpoint_filter={"service_type": kind}, microversion=version, raise_exc=False
    )
    return answer


def boot_time(node: Node) -> datetime:
    """Return when a node was booted."""
    stamp = node.output("systemctl show --value --property=UserspaceTimestamp --timestamp=unix")
    return datetime.fromtimestamp(int(stamp.strip().removeprefix("@")), UTC)


def daemons(cloud: Connection) -> dict[str, dict[str, Any]]:
    """Return what Nova knows of its daemons, by their names; `updated_at` becomes a time."""
    found = ask(cloud, "compute 2.96", "GET", "/os-services").json()["services"]
    for daemon in found:
        daemon["updated_at"] = datetime.fromisoformat(daemon["updated_at"]).replace(tzinfo=UTC)
    return {daemon["binary"]: daemon for daemon in found}


def wait_for_daemons(cloud: Connection, node: Node, *names: str) -> None:
    """Wait until these daemons, and no others, have reported since the node was booted and Nova calls them up."""
    booted = boot_time(node)

    def up() -> bool:
        found = daemons(cloud)
        alive = [name for name, daemon in found.items() if daemon["state"] == "up" and daemon["updated_at"] > booted]
        return set(names) == set(found) == set(alive)

    eventually(f"{', '.join(names)} have reported since the boot", up, seconds=120)


def settled(cloud: Connection, made: Any, status: str, seconds: float = 60) -> Any:
    """Return a server as soon as it has the status and Nova does no more with it."""

    def found() -> Any:
        now = cloud.compute.get_server(made.id)
        assert (now.status, now.task_state) == (status, None)
        return now

    return eventually(f"server {made.id} is {status}", found, seconds)
