"""A lab's description without a lab."""

from pathlib import Path
from typing import Any

from hoplab.run.record import RunRecord

Document = dict[str, Any]


def lab_description(place: Path) -> Document:
    """Return a lab's description as Ansible writes it. place: where the files are made that it names."""
    for name in ("id_ed25519", "known_hosts", "clouds.yaml", "guest.raw"):
        (place / name).write_text("clouds: {}" if name == "clouds.yaml" else "x")
    nova = {"name": "nova-scheduler", "unit": "nova-scheduler.service", "port": None, "logs": ["/var/log/nova/s.log"]}
    compute: Document = {"name": "nova-compute", "unit": "nova-compute.service", "port": None, "logs": []}
    return {
        "schema": 1,
        "inventory": "local",
        "release": "2025.1",
        "nodes": [
            {"name": "ctl1", "address": "172.29.20.11", "groups": ["control", "keystone"], "services": [nova]},
            {"name": "cmp1", "address": "172.29.20.21", "groups": ["compute"], "services": [compute]},
            {"name": "ceph1", "address": "172.29.20.31", "groups": ["ceph_mon", "ceph_rgw"], "services": []},
        ],
        "ssh": {
            "user": "root",
            "port": 22,
            "key": str(place / "id_ed25519"),
            "known_hosts": str(place / "known_hosts"),
        },
        "clouds_file": str(place / "clouds.yaml"),
        "cloud": "hoplab-admin",
        "region": "RegionOne",
        "guest_image": str(place / "guest.raw"),
        "external_network": {
            "physical_network": "physnet1",
            "cidr": "172.29.22.0/24",
            "gateway": "172.29.22.1",
            "pool": ["172.29.22.100", "172.29.22.199"],
        },
    }


def recorded_lab(place: Path, record: RunRecord) -> Document:
    """Return the description of the lab in which a run was recorded, as far as the run tells. place: see above."""
    services: dict[str, list[Document]] = {}
    for unit in record.states:
        service: Document = {"name": unit.service, "unit": unit.unit, "port": None, "logs": []}
        services.setdefault(unit.node, []).append(service)
    addresses = {name: address for address, name in record.hosts.items()}
    nodes = [
        {"name": name, "address": addresses[name], "groups": [], "services": some} for name, some in services.items()
    ]
    return lab_description(place) | {"nodes": nodes}
