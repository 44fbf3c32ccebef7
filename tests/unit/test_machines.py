"""The lab on machines that one has: its inventory, what the roles make of it, and the modules for it alone."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from ansible_collections.hoplab.lab.plugins.modules.link_names import named
from tests.unit.modulerun import run_module
from tests.unit.rendering import Lab, render_lab
from tests.unit.tree import ROOT, tracked


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All files of the lab that inventories/machines describes."""
    with render_lab(ROOT, tmp_path_factory.mktemp("machines"), "machines") as lab:
        yield lab


class TestInventory:
    def test_three_storage_nodes_keep_three_copies_and_have_three_monitors(self, machines: Lab) -> None:
        text = machines.text("cmp1", "/etc/ceph/ceph.conf")
        assert all(f"192.0.2.3{number}" in text for number in (1, 2, 3))
        assert "osd_pool_default_size = 3" in text.replace("osd pool default size", "osd_pool_default_size")

    def test_memory_is_a_machines_own(self, machines: Lab, rendered: Lab) -> None:
        path = "/etc/nova/nova-compute.conf"
        for lab, ratio, reserved in ((machines, 1.0, 512), (rendered, 1.5, 64)):
            text = lab.text("cmp1", path)
            assert f"ram_allocation_ratio = {ratio}\nreserved_host_memory_mb = {reserved}\n" in text

    def test_what_is_the_sites_is_left_to_it(self, machines: Lab) -> None:
        kept = ("/etc/hosts", "/etc/ssh/", "/etc/apt/", "/etc/nftables", "/etc/iptables", "/etc/chrony", "/root/")
        for node, files in machines.files.items():
            assert not [path for path in files if path.startswith(kept)], node

    def test_the_switch_is_the_kernels_and_the_link_has_the_tunnel_address(self, machines: Lab) -> None:
        assert "datapath_type = system" in machines.text("cmp1", "/etc/neutron/plugins/ml2/openvswitch_agent.ini")
        link = machines.text("cmp1", "/etc/systemd/network/20-enp2s0.network")
        assert "Name=enp2s0\n" in link
        assert "Address=198.51.100.21/24" in link
        assert "/etc/systemd/network/20-enp3s0.network" in machines.files["net1"]
        assert "/etc/systemd/network/20-enp3s0.network" not in machines.files["cmp1"]

    def test_hoplab_reaches_them_as_ansible_does(self, machines: Lab) -> None:
        (path,) = [path for path in machines.files["localhost"] if path.endswith("/lab.json")]
        lab = json.loads(machines.text("localhost", path))
        home = Path.home()
        assert lab["ssh"] == {
            "user": "ops",
            "port": 22,
            "key": str(home / ".ssh" / "id_ed25519"),
            "known_hosts": str(home / ".ssh" / "known_hosts"),
            "sudo": True,
        }
        assert {frozenset(node) for node in lab["nodes"]} == {frozenset({"name", "address", "groups", "services"})}
        assert lab["external_network"]["gateway"] == "203.0.113.1"
        assert lab["external_network"]["pool"] == ["203.0.113.100", "203.0.113.199"]

    def test_the_containers_are_reached_as_ever(self, rendered: Lab) -> None:
        (path,) = [path for path in rendered.files["localhost"] if path.endswith("/lab.json")]
        lab = json.loads(rendered.text("localhost", path))
        assert set(lab["ssh"]) == {"user", "port", "key", "known_hosts"}
        assert lab["ssh"]["user"] == "root"
        assert {frozenset(node) for node in lab["nodes"]} == {frozenset({"name", "address", "groups", "services"})}
        config = path.replace("lab.json", "ssh/config")
        assert "ProxyCommand" not in rendered.text("localhost", config)

    def test_units_that_roles_mask_are_looked_for_before(self) -> None:
        wired = yaml.safe_load((ROOT / "playbooks/group_vars/all/machine_check.yml").read_text(encoding="utf-8"))
        masked: dict[str, list[str]] = {}
        for path in tracked("roles/*/tasks/*.yml"):
            for task in yaml.safe_load(path.read_text(encoding="utf-8")):
                units = task.get("hoplab.lab.units", {})
                if units.get("masked") is True:
                    role = path.parts[-3]
                    names = units["names"]
                    own = f"{role}_masked_units"
                    assert isinstance(names, list) or names == f"{{{{ {own} }}}}", path
                    assert isinstance(names, list) or f"{own} | default(" in wired["__masked_units"][role]
                    masked.setdefault(role, []).extend(names if isinstance(names, list) else [])
        assert set(wired["__masked_units"]) == set(masked) >= {"cinder", "neutron_l3"}
        for role, names in masked.items():
            assert not names or wired["__masked_units"][role] == names

    @pytest.mark.parametrize(("inventory", "stays"), [("machines", True), ("local", False)])
    def test_disks_over_a_network_stay_on_machines_and_what_is_masked_is_told(
        self, inventory: str, stays: bool
    ) -> None:
        argv: list[Any] = [Path(sys.executable).parent / "ansible", "-i", ROOT / "inventories" / inventory]
        argv += ["--playbook-dir", ROOT / "playbooks", "-m", "ansible.builtin.debug"]
        argv += ["-a", "msg={{ machine_check_services | map(attribute='unit') }}", "ctl1,net1,ceph1"]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1"}
        done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        told = {unit: f'"{unit}.service"' in done.stdout for unit in ("iscsid", "nvmf-autoconnect", "haproxy", "radvd")}
        assert told == {"iscsid": not stays, "nvmf-autoconnect": not stays, "haproxy": True, "radvd": True}

    def test_every_setting_has_a_comment(self) -> None:
        for path in tracked("inventories/machines/group_vars/**.yml"):
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines):
                if line[:1].isalpha() and not line.startswith("ansible_ssh_common_args"):
                    before = lines[:number]
                    while before and before[-1][:1].isalpha():
                        before.pop()
                    assert before[-1].startswith(("#", "  ")), f"{path}: {line}"


