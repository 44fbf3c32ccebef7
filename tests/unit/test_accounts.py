"""One database account and one broker account for each program, and nobody else's in its files."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.unit.rendering import COMPUTES, CONTROL, Lab, Oslo, oslo, secret

Control = Callable[[str], Oslo]
AGENTS = {
    "neutron-openvswitch-agent": "net1",
    "neutron-dhcp-agent": "net1",
    "neutron-l3-agent": "net1",
    "neutron-metadata-agent": "net1",
}
# Directory of its own for each program on ctl1, its schemas by section, and whether it speaks to the broker.
PROGRAMS: dict[str, tuple[str, dict[str, str], bool]] = {
    "keystone-manage": ("/etc/keystone/keystone-manage.conf.d", {"database": "keystone"}, False),
    "glance-api": ("/etc/glance/glance-api.conf.d", {"database": "glance"}, True),
    "glance-manage": ("/etc/glance/glance-manage.conf.d", {"database": "glance"}, False),
    "placement-api": ("/etc/placement/uwsgi.conf.d", {"placement_database": "placement"}, False),
    "placement-manage": ("/etc/placement/placement-manage.conf.d", {"placement_database": "placement"}, False),
    "nova-api": ("/etc/nova/nova-api.conf.d", {"api_database": "nova_api", "database": "nova"}, True),
    "nova-api-metadata": ("/etc/nova/nova-api-metadata.conf.d", {"api_database": "nova_api", "database": "nova"}, True),
    "nova-scheduler": ("/etc/nova/nova-scheduler.conf.d", {"api_database": "nova_api", "database": "nova"}, True),
    "nova-conductor": ("/etc/nova/nova-conductor.conf.d", {"api_database": "nova_api", "database": "nova"}, True),
    "neutron-api": ("/etc/neutron/neutron-api.conf.d", {"database": "neutron"}, True),
    "neutron-rpc-server": ("/etc/neutron/neutron-rpc-server.conf.d", {"database": "neutron"}, True),
    "neutron-periodic-workers": ("/etc/neutron/neutron-periodic-workers.conf.d", {"database": "neutron"}, True),
    "neutron-manage": ("/etc/neutron/neutron-db-manage.conf.d", {"database": "neutron"}, False),
    "cinder-api": ("/etc/cinder/cinder-api.conf.d", {"database": "cinder"}, True),
    "cinder-scheduler": ("/etc/cinder/cinder-scheduler.conf.d", {"database": "cinder"}, True),
    "cinder-volume": ("/etc/cinder/cinder-volume.conf.d", {"database": "cinder"}, True),
    "cinder-manage": ("/etc/cinder/cinder-manage.conf.d", {"database": "cinder"}, False),
}
SHARED = [
    "/etc/nova/nova.conf",
    "/etc/neutron/neutron.conf",
    "/etc/cinder/cinder.conf",
    "/etc/glance/glance-api.conf",
    "/etc/placement/placement.conf",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_has_its_own(rendered: Lab, control: Control, program: str) -> None:
    directory, schemas, speaks = PROGRAMS[program]
    found = control(f"{directory}/credentials.conf")
    # neutron-manage is the account of the program neutron-db-manage.
    password = secret(rendered, f"database_{program}")
    for section, schema in schemas.items():
        url = f"mysql+pymysql://{program}:{password}@{CONTROL}/{schema}?charset=utf8"
        assert found[section]["connection"] == [url]
    transport = found.get("DEFAULT", {}).get("transport_url", [])
    broker = secret(rendered, f"messaging_{program}") if speaks else ""
    assert transport == ([f"rabbit://{program}:{broker}@{CONTROL}:5672//"] if speaks else [])


@pytest.mark.parametrize("agent", AGENTS)
def test_agents_have_a_broker_account_alone(rendered: Lab, tmp_path: Path, agent: str) -> None:
    path = f"/etc/neutron/{agent}.conf.d/credentials.conf"
    found = oslo(rendered.text(AGENTS[agent], path), tmp_path)
    password = secret(rendered, f"messaging_{agent}")
    assert found["DEFAULT"]["transport_url"] == [f"rabbit://{agent}:{password}@{CONTROL}:5672//"]
    assert not any("connection" in options for options in found.values())


@pytest.mark.parametrize("compute", COMPUTES)
def test_computes_have_no_database(rendered: Lab, tmp_path: Path, compute: str) -> None:
    found = oslo(rendered.text(compute, "/etc/nova/nova-compute.conf.d/credentials.conf"), tmp_path)
    password = secret(rendered, "messaging_nova-compute")
    assert found == {"DEFAULT": {"transport_url": [f"rabbit://nova-compute:{password}@{CONTROL}:5672//"]}}
    assert "mysql" not in "".join(made.content for made in rendered.files[compute].values())


@pytest.mark.parametrize("path", SHARED)
def test_shared_files_hold_no_account(rendered: Lab, path: str) -> None:
    text = rendered.text("ctl1", path)
    assert not re.search(r"^\s*(connection|transport_url|slave_connection)\s*=", text, re.MULTILINE)
    assert "rabbit://" not in text
    assert "mysql" not in text


def test_no_file_holds_two_accounts(rendered: Lab) -> None:
    users: dict[str, set[str]] = {}
    for node, files in rendered.files.items():
        for path, made in files.items():
            urls = re.findall(r"=\s*((?:mysql\+pymysql|rabbit)://\S+)", made.content)
            users[f"{node}:{path}"] = {str(urlsplit(url).username) for url in urls} - {"nobody"}
    assert not [place for place, names in users.items() if len(names) > 1]


def test_each_account_is_made_where_it_is_used(rendered: Lab) -> None:
    variables = rendered.variables["ctl1"]
    databases = {account["name"] for account in variables["cloud_database_accounts"]}
    brokers = {account["name"] for account in variables["cloud_messaging_accounts"]}
    assert databases == set(PROGRAMS) | {"keystone", "nova-manage"}
    assert brokers == {name for name, parts in PROGRAMS.items() if parts[2]} | set(AGENTS) | {"nova-compute"}


def test_manage_accounts_are_for_root_alone(rendered: Lab) -> None:
    for path, made in rendered.files["ctl1"].items():
        if re.search(r"-manage\.conf\.d/", path):
            assert (made.owner, made.mode) == ("root", "0600"), path
            place = rendered.directories["ctl1"][path.rpartition("/")[0]]
            assert (place.owner, place.mode) == ("root", "0700"), path


def test_daemons_accounts_are_for_their_project_alone(rendered: Lab) -> None:
    for node, files in rendered.files.items():
        for path, made in files.items():
            if path.endswith("/credentials.conf") and "manage" not in path:
                assert (made.owner, made.group, made.mode) == ("root", path.split("/")[2], "0640"), f"{node}:{path}"
