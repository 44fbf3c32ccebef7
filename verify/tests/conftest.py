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
from samples.labs import lab_description
from samples.run_reports import sent_run

Document = dict[str, Any]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return lab_description(tmp_path)


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


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run, as someone sent it, with the report on it."""
    return sent_run(tmp_path_factory.mktemp("sent"))


@pytest.fixture(params=["report", "replay"])
def verb(request: pytest.FixtureRequest) -> str:
    """Each verb that gives reports."""
    return str(request.param)
