from pathlib import Path
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.image.v2.image import Image
from openstack.network.v2.network import Network

from hoplab.lab.connection import connect, new_request_id
from hoplab.lab.deployment import Deployment
from hoplab.launch.images import file_digest, same_bytes
from hoplab.launch.instance import PreparedResources, server_request
from hoplab.launch.networks import TenantNetwork
from hoplab.launch.plan import FLAVORS, Plan
from hoplab.launch.resources import InstanceFailedError, server_fault, wait_server
from hoplab.model.errors import ConfigurationError
from hoplab.model.states import StateSeen
from hoplab.session.checked_launch import failed_launch
from samples.clock import Clock


def prepared() -> PreparedResources:
    tenant = TenantNetwork("net", "subnet", "router")
    return PreparedResources("image", 1, "md5", "flavor", "key", Path("/k"), "group", Network(), tenant, "volume")


def test_the_post_has_image_and_volume_in_one_request() -> None:
    body: Any = Server(**server_request(Plan(), prepared()))._prepare_request(requires_id=False).body
    server = body["server"]
    assert server["imageRef"] == "image"
    root, volume = server["block_device_mapping_v2"]
    assert (root["source_type"], root["destination_type"], root["boot_index"], root["uuid"]) == (
        "image",
        "local",
        0,
        "image",
    )
    assert (volume["source_type"], volume["destination_type"], volume["boot_index"], volume["uuid"]) == (
        "volume",
        "volume",
        -1,
        "volume",
    )
    assert volume["delete_on_termination"] is False
    assert server["networks"] == [{"uuid": "net"}]
    assert "config_drive" not in server


def test_members_may_boot_from_images_with_every_flavor() -> None:
    assert all(flavor.disk >= 1 for flavor in FLAVORS)
    assert {(flavor.name, flavor.vcpus, flavor.memory) for flavor in FLAVORS} == {
        ("hoplab.tiny", 1, 128),
        ("hoplab.small", 1, 192),
    }


def test_the_tenant_gateway_is_the_first_address() -> None:
    assert Plan(tenant_cidr="10.9.8.0/24").tenant_gateway == "10.9.8.1"


def test_an_image_is_the_same_by_size_and_glance_s_own_digest(tmp_path: Path) -> None:
    path = tmp_path / "guest.raw"
    path.write_bytes(b"abc")
    digest = file_digest(path, "sha512")
    same = Image(status="active", size=3, hash_algo="sha512", hash_value=digest)
    assert same_bytes(same, path)
    assert same_bytes(Image(status="active", size=3, checksum=file_digest(path, "md5")), path)
    assert not same_bytes(Image(status="queued", size=3, hash_algo="sha512", hash_value=digest), path)
    assert not same_bytes(Image(status="active", size=4, hash_algo="sha512", hash_value=digest), path)
    assert not same_bytes(Image(status="active", size=3, hash_algo="sha512", hash_value="0"), path)
    assert not same_bytes(Image(status="active", size=3), path)


class FakeCompute:
    """Answers GET /servers/ID from a list."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers

    def get_server(self, _: str) -> Server:
        return self.servers.pop(0) if len(self.servers) > 1 else self.servers[0]


class FakeCloud:
    def __init__(self, *servers: Server) -> None:
        self.compute = FakeCompute(list(servers))


def server(status: str, task: str | None = None, **more: Any) -> Server:
    return Server(id="i", status=status, task_state=task, vm_state="x", **more)


def test_an_instance_is_polled_each_half_second_and_each_state_is_noted_once() -> None:
    cloud: Any = FakeCloud(
        server("BUILD", "scheduling"), server("BUILD", "spawning"), server("BUILD", "spawning"), server("ACTIVE")
    )
    _, states = wait_server(cloud, "i", "ACTIVE", timeout=10, clock=Clock())
    assert [(state.seconds, state.status, state.task_state) for state in states] == [
        (0.0, "BUILD", "scheduling"),
        (0.5, "BUILD", "spawning"),
        (1.5, "ACTIVE", None),
    ]


def test_a_status_with_a_task_under_way_is_waited_through() -> None:
    cloud: Any = FakeCloud(server("ACTIVE", "reboot_pending"), server("ACTIVE"))
    _, states = wait_server(cloud, "i", "ACTIVE", timeout=10, clock=Clock())
    assert len(states) == 2


def test_a_launch_that_ends_in_error_tells_the_fault_the_states_and_the_logs(deployment: Deployment) -> None:
    fault = {"code": 500, "message": "No valid host\nwas found"}
    cloud: Any = FakeCloud(server("BUILD", "scheduling"), server("ERROR", "spawning", fault=fault))
    with pytest.raises(InstanceFailedError) as caught:
        wait_server(cloud, "i", "ACTIVE", timeout=10, clock=Clock())
    finding = failed_launch(deployment, caught.value, "req-1", "i")
    assert "task state spawning: 500 No valid host was found" in finding.actual
    assert "BUILD/scheduling 0.0s -> ERROR/spawning 0.5s" in finding.evidence
    assert finding.next_commands[0] == "openstack server event list i"
    assert any("nova-compute" in command for command in finding.next_commands)


def test_an_instance_without_a_fault_is_told_as_such() -> None:
    assert server_fault(server("ERROR")) == "Nova gives no fault message"
    assert InstanceFailedError(server("ERROR"), [StateSeen(1, "ERROR", None, None)]).server_id == "i"


def test_one_global_request_id_is_on_every_request(deployment: Deployment) -> None:
    deployment.clouds_file.write_text(
        "clouds: {hoplab-admin: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: a, password: b, project_name: c}}}"
    )
    request_id = new_request_id()
    cloud = connect(deployment, request_id)
    assert cloud._global_request_id == request_id
    assert cloud.session.timeout == 120
    assert request_id.startswith("req-")
    assert len(request_id) == 40


def test_the_user_s_own_settings_have_no_say(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLOUD", "other")
    monkeypatch.setenv("OS_AUTH_URL", "http://other.example/v3")
    deployment.clouds_file.write_text(
        "clouds: {hoplab-admin: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: a, password: b, project_name: c}}}"
    )
    assert connect(deployment, "req-1").config.get_auth_args()["auth_url"] == "http://127.0.0.1:9/v3"


def test_a_cloud_that_the_clouds_file_does_not_have_is_told(deployment: Deployment) -> None:
    with pytest.raises(ConfigurationError, match=r'clouds\.yaml: clouds: "hoplab-admin" is a required property'):
        connect(deployment, "req-1")
