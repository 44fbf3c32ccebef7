"""Glance alone, on the object gateway: images are objects there, come back byte by byte, and are not for everybody."""

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from object_help import Swift, gateway
from openstack.connection import Connection
from scenario import Node, Scenario, eventually

BYTES = secrets.token_bytes(1 << 20)
MD5 = hashlib.md5(BYTES).hexdigest()
KIND = {"disk_format": "raw", "container_format": "bare"}
BINARY = {"Content-Type": "application/octet-stream"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
PUBLISH = [{"op": "replace", "path": "/visibility", "value": "public"}]


@pytest.fixture(scope="module")
def cloud(scenario: Scenario) -> Connection:
    """Return the cloud, once Glance answers after the reboot."""
    found = scenario.cloud
    eventually("Glance answers", lambda: ask(found, "GET", "/images").ok, seconds=120)
    return found


@pytest.fixture(scope="module")
def store(scenario: Scenario, ctl1: Node, cloud: Connection) -> Swift:
    """Return the account of the service project in the object gateway, as Glance's own user sees it."""
    del cloud  # Keystone is up
    service = scenario.service("glance")
    found = Swift(f"{gateway(ctl1)}/swift/v1/AUTH_{service.current_project_id}", str(service.auth_token))
    eventually("the object gateway answers", lambda: found.ask("GET", "").ok, seconds=120)
    return found


@pytest.fixture
def image(person: Connection, store: Swift) -> Iterator[str]:
    """Yield the id of a private image of the person, whose bytes have been uploaded."""
    del store  # it answers
    identity = str(ask(person, "POST", "/images", json={"name": "hop", **KIND}).json()["id"])
    assert ask(person, "PUT", f"/images/{identity}/file", data=BYTES, headers=BINARY).status_code == 204
    yield identity
    assert ask(person, "DELETE", f"/images/{identity}").status_code in {204, 404}


def ask(who: Connection, method: str, path: str, **more: Any) -> requests.Response:
    """Return Glance's answer, whatever its status."""
    answer: requests.Response = who.image.request(path, method, raise_exc=False, **more)
    return answer


def test_an_image_is_an_object_of_the_service_project_until_it_is_deleted(
    person: Connection, store: Swift, image: str
) -> None:
    told = ask(person, "GET", f"/images/{image}").json()
    assert (told["status"], told["size"], told["checksum"]) == ("active", len(BYTES), MD5)
    kept = store.ask("GET", f"glance/{image}")
    assert (kept.status_code, kept.headers["ETag"], kept.content == BYTES) == (200, MD5, True)
    assert ask(person, "GET", f"/images/{image}/file").content == BYTES
    assert ask(person, "DELETE", f"/images/{image}").status_code == 204
    assert ask(person, "GET", f"/images/{image}").status_code == 404
    assert store.ask("GET", f"glance/{image}").status_code == 404
    assert image not in store.ask("GET", "glance").text.split()


def test_where_an_image_lies_is_told_to_nobody_who_could_not_read_it_there(
    person: Connection, store: Swift, image: str
) -> None:
    told = ask(person, "GET", f"/images/{image}").json()
    assert {"direct_url", "locations"} & set(told) == set()
    own = Swift(store.url, str(person.auth_token))
    assert [own.ask(method, f"glance/{image}").status_code for method in ("GET", "DELETE")] == [403, 403]


@pytest.mark.parametrize("token", ["", "gAAAAA-forged"])
def test_without_a_good_token_nothing_is_told_or_taken(ctl1: Node, image: str, token: str) -> None:
    images = f"http://{ctl1.address}:9292/v2/images"
    headers = {"X-Auth-Token": token} if token else {}
    asked = [("GET", images), ("POST", images), ("GET", f"{images}/{image}/file"), ("DELETE", f"{images}/{image}")]
    told = [requests.request(method, url, headers=headers, timeout=30).status_code for method, url in asked]
    assert told == [401] * 4


def test_a_member_cannot_publish(person: Connection, stranger: Connection, image: str) -> None:
    assert ask(person, "POST", "/images", json={"name": "hop", "visibility": "public", **KIND}).status_code == 403
    assert ask(person, "PATCH", f"/images/{image}", json=PUBLISH, headers=PATCH).status_code == 403
    assert ask(person, "GET", f"/images/{image}").json()["visibility"] == "shared"
    assert ask(stranger, "GET", f"/images/{image}/file").status_code == 404


def test_all_read_what_the_administrator_published_and_none_may_change_it(
    cloud: Connection, stranger: Connection, image: str
) -> None:
    assert ask(cloud, "PATCH", f"/images/{image}", json=PUBLISH, headers=PATCH).status_code == 200
    assert ask(stranger, "GET", f"/images/{image}/file").content == BYTES
    renamed = [{"op": "replace", "path": "/name", "value": "other"}]
    assert ask(stranger, "PATCH", f"/images/{image}", json=renamed, headers=PATCH).status_code == 403
    assert ask(stranger, "DELETE", f"/images/{image}").status_code == 403


def test_images_outlive_a_killed_glance(person: Connection, ctl1: Node, image: str) -> None:
    before = ctl1.main_process("glance-api")
    ctl1.output("systemctl kill --signal=KILL glance-api")
    eventually(
        "Glance returns the image", lambda: ask(person, "GET", f"/images/{image}/file").content == BYTES, seconds=60
    )
    assert ctl1.main_process("glance-api") != before
