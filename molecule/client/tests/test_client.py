"""What is written on this machine opens the nodes and names the cloud, for its owner alone."""

import hashlib
import os
import stat
import subprocess

import pytest
from openstack.config import OpenStackConfig
from scenario import Scenario

from hoplab.lab import deployment


def test_the_description_is_what_the_verification_pack_reads(scenario: Scenario) -> None:
    described = deployment.load(scenario.lab / "lab.json")
    assert [(node.name, node.address) for node in described.nodes] == [
        ("ctl1", scenario.subnet_address("management", 11))
    ]
    assert str(described.external_network.gateway) == scenario.subnet_address("external", 1)


def test_clouds_yaml_names_keystone_and_its_administrator(scenario: Scenario) -> None:
    config = OpenStackConfig(config_files=[str(scenario.lab / "clouds.yaml")], load_envvars=False)
    auth = config.get_one("hoplab-admin").get_auth_args()
    assert auth["auth_url"] == f"http://{scenario.subnet_address('management', 11)}:5000/v3"
    assert (auth["username"], auth["password"]) == ("admin", scenario.secret("keystone_admin"))


def test_ssh_opens_the_node_by_its_name(scenario: Scenario) -> None:
    argv = ["ssh", "-F", str(scenario.lab / "ssh" / "config"), "-o", "BatchMode=yes", "ctl1", "hostname"]
    assert subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout == "ctl1\n"


@pytest.mark.parametrize("name", ["clouds.yaml", "secrets.yml", "ssh/id_ed25519"])
def test_secrets_are_their_owners_alone(scenario: Scenario, name: str) -> None:
    found = (scenario.lab / name).stat()
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_uid == os.getuid()


def test_the_guest_image_is_the_one_that_the_node_built(scenario: Scenario) -> None:
    here = hashlib.sha256((scenario.lab / "guest.raw").read_bytes()).hexdigest()
    assert scenario.control.output("sha256sum /var/lib/hoplab/guest.raw").split()[0] == here


def test_absent_removes_what_it_wrote_and_nothing_else(scenario: Scenario) -> None:
    wrote = ["clouds.yaml", "lab.json", "ssh/config", "token-cache-secret", "guest.raw"]
    before = {path.relative_to(scenario.lab) for path in scenario.lab.rglob("*") if path.is_file()}
    try:
        done = scenario.converge(client_state="absent")
        assert done.returncode == 0, done.stdout
        after = {path.relative_to(scenario.lab) for path in scenario.lab.rglob("*") if path.is_file()}
        assert {str(path) for path in before - after} == set(wrote)
    finally:
        assert scenario.converge().returncode == 0
    assert all((scenario.lab / name).is_file() for name in wrote)
