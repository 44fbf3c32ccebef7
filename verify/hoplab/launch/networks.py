"""Networks, router, security group and floating IP: each found, or made where missing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from openstack.connection import Connection
from openstack.network.v2.floating_ip import FloatingIP
from openstack.network.v2.network import Network
from openstack.network.v2.port import Port
from openstack.network.v2.router import Router
from openstack.network.v2.security_group import SecurityGroup

from hoplab.lab.connection import project_id
from hoplab.lab.deployment import ExternalNetwork
from hoplab.launch.plan import Plan
from hoplab.launch.waiting import Pending, wait_for
from hoplab.model.errors import LaunchError

Say = Callable[[str], None]

ROUTER_SERVICES: Final = ("neutron-rpc-server", "neutron-l3-agent")
RULES: Final[tuple[dict[str, Any], ...]] = (
    {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22},
    {"protocol": "icmp"},
)


@dataclass(frozen=True, slots=True)
class TenantNetwork:
    """The ids of a network with its subnet and the router to the outside."""

    network_id: str
    subnet_id: str
    router_id: str


def ensure_external_network(cloud: Connection, name: str, wanted: ExternalNetwork, say: Say) -> Network:
    """Return the flat external network on the lab's physical network, with its subnet, made if missing.

    One of another name on the same physical network is taken as it is: a flat network can be there only once.
    """
    on_physical = [
        network
        for network in cloud.network.networks(is_router_external=True)
        if network.provider_physical_network == wanted.physical_network
    ]
    external = on_physical[0] if on_physical else None
    if external is None:
        say(f"creating external network {name} ({wanted.cidr})")
        external = cloud.network.create_network(
            name=name,
            is_router_external=True,
            provider_network_type="flat",
            provider_physical_network=wanted.physical_network,
        )
    if not list(cloud.network.subnets(network_id=external.id, cidr=wanted.cidr)):
        cloud.network.create_subnet(
            name=name,
            network_id=external.id,
            ip_version=4,
            cidr=wanted.cidr,
            gateway_ip=wanted.gateway,
            is_dhcp_enabled=False,
            allocation_pools=[{"start": wanted.pool[0], "end": wanted.pool[1]}],
        )
    return external


def find_external_network(cloud: Connection) -> Network:
    """Return the external network that a project can see; LaunchError if there is none."""
    for network in cloud.network.networks(is_router_external=True):
        return network
    raise LaunchError("no external network is visible to this project: run `hoplab launch` as the lab's admin first")


def ensure_tenant_network(cloud: Connection, plan: Plan, external: Network, say: Say) -> TenantNetwork:
    """Return the project's network, subnet and router with a gateway to the external network, made where missing."""
    own = {"name": plan.group, "project_id": project_id(cloud)}
    network = next(iter(cloud.network.networks(**own)), None)
    if network is None:
        say(f"creating network {plan.group} ({plan.tenant_cidr})")
        network = cloud.network.create_network(name=plan.group)
    subnet = next(iter(cloud.network.subnets(network_id=network.id)), None)
    if subnet is None:
        subnet = cloud.network.create_subnet(
            name=plan.group,
            network_id=network.id,
            ip_version=4,
            cidr=plan.tenant_cidr,
            gateway_ip=plan.tenant_gateway,
            is_dhcp_enabled=True,
        )
    router = _ensure_router(cloud, plan, own, external, say)
    attached = cloud.network.ports(device_id=router.id, network_id=network.id)
    if not any(ip["subnet_id"] == subnet.id for port in attached for ip in port.fixed_ips or ()):
        cloud.network.add_interface_to_router(router.id, subnet.id)
    return TenantNetwork(str(network.id), str(subnet.id), str(router.id))


def _ensure_router(cloud: Connection, plan: Plan, own: dict[str, str], external: Network, say: Say) -> Router:
    gateway = {"network_id": external.id}
    router = next(iter(cloud.network.routers(**own)), None)
    if router is None:
        say(f"creating router {plan.group}")
        return cloud.network.create_router(name=plan.group, external_gateway_info=gateway)
    if (router.external_gateway_info or {}).get("network_id") != external.id:
        router = cloud.network.update_router(router.id, external_gateway_info=gateway)
    return router


