"""When a lab is well again after a fault: what its services say of themselves."""

from collections.abc import Iterator
from typing import Final

from openstack.connection import Connection

from hoplab.cloud import connect, new_request_id, told_plainly, volume_api
from hoplab.deployment import Deployment
from hoplab.errors import HoplabError
from hoplab.waiting import Pending, wait_for

SECONDS: Final = 180.0


def wait_recovered(deployment: Deployment) -> None:
    """Wait until all daemons of Nova, Neutron and Cinder say that they are up; WaitTimeoutError if they don't.

    Glance, Keystone and the others have no such word; the next launch shows whether they are well.
    """
    cloud = connect(deployment, new_request_id())

    def asked() -> bool | Pending:
        try:
            with told_plainly("ask who is up"):
                down = sorted(_down(cloud))
        except HoplabError as error:
            return Pending(str(error))
        return Pending(f"down: {', '.join(down)}") if down else True

    wait_for("the lab is well again", asked, timeout=SECONDS, interval=1.0)


def _down(cloud: Connection) -> Iterator[str]:
    """Yield the daemons that are down, as daemon@host."""
    yield from (f"{one.binary}@{one.host}" for one in cloud.compute.services() if one.state != "up")
    yield from (f"{one.binary}@{one.host}" for one in cloud.network.agents() if not one.is_alive)
    yield from (f"{one.binary}@{one.host}" for one in volume_api(cloud).services() if one.state != "up")
