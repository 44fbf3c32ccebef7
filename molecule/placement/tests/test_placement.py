"""Placement alone: it keeps what a host has, finds it for a request, and lets nobody take more than there is."""

from typing import Any
from uuid import uuid4

import nova_help
import people
import pytest
import requests
from openstack.connection import Connection
from requests import Response
from scenario import Node, Scenario, eventually

# As the daemon's own user, with what that user may read.
AS_THE_DAEMON = """
import configparser, os, pwd, urllib.parse, pymysql
user = pwd.getpwnam("placement")
os.initgroups("placement", user.pw_gid)
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
settings = configparser.ConfigParser(interpolation=None)
settings.read("/etc/placement/uwsgi.conf.d/credentials.conf")
url = urllib.parse.urlsplit(settings["placement_database"]["connection"])
link = pymysql.connect(
    host=url.hostname, user=url.username, password=url.password, database=url.path[1:], connect_timeout=5
)
answer = []
for statement in given["statements"]:
    try:
        answer.append(link.cursor().execute(statement))
    except pymysql.MySQLError as error:
        answer.append(error.args[0])
try:
    answer.append(len(open("/etc/placement/placement-manage.conf.d/credentials.conf").read()))
except OSError as error:
    answer.append(error.strerror)
"""
DENIED = 1142  # ER_TABLEACCESS_DENIED_ERROR


def ask(cloud: Connection, method: str, path: str, body: Any = None) -> Response:
    """Return Placement's answer, whatever its status."""
    return nova_help.ask(cloud, "placement 1.38", method, path, body)


def claim(provider: str, processors: int, memory: int, consumer: str) -> dict[str, Any]:
    """Return the body of a claim of a consumer that has none yet."""
    return {
        "allocations": {provider: {"resources": {"VCPU": processors, "MEMORY_MB": memory}}},
        "project_id": consumer,
        "user_id": consumer,
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
    }


@pytest.fixture(scope="module")
def cloud(scenario: Scenario) -> Connection:
    """Return the cloud, once Placement answers after the reboot."""
    found = scenario.cloud
    eventually("Placement answers", lambda: ask(found, "GET", "/resource_providers").ok, seconds=120)
    return found


@pytest.fixture
def provider(cloud: Connection) -> Any:
    """Make a host of 4 processors and 1024 MiB, and remove it and its claims at the end."""
    uuid = str(uuid4())
    path = f"/resource_providers/{uuid}"
    assert ask(cloud, "POST", "/resource_providers", {"name": f"host-{uuid}", "uuid": uuid}).status_code == 200
    inventory = {
        "VCPU": {"total": 4, "allocation_ratio": 1.0},
        "MEMORY_MB": {"total": 1024, "allocation_ratio": 1.0},
    }
    given = {"resource_provider_generation": 0, "inventories": inventory}
    assert ask(cloud, "PUT", f"{path}/inventories", given).status_code == 200
    yield uuid
    for consumer in ask(cloud, "GET", f"{path}/allocations").json()["allocations"]:
        assert ask(cloud, "DELETE", f"/allocations/{consumer}").status_code == 204
    assert ask(cloud, "DELETE", path).status_code == 204


def hosts_for(cloud: Connection, resources: str) -> set[str]:
    """Return the hosts that have room for a request."""
    found = ask(cloud, "GET", f"/allocation_candidates?resources={resources}")
    assert found.status_code == 200
    return {provider for request in found.json()["allocation_requests"] for provider in request["allocations"]}


def test_candidates_for_a_flavor_are_the_hosts_with_enough_room(scenario: Scenario, provider: str) -> None:
    assert provider in hosts_for(scenario.cloud, "VCPU:1,MEMORY_MB:128")
    assert provider in hosts_for(scenario.cloud, "VCPU:4,MEMORY_MB:1024")
    assert provider not in hosts_for(scenario.cloud, "VCPU:5,MEMORY_MB:128")
    assert provider not in hosts_for(scenario.cloud, "VCPU:1,MEMORY_MB:1025")


def test_what_was_claimed_is_used_and_more_than_there_is_is_refused(scenario: Scenario, provider: str) -> None:
    first, second = str(uuid4()), str(uuid4())
    usages = f"/resource_providers/{provider}/usages"
    assert ask(scenario.cloud, "PUT", f"/allocations/{first}", claim(provider, 3, 512, first)).status_code == 204
    assert ask(scenario.cloud, "GET", usages).json()["usages"] == {"VCPU": 3, "MEMORY_MB": 512}
    refused = ask(scenario.cloud, "PUT", f"/allocations/{second}", claim(provider, 2, 128, second))
    assert refused.status_code == 409
    assert "Unable to allocate inventory" in refused.json()["errors"][0]["detail"]
    assert ask(scenario.cloud, "GET", usages).json()["usages"] == {"VCPU": 3, "MEMORY_MB": 512}
    assert provider not in hosts_for(scenario.cloud, "VCPU:2")
    assert ask(scenario.cloud, "DELETE", f"/allocations/{first}").status_code == 204
    assert ask(scenario.cloud, "PUT", f"/allocations/{second}", claim(provider, 2, 128, second)).status_code == 204


def test_only_an_administrator_sees_more_than_the_versions(scenario: Scenario, provider: str) -> None:
    address = f"http://{scenario.control.address}:8778"
    assert requests.get(address, timeout=30).json()["versions"][0]["max_version"] == "1.39"
    hosts = f"{address}/resource_providers"
    assert requests.get(hosts, timeout=30).status_code == 401
    assert requests.get(hosts, headers={"X-Auth-Token": "gAAAAABforged"}, timeout=30).status_code == 401
    with people.member(scenario.cloud) as person:
        assert ask(person, "GET", "/resource_providers").status_code == 403
        assert ask(person, "DELETE", f"/resource_providers/{provider}").status_code == 403
    assert ask(scenario.cloud, "GET", f"/resource_providers/{provider}").status_code == 200


def test_the_daemon_works_with_an_account_that_changes_no_schema(scenario: Scenario, ctl1: Node, provider: str) -> None:
    assert ask(scenario.cloud, "GET", f"/resource_providers/{provider}").status_code == 200
    connected = "SELECT DISTINCT user FROM information_schema.processlist WHERE db = 'placement'"
    assert ctl1.output(f'mariadb --skip-column-names --execute "{connected}"').split() == ["placement-api"]
    added, made = "ALTER TABLE traits ADD COLUMN more INT", "CREATE TABLE more (name INT)"
    answer = ctl1.python(AS_THE_DAEMON, statements=["DELETE FROM traits WHERE id = 0", added, made])
    assert answer == [0, DENIED, DENIED, "Permission denied"]


def test_claims_outlive_a_killed_api(scenario: Scenario, ctl1: Node, provider: str) -> None:
    consumer = str(uuid4())
    assert ask(scenario.cloud, "PUT", f"/allocations/{consumer}", claim(provider, 1, 64, consumer)).status_code == 204
    before = ctl1.main_process("placement-api")
    ctl1.output("systemctl kill --signal=KILL placement-api")

    def back() -> bool:
        found = ask(scenario.cloud, "GET", f"/allocations/{consumer}").json()
        return bool(found["allocations"][provider]["resources"] == {"VCPU": 1, "MEMORY_MB": 64})

    eventually("Placement is back with the claim", back, seconds=60)
    assert ctl1.main_process("placement-api") != before
