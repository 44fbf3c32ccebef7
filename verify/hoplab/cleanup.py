"""Taking away what launches made: bounded, and at ease with what is not there."""

from collections.abc import Callable, Container
from dataclasses import dataclass

from openstack import exceptions
from openstack.connection import Connection

from hoplab.cloud import image_api, project_id, volume_api
from hoplab.errors import LaunchError
from hoplab.networks import remove_tenant_network
from hoplab.plan import FLAVORS, OWN_PREFIX, Plan
from hoplab.resources import delete_servers, own_volumes
from hoplab.waiting import Pending, wait_for

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of one kind of thing. removed: names or ids; problem: why something is left, None if nothing is."""

    kind: str
    removed: tuple[str, ...]
    problem: str | None


def cleanup(cloud: Connection, plan: Plan, say: Say, *, shared: bool = True) -> tuple[Removal, ...]:
    """Remove what a launch with this plan made, in an order in which nothing is in the way of the next.

    shared: also image, flavors and external network, which other projects may use; while they do, those stay and
    are named. A problem with one kind doesn't keep the others. Only connection errors are raised.
    """
    steps: list[tuple[str, Callable[[], list[str]]]] = [
        ("instance", lambda: [plan.server] * delete_servers(cloud, plan.server, timeout=plan.delete_timeout, say=say)),
        ("floating IP", lambda: _floating_ips(cloud, plan)),
        ("volume", lambda: _volumes(cloud, plan)),
        ("router, network, security group", lambda: remove_tenant_network(cloud, plan)),
        ("keypair", lambda: _keypair(cloud, plan)),
    ]
    if shared:
        steps += [
            ("external network", lambda: _external(cloud, plan)),
            ("flavors", lambda: _flavors(cloud)),
            ("image", lambda: _images(cloud, plan)),
        ]
    removals: list[Removal] = []
    for kind, step in steps:
        try:
            removals.append(Removal(kind, tuple(step()), None))
        except (exceptions.SDKException, LaunchError) as error:
            removals.append(Removal(kind, (), " ".join(str(error).split())))
    return tuple(removals)


def remove_own(cloud: Connection, say: Say) -> tuple[Removal, ...]:
    """Remove what interrupted runs of `hoplab verify` left: instances, volumes and images, by how their names begin."""
    found = {
        str(one.name)
        for some in (cloud.compute.servers(), volume_api(cloud).volumes(), image_api(cloud).images())
        for one in some
        if str(one.name).startswith(OWN_PREFIX)
    }
    removals = []
    for name in sorted(found):
        try:
            take_away(cloud, Plan(server=name, image=name), say)
            removals.append(Removal("run's launch", (name,), None))
        except (exceptions.SDKException, LaunchError) as error:
            removals.append(Removal("run's launch", (), " ".join(str(error).split())))
    return tuple(removals)


def take_away(cloud: Connection, plan: Plan, say: Say) -> None:
    """Remove a launch's own instance, volume and image; what launches share stays.

    Raises LaunchError and what openstacksdk raises.
    """
    delete_servers(cloud, plan.server, timeout=plan.delete_timeout, say=say)
    _volumes(cloud, plan)
    if plan.image != Plan().image:
        _images(cloud, plan)


def _floating_ips(cloud: Connection, plan: Plan) -> list[str]:
    removed = []
    for address in list(cloud.network.ips(description=plan.server, project_id=project_id(cloud))):
        cloud.network.delete_ip(address.id, ignore_missing=True)
        removed.append(str(address.floating_ip_address))
    return removed


def _volumes(cloud: Connection, plan: Plan) -> list[str]:
    volumes = own_volumes(cloud, plan.server)
    _detach(cloud, {str(volume.id) for volume in volumes})
    for volume in volumes:
        volume_api(cloud).delete_volume(volume.id, ignore_missing=True)

    def gone() -> bool | Pending:
        left = own_volumes(cloud, plan.server)
        return Pending(", ".join(f"{volume.id} is {volume.status}" for volume in left)) if left else True

    wait_for("volumes deleted", gone, timeout=plan.volume_timeout)
    return [str(volume.id) for volume in volumes]


def _detach(cloud: Connection, volumes: Container[str]) -> None:
    """Remove attachments that instances left behind: of one that was deleted before a host was chosen it stays.

    Cinder refuses it while there is such an instance (cinder/volume/api.py attachment_deletion_allowed).
    """
    for attachment in list(volume_api(cloud).attachments()):
        if str(attachment.volume_id) in volumes:
            volume_api(cloud).delete_attachment(attachment.id, ignore_missing=True)


def _keypair(cloud: Connection, plan: Plan) -> list[str]:
    found = [pair for pair in cloud.compute.keypairs() if pair.name == plan.group]
    for pair in found:
        cloud.compute.delete_keypair(pair)
    return [str(pair.name) for pair in found]


def _external(cloud: Connection, plan: Plan) -> list[str]:
    found = list(cloud.network.networks(name=plan.external_network, is_router_external=True))
    for network in found:
        cloud.network.delete_network(network.id, ignore_missing=True)
    return [str(network.name) for network in found]


def _flavors(cloud: Connection) -> list[str]:
    names = {spec.name for spec in FLAVORS}
    found = [flavor for flavor in cloud.compute.flavors() if flavor.name in names]
    for flavor in found:
        cloud.compute.delete_flavor(flavor.id, ignore_missing=True)
    return [str(flavor.name) for flavor in found]


def _images(cloud: Connection, plan: Plan) -> list[str]:
    found = [image for hidden in (False, True) for image in image_api(cloud).images(name=plan.image, is_hidden=hidden)]
    for image in found:
        image_api(cloud).delete_image(image.id, ignore_missing=True)
    return [str(image.id) for image in found]
