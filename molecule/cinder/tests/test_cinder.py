"""Cinder alone, on RBD: a volume is an image in Ceph that is attached, written, extended and deleted."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
import requests
from ceph_help import Cluster, images, key_of
from nova_help import ask
from openstack.connection import Connection
from people import member
from scenario import Node, Scenario, eventually

GIB = 1 << 30
UP = {("cinder-scheduler", "ctl1"), ("cinder-volume", "ctl1@rbd")}
# What QEMU does with the connection that Cinder names: only what stands there, and the key that is behind the secret.
USE = """
import rados, rbd
info = given["connection"]
pool, image = info["name"].split("/")
places = ",".join(f"{host}:{port}" for host, port in zip(info["hosts"], info["ports"]))
settings = {"mon_host": places, "key": given["key"], "keyring": "/dev/null", "client_mount_timeout": "20"}
with rados.Rados(rados_id=info["auth_username"], clustername=info["cluster_name"], conf=settings) as cluster:
    with cluster.open_ioctx(pool) as io, rbd.Image(io, image) as disk:
        disk.write(given["text"].encode(), given["at"])
        disk.flush()
        watchers = [entry["addr"].rsplit(":", 1)[0] for entry in disk.watchers_list()]
        text = disk.read(given["at"], len(given["text"])).decode()
        answer = {"read": text, "watchers": watchers, "size": disk.size()}
"""
WATCHERS = """
import rados, rbd
with rados.Rados(rados_id="admin", conffile="/etc/ceph/ceph.conf") as cluster:
    with cluster.open_ioctx("volumes") as io, rbd.Image(io, given["image"], read_only=True) as disk:
        answer = len(list(disk.watchers_list()))
"""


def volumes(who: Connection, method: str, path: str, body: Any = None) -> requests.Response:
    """Return Cinder's answer, whatever its status."""
    return ask(who, "block-storage 3.70", method, path, body)


def status(who: Connection, volume: str) -> str:
    """Return the status of a volume."""
    return str(volumes(who, "GET", f"/volumes/{volume}").json()["volume"]["status"])


@pytest.fixture(scope="module")
def cloud(scenario: Scenario, ctl1: Node) -> Connection:
    """Return the cloud, once Ceph is clean and Cinder's services are up after the reboot."""
    found = scenario.cloud
    eventually("Ceph is clean", Cluster(ctl1).clean, seconds=120)

    def up() -> bool:
        services = volumes(found, "GET", "/os-services").json()["services"]
        return {(service["binary"], service["host"]) for service in services if service["state"] == "up"} == UP

    eventually("Cinder's services are up", up, seconds=120)
    return found


@pytest.fixture(scope="module")
def nova(scenario: Scenario, cloud: Connection) -> Connection:
    """Return the cloud as Nova's service user: only a service may take an instance's volume away from it."""
    del cloud  # it answers
    return scenario.service("nova")


@pytest.fixture
def volume(person: Connection, ctl1: Node) -> Iterator[str]:
    """Yield the id of a volume of 1 GiB of the person."""
    made = volumes(person, "POST", "/volumes", {"volume": {"size": 1, "name": "hop"}})
    assert made.status_code == 202, made.text
    identity = str(made.json()["volume"]["id"])
    eventually("the volume is available", lambda: status(person, identity) == "available", seconds=60)
    yield identity
    if volumes(person, "GET", f"/volumes/{identity}").ok:
        remove(person, ctl1, identity)


def remove(person: Connection, node: Node, volume: str) -> None:
    """Delete a volume and wait until it is gone, from Cinder and from the pool."""
    answer = volumes(person, "DELETE", f"/volumes/{volume}")
    assert answer.status_code == 202, answer.text
    eventually("it is gone", lambda: volumes(person, "GET", f"/volumes/{volume}").status_code == 404, seconds=60)
    assert images(node, "admin", "volumes", ("size", f"volume-{volume}")) == ["ENOENT"]


def attach(person: Connection, node: Node, volume: str) -> dict[str, Any]:
    """Attach a volume as Nova does; return the attachment."""
    connector = {"host": node.name, "ip": node.address, "multipath": False, "platform": "x86_64", "os_type": "linux"}
    wanted = {"volume_uuid": volume, "instance_uuid": str(uuid4()), "mode": "rw", "connector": connector}
    made = volumes(person, "POST", "/attachments", {"attachment": wanted})
    assert made.status_code == 200, made.text
    attachment: dict[str, Any] = made.json()["attachment"]
    done = volumes(person, "POST", f"/attachments/{attachment['id']}/action", {"os-complete": {}})
    assert done.status_code == 204, done.text
    return attachment


def detach(person: Connection, nova: Connection, attachment: str) -> None:
    """End an attachment as Nova does, with its service token beside the person's."""
    answer = person.block_storage.delete(
        f"/attachments/{attachment}",
        microversion="3.70",
        headers={"X-Service-Token": str(nova.auth_token)},
        raise_exc=False,
    )
    assert answer.status_code == 200, answer.text


