"""The catalogue's module against an identity service that keeps what it is given; only its network is not there."""

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hoplab.lab.plugins.modules import identity_catalogue
from ansible_collections.hoplab.lab.plugins.modules.identity_catalogue import can_log_in, ensure
from keystoneauth1.exceptions import ClientException

SERVICES = [
    {"name": "glance", "type": "image", "url": "http://192.0.2.1:9292", "password": "one"},
    {"name": "nova", "type": "compute", "url": "http://192.0.2.1:8774", "password": "two"},
]
PARAMS = {"auth_url": "http://192.0.2.1:5000/v3", "region": "RegionOne", "services": SERVICES}


class Identity:
    """As much of openstacksdk's proxy as the module asks for; an object's id is its kind and a number."""

    def __init__(self) -> None:
        self.kept: dict[str, list[SimpleNamespace]] = {}
        self.assigned: list[tuple[str, str, str]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb, _, kind = name.partition("_")
        if verb == "create":
            return lambda **given: self.keep(kind, given)
        if verb == "update":
            return lambda found, **given: vars(found).update(given)
        return lambda **_given: list(self.kept.get(name.removesuffix("s"), []))

    def keep(self, kind: str, given: dict[str, Any]) -> SimpleNamespace:
        things = self.kept.setdefault(kind, [])
        things.append(SimpleNamespace(id=f"{kind}-{len(things)}", **given))
        return things[-1]

    def find_project(self, name: str, *, domain_id: str) -> SimpleNamespace | None:
        assert domain_id == "default"
        return next((project for project in self.kept.get("project", []) if project.name == name), None)

    def assign_project_role_to_user(self, project: Any, user: Any, role: Any) -> None:
        self.assigned.append((project.id, user.id, role.id))

    def role_assignments(self, *, scope_project_id: str) -> list[SimpleNamespace]:
        mine = [part for part in self.assigned if part[0] == scope_project_id]
        return [SimpleNamespace(user={"id": user}, role={"id": role}) for _project, user, role in mine]


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Identity:
    made = Identity()

    def knows(_params: object, name: str, password: str) -> bool:
        return any(user.name == name and user.password == password for user in made.kept["user"])

    monkeypatch.setattr(identity_catalogue, "can_log_in", knows)
    return made


def names(identity: Identity, kind: str) -> dict[str, SimpleNamespace]:
    return {thing.id: thing for thing in identity.kept.get(kind, [])}


def test_makes_all_that_is_missing_once(identity: Identity) -> None:
    done = ensure(identity, PARAMS, check=False)
    assert done == [
        *("project service", "role admin", "role service"),
        *("user glance", "role admin of glance", "role service of glance", "service glance"),
        *("endpoint public of glance", "endpoint internal of glance", "endpoint admin of glance"),
        *("user nova", "role admin of nova", "role service of nova", "service nova"),
        *("endpoint public of nova", "endpoint internal of nova", "endpoint admin of nova"),
    ]
    users, services, roles = (names(identity, kind) for kind in ("user", "service", "role"))
    given = {(users[user].name, roles[role].name) for _project, user, role in identity.assigned}
    assert given == {(name, role) for name in ("glance", "nova") for role in ("admin", "service")}
    ends = {(services[end.service_id].type, end.interface): end.url for end in identity.kept["endpoint"]}
    assert ends == {
        (wanted["type"], kind): wanted["url"] for wanted in SERVICES for kind in ("public", "internal", "admin")
    }
    assert ensure(identity, PARAMS, check=False) == []


def test_check_mode_tells_the_same_and_makes_nothing(identity: Identity) -> None:
    told = ensure(identity, PARAMS, check=True)
    assert not identity.kept
    assert not identity.assigned
    assert told == ensure(identity, PARAMS, check=False)


def test_mends_what_differs(identity: Identity) -> None:
    ensure(identity, PARAMS, check=False)
    changed = SERVICES[1] | {"url": "http://192.0.2.2:8774", "password": "three"}
    params = PARAMS | {"services": [SERVICES[0], changed]}
    wanted = ["password of nova", *(f"endpoint {kind} of nova" for kind in ("public", "internal", "admin"))]
    assert ensure(identity, params, check=True) == wanted
    assert ensure(identity, params, check=False) == wanted
    assert ensure(identity, params, check=False) == []


class Keystone(BaseHTTPRequestHandler):
    """Answers a request for a token with one status."""

    status = HTTPStatus.CREATED

    def do_GET(self) -> None:
        here = {"rel": "self", "href": f"http://{self.headers['Host']}/v3/"}
        self.answer(HTTPStatus.OK, {"version": {"id": "v3.14", "status": "stable", "links": [here]}})

    def do_POST(self) -> None:
        token = {"methods": ["password"], "expires_at": "2099-01-01T00:00:00Z", "user": {"id": "u", "name": "n"}}
        self.answer(self.status, {"token": token} if self.status == HTTPStatus.CREATED else {"error": {}})

    def answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Subject-Token", "t")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("status", "logs_in"),
    [(HTTPStatus.CREATED, True), (HTTPStatus.UNAUTHORIZED, False), (HTTPStatus.FORBIDDEN, None)],
)
def test_a_password_is_wrong_only_if_keystone_says_so(status: HTTPStatus, logs_in: bool | None) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Answering", (Keystone,), {"status": status})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        params = PARAMS | {"auth_url": f"http://127.0.0.1:{server.server_address[1]}/v3"}
        if logs_in is None:
            with pytest.raises(ClientException):
                can_log_in(params, "glance", "one")
        else:
            assert can_log_in(params, "glance", "one") is logs_in
        server.shutdown()
