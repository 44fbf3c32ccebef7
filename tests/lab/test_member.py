"""A member of another project can do with the public image and flavors what the admin can, and nothing to others'."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from labhelp import MEMBER, Guest, clean, identity_api, launch_as_member, new_password, say
from openstack.connection import Connection
from patience import patient

from hoplab.lab.connection import image_api, volume_api
from hoplab.lab.deployment import Deployment
from hoplab.launch.cleanup import cleanup
from hoplab.launch.images import ensure_image
from hoplab.launch.networks import ensure_external_network
from hoplab.launch.plan import FLAVORS, TINY, Plan
from hoplab.launch.resources import ensure_flavor, own_volumes, wait_deleted, wait_server, wait_volume
from hoplab.launch.waiting import Pending, wait_for

pytestmark = pytest.mark.lab

NAME = "hoplab-member-test"
THEIRS = "hoplab-not-yours"


@pytest.fixture(scope="class")
def member(admin: Connection, deployment: Deployment) -> Iterator[Connection]:
    """A new user with the role member in a new project; both gone afterwards, with all that is in the project."""
    plan = Plan()
    ensure_image(admin, plan.image, deployment.guest_image, say)
    for spec in FLAVORS:
        ensure_flavor(admin, spec, say)
    ensure_external_network(admin, plan.external_network, deployment.external_network, say)
    remove_project(admin)
    identity = identity_api(admin)
    role = identity.find_role("member", ignore_missing=False)
    project = identity.create_project(name=NAME)
    password = new_password()
    user = None
    connection = None
    try:
        user = identity.create_user(name=NAME, password=password, default_project_id=project.id)
        identity.assign_project_role_to_user(project, user, role)
        connection = admin.connect_as(
            username=NAME, password=password, user_domain_id=user.domain_id, project_id=project.id
        )
        yield connection
    finally:
        left = cleanup(connection, MEMBER, say, shared=False) if connection is not None else ()
        remove_project(admin)
        assert not [row.problem for row in left if row.problem], left


def remove_project(admin: Connection) -> None:
    """Delete the test's user and project, and the security group that Neutron made for it."""
    identity = identity_api(admin)
    for user in [user for user in identity.users(name=NAME) if user.name == NAME]:
        identity.delete_user(user.id)
    for project in [project for project in identity.projects(name=NAME) if project.name == NAME]:
        identity.delete_project(project.id)
        for group in list(admin.network.security_groups(project_id=project.id)):
            admin.network.delete_security_group(group.id)


@pytest.fixture(scope="class")
def member_guest(member: Connection, deployment: Deployment) -> Iterator[Guest]:
    try:
        yield launch_as_member(member, deployment, MEMBER)
    finally:
        clean(member, MEMBER)


@dataclass
class Theirs:
    """Things of the admin's project: an API, a path and the id that it ends in."""

    server: str
    volume: str
    image: str
    network: str

    def paths(self, cloud: Connection) -> dict[str, tuple[Any, str]]:
        return {
            "server": (cloud.compute, f"/servers/{self.server}"),
            "volume": (volume_api(cloud), f"/volumes/{self.volume}"),
            "image": (image_api(cloud), f"/images/{self.image}"),
            "network": (cloud.network, f"/networks/{self.network}"),
        }


@pytest.fixture(scope="class")
def theirs(admin: Connection) -> Iterator[Theirs]:
    """One of each kind in the admin's project, none of them shared."""
    remove_theirs(admin)
    try:
        image = next(iter(image_api(admin).images(name=Plan().image)))
        flavor = next(flavor for flavor in admin.compute.flavors() if flavor.name == TINY.name)
        server = admin.compute.create_server(name=THEIRS, image_id=image.id, flavor_id=flavor.id, networks="none")
        volume = volume_api(admin).create_volume(name=THEIRS, size=1)
        private = image_api(admin).create_image(
            THEIRS, data=b"x" * 512, disk_format="raw", visibility="private", allow_duplicates=True
        )
        network = admin.network.create_network(name=THEIRS)
        wait_volume(admin, str(volume.id), "available", timeout=patient(60))
        wait_server(admin, str(server.id), "ACTIVE", timeout=patient(300))
        yield Theirs(str(server.id), str(volume.id), str(private.id), str(network.id))
    finally:
        remove_theirs(admin)


