"""The metadata agent: a machine asks 169.254.169.254 who it is, and Nova's metadata server believes only the agent."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from neutron_help import Bench, Machine, bench
from scenario import Scenario, eventually

METADATA = "http://169.254.169.254/openstack/latest/meta_data.json"


@dataclass(frozen=True)
class Guest:
    """An instance in Nova's database, and the machine that stands for it on the network."""

    id: str
    name: str
    machine: Machine

    def ask(self, *headers: str) -> tuple[int, str]:
        """Ask for metadata from inside; return the status and the text."""
        given = " ".join(f"-H '{header}'" for header in headers)
        said = self.machine.output(f"curl -s -m 20 -w '\\n%{{http_code}}' {given} {METADATA}")
        text, _, status = said.rpartition("\n")
        return int(status), text

    def told(self, *headers: str) -> dict[str, Any]:
        """Return the metadata that the guest is given."""
        status, text = self.ask(*headers)
        assert status == 200, (status, text)
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture(scope="module")
def neutron(scenario: Scenario) -> Iterator[Bench]:
    """A bench on which machines get addresses, and metadata from there."""
    binaries = ("neutron-openvswitch-agent", "neutron-dhcp-agent", "neutron-metadata-agent")
    with bench(scenario, *binaries) as made:
        yield made


@pytest.fixture(scope="module")
def guests(scenario: Scenario, neutron: Bench) -> tuple[Guest, Guest]:
    """Two instances. No host can run them, which is no matter to metadata: Nova has them in its database."""
    compute: Any = scenario.cloud.compute
    network = neutron.network("10.75.0.0/24", dhcp=True)

    def flavor() -> Any:
        return compute.create_flavor(name=f"test-{secrets.token_hex(3)}", ram=64, vcpus=1, disk=0, ephemeral=1)

    kind = eventually("Nova answers", flavor, seconds=120)
    neutron.callback(compute.delete_flavor, kind)
    made = []
    for name in ("one", "two"):
        server = compute.create_server(
            name=name,
            flavor_id=kind.id,
            networks="none",
            block_device_mapping_v2=[
                {"source_type": "blank", "destination_type": "local", "volume_size": 1, "boot_index": 0}
            ],
        )
        neutron.callback(compute.delete_server, server.id)
        machine = neutron.machine(scenario.control, network, device_id=server.id)
        assert machine.lease()["address"] == machine.address
        made.append(Guest(server.id, name, machine))
    return made[0], made[1]


def ask_nova(scenario: Scenario, instance: str, signature: str | None) -> int:
    """Ask Nova's metadata server itself about an instance; return the status."""
    headers = {"X-Instance-ID": instance, "X-Tenant-ID": str(scenario.cloud.current_project_id)}
    if signature is not None:
        headers["X-Instance-ID-Signature"] = signature
    url = f"http://{scenario.control.address}:8775/openstack/latest/meta_data.json"
    return requests.get(url, headers=headers, timeout=30).status_code


def sign(secret: str, instance: str) -> str:
    """Sign as the agent has to: an HMAC by SHA-256 over the instance's id."""
    return hmac.new(secret.encode(), instance.encode(), hashlib.sha256).hexdigest()


def test_each_guest_is_told_who_it_is(guests: tuple[Guest, Guest]) -> None:
    for guest in guests:
        said = eventually("the metadata path is up", guest.told, seconds=90)
        assert (said["uuid"], said["name"]) == (guest.id, guest.name)


def test_nova_believes_the_agents_secret_and_no_other(scenario: Scenario, guests: tuple[Guest, Guest]) -> None:
    one, two = guests
    secret = scenario.secret("metadata_proxy")
    assert ask_nova(scenario, one.id, sign(secret, one.id)) == 200
    assert ask_nova(scenario, one.id, sign("guessed", one.id)) == 403
    assert ask_nova(scenario, one.id, sign(secret, two.id)) == 403
    assert ask_nova(scenario, one.id, None) == 400


def test_a_guest_can_not_pass_for_another(guests: tuple[Guest, Guest]) -> None:
    one, two = guests
    network = one.machine.port.network_id
    assert one.told(f"X-Instance-ID: {two.id}", "X-Instance-ID-Signature: guessed")["uuid"] == one.id
    # The agent tells guests apart by the address that the proxy names, and networks by the proxy itself.
    status, text = one.ask(f"X-Forwarded-For: {two.machine.address}", f"X-Neutron-Network-ID: {network}")
    assert two.id not in text
    assert status != 200 or json.loads(text)["uuid"] == one.id


def test_a_port_of_no_instance_is_told_nothing(scenario: Scenario, neutron: Bench, guests: tuple[Guest, Guest]) -> None:
    network = neutron.api.get_network(guests[0].machine.port.network_id)
    nobody = Guest("", "", neutron.machine(scenario.control, network))
    assert nobody.machine.lease()["address"] == nobody.machine.address
    assert nobody.ask()[0] == 404


def test_a_killed_agent_comes_back(scenario: Scenario, guests: tuple[Guest, Guest]) -> None:
    one, _ = guests
    scenario.control.output("systemctl kill --signal=KILL neutron-metadata-agent")
    eventually("the guest is told again", lambda: one.told()["uuid"] == one.id, seconds=90)
