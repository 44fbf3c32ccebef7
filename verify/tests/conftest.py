import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hoplab.lab.deployment import Deployment, load
from hoplab.launch.instance import LaunchedInstance
from hoplab.model.states import StateSeen
from samples.drills import SSH

Document = dict[str, Any]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """A lab's description as Ansible writes it, with the files that it names."""
    for name in ("id_ed25519", "known_hosts", "clouds.yaml", "guest.raw"):
        (tmp_path / name).write_text("clouds: {}" if name == "clouds.yaml" else "x")
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
            "key": str(tmp_path / "id_ed25519"),
            "known_hosts": str(tmp_path / "known_hosts"),
        },
        "clouds_file": str(tmp_path / "clouds.yaml"),
        "cloud": "hoplab-admin",
        "region": "RegionOne",
        "guest_image": str(tmp_path / "guest.raw"),
        "external_network": {
            "physical_network": "physnet1",
            "cidr": "172.29.22.0/24",
            "gateway": "172.29.22.1",
            "pool": ["172.29.22.100", "172.29.22.199"],
        },
    }


@pytest.fixture
def write_lab(tmp_path: Path) -> Callable[[object], Path]:
    def write(content: object) -> Path:
        path = tmp_path / "lab.json"
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def deployment(document: Document, write_lab: Callable[[object], Path]) -> Deployment:
    return load(write_lab(document))


@pytest.fixture
def journey() -> LaunchedInstance:
    return LaunchedInstance(
        global_request_id="req-11111111-1111-1111-1111-111111111111",
        request_id="req-22222222-2222-2222-2222-222222222222",
        server_id="33333333-dead-beef-0000-000000000011",
        server_name="hoplab-1",
        host="cmp1",
        image_id="44444444-4444-4444-4444-444444444444",
        image_size=1000,
        image_checksum="d41d8cd98f00b204e9800998ecf8427e",
        flavor_id="5",
        keypair="hoplab",
        key_file=Path("/lab/guest/id_ed25519"),
        network_id="66666666-6666-6666-6666-666666666666",
        subnet_id="77777777-7777-7777-7777-777777777777",
        router_id="88888888-8888-8888-8888-888888888888",
        external_network_id="99999999-9999-9999-9999-999999999999",
        port_id="aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
        fixed_address="10.77.0.11",
        floating_ip_id="bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb",
        floating_address="172.29.22.107",
        volume_id="cccccccc-0000-0000-0000-000000000001",
        seconds_to_active=14.26,
        states=(StateSeen(0.5, "BUILD", "spawning", "building"), StateSeen(14.26, "ACTIVE", None, "active")),
    )


@pytest.fixture
def lab(document: dict[str, Any], write_lab: Callable[[object], Path]) -> Deployment:
    return load(write_lab(document))


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A program in ssh's place that does nothing and notes what it was to run."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ssh"
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOPLAB_TEST", str(tmp_path))
    return lambda: (tmp_path / "told").read_text().splitlines() if (tmp_path / "told").exists() else []
