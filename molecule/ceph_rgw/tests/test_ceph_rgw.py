"""The object gateway alone, with Keystone: Swift with a token, S3 with EC2 credentials, and nothing without them."""

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from ceph_help import Cluster
from object_help import S3, Swift, gateway
from openstack.connection import Connection
from people import member
from scenario import Node, Scenario, eventually

BYTES = bytes(range(256)) * 1024


def swift_of(person: Connection, node: Node) -> Swift:
    """Return a person's account."""
    return Swift(f"{gateway(node)}/swift/v1/AUTH_{person.current_project_id}", str(person.auth_token))


def s3_of(person: Connection, node: Node) -> S3:
    """Return S3 with EC2 credentials that Keystone makes for a person."""
    path = f"/users/{person.current_user_id}/credentials/OS-EC2"
    answer = person.identity.post(path, json={"tenant_id": person.current_project_id}).json()["credential"]
    return S3(gateway(node), answer["access"], answer["secret"])


@pytest.fixture(scope="module")
def cloud(scenario: Scenario, ctl1: Node) -> Connection:
    """Return the cloud, once Keystone and the gateway answer after the reboot."""
    found = scenario.cloud
    # Without an answer of Keystone it can't take a token.
    eventually("the gateway takes it", lambda: swift_of(found, ctl1).ask("GET", "").ok, seconds=120)
    return found


@pytest.fixture
def container(person: Connection, ctl1: Node) -> Iterator[str]:
    """Yield the name of an empty container of the person."""
    swift, name = swift_of(person, ctl1), f"hops-{secrets.token_hex(4)}"
    assert swift.ask("PUT", name).status_code == 201
    yield name
    for line in swift.ask("GET", name).text.split():
        swift.ask("DELETE", f"{name}/{line}")
    assert swift.ask("DELETE", name).status_code == 204


def test_swift_stores_and_returns_an_object(person: Connection, ctl1: Node, container: str) -> None:
    swift = swift_of(person, ctl1)
    stored = swift.ask("PUT", f"{container}/hop", BYTES)
    assert (stored.status_code, stored.headers["ETag"]) == (201, hashlib.md5(BYTES).hexdigest())
    assert swift.ask("GET", f"{container}/hop").content == BYTES
    assert swift.ask("GET", container).text.split() == ["hop"]
    assert swift.ask("DELETE", f"{container}/hop").status_code == 204
    assert swift.ask("GET", f"{container}/hop").status_code == 404
    assert swift.ask("GET", container).text == ""


def test_s3_stores_and_returns_an_object_that_swift_returns_too(person: Connection, ctl1: Node, container: str) -> None:
    s3 = s3_of(person, ctl1)
    assert s3.ask("PUT", f"{container}/hop", BYTES).status_code == 200
    assert s3.ask("GET", f"{container}/hop").content == BYTES
    assert swift_of(person, ctl1).ask("GET", f"{container}/hop").content == BYTES
    assert s3.ask("DELETE", f"{container}/hop").status_code == 204
    gone = s3.ask("GET", f"{container}/hop")
    assert (gone.status_code, "NoSuchKey" in gone.text) == (404, True)


# Without a token somebody is anonymous, and in an account where no container is.
@pytest.mark.parametrize(
    ("token", "expected"),
    [("", {"GET": 404, "PUT": 404, "DELETE": 404}), ("gAAAAA-forged", {"GET": 401, "PUT": 401, "DELETE": 401})],
)
def test_swift_refuses_who_has_no_good_token(
    person: Connection, ctl1: Node, container: str, token: str, expected: dict[str, int]
) -> None:
    own = swift_of(person, ctl1)
    assert own.ask("PUT", f"{container}/hop", BYTES).status_code == 201
    forged = Swift(own.url, token)
    assert {method: forged.ask(method, f"{container}/hop").status_code for method in expected} == expected
    assert own.ask("GET", f"{container}/hop").content == BYTES


