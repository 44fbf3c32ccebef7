"""Nova without a compute: it answers, its daemons hear each other, and nobody may do more than he should."""

import hmac

import pytest
import requests
from nova_help import ask, flavor, server, settled, wait_for_daemons
from openstack.connection import Connection
from people import member
from requests import Response
from scenario import Node, Scenario

NOVA = "compute 2.96"
# Who is connected to Nova's databases and to the broker.
CONNECTED = "SELECT DISTINCT user FROM information_schema.processlist WHERE db LIKE 'nova%'"
DATABASE_USERS = f'mariadb --skip-column-names --execute "{CONNECTED}"'
BROKER_USERS = "rabbitmqctl --quiet list_connections user"
UNREADABLE = "runuser -u nova -- cat /etc/nova/nova-manage.conf.d/credentials.conf"


@pytest.fixture(scope="module")
def cloud(scenario: Scenario, ctl1: Node) -> Connection:
    """Return the cloud as its administrator sees it, as soon as all daemons have reported since the node's boot."""
    wait_for_daemons(scenario.cloud, ctl1, "nova-scheduler", "nova-conductor")
    return scenario.cloud


def test_versions_are_for_all_and_the_rest_is_for_who_has_a_token(scenario: Scenario, cloud: Connection) -> None:
    address = f"http://{scenario.control.address}:8774"
    versions = {found["id"]: found for found in requests.get(address, timeout=30).json()["versions"]}
    assert versions["v2.1"]["status"] == "CURRENT"
    assert versions["v2.1"]["version"] == "2.100"
    assert requests.get(f"{address}/v2.1/servers", timeout=30).status_code == 401
    assert cloud.session.get_endpoint(service_type="compute") == f"{address}/v2.1"
    assert ask(cloud, NOVA, "GET", "/servers").status_code == 200


def test_each_daemon_works_with_its_own_accounts(cloud: Connection, ctl1: Node) -> None:
    with flavor(cloud) as small, server(cloud, small) as made:
        settled(cloud, made, "ERROR")
        # The metadata server connects when it is asked.
        connected = set(ctl1.output(DATABASE_USERS).split()) - {"nova-api-metadata"}
        assert connected == {"nova-api", "nova-scheduler", "nova-conductor"}
        senders = {user for user in ctl1.output(BROKER_USERS).split() if user.startswith("nova")}
        assert senders == {"nova-api", "nova-scheduler", "nova-conductor"}
    stranger = ctl1.run(UNREADABLE)
    assert stranger.returncode != 0
    assert "Permission denied" in stranger.stderr


def test_a_server_without_a_compute_ends_in_error_and_says_why(cloud: Connection, ctl1: Node) -> None:
    with flavor(cloud) as small, server(cloud, small) as made:
        found = settled(cloud, made, "ERROR")
        assert found.fault["code"] == 500
        assert found.fault["message"] == "No valid host was found. "
        # API to conductor and conductor to scheduler under one request id; Placement was asked for candidates.
        action = next(iter(cloud.compute.server_actions(made)))
        trail = f"grep -l {action.request_id} /var/log/nova/nova-conductor.log /var/log/nova/nova-scheduler.log"
        assert len(ctl1.output(trail).split()) == 2
        assert ctl1.output(f"grep -c 'allocation_candidates.*{action.request_id}' /var/log/placement/placement-api.log")
    assert ask(cloud, NOVA, "GET", f"/servers/{made.id}").status_code == 404


def test_a_request_that_meets_no_conductor_is_done_when_it_is_back(cloud: Connection, ctl1: Node) -> None:
    before = ctl1.main_process("nova-conductor")
    ctl1.output("systemctl kill --signal=KILL nova-conductor")
    with flavor(cloud) as small, server(cloud, small) as made:
        assert settled(cloud, made, "ERROR", seconds=90).fault["message"] == "No valid host was found. "
    assert ctl1.main_process("nova-conductor") != before


def test_both_cells_are_mapped_with_accounts_left_to_each_program(ctl1: Node) -> None:
    query = "SELECT name, transport_url, database_connection FROM nova_api.cell_mappings ORDER BY id"
    cells = [line.split("\t") for line in ctl1.output(f'mariadb --skip-column-names --execute "{query}"').splitlines()]
    assert [cell[0] for cell in cells] == ["cell0", "cell1"]
    assert cells[0][1] == "none:///"
    assert all("{username}:{password}" in url for url in [cells[0][2], cells[1][1], cells[1][2]])


def test_a_member_may_not_do_what_is_the_administrators(cloud: Connection) -> None:
    new = {"flavor": {"name": "mine", "ram": 64, "vcpus": 1, "disk": 0}}
    with member(cloud) as person:
        assert ask(person, NOVA, "POST", "/flavors", new).status_code == 403
        assert ask(person, NOVA, "GET", "/os-services").status_code == 403
        assert ask(person, NOVA, "GET", "/servers?all_tenants=1").status_code == 403
        assert ask(person, NOVA, "GET", "/servers").status_code == 200


def test_nobody_gets_more_than_his_quota_or_sees_others_servers(cloud: Connection) -> None:
    with member(cloud) as person, flavor(cloud) as small, flavor(cloud, vcpus=2) as large:
        quota = {"quota_set": {"cores": 1, "instances": 5}}
        project = person.current_project_id
        assert ask(cloud, NOVA, "PUT", f"/os-quota-sets/{project}", quota).status_code == 200
        disk = {"boot_index": 0, "source_type": "blank", "destination_type": "local"}
        options = {"name": "large", "flavorRef": large.id, "networks": "none", "block_device_mapping_v2": [disk]}
        refused = ask(person, NOVA, "POST", "/servers", {"server": options})
        assert refused.status_code == 403
        assert "Quota exceeded for cores" in refused.json()["forbidden"]["message"]
        with server(person, small) as made:
            settled(person, made, "ERROR")
            with member(cloud) as stranger:
                assert ask(stranger, NOVA, "GET", f"/servers/{made.id}").status_code == 404
                assert ask(stranger, NOVA, "DELETE", f"/servers/{made.id}").status_code == 404


def test_the_metadata_server_trusts_only_who_knows_the_secret(scenario: Scenario, cloud: Connection) -> None:
    address = f"http://{scenario.control.address}:8775/openstack/latest/meta_data.json"

    def asked(instance: str, signed: str, secret: str) -> Response:
        signature = hmac.new(secret.encode(), signed.encode(), "sha256").hexdigest()
        headers = {
            "X-Instance-ID": instance,
            "X-Instance-ID-Signature": signature,
            "X-Tenant-ID": str(cloud.current_project_id),
            "X-Forwarded-For": "10.0.0.5",
        }
        return requests.get(address, headers=headers, timeout=60)

    secret = scenario.secret("metadata_proxy")
    with flavor(cloud) as small, server(cloud, small) as made:
        settled(cloud, made, "ERROR")
        answer = asked(made.id, made.id, secret)
        assert answer.status_code == 200
        assert answer.json()["uuid"] == made.id
        assert asked(made.id, made.id, "guessed").status_code == 403
        assert asked(made.id, "another", secret).status_code == 403
        assert requests.get(address, timeout=60).status_code == 400
