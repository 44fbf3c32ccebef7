"""What a lab leaves on its machine: its record, whose it is, and its first files. All processes are real ones."""

import ipaddress
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hoplab.lab.plugins.module_utils import lab_host, lab_network
from ansible_collections.hoplab.lab.plugins.module_utils.lab_firewall import check_endpoints, wanted_table
from ansible_collections.hoplab.lab.plugins.module_utils.lab_firstboot import (
    first_boot_files,
    host_address,
    machine_id,
    network_file,
    offer_kvm,
)
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import (
    Lab,
    LabError,
    alive,
    refuse_foreign,
    remove_link,
    run,
    wait_gone,
)
from ansible_collections.hoplab.lab.plugins.module_utils.lab_network import (
    bridge_name,
    ensure_forwarding,
    host_link,
    restore_forwarding,
    wanted_rules,
)

NETWORK = {"name": "management", "subnet": "192.0.2.0/24", "mtu": 1450, "interface": "mgmt0", "host_address": True}
NODE = {"name": "ctl1", "address": "192.0.2.11", "host_key": "PRIVATE\n", "host_key_public": "ssh-ed25519 AAAA"}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(lab_host, "LABS", str(tmp_path / "labs"))
    return Lab("unittest")


@pytest.fixture
def container(lab: Lab, tmp_path: Path) -> Iterator[int]:
    """A process that looks like a node's container manager."""
    program = tmp_path / lab_host.NSPAWN
    program.symlink_to(sys.executable)
    sleep = "import time; print('up', flush=True); time.sleep(60)"
    argv = [str(program), "-c", sleep, f"--directory={lab.root('ctl1')}"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


class TestRecord:
    def test_is_written_once(self, lab: Lab) -> None:
        assert lab.record() == {}
        assert lab.write_record("/clone", "running")
        assert not lab.write_record("/clone", "running")
        assert lab.record() == {"owner": "/clone", "state": "running"}
        assert lab.write_record("/clone", "stopped")
        assert [path.name for path in Path(lab.directory).iterdir()] == ["lab.json"]

    @pytest.mark.parametrize("text", ["", "{", "[]", "null"])
    def test_damaged_one_counts_as_none(self, lab: Lab, text: str) -> None:
        Path(lab.directory).mkdir(parents=True)
        Path(lab.directory, "lab.json").write_text(text)
        assert lab.record() == {}

    def test_labs_are_known_by_their_directories(self, lab: Lab) -> None:
        assert lab_host.known_labs() == []
        lab.write_record("/clone", "running")
        assert lab_host.known_labs() == [lab]


class TestWhoseItIs:
    def test_new_and_own_ones_are_free(self, lab: Lab) -> None:
        refuse_foreign(lab, "/here")
        lab.write_record("/here", "stopped")
        refuse_foreign(lab, "/here")

    def test_living_one_of_another_clone_is_refused(self, lab: Lab, container: int) -> None:
        assert lab.running() == {"ctl1": container}
        lab.write_record("/clone/that/is/gone", "running")
        with pytest.raises(LabError) as caught:
            refuse_foreign(lab, "/here")
        for part in ("unittest", "/clone/that/is/gone", "nodes ctl1 run", "make down TAKE=yes", "lab_name"):
            assert part in str(caught.value)
        refuse_foreign(lab, "/clone/that/is/gone")

    def test_dead_one_is_free(self, lab: Lab, tmp_path: Path) -> None:
        lab.write_record(str(tmp_path), "running")
        assert lab.running() == {}
        refuse_foreign(lab, "/here")

    def test_stopped_one_is_refused_while_its_clone_is_there(self, lab: Lab, tmp_path: Path) -> None:
        clone = tmp_path / "clone"
        clone.mkdir()
        lab.write_record(str(clone), "stopped")
        with pytest.raises(LabError, match=r"it was stopped with `make stop`"):
            refuse_foreign(lab, "/here")
        clone.rmdir()
        refuse_foreign(lab, "/here")

    def test_other_labs_processes_are_not_its_own(self, lab: Lab, container: int) -> None:
        assert lab.running() == {"ctl1": container}
        assert Lab("unittest2").running() == {}
        assert Lab("unit").running() == {}


class TestProcesses:
    def test_stop_ends_what_runs(self, lab: Lab, container: int) -> None:
        assert lab.stop(["net1"], timeout=1) == []
        assert alive(container)
        assert lab.stop(["ctl1"], timeout=10) == ["ctl1"]
        assert not alive(container)

    def test_waiting_ends_with_the_time(self, container: int) -> None:
        wait_gone([container], 0.2)
        assert alive(container)

    def test_run_says_what_failed(self) -> None:
        assert run("echo", "words") == "words\n"
        with pytest.raises(LabError, match=r"^sh -c echo told >&2; exit 3 ended with 3: told$"):
            run("sh", "-c", "echo told >&2; exit 3")

    def test_a_link_that_went_with_its_container_is_no_error(self) -> None:
        remove_link("hoplab-gone")
        # No kernel lets anybody remove this one.
        with pytest.raises(LabError, match=r"^ip link delete lo ended with 2: "):
            remove_link("lo")


class TestFirstBoot:
    def test_addresses(self) -> None:
        assert host_address("192.0.2.0/24") == "192.0.2.1/24"
        lines = network_file(NETWORK, "192.0.2.11").splitlines()
        assert lines[:2] == ["[Match]", "Name=mgmt0"]
        assert {"MTUBytes=1450", "Address=192.0.2.11/24", "Gateway=192.0.2.1"} <= set(lines)

    def test_machine_id_is_a_nodes_own_and_lasts(self) -> None:
        first = machine_id("lab", "ctl1", "key")
        assert re.fullmatch(r"[0-9a-f]{32}", first)
        assert machine_id("lab", "ctl1", "key") == first
        assert len({first, machine_id("lab", "net1", "key"), machine_id("lab", "ctl1", "other")}) == 3

    def test_files(self) -> None:
        files = first_boot_files("lab", NODE, NETWORK, "ssh-ed25519 BBBB")
        made = {path: (content, mode) for path, content, mode in files}
        assert made["/etc/hostname"] == ("ctl1\n", 0o644)
        assert made["/etc/hosts"][0] == "127.0.0.1 localhost\n192.0.2.11 ctl1\n"
        assert made["/etc/hoplab-lab"][0] == "lab\n"
        assert made["/etc/ssh/ssh_host_ed25519_key"] == ("PRIVATE\n", 0o600)
        assert made["/root/.ssh/authorized_keys"] == ("ssh-ed25519 BBBB\n", 0o600)
        assert "/etc/systemd/network/10-mgmt0.network" in made


class TestRules:
    def test_each_rule_is_marked_and_bound_to_a_bridge(self) -> None:
        tunnel = NETWORK | {"name": "tunnel", "subnet": "198.51.100.0/24", "interface": "tun0", "host_address": False}
        rules = wanted_rules(Lab("mylab"), [NETWORK, tunnel])
        mark = ["-m", "comment", "--comment", "hoplab:mylab"]
        for _table, rule in rules:
            assert any(rule[place : place + 4] == mark for place in range(len(rule)))
        assert [rule[:3] for table, rule in rules if table == "filter"] == [
            ["FORWARD", "-i", "mylab-mgmt0"],
            ["FORWARD", "-o", "mylab-mgmt0"],
            ["FORWARD", "-i", "mylab-tun0"],
            ["FORWARD", "-o", "mylab-tun0"],
        ]
        # Where this machine has no address, nothing goes out.
        (nat,) = [rule for table, rule in rules if table == "nat"]
        assert nat[:5] == ["POSTROUTING", "-s", "192.0.2.0/24", "!", "-d"]
        assert nat[-2:] == ["-j", "MASQUERADE"]

    @pytest.mark.parametrize("lab", ["ab", "hoplab", "eightlet"])
    def test_names_of_nodes_links_are_short_enough_and_differ(self, lab: str) -> None:
        made = {host_link(Lab(lab), node, link) for node in ("ctl1", "ceph1") for link in ("mgmt0", "tun0", "ext0")}
        assert len(made) == 6
        assert all(len(name) <= 15 for name in made)

    def test_labs_of_allowed_names_have_links_of_their_own(self) -> None:
        assert host_link(Lab("hoplab-a"), "ctl1", "mgmt0") != host_link(Lab("hoplab-b"), "ctl1", "mgmt0")

    def test_names_of_links_are_short_enough(self) -> None:
        long = NETWORK | {"interface": "interface-with-a-name"}
        assert len(bridge_name(Lab("eightlet"), long)) <= 15
        assert ipaddress.IPv4Network(str(long["subnet"])).prefixlen == 24


class TestForwarding:
    def test_the_last_of_several_labs_sets_it_back(
        self, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        switch = tmp_path / "ip_forward"
        switch.write_text("0")
        monkeypatch.setattr(lab_network, "FORWARD", str(switch))
        second = Lab("second")
        for made in (lab, second):
            ensure_forwarding(made, check=False)
            made.write_record("/somewhere", "running")
        assert restore_forwarding(lab) == ["ip_forward left to the lab second"]
        assert switch.read_text() == "1"
        lab.remove()
        assert restore_forwarding(second) == ["ip_forward"]
        assert switch.read_text() == "0"

    def test_what_was_on_before_stays_on(self, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        switch = tmp_path / "ip_forward"
        switch.write_text("1")
        monkeypatch.setattr(lab_network, "FORWARD", str(switch))
        ensure_forwarding(lab, check=False)
        lab.write_record("/somewhere", "running")
        assert restore_forwarding(lab) == []
        assert switch.read_text() == "1"


class TestTable:
    def made(self, endpoints: list[dict[str, Any]]) -> list[str]:
        tunnel = NETWORK | {"name": "tunnel", "subnet": "198.51.100.0/24", "interface": "tun0", "host_address": False}
        external = NETWORK | {"name": "external", "subnet": "203.0.113.0/24", "interface": "ext0"}
        networks = [NETWORK, tunnel, external]
        bridges = [bridge_name(Lab("mylab"), network) for network in networks]
        return wanted_table(Lab("mylab"), networks, bridges, endpoints).splitlines()

    def chain(self, name: str, endpoints: list[dict[str, Any]]) -> list[str]:
        lines = self.made(endpoints)
        begin = lines.index(f"chain {name} {{")
        return lines[begin + 1 : lines.index("}", begin)]

    def test_only_answers_come_into_a_lab(self) -> None:
        forward = self.chain("forward", [])
        assert forward[1] == "ct state established,related accept"
        # What else is accepted stays in one bridge; all that comes after is refused.
        accepted = [line for line in forward[2:] if line.endswith("accept")]
        assert accepted == [
            f'iifname "mylab-{name}" oifname "mylab-{name}" accept' for name in ("mgmt0", "tun0", "ext0")
        ]
        refused = forward[2 + len(accepted) :]
        assert refused[:3] == [f'oifname "mylab-{name}" jump refuse' for name in ("mgmt0", "tun0", "ext0")]
        subnets = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
        assert refused[3:6] == [f"ip daddr {subnet} jump refuse" for subnet in subnets]
        assert refused[6:] == ['iifname "mylab-tun0" jump refuse']

    def test_guests_get_an_answer_to_ping_alone_from_this_machine(self) -> None:
        assert self.chain("input", [])[1:] == [
            "ct state established,related accept",
            'iifname "mylab-tun0" jump own',
            'iifname "mylab-ext0" jump own',
        ]
        assert self.chain("own", [])[-1] == "jump refuse"

    def test_what_is_listed_on_purpose_is_let_through_before_all_else_is_refused(self) -> None:
        forward = self.chain("forward", [{"address": "192.0.2.11", "port": 5000}])
        line = 'iifname "mylab-ext0" ip daddr 192.0.2.11 tcp dport 5000 accept'
        assert forward.index(line) < forward.index('oifname "mylab-mgmt0" jump refuse')

    @pytest.mark.parametrize("port", [0, -1, 65536])
    def test_an_endpoint_that_is_none(self, port: int) -> None:
        with pytest.raises(LabError, match=rf"node_container_guest_endpoints\[0\]\.port is {port}: use a TCP port"):
            check_endpoints([{"address": "192.0.2.11", "port": port}])


class TestKvm:
    def conf(self, upper: Path) -> Path:
        return upper / "etc" / "tmpfiles.d" / "kvm.conf"

    def found(self, upper: Path, answer: str) -> None:
        fact = upper / "etc" / "ansible" / "facts.d" / "nova_virt_type.fact"
        fact.parent.mkdir(parents=True)
        fact.write_text(f'"{answer}"\n')

    def test_a_node_makes_a_device_of_its_own(self, tmp_path: Path) -> None:
        offer_kvm(str(tmp_path), device="/dev/null")
        assert self.conf(tmp_path).read_text() == "c /dev/kvm 0660 root root - 1:3\n"
        self.found(tmp_path, "kvm")
        self.conf(tmp_path).unlink()
        offer_kvm(str(tmp_path), device="/dev/null")
        assert self.conf(tmp_path).exists()

    def test_none_where_it_runs_no_guest_or_this_machine_has_none(self, tmp_path: Path) -> None:
        offer_kvm(str(tmp_path), device="/dev/null")
        offer_kvm(str(tmp_path), device=str(tmp_path / "none"))
        assert not self.conf(tmp_path).exists()
        self.found(tmp_path, "qemu")
        offer_kvm(str(tmp_path), device="/dev/null")
        assert not self.conf(tmp_path).exists()
