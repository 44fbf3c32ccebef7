"""Attaching a volume to a running instance: what it needs, the request, and the way back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from openstack import exceptions
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from hoplab.lab.connection import volume_api
from hoplab.lab.deployment import Deployment
from hoplab.launch.instance import Begins, create_instance, prepare, server_host
from hoplab.launch.plan import Plan
from hoplab.launch.resources import POLL_SECONDS, VOLUME_SERVICES, Say, ensure_volume, own_servers
from hoplab.launch.waiting import SYSTEM_CLOCK, Clock, Pending, wait_for
from hoplab.model.errors import LaunchError
from hoplab.model.states import StateSeen

FREE: Final = "available"
ATTACHED: Final = "in-use"
LAUNCH_SECONDS: Final = 120.0
"""How long the instance may take to become ACTIVE."""
BOOT_SECONDS: Final = 90.0
"""How long its guest may take until it has started."""


@dataclass(frozen=True, slots=True)
class Target:
    """A running instance and a free volume. own: whether the instance was launched for this alone."""

    instance_id: str
    instance_name: str
    host: str
    volume_id: str
    own: bool


class AttachmentFailedError(LaunchError):
    """The volume was not attached. states: what it went through."""

    def __init__(self, message: str, states: tuple[StateSeen, ...]) -> None:
        super().__init__(message, services=("nova-compute", *VOLUME_SERVICES))
        self.states = states


def prepare_attachment(
    cloud: Connection,
    deployment: Deployment,
    plan: Plan,
    say: Say,
    *,
    begins: Begins,
    note: Say,
    booted: Callable[[str], bool | Pending],
) -> Target:
    """Return a running instance and a free volume for it.

    The instance is that of `hoplab launch`, if it runs and the plan does not want one of its own, else one that is
    launched for this. begins, note: see `hoplab.launch.instance.prepare`; booted: tells of an instance whether its
    guest has started. Raises LaunchError, ConfigurationError and what openstacksdk raises.
    """
    begins("instance", "nova-api")
    server = None if plan.own_instance else _running(cloud)
    own = server is None
    if server is None:
        alone = replace(plan, volume_size=0, active_timeout=LAUNCH_SECONDS)
        prepared = prepare(cloud, deployment, alone, say, begins=begins, note=note)
        begins("instance", "nova-api")
        say(f"launching {plan.server}, to which the volume is attached")
        server, _states = create_instance(cloud, alone, prepared, posted=lambda _id: None)
        begins("guest", "nova-api")
    instance = str(server.id)
    # A guest that has not started yet does not see what is plugged in.
    wait_for(f"the guest of {server.name}", lambda: booted(instance), timeout=BOOT_SECONDS, interval=1.0)
    begins("volume", "cinder-api")
    volume = ensure_volume(cloud, plan, say, note)
    return Target(instance, str(server.name), server_host(server), str(volume.id), own)


def _running(cloud: Connection) -> Server | None:
    """Return the instance of `hoplab launch`, if it runs and nothing is done with it."""
    found = own_servers(cloud, Plan().server)
    return next((one for one in found if one.status == "ACTIVE" and one.task_state is None), None)


def attach(
    cloud: Connection,
    target: Target,
    *,
    timeout: float,
    meanwhile: Callable[[], None] = lambda: None,
    clock: Clock = SYSTEM_CLOCK,
) -> tuple[StateSeen, ...]:
    """Ask Nova to attach the volume, and wait until Cinder says that it is; return the states that it was seen in.

    timeout: seconds for all of it; meanwhile: done between two looks. Raises AttachmentFailedError, WaitTimeoutError
    and what openstacksdk raises.
    """
    started = clock.monotonic()
    cloud.compute.create_volume_attachment(target.instance_id, volume_id=target.volume_id)
    states: list[StateSeen] = []

    def reached() -> tuple[StateSeen, ...] | Pending:
        status = str(volume_api(cloud).get_volume(target.volume_id).status)
        if not states or states[-1].status != status:
            states.append(StateSeen(clock.monotonic() - started, status, None, None))
        if status == ATTACHED:
            return tuple(states)
        # Nova had reserved it when it answered: it is free again where the attachment was given up.
        if status == FREE or status.startswith("error"):
            raise AttachmentFailedError(f"volume {target.volume_id} is {status}: it was not attached", tuple(states))
        meanwhile()
        return Pending(f"status {status}")

    left = round(max(0.0, timeout - (clock.monotonic() - started)), 1)
    what = f"volume {target.volume_id} {ATTACHED}"
    return wait_for(what, reached, timeout=left, interval=POLL_SECONDS, clock=clock, services=VOLUME_SERVICES)


def detach(cloud: Connection, target: Target, *, timeout: float) -> None:
    """Take the volume from the instance again, if it is attached, and wait until it is free.

    timeout: seconds. Raises WaitTimeoutError and what openstacksdk raises.
    """

    def free() -> bool | Pending:
        status = str(volume_api(cloud).get_volume(target.volume_id).status)
        return True if status == FREE else Pending(f"status {status}")

    try:
        cloud.compute.delete_volume_attachment(target.instance_id, target.volume_id, ignore_missing=True)
    except exceptions.NotFoundException:
        return
    wait_for(f"volume {target.volume_id} {FREE}", free, timeout=timeout, interval=POLL_SECONDS)
