"""What is read of a machine: from the words of its tools, from its files, and on this very machine."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hoplab.lab.plugins.module_utils import machine_reading as reading
from ansible_collections.hoplab.lab.plugins.module_utils.machine_links import claims, fits
from ansible_collections.hoplab.lab.plugins.module_utils.machine_ports import ask_ports
from ansible_collections.hoplab.lab.plugins.modules.machine_facts import MARK
from tests.unit.machinemistakes import link
from tests.unit.modulerun import ROOT, run_module

TUN0 = link("tun0", mac="02:00:00:00:00:01") | {"path": "pci-0000:00:03.0", "driver": "virtio_net"}
# As ss of iproute2 6.15 printed it on a node.
LISTENING = """\
LISTEN 0      80         192.0.2.11:3306       0.0.0.0:*    users:(("mariadbd",pid=0,fd=27))
LISTEN 0      128           0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=1,fd=3),("systemd",pid=1,fd=67))
LISTEN 0      4096   [::ffff:127.0.0.1]:9696         *:*
LISTEN 0      511     127.0.0.53%lo:11211      0.0.0.0:*
LISTEN 0      128              [::]:22            [::]:*    users:(("sshd",pid=1,fd=4))
"""
# As apt-cache 3.0 printed it with LC_ALL=C.UTF-8.
POLICY = """\
memcached:
  Installed: (none)
  Candidate: 1.6.38-1
  Version table:
     1.6.38-1 500
        500 http://mirror.example/debian trixie/main amd64 Packages
python3-apt:
  Installed: 3.0.0
  Candidate: 3.0.0
  Version table:
 *** 3.0.0 100
        100 /var/lib/dpkg/status
pinned:
  Installed: (none)
  Candidate: (none)
  Version table:
"""


def write(root: Path, path: str, text: str) -> str:
    """Write a file of a machine below a directory; return its path there."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return str(place)


class TestClaims:
    @pytest.mark.parametrize(
        ("path", "text", "who"),
        [
            ("etc/network/interfaces", "auto lo\niface tun0 inet dhcp\n", "ifupdown"),
            ("etc/network/interfaces.d/x", "allow-hotplug eth1 tun0\n", "ifupdown"),
            ("etc/netplan/50-site.yaml", "network:\n  ethernets:\n    tun0: {dhcp4: true}\n", "netplan"),
            ("etc/netplan/51.yaml", "bonds: {bond0: {interfaces: [eth1, tun0]}}\n", "netplan"),
            ("run/NetworkManager/system-connections/a.nmconnection", "[x]\ninterface-name = tun0\n", "NetworkManager"),
            ("etc/systemd/network/10-all.network", "[Match]\nName=e* t*\n[Network]\nDHCP=yes\n", "systemd-networkd"),
            ("run/systemd/network/10-netplan-tun0.network", "[Match]\nName=tun0\n", "systemd-networkd"),
            ("etc/systemd/network/20-tun0.network", "[Match]\nName=tun0\n", "systemd-networkd"),
        ],
    )
    def test_who_has_settings_for_a_link(self, tmp_path: Path, path: str, text: str, who: str) -> None:
        place = write(tmp_path, path, text)
        assert claims(TUN0, deployed=False, root=str(tmp_path)) == [f"{place} ({who})"]
        assert claims(link("tun"), deployed=False, root=str(tmp_path)) == ([f"{place} ({who})"] if "t*" in text else [])

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("etc/network/interfaces", "auto lo tun01\n# iface tun0 inet dhcp\n  address 1.2.3.4 tun0\n"),
            ("etc/netplan/50.yaml", "ethernets:\n  my-tun0: {}\n  tun0.5: {}\n  # tun0: {}\n"),
            ("etc/netplan/50.yaml.off", "ethernets: {tun0: {}}\n"),
            ("etc/systemd/network/10-all.network", "[Match]\nName=!tun0\n"),
            # What comes behind ours never counts.
            ("etc/systemd/network/80-all.network", "[Match]\nName=*\n"),
            ("etc/systemd/network/10-one.link", "[Match]\nName=*\n"),
        ],
    )
    def test_who_has_none(self, tmp_path: Path, path: str, text: str) -> None:
        write(tmp_path, path, text)
        assert claims(TUN0, deployed=False, root=str(tmp_path)) == []

    def test_our_own_file_is_no_claim(self, tmp_path: Path) -> None:
        write(tmp_path, "etc/systemd/network/20-tun0.network", "[Match]\nName=tun0\n")
        assert claims(TUN0, deployed=True, root=str(tmp_path)) == []

    def test_a_file_that_etc_replaces_does_not_count(self, tmp_path: Path) -> None:
        write(tmp_path, "usr/lib/systemd/network/10-x.network", "[Match]\nName=tun0\n")
        write(tmp_path, "etc/systemd/network/10-x.network", "[Match]\nName=eth0\n")
        assert claims(TUN0, deployed=False, root=str(tmp_path)) == []


@pytest.mark.parametrize(
    ("match", "fit"),
    [
        ("Name=tun0", True),
        ("Name=eth0 tun*", True),
        ("Name=!eth0", True),
        ("Name=!eth0 tun0", False),
        ("Name=tun0\nName=", True),  # taken back: nothing is asked for
        ("MACAddress=02-00-00-00-00-01", True),
        ("MACAddress=02:00:00:00:00:02", False),
        ("PermanentMACAddress=02:00:00:00:00:01", True),
        ("Type=ether", True),
        ("Type=!ether", False),
        ("Kind=bridge", False),
        ("Driver=virtio_*", True),
        ("Path=pci-0000:00:04.*", False),
        ("Host=other", True),
        ("Name=tun0\nType=wlan", False),
        ("# Name=eth0", True),
        ("", True),
    ],
)
def test_which_files_of_systemd_networkd_fit_a_link(match: str, fit: bool) -> None:
    assert fits(f"[Link]\nName=never\n[Match]\n{match}\n\n[Network]\nName=never\n", TUN0) is fit


