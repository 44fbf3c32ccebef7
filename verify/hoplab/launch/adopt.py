"""Find the instance of an earlier launch, so that it can be checked instead of a new one."""

from datetime import datetime

from openstack.compute.v2.server import Server
from openstack.connection import Connection

from hoplab.lab.deployment import Deployment
from hoplab.launch.instance import LaunchedInstance, create_request_id, guest_key, server_host
from hoplab.launch.plan import Plan
from hoplab.launch.resources import own_servers
from hoplab.model.states import StateSeen


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds between two times as Nova writes them: ISO 8601 in UTC, with or without the Z."""
    times = [datetime.fromisoformat(text.removesuffix("Z")[:26]) for text in (earlier, later)]
    return (times[1] - times[0]).total_seconds()


def adopt(cloud: Connection, deployment: Deployment, plan: Plan, *, global_request_id: str) -> LaunchedInstance | None:
    """Return the journey of the running instance of an earlier launch; None if it isn't there or lacks a part.

    Its seconds to ACTIVE are Nova's own (created to launched, in whole seconds at the start). Raises what openstacksdk
    raises.
    """
    servers = [server for server in own_servers(cloud, plan.server) if server.status == "ACTIVE"]
    volumes = [item.volume_id for server in servers for item in cloud.compute.volume_attachments(server.id)]
    if len(servers) != 1 or len(volumes) != 1 or not guest_key(deployment).exists():
        return None
    return _journey(cloud, deployment, plan, servers[0], volume_id=str(volumes[0]), global_request_id=global_request_id)


def _journey(
    cloud: Connection, deployment: Deployment, plan: Plan, server: Server, *, volume_id: str, global_request_id: str
) -> LaunchedInstance | None:
    ports = list(cloud.network.ports(device_id=server.id))
    router = cloud.network.find_router(plan.group)
    image = cloud.image.find_image(server.image["id"]) if server.image else None
    addresses = list(cloud.network.ips(port_id=ports[0].id)) if len(ports) == 1 else []
    if router is None or image is None or len(addresses) != 1:
        return None
    fixed = ports[0].fixed_ips[0]
    took = seconds_between(str(server.created_at), str(server.launched_at))
    return LaunchedInstance(
        global_request_id=global_request_id,
        request_id=create_request_id(cloud, str(server.id)),
        server_id=str(server.id),
        server_name=plan.server,
        host=server_host(server),
        image_id=str(image.id),
        image_size=int(image.size),
        image_checksum=str(image.checksum),
        flavor_id=str(server.flavor.id or server.flavor.original_name),
        keypair=plan.group,
        key_file=guest_key(deployment),
        network_id=str(ports[0].network_id),
        subnet_id=str(fixed["subnet_id"]),
        router_id=str(router.id),
        external_network_id=str(addresses[0].floating_network_id),
        port_id=str(ports[0].id),
        fixed_address=str(fixed["ip_address"]),
        floating_ip_id=str(addresses[0].id),
        floating_address=str(addresses[0].floating_ip_address),
        volume_id=volume_id,
        seconds_to_active=took,
        states=(StateSeen(took, "ACTIVE", None, "active"),),
    )