def test_a_name_with_its_domain_has_the_short_one_too(tmp_path: Path) -> None:
    names = {"ctl1": "192.0.2.11", "cmp1.example.org": "192.0.2.21"}
    with render_lab(ROOT, tmp_path, base_hosts=names) as lab:
        told = lab.text("ctl1", "/etc/hosts")
    assert told == "127.0.0.1 localhost\n192.0.2.11 ctl1\n192.0.2.21 cmp1.example.org cmp1\n"


@pytest.mark.parametrize(
    "site", ["127.0.0.1 localhost\n::1 ip6-localhost\n", "127.0.1.1 ctl1\n\n# the site's\n192.0.2.7 printer\n"]
)
def test_of_etc_hosts_a_block_is_changed_and_the_rest_stays(tmp_path: Path, site: str) -> None:
    """The role's own task, on another file."""
    tasks = yaml.safe_load((ROOT / "roles" / "base" / "tasks" / "main.yml").read_text(encoding="utf-8"))
    (task,) = [task for task in tasks if "ansible.builtin.blockinfile" in task]
    hosts = tmp_path / "hosts"
    hosts.write_text(site, encoding="utf-8")
    task["ansible.builtin.blockinfile"]["path"] = str(hosts)
    names = {"ctl1": "192.0.2.11", "cmp1.example.org": "192.0.2.21"}
    head = {"hosts": "localhost", "gather_facts": False, "connection": "local"}
    given = {"base_hosts": names, "base_hosts_block": True, "ansible_python_interpreter": sys.executable}
    play = yaml.safe_dump([{**head, "vars": given, "tasks": [task]}], sort_keys=False)
    (tmp_path / "play.yml").write_text(play, encoding="utf-8")
    (tmp_path / "templates").symlink_to(ROOT / "roles" / "base" / "templates")
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(tmp_path / "play.yml")]
    for changed in (1, 0):
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert f"changed={changed}" in done.stdout, done.stdout + done.stderr
    marks = ["# BEGIN nodes of the lab, made by Hoplab", "# END nodes of the lab, made by Hoplab"]
    block = f"{marks[0]}\n192.0.2.11 ctl1\n192.0.2.21 cmp1.example.org cmp1\n{marks[1]}\n"
    assert hosts.read_text(encoding="utf-8") == block + site


def test_a_jump_host_is_on_the_way_of_ssh_alone(tmp_path: Path) -> None:
    given = {
        "lab_ssh_jump": "ops@jump.example.org:2222",
        "lab_ssh_known_hosts": "/k",
        "ansible_ssh_private_key_file": "/i",
    }
    with render_lab(ROOT, tmp_path, "machines", **given) as lab:
        proxy = (
            "ssh -F /dev/null -i /i -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=/k"
            " -o StrictHostKeyChecking=yes -p 2222 -W [%h]:%p ops@jump.example.org"
        )
        text = lab.text("localhost", str(tmp_path / "ssh" / "config"))
        assert text.count(f"    ProxyCommand {proxy}\n") == 7
        assert text.rindex("ProxyCommand") < text.index("Host *")
        assert json.loads(lab.text("localhost", str(tmp_path / "lab.json")))["ssh"]["proxy_command"] == proxy