def test_who_listens() -> None:
    found = reading.listeners(LISTENING, [3306, 9696, 11211])
    assert [(row["address"], row["port"], row["process"]) for row in found] == [
        ("192.0.2.11", 3306, "mariadbd"),
        ("::ffff:127.0.0.1", 9696, ""),
        ("127.0.0.53", 11211, ""),
    ]


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        ("0::/system.slice/mariadb.service\n", "mariadb.service"),
        ("1:name=systemd:/system.slice/system-ceph.slice/ceph-osd@0.service/x\n0::/\n", "ceph-osd@0.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", ""),
        ("", ""),
    ],
)
def test_which_unit_a_process_is_of(groups: str, unit: str) -> None:
    assert reading.unit_of(groups) == unit


def test_what_apt_has() -> None:
    found = reading.candidates(POLICY)
    assert found == {"memcached": ("", "1.6.38-1"), "python3-apt": ("3.0.0", "3.0.0"), "pinned": ("", "")}


def test_names_in_a_hosts_file() -> None:
    text = "127.0.0.1 localhost\n10.0.0.1\tDB7 db7.example.org # cmp1\n# 10.0.0.2 ctl1\n\n10.0.0.3 db7\n"
    found = reading.names(text)
    assert found == {"localhost": ["127.0.0.1"], "db7": ["10.0.0.1", "10.0.0.3"], "db7.example.org": ["10.0.0.1"]}


def test_profiles_that_are_enforced() -> None:
    told = "/usr/sbin/dnsmasq (enforce)\nname with (words) (enforce)\nhaproxy (complain)\nplasmashell (unconfined)\n"
    assert reading.profiles(told) == ["/usr/sbin/dnsmasq", "name with (words)"]


def test_an_operating_system() -> None:
    told = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'
    assert reading.system(told) == {"id": "debian", "version": "13", "name": "Debian GNU/Linux 13 (trixie)"}
    assert reading.system("") == {"id": "", "version": "", "name": "an unknown system"}


def test_links_as_ip_tells_of_them() -> None:
    told = json.loads(
        '[{},{"ifname":"tun0.5","link":"tun0","flags":["UP","LOWER_UP"],"mtu":1500,"max_mtu":65535,"link_type":"ether",'
        '"address":"02:00:00:00:00:01","linkinfo":{"info_kind":"vlan"},"altnames":["x"],'
        '"addr_info":[{"family":"inet","local":"192.0.2.1","scope":"global"},{"family":"inet6"}]}]'
    )
    (found,) = reading.links(told)
    assert (found["names"], found["below"], found["carrier"], found["kind"]) == (["tun0.5", "x"], "tun0", True, "vlan")
    assert found["addresses"] == [{"address": "192.0.2.1", "scope": "global"}]
    assert reading.links(None) == []


def test_disks_that_are_none(tmp_path: Path) -> None:
    path = write(tmp_path, "file", "x")
    assert reading.disk(str(tmp_path / "none")) == {"path": f"{tmp_path}/none", "exists": False}
    assert reading.disk(path)["block"] is False


def test_a_program_that_is_not_there_is_an_answer() -> None:
    assert reading.ask("/nonexistent/program")[0] == 127
    assert reading.ask("sleep", "5", timeout=0.1)[0] == 127


def test_what_tells_of_an_earlier_lab_is_the_same_file_everywhere() -> None:
    defaults = yaml.safe_load((ROOT / "roles/node_machine/defaults/main.yml").read_text(encoding="utf-8"))
    assert defaults["node_machine_mark"] == MARK
    assert f"dest: {MARK}," in (ROOT / "roles/base/vars/main.yml").read_text(encoding="utf-8")


def test_all_of_this_machine_is_read() -> None:
    wanted = {"links": ["lo"], "kernel_modules": ["no-such-module"], "disks": ["/dev/null"], "ports": [1]}
    answer = run_module("machine_facts", wanted | {"packages": ["no-such-package"]}, check=True)
    seen = answer["seen"]
    assert answer["changed"] is False
    assert seen["host_name"] == socket.gethostname()
    assert "127.0.0.1" in [entry["address"] for found in seen["links"] for entry in found["addresses"]]
    assert seen["kernel_modules"] == {"no-such-module": False}
    assert seen["disks"][0]["block"] is False
    assert seen["apt"]["missing"] == ["no-such-package"]
    assert seen["memory_mb"] > 100


class TestPorts:
    @pytest.fixture
    def port(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    @staticmethod
    def ask(*ports: int, address: str = "127.0.0.1") -> list[dict[str, Any]]:
        return ask_ports([{"name": "ctl1", "address": address, "ports": list(ports)}], patience=1)

    def test_one_that_is_taken_and_one_that_is_not_both_answer(self, port: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            free = server.getsockname()[1]
        assert self.ask(port, free) == []

    def test_one_that_can_not_be_asked_is_closed(self) -> None:
        # What no machine has: the kernel itself refuses it.
        found = self.ask(3306, 5672, address="255.255.255.255")
        assert [(row["name"], row["port"]) for row in found] == [("ctl1", 3306), ("ctl1", 5672)]
        assert all(row["how"] for row in found)