def test_a_volume_is_an_image_of_its_size_until_it_is_deleted(person: Connection, ctl1: Node, volume: str) -> None:
    assert images(ctl1, "admin", "volumes", ("size", f"volume-{volume}")) == [GIB]
    remove(person, ctl1, volume)
    assert f"volume-{volume}" not in images(ctl1, "admin", "volumes", ("list",))[0]


def test_an_attached_volume_is_written_through_the_connection_that_cinder_names(
    scenario: Scenario, person: Connection, nova: Connection, ctl1: Node, volume: str
) -> None:
    attachment = attach(person, ctl1, volume)
    info = attachment["connection_info"]
    told = {key: info[key] for key in ("driver_volume_type", "name", "hosts", "auth_username", "secret_type")}
    assert told == {
        "driver_volume_type": "rbd",
        "name": f"volumes/volume-{volume}",
        "hosts": [scenario.subnet_address("management", 11)],
        "auth_username": "cinder",
        "secret_type": "ceph",
    }
    assert info["secret_uuid"] == str(uuid5(UUID(scenario.secret("ceph_fsid")), "cinder"))
    assert key_of(scenario, "client.cinder") not in str(info)  # who attaches has it already
    assert status(person, volume) == "in-use"
    # What is in use can't be deleted.
    assert volumes(person, "DELETE", f"/volumes/{volume}").status_code == 400
    used = ctl1.python(USE, connection=info, key=key_of(scenario, "client.cinder"), text="58 hops", at=4096)
    assert used == {"read": "58 hops", "watchers": [ctl1.address], "size": GIB}
    detach(person, nova, attachment["id"])
    eventually("the volume is available again", lambda: status(person, volume) == "available", seconds=30)
    assert ctl1.python(WATCHERS, image=f"volume-{volume}") == 0
    assert images(ctl1, "cinder", "volumes", ("read", f"volume-{volume}", 4096, 7)) == ["58 hops"]


def test_a_person_cannot_take_a_volume_away_from_an_instance(
    person: Connection, nova: Connection, ctl1: Node, volume: str
) -> None:
    attachment = attach(person, ctl1, volume)
    # Nova could say that the instance has let go of it, and there is none here: what can't be asked is not assumed.
    assert volumes(person, "DELETE", f"/attachments/{attachment['id']}").status_code >= 400
    assert volumes(person, "GET", f"/attachments/{attachment['id']}").json()["attachment"]["status"] == "attached"
    assert status(person, volume) == "in-use"
    detach(person, nova, attachment["id"])


def test_an_extended_volume_is_a_larger_image_with_the_same_data(person: Connection, ctl1: Node, volume: str) -> None:
    image = f"volume-{volume}"
    assert images(ctl1, "cinder", "volumes", ("write", image, 4096, "58 hops")) == [7]
    assert volumes(person, "POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 2}}).status_code == 202
    eventually("the volume is available", lambda: status(person, volume) == "available", seconds=60)
    assert images(ctl1, "cinder", "volumes", ("size", image), ("read", image, 4096, 7)) == [2 * GIB, "58 hops"]
    smaller = volumes(person, "POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 1}})
    assert smaller.status_code == 400
    assert images(ctl1, "cinder", "volumes", ("size", image)) == [2 * GIB]


@pytest.mark.parametrize("token", ["", "gAAAAA-forged"])
def test_without_a_good_token_nothing_is_told(ctl1: Node, volume: str, token: str) -> None:
    headers = {"X-Auth-Token": token} if token else {}
    url = f"http://{ctl1.address}:8776/v3/volumes"
    told = [requests.get(f"{url}{path}", headers=headers, timeout=30).status_code for path in ("", f"/{volume}")]
    assert told == [401, 401]


def test_another_project_sees_no_volume(cloud: Connection, person: Connection, ctl1: Node, volume: str) -> None:
    with member(cloud) as stranger:
        assert volumes(stranger, "GET", "/volumes").json() == {"volumes": []}
        assert [volumes(stranger, method, f"/volumes/{volume}").status_code for method in ("GET", "DELETE")] == [
            404,
            404,
        ]
        wanted = {"volume_uuid": volume, "instance_uuid": str(uuid4()), "connector": {"host": ctl1.name}}
        assert volumes(stranger, "POST", "/attachments", {"attachment": wanted}).status_code in {403, 404}
    assert status(person, volume) == "available"


@pytest.mark.parametrize("unit", ["cinder-api", "cinder-scheduler", "cinder-volume"])
def test_a_killed_daemon_comes_back_and_makes_volumes(person: Connection, ctl1: Node, unit: str) -> None:
    before = ctl1.main_process(unit)
    ctl1.output(f"systemctl kill --signal=KILL {unit}")
    wanted = {"volume": {"size": 1}}
    volume = eventually(
        "Cinder takes a volume",
        lambda: str(volumes(person, "POST", "/volumes", wanted).json()["volume"]["id"]),
        seconds=60,
    )
    eventually("the volume is made", lambda: status(person, volume) == "available", seconds=90)
    assert ctl1.main_process(unit) != before
    remove(person, ctl1, volume)
