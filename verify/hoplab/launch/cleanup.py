"""Deleting what launches made: bounded, and at ease with what is not there."""

from collections.abc import Callable, Collection
from typing import Final

from openstack import exceptions
from openstack.connection import Connection

from hoplab.launch.networks import remove_orphans, remove_tenant_network
from hoplab.launch.plan import FLAVORS, OWN_PREFIX, Plan
from hoplab.launch.removal import FLOATING_IPS, IMAGES, INSTANCES, VOLUMES, Budget, Removal, Say, remove
from hoplab.model.errors import LaunchError

SECONDS: Final = 300.0
"""How long all of it may take."""


def cleanup(cloud: Connection, plan: Plan, say: Say, *, shared: bool = True, runs: bool = False) -> tuple[Removal, ...]:
    """Remove what a launch with this plan made, in an order in which nothing is in the way of the next.

    shared: also image, flavors and external network, which other projects may use; while they do, those stay and
    are named; runs: also what runs of `hoplab verify` left, which is known by how its names begin. A problem with one
    kind doesn't keep the others. Only connection errors are raised.
    """

    def mine(name: str) -> bool:
        return name == plan.server or (runs and name.startswith(OWN_PREFIX))

    def image(name: str) -> bool:
        return (shared and name == plan.image) or (runs and name.startswith(OWN_PREFIX))

    budget = Budget(SECONDS)
    steps: list[tuple[str, Callable[[], Removal | list[str]]]] = [
        ("instance", lambda: remove(cloud, INSTANCES, mine, budget, say)),
        ("floating IP", lambda: remove(cloud, FLOATING_IPS, mine, budget)),
        ("volume", lambda: remove(cloud, VOLUMES, mine, budget)),
        ("port", lambda: remove_orphans(cloud, plan)),
        ("router, network, security group", lambda: remove_tenant_network(cloud, plan)),
        ("keypair", lambda: _keypair(cloud, plan)),
    ]
    if shared:
        steps += [
            ("external network", lambda: _external(cloud, plan)),
            ("flavors", lambda: _flavors(cloud)),
        ]
    steps.append(("image", lambda: remove(cloud, IMAGES, image, budget)))
    removals: list[Removal] = []
    for kind, step in steps:
        try:
            found = step()
            removals.append(found if isinstance(found, Removal) else Removal(kind, tuple(found), None))
        except (exceptions.SDKException, LaunchError) as error:
            removals.append(Removal(kind, (), " ".join(str(error).split())))
    return tuple(removals)


def delete_all(cloud: Connection, plans: Collection[Plan], say: Say, *, seconds: float) -> tuple[Removal, ...]:
    """Remove launches' own instances, volumes and images; what launches share stays.

    seconds: for all of it; what can't be removed by then is in the answer. Only connection errors are raised.
    """
    budget = Budget(seconds)
    servers, images = {plan.server for plan in plans}, {plan.image for plan in plans} - {Plan().image}
    removals = [
        remove(cloud, INSTANCES, servers.__contains__, budget, say),
        remove(cloud, VOLUMES, servers.__contains__, budget),
    ]
    return (*removals, *([remove(cloud, IMAGES, images.__contains__, budget)] if images else []))


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
