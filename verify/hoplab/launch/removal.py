"""Removing instances, volumes, images and floating IPs: all of a kind at once, within a time, and harder if needed."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from openstack import exceptions
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from hoplab.lab.connection import image_api, project_id, volume_api
from hoplab.launch.waiting import Pending, wait_for
from hoplab.model.errors import WaitTimeoutError

Say = Callable[[str], None]
Mine = Callable[[str], bool]
"""Tells by its name whether a thing is to be removed."""

SECONDS: Final = 40.0
"""How long what was asked to go in the ordinary way may take."""
HARDER: Final = 30.0
"""How long it may take after that, when its state was reset and its removal forced."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of one kind of thing. removed: names or ids; problem: why something is left, None if nothing is."""

    kind: str
    removed: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A kind of thing that is removed by its name.

    found: returns those that are there; delete: asks for one to go; force: does so whatever state it is in; by_hand:
    the commands by which a person does that, with {id}.
    """

    name: str
    found: Callable[[Connection, Mine], list[Any]]
    delete: Callable[[Connection, Any], None]
    force: Callable[[Connection, Any], None]
    by_hand: str


class Budget:
    """Seconds that are left for removing all that is to be removed."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def share(self, most: float) -> float:
        """Return what one wait may take: not all that is left, so that something is left for the others."""
        return max(1.0, min(most, (self._until - time.monotonic()) * 2 / 3))


def remove(cloud: Connection, kind: ResourceKind, mine: Mine, budget: Budget, say: Say = lambda _line: None) -> Removal:
    """Remove all things of a kind with such a name; what can't be removed is in the answer, with what helps.

    Only connection errors are raised.
    """
    refused: dict[str, str] = {}
    try:
        things = kind.found(cloud, mine)
        left = things
        for ask, most in ((kind.delete, SECONDS), (kind.force, HARDER)):
            if not left:
                break
            for one in left:
                say(f"deleting {kind.name} {one.name or ''} {one.id}".replace("  ", " "))
                try:
                    ask(cloud, one)
                    refused.pop(one.id, None)
                except exceptions.SDKException as error:
                    refused[one.id] = f" ({' '.join(str(error).split())})"
            left = _left(cloud, kind, {str(thing.id) for thing in things}, mine, budget.share(most))
    except exceptions.SDKException as error:
        return Removal(kind.name, (), " ".join(str(error).split()))
    there = {one.id for one in left}
    problems = [
        f"{one.id} is {_state(one)}{refused.get(one.id, '')}: `{kind.by_hand.format(id=one.id)}`" for one in left
    ]
    gone = tuple(str(each_thing.name or each_thing.id) for each_thing in things if each_thing.id not in there)
    return Removal(kind.name, gone, "; ".join(problems) or None)


def _left(cloud: Connection, kind: ResourceKind, ids: Iterable[str], mine: Mine, seconds: float) -> list[Any]:
    """Wait until all are gone, for so many seconds; return those that are still there."""
    left: list[Any] = []

    def gone() -> bool | Pending:
        left[:] = [thing for thing in kind.found(cloud, mine) if thing.id in ids]
        return Pending(f"{len(left)} left") if left else True

    with suppress(WaitTimeoutError):
        wait_for(f"{kind.name} deleted", gone, timeout=seconds, interval=1.0)
    return left


def _state(thing: Any) -> str:
    task = getattr(thing, "task_state", None)
    return f"{getattr(thing, 'status', None) or 'still there'}{f', task {task}' if task else ''}"


def _servers(cloud: Connection, mine: Mine) -> list[Server]:
    return [server for server in cloud.compute.servers() if mine(str(server.name))]


def _delete_server(cloud: Connection, server: Server) -> None:
    cloud.compute.delete_server(server.id, ignore_missing=True)
    _end_waiting(cloud, server)


def _end_waiting(cloud: Connection, server: Server) -> None:
    """Tell Nova that an instance's ports will not be plugged any more, if it still waits for that.

    nova-compute deletes an instance only when it has given that up, after vif_plugging_timeout, which is 300 s
    (nova/compute/manager.py, terminate_instance waits for the lock that the build holds).
    """
    if server.status != "BUILD":
        return
    # Who may not say so waits; nothing is lost.
    with suppress(exceptions.SDKException):
        events = [
            {"name": "network-vif-plugged", "server_uuid": server.id, "tag": port.id, "status": "failed"}
            for port in cloud.network.ports(device_id=server.id)
            if port.status != "ACTIVE"
        ]
        if events:
            cloud.compute.create_server_external_events(events)


def _force_server(cloud: Connection, server: Server) -> None:
    with suppress(exceptions.SDKException):
        cloud.compute.reset_server_state(server.id, "error")
    cloud.compute.delete_server(server.id, ignore_missing=True, force=True)


def _volumes(cloud: Connection, mine: Mine) -> list[Any]:
    return [one for one in volume_api(cloud).volumes() if mine(str(one.name))]


def _delete_volume(cloud: Connection, volume: Any) -> None:
    """Delete a volume, and first the attachments that instances left behind.

    Of an instance that was deleted before a host was chosen it stays; Cinder refuses to remove it while there is such
    an instance (cinder/volume/api.py attachment_deletion_allowed).
    """
    for attachment in list(volume_api(cloud).attachments()):
        if str(attachment.volume_id) == volume.id:
            volume_api(cloud).delete_attachment(attachment.id, ignore_missing=True)
    volume_api(cloud).delete_volume(volume.id, ignore_missing=True)


def _force_volume(cloud: Connection, volume: Any) -> None:
    with suppress(exceptions.SDKException):
        volume_api(cloud).reset_volume_status(volume.id, status="error", attach_status="detached")
    volume_api(cloud).delete_volume(volume.id, ignore_missing=True, force=True)


def _images(cloud: Connection, mine: Mine) -> list[Any]:
    """Return images of any state, also of uploads that never ended, and those that are hidden."""
    found = [one for hidden in (False, True) for one in image_api(cloud).images(is_hidden=hidden)]
    return list({one.id: one for one in found if mine(str(one.name))}.values())


def _delete_image(cloud: Connection, image: Any) -> None:
    image_api(cloud).delete_image(image.id, ignore_missing=True)


def _force_image(cloud: Connection, image: Any) -> None:
    with suppress(exceptions.SDKException):
        image_api(cloud).update_image(image.id, is_protected=False)
    image_api(cloud).delete_image(image.id, ignore_missing=True)


def _floating_ips(cloud: Connection, mine: Mine) -> list[Any]:
    """Return floating IPs; the name of one is its description."""
    return [
        floating_ip
        for floating_ip in cloud.network.ips(project_id=project_id(cloud))
        if mine(str(floating_ip.description or ""))
    ]


def _delete_ip(cloud: Connection, address: Any) -> None:
    cloud.network.delete_ip(address.id, ignore_missing=True)


INSTANCES: Final = ResourceKind(
    "instance",
    _servers,
    _delete_server,
    _force_server,
    "openstack server set --state error {id}; openstack server delete --force {id}",
)
VOLUMES: Final = ResourceKind(
    "volume",
    _volumes,
    _delete_volume,
    _force_volume,
    "openstack volume set --state error --detached {id}; openstack volume delete --force {id}",
)
IMAGES: Final = ResourceKind("image", _images, _delete_image, _force_image, "openstack image delete {id}")
FLOATING_IPS: Final = ResourceKind(
    "floating IP", _floating_ips, _delete_ip, _delete_ip, "openstack floating ip delete {id}"
)
