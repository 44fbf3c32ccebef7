"""Where the actors of the flows are in a lab: the names of their services in its description."""

from typing import Final

from hoplab.lab.deployment import Deployment, Node

SERVICES: Final = {
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "ceph-rgw": "ceph-radosgw",
    "cinder-api": "cinder-api",
    "cinder-volume": "cinder-volume",
    "database": "mariadb",
    "dhcp-agent": "neutron-dhcp-agent",
    "glance-api": "glance-api",
    "keystone": "keystone",
    "l2-agent": "neutron-openvswitch-agent",
    "libvirt": "libvirtd",
    "memcached": "memcached",
    "metadata-agent": "neutron-metadata-agent",
    "neutron-api": "neutron-api",
    "neutron-rpc-server": "neutron-rpc-server",
    "nova-api": "nova-api",
    "nova-compute": "nova-compute",
    "nova-conductor": "nova-conductor",
    "nova-metadata": "nova-api-metadata",
    "nova-scheduler": "nova-scheduler",
    "open-vswitch": "ovs-vswitchd",
    "placement": "placement-api",
    "rabbitmq": "rabbitmq",
}
"""Service by actor. Actors that are no service of a node (client, guest, dnsmasq, QEMU) are not in it."""


def nodes_of(deployment: Deployment, actor: str) -> tuple[Node, ...]:
    """Return the nodes on which an actor runs; none for an actor that is no service."""
    service = SERVICES.get(actor)
    return tuple(node for node, _service in deployment.running(service)) if service else ()
