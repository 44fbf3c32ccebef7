"""Every file that the roles write for the default lab, rendered by Ansible and read by a parser of its kind."""

import base64
import configparser
import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml
from tests.unit.rendering import COMPUTES, CONTROL, Lab, oslo, secret

STORAGE = "172.29.20.31"
# Options that are meant to be empty, each with its reason in the template.
EMPTY = {
    "/etc/keystone/keystone.conf": {"notification_opt_out"},
    "/etc/neutron/plugins/ml2/openvswitch_agent.ini": {"bridge_mappings"},
    "/etc/ceph/ceph.conf": {"mgr_initial_modules"},
    "/etc/ceph/applied/mon.conf": {"mgr_initial_modules"},
}


def ini(text: str) -> configparser.ConfigParser:
    """Parse strictly: a section or option that is there twice is an error."""
    parser = configparser.ConfigParser(interpolation=None, allow_no_value=True, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # names as they are, as documented
    parser.read_string(text)
    return parser


def is_oslo(path: str) -> bool:
    return re.fullmatch(r"/etc/(keystone|glance|placement|nova|neutron|cinder)/.*\.(conf|ini)", path) is not None


class TestAllFiles:
    def test_no_template_is_left_over(self, rendered: Lab) -> None:
        left = {"{{", "}}", "{%", "%}", "None", "Undefined"}
        for node, files in rendered.files.items():
            for path, made in files.items():
                if made.role == "guest_image" or path.endswith("lab.json"):
                    continue  # copied as they are; JSON, read below
                found = [mark for mark in left if re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", made.content)]
                assert not found or "nova-schema" in path, f"{node}:{path} has {found}"

    def test_nothing_is_empty_by_mistake(self, rendered: Lab) -> None:
        for node, files in rendered.files.items():
            for path, made in files.items():
                assert made.content.strip(), f"{node}:{path} is empty"
                if not path.endswith((".conf", ".ini", ".cnf", ".network", ".service")):
                    continue
                empty = set(re.findall(r"^([\w.-]+)\s*=[ \t]*$", made.content, re.MULTILINE))
                assert empty <= EMPTY.get(path, set()), f"{node}:{path}: no value for {empty}"

    def test_each_file_ends_with_one_line_end(self, rendered: Lab) -> None:
        for node, files in rendered.files.items():
            for path, made in files.items():
                if made.role != "guest_image" and not re.search(r"cookie$|-keys/\d$|-password$|\.json$", path):
                    assert made.content.endswith("\n"), f"{node}:{path}"
                    assert not made.content.endswith("\n\n"), f"{node}:{path}"

    def test_only_files_without_secrets_are_for_everybody(self, rendered: Lab) -> None:
        known = yaml.safe_load(rendered.secrets_file.read_text())
        # The identity of a cluster and the host keys' public halves are no secrets.
        hidden = {name: value for name, value in known.items() if name != "ceph_fsid"}
        for node, files in rendered.files.items():
            for path, made in files.items():
                shown = [name for name, value in hidden.items() if value in made.content]
                assert not shown or not int(made.mode, 8) & 0o007, f"{node}:{path} (mode {made.mode}) holds {shown}"

    def test_what_not_everybody_may_read_stays_out_of_diffs_and_logs(self, rendered: Lab) -> None:
        for node, files in rendered.files.items():
            for path, made in files.items():
                assert made.hidden == (not int(made.mode, 8) & 0o004), f"{node}:{path}"

    def test_oslo_files_parse_and_say_nothing_twice(self, rendered: Lab, tmp_path: Path) -> None:
        count = 0
        for node, files in rendered.files.items():
            for path, made in files.items():
                if not is_oslo(path) or path.endswith("uwsgi.ini"):
                    continue
                count += 1
                for section, options in oslo(made.content, tmp_path).items():
                    twice = [name for name, values in options.items() if len(values) > 1]
                    assert not twice, f"{node}:{path} [{section}] says several times: {twice}"
        assert count > 30

    @pytest.mark.parametrize("suffix", [".network", ".service", ".service.d/wait.conf"])
    def test_systemd_files_parse(self, rendered: Lab, suffix: str) -> None:
        found = [
            (path, made.content)
            for files in rendered.files.values()
            for path, made in files.items()
            if path.startswith("/etc/systemd/") and path.endswith(suffix)
        ]
        assert found
        for path, text in found:
            sections = set(re.findall(r"^\[(\w+)\]$", text, re.MULTILINE))
            assert sections <= {"Unit", "Service", "Install", "Match", "Link", "Network"}, path
            outside = text.partition("[")[0].splitlines()
            assert all(line.startswith("#") or not line for line in outside), path
            for line in text.splitlines():
                assert re.match(r"(\[\w+\]|#.*|\w+=.*|\s+--\S+=\S+( \\)?|)$", line), f"{path}: {line!r}"


class TestBroker:
    def test_definitions(self, rendered: Lab) -> None:
        found = json.loads(rendered.text("ctl1", "/etc/rabbitmq/definitions.json"))
        assert found["vhosts"] == [{"name": "/"}]
        names = [user["name"] for user in found["users"]]
        assert names == [permission["user"] for permission in found["permissions"]]
        assert "nova-compute" in names
        assert "guest" not in names
        for user in found["users"]:
            assert user["tags"] == []
            assert user["hashing_algorithm"] == "rabbit_password_hashing_sha256"
            decoded = base64.b64decode(user["password_hash"])
            password = secret(rendered, f"messaging_{user['name']}")
            assert decoded[4:] == hashlib.sha256(decoded[:4] + password.encode()).digest()

    def test_listens_on_the_management_network_alone(self, rendered: Lab) -> None:
        lines = rendered.text("ctl1", "/etc/rabbitmq/rabbitmq.conf").splitlines()
        assert f"listeners.tcp.1 = {CONTROL}:5672" in lines
        assert "load_definitions = /etc/rabbitmq/definitions.json" in lines


class TestInfrastructure:
    def test_mariadb(self, rendered: Lab) -> None:
        found = dict(ini(rendered.text("ctl1", "/etc/mysql/mariadb.conf.d/99-hoplab.cnf"))["mysqld"])
        assert found == {
            "bind_address": CONTROL,
            "skip_name_resolve": "on",
            "character_set_server": "utf8mb3",
            "collation_server": "utf8mb3_general_ci",
            "max_connections": "1000",
            "innodb_buffer_pool_size": "192M",
            "innodb_flush_log_at_trx_commit": "2",
            "innodb_snapshot_isolation": "off",
            "slow_query_log": "on",
            "long_query_time": "0",
            "log_slow_always_query_time": "0",
            "log_output": "NONE",
        }

    def test_memcached_listens_on_the_management_network_alone(self, rendered: Lab) -> None:
        lines = rendered.text("ctl1", "/etc/memcached.conf").splitlines()
        assert f"-l {CONTROL}" in lines
        assert "-p 11211" in lines
        assert "-U 0" in lines

    @pytest.mark.parametrize("node", ["ctl1", "net1", "cmp1", "cmp2", "ceph1"])
    def test_every_node_knows_every_node(self, rendered: Lab, node: str) -> None:
        first, *others = rendered.text(node, "/etc/hosts").splitlines()
        assert first == "127.0.0.1 localhost"
        assert sorted(others) == [
            "172.29.20.11 ctl1",
            "172.29.20.12 net1",
            "172.29.20.21 cmp1",
            "172.29.20.22 cmp2",
            "172.29.20.31 ceph1",
        ]

    def test_clouds_file(self, rendered: Lab) -> None:
        path = next(path for path in rendered.files["localhost"] if path.endswith("/clouds.yaml"))
        assert rendered.files["localhost"][path].mode == "0600"
        assert yaml.safe_load(rendered.text("localhost", path)) == {
            "clouds": {
                "hoplab-admin": {
                    "region_name": "RegionOne",
                    "identity_api_version": 3,
                    "auth": {
                        "auth_url": f"http://{CONTROL}:5000/v3",
                        "username": "admin",
                        "password": secret(rendered, "keystone_admin"),
                        "project_name": "admin",
                        "user_domain_name": "Default",
                        "project_domain_name": "Default",
                    },
                }
            }
        }

    def test_lab_description(self, rendered: Lab) -> None:
        path = next(path for path in rendered.files["localhost"] if path.endswith("/lab.json"))
        found = json.loads(rendered.text("localhost", path))
        assert {node["name"]: node["address"] for node in found["nodes"]} == {
            "ctl1": CONTROL,
            "net1": "172.29.20.12",
            **COMPUTES,
            "ceph1": STORAGE,
        }
        assert found["external_network"]["cidr"] == "172.29.22.0/24"


class TestCeph:
    def test_cluster(self, rendered: Lab) -> None:
        text = rendered.text("ceph1", "/etc/ceph/ceph.conf")
        found = ini(text)
        assert found["global"]["fsid"] == secret(rendered, "ceph_fsid")
        assert found["global"]["mon_initial_members"] == "ceph1"
        assert found["global"]["mon_host"] == f"[v2:{STORAGE}:3300/0,v1:{STORAGE}:6789/0]"
        assert found["global"]["public_network"] == "172.29.20.0/24"
        assert found["global"]["osd_pool_default_size"] == "1"
        assert found["mon"]["mon_allow_pool_size_one"] == "true"
        assert {rendered.text(node, "/etc/ceph/ceph.conf") for node in ("ceph1", "ctl1", *COMPUTES)} == {text}

    def test_gateway_asks_keystone_about_each_request(self, rendered: Lab) -> None:
        found = ini(rendered.text("ceph1", "/etc/ceph/ceph.conf"))["client.rgw.ceph1"]
        assert found["rgw_keystone_url"] == f"http://{CONTROL}:5000"
        assert found["rgw_keystone_token_cache_size"] == "0"
        assert found["rgw_keystone_admin_password_path"] == "/etc/ceph/rgw-keystone-password"
        assert "rgw_keystone_admin_password" not in found
        assert rendered.text("ceph1", "/etc/ceph/rgw-keystone-password").strip() == secret(rendered, "keystone_swift")

    def test_applied_copies_are_parts_of_the_whole(self, rendered: Lab) -> None:
        whole = rendered.text("ceph1", "/etc/ceph/ceph.conf").splitlines()
        for daemon in ("mon", "mgr", "osd", "rgw"):
            part = rendered.text("ceph1", f"/etc/ceph/applied/{daemon}.conf")
            assert set(part.splitlines()) <= set(whole), daemon
            sections = set(ini(part).sections())
            assert sections == {"global"} | {"mgr": set(), "rgw": {"client.rgw.ceph1"}}.get(daemon, {daemon}), daemon

    def test_who_may_do_what(self, rendered: Lab) -> None:
        found = ini(re.sub(r"^\t", "", rendered.text("ceph1", "/etc/ceph/entities.keyring"), flags=re.MULTILINE))
        assert set(found.sections()) == {
            *("mon.", "client.admin", "client.bootstrap-osd", "mgr.ceph1", "client.rgw.ceph1"),
            *("client.cinder", "client.nova"),
        }
        assert found["client.nova"]["caps osd"] == '"profile rbd pool=vms"'
        assert found["client.cinder"]["caps osd"] == '"profile rbd pool=volumes"'

    @pytest.mark.parametrize(
        ("node", "clients"), [("ctl1", {"cinder"}), ("cmp1", {"cinder", "nova"}), ("cmp2", {"cinder", "nova"})]
    )
    def test_nodes_have_the_keyrings_that_they_need(self, rendered: Lab, node: str, clients: set[str]) -> None:
        found = {match[1] for path in rendered.files[node] if (match := re.search(r"client\.(\w+)\.keyring$", path))}
        assert found == clients
        for client in clients:
            text = rendered.text(node, f"/etc/ceph/ceph.client.{client}.keyring")
            assert text == f"[client.{client}]\n\tkey = {secret(rendered, f'ceph_key_client.{client}')}\n"
