"""The modules that bring one service into a state: what they conclude from its answers, and how they fail."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ansible_collections.hoplab.lab.plugins.modules.libvirt_ceph_secrets import definition, read_key
from ansible_collections.hoplab.lab.plugins.modules.nova_compute_events import last_start
from ansible_collections.hoplab.lab.plugins.modules.ovs_bridges import Switch, missing, understand
from ansible_collections.hoplab.lab.plugins.modules.rabbitmq_accounts import differences
from tests.unit.modulerun import run_module

NOWHERE = "/nonexistent/program"


class TestOvsBridges:
    # As ovs-vsctl 3.5 printed it on a node.
    TOLD = "\n".join(
        (
            '{"data":[[["map",[["hw-offload","false"],["userspace-tso-enable","true"]]]]],"headings":["other_config"]}',
            '{"data":[["br-phy","netdev",["set",[["uuid","63"],["uuid","95"]]]],["br-ex","system",["uuid","11"]]],'
            '"headings":["name","datapath_type","ports"]}',
            '{"data":[[["uuid","63"],"br-phy"],[["uuid","95"],"tun0"],[["uuid","11"],"br-ex"]],"headings":["_uuid","name"]}',
        )
    )
    NOTHING = "\n".join(
        (
            '{"data":[[["map",[]]]],"headings":["other_config"]}',
            '{"data":[],"headings":["name","datapath_type","ports"]}',
            '{"data":[],"headings":["_uuid","name"]}',
        )
    )

    def test_understands_the_database(self) -> None:
        bridges = {"br-phy": ("netdev", {"br-phy", "tun0"}), "br-ex": ("system", {"br-ex"})}
        assert understand(self.TOLD) == Switch(userspace_tso=True, bridges=bridges)
        assert understand(self.NOTHING) == Switch(userspace_tso=False, bridges={})

    def test_offloading_is_on_only_where_the_database_says_true(self) -> None:
        assert not understand(self.TOLD.replace('"userspace-tso-enable","true"', '"other","true"')).userspace_tso
        assert not understand(self.TOLD.replace('enable","true"', 'enable","false"')).userspace_tso

    def test_makes_all_of_a_new_bridge(self) -> None:
        done, commands = missing(understand(self.NOTHING), [{"name": "br-ex", "port": "ext0"}], "netdev")
        assert done == ["bridge br-ex", "datapath type netdev of br-ex", "port ext0 of br-ex"]
        made = "-- add-br br-ex -- set Bridge br-ex datapath_type=netdev -- add-port br-ex ext0"
        assert " ".join(commands) == made

    @pytest.mark.parametrize(
        ("name", "port", "datapath", "wanted"),
        [
            ("br-phy", "tun0", "netdev", ""),
            ("br-phy", "tun0", "system", "-- set Bridge br-phy datapath_type=system"),
            ("br-phy", "tun1", "netdev", "-- add-port br-phy tun1"),
            # A port of another bridge is none of this one.
            ("br-ex", "tun0", "system", "-- add-port br-ex tun0"),
        ],
    )
    def test_makes_only_what_is_missing(self, name: str, port: str, datapath: str, wanted: str) -> None:
        done, commands = missing(understand(self.TOLD), [{"name": name, "port": port}], datapath)
        assert " ".join(commands) == wanted
        assert bool(done) == bool(commands)

    def test_without_open_vswitch(self) -> None:
        answer = run_module("ovs_bridges", {"userspace_tso": True}, OVS_VSCTL=NOWHERE)
        assert answer["failed"]
        assert "install the package openvswitch-switch" in answer["msg"]
        assert run_module("ovs_bridges", {"userspace_tso": True}, check=True, OVS_VSCTL=NOWHERE)["changed"]

    def test_refuses_other_datapaths(self) -> None:
        answer = run_module("ovs_bridges", {"datapath_type": "dpdk"}, OVS_VSCTL=NOWHERE)
        assert "value of datapath_type must be one of: system, netdev, got: dpdk" in answer["msg"]


class TestRabbitmqAccounts:
    @staticmethod
    def definitions(**changed: Any) -> dict[str, Any]:
        user = {"name": "nova-api", "password_hash": "c2VjcmV0", "hashing_algorithm": "sha256", "tags": []}
        right = {"user": "nova-api", "vhost": "/", "configure": "^a$", "write": "^b$", "read": "^c$"}
        return {
            "vhosts": [{"name": "/"}],
            "users": [{key: changed.get(key, value) for key, value in user.items()}],
            "permissions": [{key: changed.get(key, value) for key, value in right.items()}],
        }

    def test_nothing_to_do(self) -> None:
        present = self.definitions()
        present["users"] += [
            {"name": "trace", "password_hash": "x", "hashing_algorithm": "x", "tags": [], "limits": {}}
        ]
        assert differences(present, self.definitions()) == []

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"password_hash": "other"}, ["password of nova-api"]),
            ({"hashing_algorithm": "md5"}, ["password of nova-api"]),
            ({"tags": ["administrator"]}, ["tags of nova-api"]),
            ({"configure": ".*"}, ["rights of nova-api in /"]),
            ({"write": ".*"}, ["rights of nova-api in /"]),
            ({"read": ".*"}, ["rights of nova-api in /"]),
            ({"vhost": "other"}, ["rights of nova-api in /"]),
            ({"name": "x", "user": "x"}, ["account nova-api", "rights of nova-api in /"]),
        ],
    )
    def test_what_the_broker_lacks(self, changed: dict[str, Any], words: list[str]) -> None:
        assert differences(self.definitions(**changed), self.definitions()) == words
        assert "c2VjcmV0" not in str(words)

    def test_an_empty_broker(self) -> None:
        empty: dict[str, Any] = {"vhosts": [], "users": [], "permissions": []}
        words = ["virtual host /", "account nova-api", "rights of nova-api in /"]
        assert differences(empty, self.definitions()) == words

    def run(self, path: Path, *, check: bool = False) -> dict[str, Any]:
        return run_module("rabbitmq_accounts", {"definitions": str(path)}, check=check, RABBITMQCTL=NOWHERE)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "one is not JSON"),
            ('{"users": [], "permissions": {}}', "one lacks the lists vhosts, permissions"),
            ('{"vhosts": [{}], "users": [], "permissions": []}', "one: vhosts[0] lacks name"),
            (
                '{"vhosts": [], "users": [{"name": "x", "tags": []}], "permissions": []}',
                "lacks password_hash, hashing_alg",
            ),
            ('{"vhosts": [], "users": [], "permissions": []}', "install the package rabbitmq-server"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "one").write_text(text)
        assert message in self.run(tmp_path / "one")["msg"]

    def test_without_definitions_or_broker(self, tmp_path: Path) -> None:
        assert "It has to be written first" in self.run(tmp_path / "none")["msg"]
        assert self.run(tmp_path / "none", check=True)["changed"]
        (tmp_path / "one").write_text(json.dumps(self.definitions()))
        assert self.run(tmp_path / "one", check=True)["changed"]


class TestLibvirtCephSecrets:
    CLIENTS: ClassVar = [{"name": "nova", "uuid": "5d9f3c8e-6f0b-5c55-9d5b-1f0f6d5a7a01"}]

    def test_reads_a_keyring(self, tmp_path: Path) -> None:
        path = tmp_path / "keyring"
        path.write_text('[client.nova]\n\tkey = QUJDRA==\n\tcaps mon = "profile rbd"\n')
        assert read_key(str(path), "nova") == b"ABCD"

    def test_a_definition_can_be_asked_for_its_value(self) -> None:
        text = definition("nova&", "5d9f3c8e-6f0b-5c55-9d5b-1f0f6d5a7a01")
        assert "private='no'" in text
        assert "<name>client.nova&amp; secret</name>" in text

    @pytest.mark.parametrize(
        ("text", "message"),
        [(None, "Give the node its keyring"), ("[client.nova]\n", "has no key"), ("key = ?secret", "is not base64")],
    )
    def test_what_is_wrong_is_said_without_the_key(self, tmp_path: Path, text: str | None, message: str) -> None:
        path = tmp_path / "ceph.client.nova.keyring"
        if text is not None:
            path.write_text(text)
        answer = run_module("libvirt_ceph_secrets", {"clients": self.CLIENTS, "keyrings": str(tmp_path)})
        assert answer["failed"]
        assert "clients.nova: " in answer["msg"]
        assert message in answer["msg"]
        assert "?secret" not in answer["msg"]

    def test_dry_run_before_there_are_keyrings(self, tmp_path: Path) -> None:
        arguments = {"clients": self.CLIENTS, "keyrings": str(tmp_path)}
        assert run_module("libvirt_ceph_secrets", arguments, check=True)["done"] == ["client.nova"]

    @pytest.mark.parametrize("given", ["words", "", "5d9f3c8e-6f0b"])
    def test_refuses_what_is_no_uuid(self, given: str) -> None:
        answer = run_module("libvirt_ceph_secrets", {"clients": [{"name": "nova", "uuid": given}]})
        assert answer["msg"] == f"clients.nova: uuid is {given!r}: give a UUID"


class TestNovaComputeEvents:
    START, EVENTS, UNSUPPORTED = (
        b"INFO Starting compute node\n",
        b"INFO Connection event '1'\n",
        b"does not support events\n",
    )

    @pytest.mark.parametrize(
        ("log", "state"),
        [
            (b"", "receiving"),
            (START, "starting"),
            (START + UNSUPPORTED, "starting"),
            (START + EVENTS, "receiving"),
            (START + UNSUPPORTED + EVENTS, "not receiving"),
            (START + UNSUPPORTED + EVENTS + START, "starting"),
            (START + UNSUPPORTED + EVENTS + START + EVENTS, "receiving"),
            (START + EVENTS + START + UNSUPPORTED + EVENTS, "not receiving"),
            # The log's beginning was cut off.
            (EVENTS, "receiving"),
            (UNSUPPORTED + EVENTS, "not receiving"),
            (b"words\n", "receiving"),
        ],
    )
    def test_what_the_last_start_came_to(self, log: bytes, state: str) -> None:
        assert last_start(log) == state

    @pytest.mark.parametrize(
        ("log", "state"),
        [
            # The log still ends with what was before the restart, and with how that ended.
            (b"", "starting"),
            (EVENTS, "starting"),
            (START, "starting"),
            (EVENTS + START + UNSUPPORTED + EVENTS, "not receiving"),
            (START + EVENTS, "receiving"),
        ],
    )
    def test_waits_for_the_start_that_a_restart_makes(self, log: bytes, state: str) -> None:
        before = self.START + self.UNSUPPORTED + self.EVENTS
        assert last_start(before + log, len(before)) == state
        # The log was cut in between.
        assert last_start(log, 1000) == state

    def run(self, path: Path, log: bytes | None, *, check: bool = False) -> dict[str, Any]:
        if log is not None:
            path.write_bytes(log)
        names: dict[str, float | str] = {"UNIT": "hoplab-no-such-unit.service", "CONNECT_SECONDS": 0.5}
        return run_module("nova_compute_events", {"log": str(path)}, check=check, **names)

    def test_reads_a_log_on_disk(self, tmp_path: Path) -> None:
        answer = self.run(tmp_path / "log", self.START + self.EVENTS)
        assert (answer["changed"], answer["restarts"]) == (False, 0)
        assert not self.run(tmp_path / "log", b"")["changed"]

    def test_restarts_where_there_are_no_events(self, tmp_path: Path) -> None:
        answer = self.run(tmp_path / "log", self.START + self.UNSUPPORTED + self.EVENTS)
        assert "hoplab-no-such-unit.service does not restart" in answer["msg"]

    def test_check_mode_restarts_nothing(self, tmp_path: Path) -> None:
        answer = self.run(tmp_path / "log", self.START + self.UNSUPPORTED + self.EVENTS, check=True)
        assert (answer["changed"], answer["restarts"]) == (True, 0)
        assert not self.run(tmp_path / "none", None, check=True)["changed"]

    def test_says_when_it_never_connects(self, tmp_path: Path) -> None:
        assert "has not connected to libvirt" in self.run(tmp_path / "log", self.START)["msg"]

    def test_missing_log_is_explained(self, tmp_path: Path) -> None:
        assert f"log: can't read {tmp_path}/log" in self.run(tmp_path / "log", None)["msg"]
