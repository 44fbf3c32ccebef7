"""The journey `launch`: an instance is asked for, with a volume, until its guest runs."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from openstack.connection import Connection

from hoplab.lab.deployment import Deployment
from hoplab.launch.instance import Begins, PreparedResources, create_instance, prepare, server_host
from hoplab.launch.plan import Plan
from hoplab.launch.resources import InstanceFailedError
from hoplab.parse import guest as console
from hoplab.session.attempt import Attempt
from hoplab.session.journey import Say


class Launch:
    """See `hoplab.session.journey.Journey`."""

    name: ClassVar[str] = "launch"
    doing: ClassVar[str] = "launching"
    fresh_image: ClassVar[bool] = True
    several: ClassVar[bool] = True
    preparing: ClassVar[float] = 0.0

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.prepared: PreparedResources | None = None

    def prepare(self, cloud: Connection, deployment: Deployment, say: Say, *, begins: Begins, note: Say) -> None:
        """Get image, flavor, network and volume."""
        self.prepared = prepare(cloud, deployment, self.plan, say, begins=begins, note=note)

    def known(self) -> Mapping[str, str]:
        """Return the ids of what it is made of."""
        if self.prepared is None:
            return {}
        one = self.prepared
        return {"image": one.image_id, "volume": one.volume_id, "network": one.tenant.network_id}

    def run(self, cloud: Connection, attempt: Attempt) -> None:
        """Ask for the instance, and wait until it is ACTIVE."""
        if self.prepared is None:
            raise RuntimeError("run before it is prepared")

        def posted(instance: str) -> None:
            attempt.ids["instance"] = instance

        try:
            _server, attempt.seen = create_instance(cloud, self.plan, self.prepared, posted=posted)
        except InstanceFailedError as error:
            attempt.seen = error.states
            raise
        attempt.seconds_to_active = attempt.seen[-1].seconds

    def learn(self, cloud: Connection, attempt: Attempt) -> None:
        """Learn where the instance is and which port it has, also of one that did not become ACTIVE."""
        instance = attempt.ids.get("instance")
        if not instance:
            return
        server = cloud.compute.get_server(instance)
        attempt.host, attempt.status = server_host(server), str(server.status)
        for port in cloud.network.ports(device_id=instance):
            attempt.ids |= {"port": str(port.id), "mac": str(port.mac_address)}
            if port.fixed_ips:
                attempt.ids["address"] = str(port.fixed_ips[0]["ip_address"])

    def may_tell(self, attempt: Attempt, /) -> bool:
        """Tell whether there may be a guest: nova-api says so, or does not answer any more."""
        return attempt.status == "ACTIVE" or (not attempt.status and "instance" in attempt.ids)

    def untold(self, attempt: Attempt) -> Sequence[str]:
        """Return which of its address, its metadata and its volume the guest has not told of yet."""
        events = console.parse(attempt.console.text)
        wanted = (
            ("DHCP", console.DhcpOk),
            ("metadata", console.MetadataOk),
            ("the volume", console.DiskRwOk),
        )
        return [name for name, kind in wanted if not any(isinstance(event, kind) for event in events)]

    def release(self, deployment: Deployment, seconds: float) -> None:
        """Do nothing: what a launch made is deleted in its order."""
