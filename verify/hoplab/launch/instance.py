"""What we ask the cloud to do, and the ids that come of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openstack import exceptions
from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.image.v2.image import Image
from openstack.network.v2.network import Network

from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import ensure_key
from hoplab.launch.images import ensure_image, find_same, retire_image
from hoplab.launch.networks import (
    TenantNetwork,
    ensure_external_network,
    ensure_floating_ip,
    ensure_security_group,
    ensure_tenant_network,
    find_port,
)
from hoplab.launch.plan import FLAVORS, Plan
from hoplab.launch.removal import INSTANCES, Budget, remove
from hoplab.launch.resources import ensure_flavor, ensure_keypair, ensure_volume, wait_server
from hoplab.launch.waiting import SYSTEM_CLOCK, Clock
from hoplab.model.errors import LaunchError
from hoplab.model.states import StateSeen

Say = Callable[[str], None]
Begins = Callable[[str, str], None]
"""Told what is made next, and the service that is asked for it."""


@dataclass(frozen=True, slots=True)
class PreparedResources:
    """What an instance needs before it can be asked for; ids as the APIs gave them, volume_id empty for none."""

    image_id: str
    image_size: int
    image_checksum: str
    flavor_id: str
    keypair: str
    key_file: Path
    security_group_id: str
    external: Network = field(repr=False)
    tenant: TenantNetwork
    volume_id: str


@dataclass(frozen=True, slots=True)
class LaunchedInstance:
    """One launch with its ids. seconds_to_active: from sending the POST to the poll (each 0.5 s) that saw ACTIVE."""

    global_request_id: str
    request_id: str
    server_id: str
    server_name: str
    host: str
    image_id: str
    image_size: int
    image_checksum: str
    flavor_id: str
    keypair: str
    key_file: Path
    network_id: str
    subnet_id: str
    router_id: str
    external_network_id: str
    port_id: str
    fixed_address: str
    floating_ip_id: str
    floating_address: str
    volume_id: str
    seconds_to_active: float
    states: tuple[StateSeen, ...]


def guest_key(deployment: Deployment) -> Path:
    """Return where the private key for the lab's guests lies."""
    return deployment.directory / "guest" / "id_ed25519"


def prepare(
    cloud: Connection,
    deployment: Deployment,
    plan: Plan,
    say: Say,
    *,
    begins: Begins = lambda _step, _service: None,
    note: Say | None = None,
) -> PreparedResources:
    """Make what is missing for a launch, and delete an instance of the same name.

    say: told each thing that is really done; begins: told of each step before it is done, with the service that it
    asks first; note: told what is got in another way than it was meant (as say if None). Raises LaunchError,
    ConfigurationError and what openstacksdk raises.
    """
    key_file = guest_key(deployment)
    public_key = ensure_key(key_file, "hoplab")
    begins("image", "glance-api")
    image, outdated = _image(cloud, deployment, plan, say, note or say)
    begins("flavor and keypair", "nova-api")
    flavors = {spec.name: ensure_flavor(cloud, spec, say) for spec in FLAVORS}
    ensure_keypair(cloud, plan.group, public_key, say)
    begins("network", "neutron-api")
    external = ensure_external_network(cloud, plan.external_network, deployment.external_network, say)
    tenant = ensure_tenant_network(cloud, plan, external, say)
    group = ensure_security_group(cloud, plan, say)
    begins("earlier instance", "nova-api")
    removal = remove(cloud, INSTANCES, plan.server.__eq__, Budget(plan.delete_timeout), say)
    if removal.problem:
        say(f"left behind: {removal.problem}")
    begins("earlier images", "glance-api")
    for old in outdated:
        say(f"retiring image {old.name} {old.id}: its content differs from {deployment.guest_image}")
        retire_image(cloud, old)
    volume_id = ""
    if plan.volume_size:
        begins("volume", "cinder-api")
        volume_id = str(ensure_volume(cloud, plan, say, note).id)
    return PreparedResources(
        image_id=str(image.id),
        image_size=int(image.size),
        image_checksum=str(image.checksum),
        flavor_id=str(flavors[plan.flavor.name].id),
        keypair=plan.group,
        key_file=key_file,
        security_group_id=str(group.id),
        external=external,
        tenant=tenant,
        volume_id=volume_id,
    )