def ensure_security_group(cloud: Connection, plan: Plan, say: Say) -> SecurityGroup:
    """Return the project's own group that lets SSH and ICMP in; the group `default` stays as it is."""
    group = next(iter(cloud.network.security_groups(name=plan.group, project_id=project_id(cloud))), None)
    if group is None:
        say(f"creating security group {plan.group}")
        group = cloud.network.create_security_group(name=plan.group, description="SSH and ICMP from anywhere")
    present = list(cloud.network.security_group_rules(security_group_id=group.id, direction="ingress"))
    for rule in RULES:
        if not any(_same_rule(found, rule) for found in present):
            cloud.network.create_security_group_rule(
                security_group_id=group.id, direction="ingress", ether_type="IPv4", **rule
            )
    return group


def _same_rule(found: Any, rule: dict[str, Any]) -> bool:
    return (
        found.protocol == rule["protocol"]
        and found.port_range_min == rule.get("port_range_min")
        and found.port_range_max == rule.get("port_range_max")
        and found.ether_type == "IPv4"
        and found.remote_group_id is None
        and found.remote_ip_prefix in {None, "0.0.0.0/0"}
    )


def find_port(cloud: Connection, server_id: str, network_id: str) -> Port:
    """Return the instance's port in a network; LaunchError if it has none."""
    for port in cloud.network.ports(device_id=server_id, network_id=network_id):
        return port
    raise LaunchError(f"instance {server_id} has no port in network {network_id}")


def ensure_floating_ip(cloud: Connection, plan: Plan, external: Network, port: Port, say: Say) -> FloatingIP:
    """Return a floating IP for a port, once Neutron says that it is ACTIVE; a free one of ours is used again.

    The description (the instance's name) tells ours from others. Raises WaitTimeoutError.
    """
    own = cloud.network.ips(description=plan.server, project_id=project_id(cloud), floating_network_id=external.id)
    usable = [ip for ip in own if ip.port_id in {None, port.id}]
    if not usable:
        say("creating a floating IP")
        address = cloud.network.create_ip(floating_network_id=external.id, port_id=port.id, description=plan.server)
    elif usable[0].port_id is None:
        address = cloud.network.update_ip(usable[0].id, port_id=port.id)
    else:
        address = usable[0]

    def active() -> FloatingIP | Pending:
        seen = cloud.network.get_ip(address.id)
        return seen if seen.status == "ACTIVE" else Pending(f"status {seen.status}")

    return wait_for(f"floating IP {address.floating_ip_address} ACTIVE", active, timeout=60, services=ROUTER_SERVICES)


def remove_orphans(cloud: Connection, plan: Plan) -> list[str]:
    """Delete ports of instances that are gone in the project's network of the plan; return their ids.

    Raises what openstacksdk raises.
    """
    servers = {str(server.id) for server in cloud.compute.servers()}
    removed = []
    for network in list(cloud.network.networks(name=plan.group, project_id=project_id(cloud))):
        for port in list(cloud.network.ports(network_id=network.id)):
            if str(port.device_owner).startswith("compute:") and port.device_id not in servers:
                cloud.network.delete_port(port.id, ignore_missing=True)
                removed.append(str(port.id))
    return removed


def remove_tenant_network(cloud: Connection, plan: Plan) -> list[str]:
    """Delete the project's router, network, subnet and security group of the plan; return what was deleted.

    Raises what openstacksdk raises where something still uses them.
    """
    own = {"name": plan.group, "project_id": project_id(cloud)}
    removed: list[str] = []
    for router in list(cloud.network.routers(**own)):
        for port in list(cloud.network.ports(device_id=router.id)):
            if str(port.device_owner).startswith("network:router_interface"):
                for ip in port.fixed_ips:
                    cloud.network.remove_interface_from_router(router.id, ip["subnet_id"])
        cloud.network.delete_router(router.id, ignore_missing=True)
        removed.append(f"router {router.name}")
    for network in list(cloud.network.networks(**own)):
        cloud.network.delete_network(network.id, ignore_missing=True)
        removed.append(f"network {network.name}")
    for group in list(cloud.network.security_groups(**own)):
        cloud.network.delete_security_group(group.id, ignore_missing=True)
        removed.append(f"security group {group.name}")
    return removed