class TestLinkNames:
    THERE: ClassVar = {
        "lo": ("00:00:00:00:00:00", False),
        "eno1": ("52:54:00:00:00:01", True),
        "eno1.30": ("52:54:00:00:00:01", False),
        "veth0": ("52:54:00:00:00:02", False),
        "one": ("52:54:00:00:00:03", True),
        "two": ("52:54:00:00:00:03", True),
    }

    @pytest.mark.parametrize(
        ("address", "name"),
        [("52:54:00:00:00:01", "eno1"), ("52:54:00:00:00:02", "veth0"), ("52:54:00:00:00:02".upper(), "veth0")],
    )
    def test_the_card_is_meant(self, address: str, name: str) -> None:
        assert named(address, self.THERE) == name

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("52:54:00:00:00:09", "there are eno1 52:54:00:00:00:01"),
            ("52:54:00:00:00:03", "one, two have this address: give one of these names"),
        ],
    )
    def test_none_and_several_are_refused_with_what_there_is(self, address: str, said: str) -> None:
        with pytest.raises(ValueError, match=f"no link is known by the MAC address {address}: .*{said}"):
            named(address, self.THERE)

    def test_it_reads_the_kernels_list(self, tmp_path: Path) -> None:
        for name, address in (("eth7", "52:54:00:00:00:07"), ("br-ex", "52:54:00:00:00:07")):
            (tmp_path / name).mkdir()
            (tmp_path / name / "address").write_text(address + "\n")
        given = {"links": ["52:54:00:00:00:07", "tun0"], "besides": ["br-ex"]}
        answer = run_module("link_names", given, LINKS=str(tmp_path))
        assert answer["names"] == {"52:54:00:00:00:07": "eth7", "tun0": "tun0"}
        assert not answer["changed"]
        answer = run_module("link_names", {"links": ["52:54:00:00:00:08"]}, LINKS=str(tmp_path))
        assert answer["failed"]
        assert "there are br-ex 52:54:00:00:00:07, eth7" in answer["msg"]


VIRSH = """#!/bin/sh
cd {state}
echo "$*" >> asked
case $4 in
list) ls running ;;
shutdown) [ -e "stubborn-$5" ] || rm "running/$5" ;;
destroy) rm "running/$5" ;;
esac
"""


class TestInstancesOff:
    @pytest.fixture
    def state(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A libvirt of files: running/ has the domains that run."""
        (tmp_path / "bin").mkdir()
        (tmp_path / "running").mkdir()
        for name, text in (
            ("virsh", VIRSH.format(state=tmp_path)),
            ("systemctl", f"#!/bin/sh\n! [ -e {tmp_path}/off ]\n"),
        ):
            (tmp_path / "bin" / name).write_text(text)
            (tmp_path / "bin" / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        return tmp_path

    @staticmethod
    def running(state: Path) -> list[str]:
        return sorted(path.name for path in (state / "running").iterdir())

    def run(self, state: Path, *domains: str, stubborn: str = "", check: bool = False) -> dict[str, Any]:
        for name in domains:
            (state / "running" / name).touch()
        if stubborn:
            (state / f"stubborn-{stubborn}").touch()
        return run_module("nova_instances_off", {"seconds": 0}, check=check, INTERVAL=0.01)

    def test_instances_shut_down_and_domains_of_others_run_on(self, state: Path) -> None:
        answer = self.run(state, "instance-0000000a", "web", "instance-x")
        assert (answer["changed"], answer["shut_down"], answer["switched_off"]) == (True, ["instance-0000000a"], [])
        assert self.running(state) == ["instance-x", "web"]

    def test_one_that_does_not_end_is_switched_off(self, state: Path) -> None:
        answer = self.run(state, "instance-0000000a", "instance-0000000b", stubborn="instance-0000000b")
        assert (answer["shut_down"], answer["switched_off"]) == (["instance-0000000a"], ["instance-0000000b"])
        assert self.running(state) == []

    def test_without_instances_nothing_is_done(self, state: Path) -> None:
        assert not self.run(state, "web")["changed"]
        assert "shutdown" not in (state / "asked").read_text()

    def test_a_dry_run_only_tells(self, state: Path) -> None:
        assert self.run(state, "instance-0000000a", check=True)["changed"]
        assert self.running(state) == ["instance-0000000a"]

    def test_a_libvirt_that_is_stopped_is_not_started_for_it(self, state: Path) -> None:
        (state / "off").touch()
        assert not self.run(state, "instance-0000000a")["changed"]
        assert not (state / "asked").exists()
