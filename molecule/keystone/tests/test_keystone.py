"""Keystone alone: tokens are issued, checked and revoked, and the catalogue is that of the topology."""

from typing import Any

import pytest
import requests
from scenario import Node, Scenario, eventually

TIMEOUT = 30  # seconds


class Keystone:
    """Keystone's API, asked from this machine."""

    def __init__(self, node: Node) -> None:
        self.url = f"http://{node.address}:5000/v3"

    def ask(self, method: str, path: str, token: str = "", **more: Any) -> requests.Response:
        """Send a request, with a token if there is one."""
        headers = {**({"X-Auth-Token": token} if token else {}), **more.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=TIMEOUT, **more)

    def log_in(self, user: str, password: str, project: str) -> requests.Response:
        """Ask for a token for a project."""
        default = {"id": "default"}
        who = {"name": user, "domain": default, "password": password}
        identity = {"methods": ["password"], "password": {"user": who}}
        scope = {"project": {"name": project, "domain": default}}
        return self.ask("POST", "/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})

    def check(self, token: str, asker: str) -> requests.Response:
        """Ask whether a token is good."""
        return self.ask("GET", "/auth/tokens", asker, headers={"X-Subject-Token": token})


@pytest.fixture(scope="module")
def keystone(scenario: Scenario) -> Keystone:
    found = Keystone(scenario.control)
    eventually("Keystone is up", lambda: found.ask("GET", "").ok, seconds=90)
    return found


@pytest.fixture
def admin(keystone: Keystone, scenario: Scenario) -> str:
    answer = keystone.log_in("admin", scenario.secret("keystone_admin"), "admin")
    assert answer.status_code == 201
    return answer.headers["X-Subject-Token"]


@pytest.fixture
def glance(keystone: Keystone, scenario: Scenario) -> str:
    answer = keystone.log_in("glance", scenario.secret("keystone_glance"), "service")
    assert answer.status_code == 201
    return answer.headers["X-Subject-Token"]


def test_a_token_is_issued_checked_and_revoked(keystone: Keystone, admin: str, glance: str) -> None:
    told = keystone.check(admin, glance)
    assert told.status_code == 200
    assert told.json()["token"]["user"]["name"] == "admin"
    assert "admin" in {role["name"] for role in told.json()["token"]["roles"]}
    assert keystone.ask("DELETE", "/auth/tokens", admin, headers={"X-Subject-Token": admin}).status_code == 204
    assert keystone.check(admin, glance).status_code == 404
    assert keystone.ask("GET", "/users", admin).status_code == 401


@pytest.mark.parametrize("token", ["", "nonsense", "gAAAAA" + "b" * 180])
def test_without_a_good_token_nothing_is_told(keystone: Keystone, token: str) -> None:
    assert keystone.ask("GET", "/users", token).status_code == 401


def test_a_wrong_password_gets_no_token(keystone: Keystone) -> None:
    answer = keystone.log_in("admin", "wrong", "admin")
    assert answer.status_code == 401
    assert "X-Subject-Token" not in answer.headers


def test_an_authentication_leaves_no_warning(keystone: Keystone, scenario: Scenario, ctl1: Node) -> None:
    # Who looks for what went wrong reads the warnings of all daemons.
    log = "/var/log/keystone/keystone-wsgi-public.log"
    before = int(ctl1.output(f"stat --format=%s {log}"))
    assert keystone.log_in("admin", scenario.secret("keystone_admin"), "admin").status_code == 201
    said = ctl1.output(f"tail --bytes=+{before + 1} {log}")
    assert "POST" in said
    assert " WARNING " not in said


def test_a_member_may_not_change_users(keystone: Keystone, admin: str) -> None:
    learner = {"user": {"name": "learner", "password": "a1b2c3d4"}}
    user = keystone.ask("POST", "/users", admin, json=learner).json()["user"]
    (member,) = keystone.ask("GET", "/roles?name=member", admin).json()["roles"]
    (project,) = keystone.ask("GET", "/projects?name=service", admin).json()["projects"]
    path = f"/projects/{project['id']}/users/{user['id']}/roles/{member['id']}"
    assert keystone.ask("PUT", path, admin).status_code == 204
    token = keystone.log_in("learner", "a1b2c3d4", "service").headers["X-Subject-Token"]
    assert keystone.ask("GET", "/users", token).status_code == 403
    assert keystone.ask("POST", "/users", token, json={"user": {"name": "more"}}).status_code == 403
    assert keystone.ask("DELETE", f"/users/{user['id']}", admin).status_code == 204
    # Without the user, the token is worth nothing.
    assert keystone.check(token, admin).status_code == 404


def test_the_catalogue_leads_to_the_nodes_of_the_topology(keystone: Keystone, admin: str, ctl1: Node) -> None:
    catalogue = keystone.check(admin, admin).json()["token"]["catalog"]
    project = keystone.check(admin, admin).json()["token"]["project"]["id"]
    public = {
        entry["type"]: endpoint["url"]
        for entry in catalogue
        for endpoint in entry["endpoints"]
        if endpoint["interface"] == "public"
    }
    assert public == {
        "identity": f"http://{ctl1.address}:5000/v3",
        "image": f"http://{ctl1.address}:9292",
        "placement": f"http://{ctl1.address}:8778",
        "compute": f"http://{ctl1.address}:8774/v2.1",
        "network": f"http://{ctl1.address}:9696",
        "block-storage": f"http://{ctl1.address}:8776/v3",
        "object-store": f"http://{ctl1.address}:7480/swift/v1/AUTH_{project}",
    }


def test_a_token_outlives_a_killed_keystone(keystone: Keystone, admin: str, ctl1: Node) -> None:
    before = ctl1.kill("keystone")
    eventually("Keystone takes the token again", lambda: keystone.check(admin, admin).ok, seconds=60)
    assert ctl1.main_process("keystone") != before
