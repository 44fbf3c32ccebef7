"""The lookups and filters, on real files and with real processes."""

import base64
import hashlib
import multiprocessing
import re
import stat
import struct
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.template import Templar, trust_as_template
from ansible_collections.hoplab.lab.plugins.filter.hoplab import nth_address, prefix_length, rabbitmq_password_hash
from ansible_collections.hoplab.lab.plugins.lookup.debian_sources import sources_for
from ansible_collections.hoplab.lab.plugins.lookup.node_services import services_of
from ansible_collections.hoplab.lab.plugins.lookup.role_packages import packages_of
from ansible_collections.hoplab.lab.plugins.lookup.secret import get_secrets

ROOT = Path(__file__).resolve().parents[2]


def take_many(path: str, worker: int) -> None:
    """Ask for twenty secrets, each of which another process asks for, too."""
    for number in range(20):
        get_secrets(path, [f"secret_{(number + worker) % 25}"], "password")[0]


class TestSecret:
    def test_is_made_once_and_kept_in_a_file_of_its_owner(self, tmp_path: Path) -> None:
        path = tmp_path / "lab" / "secrets.yml"
        first = get_secrets(str(path), ["one"], "password")[0]
        assert re.fullmatch(r"[A-Za-z0-9]{40}", first)
        assert get_secrets(str(path), ["one"], "password")[0] == first
        assert get_secrets(str(path), ["two"], "password")[0] != first
        assert yaml.safe_load(path.read_text())["one"] == first
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_processes_at_the_same_time_lose_none(self, tmp_path: Path) -> None:
        path = str(tmp_path / "secrets.yml")
        fork = multiprocessing.get_context("fork")
        workers = [fork.Process(target=take_many, args=(path, worker)) for worker in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0
        known = yaml.safe_load(Path(path).read_text())
        assert set(known) == {f"secret_{number}" for number in range(25)}
        assert len(set(known.values())) == 25
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["secrets.yml", "secrets.yml.lock"]

    def test_kinds(self, tmp_path: Path) -> None:
        path = str(tmp_path / "secrets.yml")
        assert uuid.UUID(get_secrets(path, ["fsid"], "uuid")[0]).version == 4
        assert len(base64.urlsafe_b64decode(get_secrets(path, ["fernet"], "fernet")[0])) == 32
        cephx = base64.b64decode(get_secrets(path, ["cephx"], "cephx")[0])
        kind, _seconds, nanoseconds, length = struct.unpack("<HIIH", cephx[:12])
        assert (kind, nanoseconds, length, len(cephx)) == (1, 0, 16, 28)

    def test_ssh_keys_belong_together(self, tmp_path: Path) -> None:
        path = str(tmp_path / "secrets.yml")
        private, public = (get_secrets(path, ["ssh"], kind)[0] for kind in ("ssh_private", "ssh_public"))
        key = tmp_path / "key"
        key.touch(mode=0o600)
        key.write_text(private)
        told = subprocess.run(["ssh-keygen", "-y", "-f", str(key)], capture_output=True, text=True, check=True)
        assert told.stdout.split()[:2] == public.split()[:2]
        assert public.startswith("ssh-ed25519 ")

    @pytest.mark.parametrize("text", ["one: [", "- a list", "just words", ""])
    def test_damaged_file_is_named_and_kept(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "secrets.yml"
        path.write_text(text)
        with pytest.raises(AnsibleError, match=rf"{re.escape(str(path))}.*Restore it, or delete it"):
            get_secrets(str(path), ["one"], "password")[0]
        assert path.read_text() == text

    @pytest.mark.parametrize(
        ("template", "variables", "message"),
        [
            (
                "{{ lookup('hoplab.lab.secret', 'x', kind='rsa') }}",
                {"secrets_file": "/nowhere"},
                "kind is 'rsa'; known are",
            ),
            ("{{ lookup('hoplab.lab.secret', 'x') }}", {}, "secrets_file is not set"),
        ],
    )
    def test_mistakes_are_explained(self, template: str, variables: dict[str, Any], message: str) -> None:
        with pytest.raises(AnsibleError, match=message):
            Templar(variables=variables).template(trust_as_template(template))


ONE_LINE = (
    "deb {options}http://mirror.example/debian trixie main\ndeb {options}http://mirror.example/s {security} main\n"
)
STANZA = """Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

# security
Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


class TestDebianSources:
    @staticmethod
    def apt(directory: Path, **files: str) -> str:
        """Write apt's configuration: main is sources.list, others lie in sources.list.d."""
        (directory / "sources.list.d").mkdir()
        for name, text in files.items():
            place = "sources.list" if name == "main" else f"sources.list.d/{name.replace('_', '.')}"
            (directory / place).write_text(text)
        return str(directory)

    @pytest.mark.parametrize("options", ["", "[trusted=yes] ", "[arch=amd64 signed-by=/x.gpg] "])
    @pytest.mark.parametrize("security", ["trixie-security", "bookworm/updates"])
    def test_one_line_format(self, tmp_path: Path, options: str, security: str) -> None:
        directory = self.apt(tmp_path, main=ONE_LINE.format(options=options, security=security))
        assert sources_for("forky", directory) == [
            "deb http://mirror.example/debian forky main",
            "deb http://mirror.example/debian forky-updates main",
            "deb http://mirror.example/s forky-security main",
        ]

    def test_three_options(self, tmp_path: Path) -> None:
        line = "deb [arch=amd64 trusted=yes signed-by=/x.gpg] http://mirror.example/debian trixie main\n"
        assert sources_for("trixie", self.apt(tmp_path, main=line))[0] == "deb http://mirror.example/debian trixie main"

    def test_stanzas(self, tmp_path: Path) -> None:
        assert sources_for("trixie", self.apt(tmp_path, debian_sources=STANZA)) == [
            "deb http://mirror.example/debian trixie main",
            "deb http://mirror.example/debian trixie-updates main",
            "deb http://mirror.example/debian-security trixie-security main",
        ]

    def test_without_a_security_server(self, tmp_path: Path) -> None:
        directory = self.apt(tmp_path, main="deb https://mirror.example/any/path bookworm main contrib\n")
        assert sources_for("trixie", directory) == [
            "deb https://mirror.example/any/path trixie main",
            "deb https://mirror.example/any/path trixie-updates main",
        ]

    def test_what_is_off_is_not_taken(self, tmp_path: Path) -> None:
        directory = self.apt(
            tmp_path,
            main="# deb http://off.example/debian trixie main\ndeb-src http://off.example/debian trixie main\n",
            a_sources="Enabled: no\n" + STANZA.partition("\n\n")[0].replace("mirror", "off"),
            b_sources=STANZA,
            c_disabled="deb http://off.example/debian trixie main\n",
        )
        assert sources_for("trixie", directory)[0] == "deb http://mirror.example/debian trixie main"

    def test_other_archives_are_not_taken(self, tmp_path: Path) -> None:
        directory = self.apt(tmp_path, a_list="deb http://other.example/apt main-1 x\n", b_sources=STANZA)
        assert sources_for("trixie", directory)[0] == "deb http://mirror.example/debian trixie main"

    def test_archives_with_debians_suites_are_not_taken(self, tmp_path: Path) -> None:
        directory = self.apt(tmp_path, a_list="deb http://other.example/apt bookworm stable\n", b_sources=STANZA)
        assert sources_for("trixie", directory)[0] == "deb http://mirror.example/debian trixie main"

    def test_no_debian_source_is_an_error_that_helps(self, tmp_path: Path) -> None:
        directory = self.apt(tmp_path, a_list="deb http://other.example/ubuntu noble main\n")
        with pytest.raises(AnsibleError, match=r"no Debian source found in .*Set node_container_apt_sources"):
            sources_for("trixie", directory)


def make_role(roles: Path, name: str, defaults: dict[str, Any]) -> None:
    (roles / name / "defaults").mkdir(parents=True)
    (roles / name / "defaults" / "main.yml").write_text(yaml.safe_dump(defaults))


class TestRolePackages:
    def test_union(self, tmp_path: Path) -> None:
        make_role(tmp_path, "one", {"one_packages": ["b", "a"], "one_other_packages": ["never"]})
        make_role(tmp_path, "two", {"two_packages": ["b", "c"]})
        make_role(tmp_path, "three", {})
        assert packages_of(str(tmp_path)) == ["a", "b", "c"]

    @pytest.mark.parametrize("value", ["a", ["{{ b }}"], [1]])
    def test_other_lists_are_refused(self, tmp_path: Path, value: object) -> None:
        make_role(tmp_path, "one", {"one_packages": value})
        with pytest.raises(AnsibleError, match=r"one_packages must be a list of plain package names"):
            packages_of(str(tmp_path))

    def test_of_this_project(self) -> None:
        found = packages_of(str(ROOT / "roles"))
        assert {"nova-compute", "ceph-osd", "keystone", "mariadb-server"} <= set(found)


class TestNodeServices:
    def test_by_node_with_its_name(self, tmp_path: Path) -> None:
        make_role(tmp_path, "two", {"two_services": [{"name": "two", "unit": "two.service", "port": None}]})
        make_role(tmp_path, "one", {"one_services": [{"unit": "one@{{ inventory_hostname }}.service", "port": 1}]})
        found = services_of(str(tmp_path), {"one": ["a", "b"], "two": ["b"], "three": ["c"]})
        assert found == {
            "a": [{"unit": "one@a.service", "port": 1}],
            "b": [{"unit": "one@b.service", "port": 1}, {"name": "two", "unit": "two.service", "port": None}],
        }

    def test_other_templates_are_refused(self, tmp_path: Path) -> None:
        make_role(tmp_path, "one", {"one_services": [{"unit": "{{ other }}.service"}]})
        with pytest.raises(AnsibleError, match=r"one_services.*only {{ inventory_hostname }} may be a template"):
            services_of(str(tmp_path), {"one": ["a"]})


def test_rabbitmq_password_hash() -> None:
    hashed = rabbitmq_password_hash("pässword", "nova-api")
    decoded = base64.b64decode(hashed)
    assert len(decoded) == 36
    assert decoded[4:] == hashlib.sha256(decoded[:4] + "pässword".encode()).digest()
    assert rabbitmq_password_hash("pässword", "nova-api") == hashed
    assert rabbitmq_password_hash("pässword", "cinder-api") != hashed


def test_addresses_and_prefixes_of_subnets() -> None:
    assert nth_address("172.29.20.0/24", 11) == "172.29.20.11"
    assert nth_address("10.0.0.0/16", 256) == "10.0.1.0"
    assert prefix_length("172.29.20.0/23") == 23


@pytest.mark.parametrize(("subnet", "number"), [("172.29.20.0/24", 256), ("172.29.20.7/24", 1), ("words", 1)])
def test_addresses_that_a_subnet_has_not(subnet: str, number: int) -> None:
    with pytest.raises(AnsibleFilterError, match=f"nth_address: '{subnet}' has no address number {number}"):
        nth_address(subnet, number)


def test_prefix_of_no_subnet() -> None:
    with pytest.raises(AnsibleFilterError, match="'words' is no subnet"):
        prefix_length("words")
