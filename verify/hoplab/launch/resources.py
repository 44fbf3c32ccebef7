"""Flavors, keypair, volume and instance: each found, made where missing, or waited for."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from openstack import exceptions
from openstack.block_storage.v3.volume import Volume
from openstack.compute.v2.flavor import Flavor
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from hoplab.lab.connection import volume_api
from hoplab.launch.plan import OWN_PREFIX, FlavorSpec, Plan
from hoplab.launch.waiting import SYSTEM_CLOCK, Clock, Pending, wait_for
from hoplab.model.errors import LaunchError
from hoplab.model.states import StateSeen

Say = Callable[[str], None]
POLL_SECONDS = 0.5
FREE_SECONDS = 20.0
"""How long a volume may take to be free again that an instance had."""
VOLUME_SERVICES = ("cinder-scheduler", "cinder-volume")


class InstanceFailedError(LaunchError):
    """The instance came into status ERROR. states: what it went through; fault: Nova's own words."""

    def __init__(self, server: Server, states: Sequence[StateSeen]) -> None:
        self.fault = server_fault(server)
        self.server_id = str(server.id)
        self.states = tuple(states)
        super().__init__(f"instance {server.id} is {server.status}, task state {server.task_state}: {self.fault}")


def server_fault(server: Server) -> str:
    """Return Nova's own words on what went wrong, on one line."""
    fault = server.fault
    if not isinstance(fault, dict):
        return "Nova gives no fault message"
    return " ".join(f"{fault.get('code', '')} {fault.get('message', '')}".split()) or "Nova's fault message is empty"


def ensure_flavor(cloud: Connection, spec: FlavorSpec, say: Say) -> Flavor:
    """Return the public flavor; one of the same name with other sizes is replaced."""
    found = next((flavor for flavor in cloud.compute.flavors() if flavor.name == spec.name), None)
    if found is not None:
        if (found.vcpus, found.ram, found.disk) == (spec.vcpus, spec.memory, spec.disk):
            return found
        say(f"replacing flavor {spec.name}: its sizes differ")
        cloud.compute.delete_flavor(found.id)
    else:
        say(f"creating flavor {spec.name}")
    return cloud.compute.create_flavor(
        name=spec.name, vcpus=spec.vcpus, ram=spec.memory, disk=spec.disk, is_public=True
    )


def ensure_keypair(cloud: Connection, name: str, public_key: str, say: Say) -> None:
    """Have the user's keypair of this name hold the public key; one with another key is replaced."""
    found = next((pair for pair in cloud.compute.keypairs() if pair.name == name), None)
    if found is not None:
        if str(found.public_key).split()[:2] == public_key.split()[:2]:
            return
        cloud.compute.delete_keypair(found)
    say(f"uploading keypair {name}")
    cloud.compute.create_keypair(name=name, public_key=public_key)


def own_volumes(cloud: Connection, name: str) -> list[Volume]:
    """Return the project's volumes of exactly this name."""
    return [volume for volume in volume_api(cloud).volumes(name=name) if volume.name == name]


def ensure_volume(cloud: Connection, plan: Plan, say: Say, note: Say | None = None) -> Volume:
    """Return a volume that can be attached, made if there is none that is good enough. WaitTimeoutError, LaunchError.

    One of this name that is in another state is left alone: it is in nobody's way. note: told that an earlier launch's
    volume is taken, since none can be made (as say if None).
    """
    for volume in own_volumes(cloud, plan.server):
        if not str(volume.status).startswith("error") and not volume.attachments:
            with suppress(LaunchError):
                return wait_volume(cloud, str(volume.id), "available", timeout=min(FREE_SECONDS, plan.volume_timeout))
        say(f"volume {volume.id} is {volume.status}: making another one")
    say(f"creating volume {plan.server} ({plan.volume_size} GB)")
    try:
        created = volume_api(cloud).create_volume(name=plan.server, size=plan.volume_size)
        return wait_volume(cloud, str(created.id), "available", timeout=plan.volume_timeout)
    except (exceptions.SDKException, LaunchError) as error:
        for volume in volume_api(cloud).volumes():
            if plan.reuse and _is_spare(volume, plan):
                (note or say)(f"going on with volume {volume.name} {volume.id}, since {' '.join(str(error).split())}")
                return volume
        raise


def _is_spare(volume: Volume, plan: Plan) -> bool:
    """Tell whether a volume is one that an earlier launch left, free, and large enough."""
    ours = str(volume.name).startswith((OWN_PREFIX, Plan().server))
    return bool(ours and volume.status == "available" and not volume.attachments and volume.size >= plan.volume_size)


def wait_volume(cloud: Connection, volume_id: str, status: str, *, timeout: float) -> Volume:
    """Return the volume once it has the status, within timeout seconds; LaunchError if it gets into an error state."""

    def reached() -> Volume | Pending:
        volume = volume_api(cloud).get_volume(volume_id)
        if volume.status == status:
            return volume
        if str(volume.status).startswith("error"):
            raise LaunchError(f"volume {volume_id} is {volume.status}, not {status}", services=VOLUME_SERVICES)
        return Pending(f"status {volume.status}")

    return wait_for(f"volume {volume_id} {status}", reached, timeout=timeout, services=VOLUME_SERVICES)


def own_servers(cloud: Connection, name: str) -> list[Server]:
    """Return the project's instances of exactly this name."""
    return [server for server in cloud.compute.servers() if server.name == name]


def wait_deleted(cloud: Connection, server_id: str, *, timeout: float) -> None:
    """Wait until Nova no longer knows the instance, for at most timeout seconds; WaitTimeoutError."""

    def gone() -> bool | Pending:
        try:
            server = cloud.compute.get_server(server_id)
        except exceptions.NotFoundException:
            return True
        return Pending(f"status {server.status}, task state {server.task_state}")

    wait_for(f"instance {server_id} deleted", gone, timeout=timeout)


def wait_server(
    cloud: Connection,
    server_id: str,
    status: str,
    *,
    timeout: float,
    started: float | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> tuple[Server, tuple[StateSeen, ...]]:
    """Poll every half second until the instance has the status and no task under way.

    timeout: seconds; started: reading of the clock from which the states' seconds count, now if None.
    Returns the instance and each state it was seen in. Raises InstanceFailedError, WaitTimeoutError.
    """
    origin = clock.monotonic() if started is None else started
    states: list[StateSeen] = []

    def reached() -> Server | Pending:
        server = cloud.compute.get_server(server_id)
        now = StateSeen(clock.monotonic() - origin, server.status, server.task_state, server.vm_state)
        if not states or (states[-1].status, states[-1].task_state, states[-1].vm_state) != (
            (now.status, now.task_state, now.vm_state)
        ):
            states.append(now)
        if server.status == "ERROR" and status != "ERROR":
            raise InstanceFailedError(server, states)
        if server.status == status and server.task_state is None:
            return server
        return Pending(f"status {server.status}, task state {server.task_state}")

    server = wait_for(f"instance {server_id} {status}", reached, timeout=timeout, interval=POLL_SECONDS, clock=clock)
    return server, tuple(states)