def _image(cloud: Connection, deployment: Deployment, plan: Plan, say: Say, note: Say) -> tuple[Image, list[Image]]:
    """Return the image and its outdated ones; where it can't be uploaded, another one with the same content."""
    try:
        return ensure_image(cloud, plan.image, deployment.guest_image, say)
    except (exceptions.SDKException, LaunchError) as error:
        found = find_same(cloud, deployment.guest_image) if plan.reuse else None
        if found is None:
            raise
        note(f"going on with image {found.name} {found.id}, since {' '.join(str(error).split())}")
        return found, []


def server_request(plan: Plan, prepared: PreparedResources) -> dict[str, Any]:
    """Return the attributes of the POST: image as the root disk, the volume in the same request, no config drive."""
    volume = {
        "uuid": prepared.volume_id,
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": -1,
        "delete_on_termination": False,
    }
    return {
        "name": plan.server,
        "image_id": prepared.image_id,
        "flavor_id": prepared.flavor_id,
        "key_name": prepared.keypair,
        "networks": [{"uuid": prepared.tenant.network_id}],
        "security_groups": [{"name": prepared.security_group_id}],
        **({"availability_zone": plan.zone} if plan.zone else {}),
        "block_device_mapping": [
            {
                "uuid": prepared.image_id,
                "source_type": "image",
                "destination_type": "local",
                "boot_index": 0,
                "delete_on_termination": True,
            },
            *([volume] if prepared.volume_id else []),
        ],
    }


def create_request_id(cloud: Connection, server_id: str) -> str:
    """Return Nova's own id of the request that created the instance, from its list of actions; empty if not listed."""
    for action in cloud.compute.server_actions(server_id):
        if action.action == "create":
            return str(action.request_id)
    return ""


def create_instance(
    cloud: Connection,
    plan: Plan,
    prepared: PreparedResources,
    *,
    posted: Callable[[str], None],
    clock: Clock = SYSTEM_CLOCK,
) -> tuple[Server, tuple[StateSeen, ...]]:
    """Ask for the instance, and wait until it is ACTIVE: for plan.active_timeout seconds in all.

    posted: told the instance's id as soon as Nova has answered the POST, so that a failure can be looked into.
    Returns the instance and the states that it was seen in. Raises InstanceFailedError, WaitTimeoutError and what
    openstacksdk raises.
    """
    started = clock.monotonic()
    created = cloud.compute.create_server(**server_request(plan, prepared))
    posted(str(created.id))
    left = max(0.0, plan.active_timeout - (clock.monotonic() - started))
    return wait_server(cloud, str(created.id), "ACTIVE", timeout=left, started=started, clock=clock)


def boot(
    cloud: Connection,
    plan: Plan,
    prepared: PreparedResources,
    *,
    global_request_id: str,
    say: Say,
    posted: Callable[[str], None] = lambda _: None,
    clock: Clock = SYSTEM_CLOCK,
) -> LaunchedInstance:
    """Boot the instance (see `create_instance`), and give it a floating IP."""
    say(f"booting instance {plan.server}")
    server, states = create_instance(cloud, plan, prepared, posted=posted, clock=clock)
    port = find_port(cloud, str(server.id), prepared.tenant.network_id)
    address = ensure_floating_ip(cloud, plan, prepared.external, port, say)
    return LaunchedInstance(
        global_request_id=global_request_id,
        request_id=create_request_id(cloud, str(server.id)),
        server_id=str(server.id),
        server_name=plan.server,
        host=server_host(server),
        image_id=prepared.image_id,
        image_size=prepared.image_size,
        image_checksum=prepared.image_checksum,
        flavor_id=prepared.flavor_id,
        keypair=prepared.keypair,
        key_file=prepared.key_file,
        network_id=prepared.tenant.network_id,
        subnet_id=prepared.tenant.subnet_id,
        router_id=prepared.tenant.router_id,
        external_network_id=str(prepared.external.id),
        port_id=str(port.id),
        fixed_address=str(port.fixed_ips[0]["ip_address"]),
        floating_ip_id=str(address.id),
        floating_address=str(address.floating_ip_address),
        volume_id=prepared.volume_id,
        seconds_to_active=states[-1].seconds,
        states=states,
    )


def server_host(server: Server) -> str:
    """Return the compute host of an instance as Nova calls it; empty for users who aren't told."""
    return str(server.compute_host or "")