def test_s3_refuses_a_forged_signature_and_changed_data(person: Connection, ctl1: Node, container: str) -> None:
    good = s3_of(person, ctl1)
    refused = {
        "unknown": S3(good.url, secrets.token_hex(16), good.secret).ask("GET", container),
        "forged": S3(good.url, good.access, secrets.token_hex(16)).ask("GET", container),
        "changed": good.ask("PUT", f"{container}/hop", BYTES, sign=b"other data"),
    }
    assert {name: 400 <= answer.status_code < 404 for name, answer in refused.items()} == dict.fromkeys(refused, True)
    assert "SignatureDoesNotMatch" in refused["forged"].text
    assert good.ask("GET", f"{container}/hop").status_code == 404


def test_a_revoked_token_and_a_deleted_credential_open_nothing_any_more(
    person: Connection, ctl1: Node, container: str
) -> None:
    s3 = s3_of(person, ctl1)
    swift = Swift(swift_of(person, ctl1).url, str(person.connect_as().auth_token))
    assert (swift.ask("GET", container).ok, s3.ask("GET", container).ok) == (True, True)
    assert person.identity.delete("/auth/tokens", headers={"X-Subject-Token": swift.token}).ok
    assert person.identity.delete(f"/users/{person.current_user_id}/credentials/OS-EC2/{s3.access}").ok
    assert (swift.ask("GET", container).status_code, s3.ask("GET", container).status_code) == (401, 403)


def test_another_project_reaches_nothing(person: Connection, stranger: Connection, ctl1: Node, container: str) -> None:
    own = swift_of(person, ctl1)
    assert own.ask("PUT", f"{container}/hop", BYTES).status_code == 201
    other = Swift(own.url, str(stranger.auth_token))
    assert [other.ask(method, f"{container}/hop").status_code for method in ("GET", "PUT", "DELETE")] == [403, 403, 403]
    assert s3_of(stranger, ctl1).ask("GET", f"{container}/hop").status_code == 403
    assert own.ask("GET", f"{container}/hop").content == BYTES


def test_a_role_that_is_not_accepted_gets_nothing(cloud: Connection, ctl1: Node) -> None:
    identity: Any = cloud.identity
    with member(cloud) as reader:
        project, user = reader.current_project_id, reader.current_user_id
        roles = {role.name: role for role in identity.roles()}
        identity.assign_project_role_to_user(project, user, roles["reader"])
        identity.unassign_project_role_from_user(project, user, roles["member"])
        token = eventually("the reader gets a token", reader.authorize, seconds=20)
        assert Swift(swift_of(reader, ctl1).url, token).ask("GET", "").status_code in {401, 403}


def test_a_killed_gateway_comes_back_with_the_object(person: Connection, ctl1: Node) -> None:
    cluster, swift = Cluster(ctl1), swift_of(person, ctl1)
    # This container stays: for half a minute each change of it would wait for the dead process to hear of it.
    container = f"hops-{secrets.token_hex(4)}"
    assert swift.ask("PUT", container).status_code == 201
    assert swift.ask("PUT", f"{container}/hop", BYTES).status_code == 201
    before = cluster.node.kill("ceph-radosgw@rgw.ctl1")
    eventually("the gateway returns it", lambda: swift.ask("GET", f"{container}/hop").content == BYTES, seconds=90)
    assert cluster.node.main_process("ceph-radosgw@rgw.ctl1") != before


@pytest.mark.parametrize("pool", ["vms", "volumes"])
def test_its_key_opens_no_pool_of_others(ctl1: Node, pool: str) -> None:
    keyring = "/var/lib/ceph/radosgw/ceph-rgw.ctl1/keyring"
    list_pool = f"timeout 60 rados --name=client.rgw.ctl1 --keyring={keyring} ls --pool="
    assert ctl1.run(list_pool + ".rgw.root").returncode == 0
    refused = ctl1.run(list_pool + pool)
    assert refused.returncode == 1
    assert "(1) Operation not permitted" in refused.stderr