def remove_theirs(admin: Connection) -> None:
    for server in [server for server in admin.compute.servers() if server.name == THEIRS]:
        admin.compute.delete_server(server.id)
        wait_deleted(admin, str(server.id), timeout=patient(120))
    for volume in own_volumes(admin, THEIRS):
        volume_api(admin).delete_volume(volume.id)
    for image in list(image_api(admin).images(name=THEIRS)):
        image_api(admin).delete_image(image.id)
    for network in list(admin.network.networks(name=THEIRS)):
        admin.network.delete_network(network.id)

    def gone() -> bool | Pending:
        return Pending("volume still there") if own_volumes(admin, THEIRS) else True

    wait_for("the admin's volume deleted", gone, timeout=patient(60))


class TestMember:
    """What a member can do, then what it can't."""

    def test_01_boots_with_network_router_volume_and_floating_ip(self, member_guest: Guest) -> None:
        member_guest.assert_reachable()
        server = member_guest.cloud.compute.get_server(member_guest.id)
        assert server.status == "ACTIVE"
        assert not server.compute_host, "a member is told which host it is on"

    def test_02_reboots(self, member_guest: Guest) -> None:
        mark = member_guest.mark()
        member_guest.cloud.compute.reboot_server(member_guest.id, "HARD")
        member_guest.wait_state("ACTIVE")
        member_guest.wait_new_start(mark)
        member_guest.assert_reachable()

    @pytest.mark.parametrize("kind", ["server", "volume", "image", "network"])
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_03_what_is_not_theirs_is_neither_seen_nor_deleted(
        self, member: Connection, admin: Connection, theirs: Theirs, kind: str, method: str
    ) -> None:
        api, path = theirs.paths(member)[kind]
        answer = api.request(path, method)
        assert answer.status_code in {403, 404}, f"{method} {path}: {answer.status_code} {answer.text}"
        own_api, _ = theirs.paths(admin)[kind]
        assert own_api.request(path, "GET").status_code == 200, f"{path} is gone from its owner"

    @pytest.mark.parametrize(
        "action",
        [{"os-getConsoleOutput": {}}, {"reboot": {"type": "HARD"}}, {"os-stop": None}, {"createImage": {"name": "x"}}],
        ids=lambda action: next(iter(action)),
    )
    def test_04_no_action_on_a_server_that_is_not_theirs(
        self, member: Connection, theirs: Theirs, action: dict[str, Any]
    ) -> None:
        answer = member.compute.post(f"/servers/{theirs.server}/action", json=action)
        assert answer.status_code in {403, 404}, f"{action}: {answer.status_code} {answer.text}"

    def test_05_a_volume_that_is_not_theirs_cannot_be_attached(
        self, member: Connection, member_guest: Guest, theirs: Theirs
    ) -> None:
        body = {"volumeAttachment": {"volumeId": theirs.volume}}
        answer = member.compute.post(f"/servers/{member_guest.id}/os-volume_attachments", json=body)
        assert answer.status_code in {403, 404}, f"{answer.status_code} {answer.text}"

    def test_06_lists_show_nothing_of_others(self, member: Connection, member_guest: Guest, theirs: Theirs) -> None:
        assert {str(server.id) for server in member.compute.servers()} == {member_guest.id}
        assert {str(volume.id) for volume in volume_api(member).volumes()} == {member_guest.journey.volume_id}
        assert theirs.image not in {str(image.id) for image in image_api(member).images()}
        assert theirs.network not in {str(network.id) for network in member.network.networks()}

    def test_07_what_only_admins_may_do_is_refused(self, member: Connection) -> None:
        body = {"flavor": {"name": "hoplab.stolen", "vcpus": 1, "ram": 64, "disk": 1}}
        assert member.compute.post("/flavors", json=body).status_code == 403
        assert member.compute.get("/os-hypervisors").status_code == 403
        assert member.identity.get("/users").status_code == 403
