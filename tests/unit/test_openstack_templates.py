"""The settings of OpenStack's services on which the documented way of a launch rests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.rendering import COMPUTES, CONTROL, Lab, Oslo, oslo, secret

Control = Callable[[str], Oslo]


def assert_has(found: Oslo, section: str, **wanted: str) -> None:
    seen = {name: found[section].get(name) for name in wanted}
    assert seen == {name: [value] for name, value in wanted.items()}


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("/etc/nova/nova.conf", "nova"),
        ("/etc/neutron/neutron.conf", "neutron"),
        ("/etc/cinder/cinder.conf", "cinder"),
        ("/etc/glance/glance-api.conf", "glance"),
        ("/etc/placement/placement.conf", "placement"),
    ],
)
def test_each_service_has_its_own_user(rendered: Lab, control: Control, path: str, user: str) -> None:
    found = control(path)
    assert_has(
        found,
        "keystone_authtoken",
        auth_type="password",
        auth_url=f"http://{CONTROL}:5000/v3",
        username=user,
        password=secret(rendered, f"keystone_{user}"),
        project_name="service",
        service_token_roles_required="true",
    )
    users = {options["username"][0] for options in found.values() if "username" in options}
    assert users == {user}


class TestKeystone:
    def test_tokens(self, rendered: Lab, control: Control) -> None:
        found = control("/etc/keystone/keystone.conf")
        password = secret(rendered, "database_keystone")
        assert_has(found, "token", provider="fernet", caching="true")
        assert_has(found, "database", connection=f"mysql+pymysql://keystone:{password}@{CONTROL}/keystone?charset=utf8")
        assert_has(found, "cache", enabled="true", memcache_servers=f"{CONTROL}:11211")
        # Empty: nothing is left out of the log.
        assert_has(found, "DEFAULT", notification_opt_out="", notification_format="cadf")

    def test_keys(self, rendered: Lab) -> None:
        for number in (0, 1):
            made = rendered.files["ctl1"][f"/etc/keystone/fernet-keys/{number}"]
            assert made.content.strip() == secret(rendered, f"keystone_fernet_{number}")
            assert (made.owner, made.mode) == ("keystone", "0600")


class TestGlance:
    def test_images_are_in_swift(self, rendered: Lab, control: Control, tmp_path: Path) -> None:
        found = control("/etc/glance/glance-api.conf")
        assert_has(found, "DEFAULT", enabled_backends="rgw:swift", show_image_direct_url="false")
        assert_has(found, "glance_store", default_backend="rgw")
        assert_has(found, "rgw", swift_store_config_file="/etc/glance/glance-swift.conf", default_swift_reference="rgw")
        reference = oslo(rendered.text("ctl1", "/etc/glance/glance-swift.conf"), tmp_path)
        assert_has(reference, "rgw", user="service:glance", key=secret(rendered, "keystone_glance"))


class TestNova:
    def test_control(self, control: Control) -> None:
        found = control("/etc/nova/nova.conf")
        assert_has(found, "DEFAULT", my_ip=CONTROL, debug="true")
        assert_has(found, "scheduler", discover_hosts_in_cells_interval="-1")
        assert_has(found, "cinder", catalog_info="block-storage::publicURL", os_region_name="RegionOne")
        assert "force_config_drive" not in found["DEFAULT"]

    @pytest.mark.parametrize("node", COMPUTES)
    def test_computes(self, rendered: Lab, tmp_path: Path, node: str) -> None:
        found = oslo(rendered.text(node, "/etc/nova/nova-compute.conf"), tmp_path)
        assert_has(
            found,
            "DEFAULT",
            my_ip=COMPUTES[node],
            force_config_drive="false",
            compute_driver="libvirt.LibvirtDriver",
            vif_plugging_is_fatal="true",
            vif_plugging_timeout="300",
        )
        assert_has(
            found,
            "libvirt",
            virt_type="qemu",
            cpu_mode="none",
            images_type="rbd",
            images_rbd_pool="vms",
            images_rbd_ceph_conf="/etc/ceph/ceph.conf",
            rbd_user="nova",
        )
        # Set, it would make Nova clone images from Glance's pool, which it doesn't have.
        assert "images_rbd_glance_store_name" not in found["libvirt"]
        assert_has(found, "os_vif_ovs", ovsdb_interface="vsctl")

    def test_program_of_each_account(self, rendered: Lab) -> None:
        for daemon in ("nova-api", "nova-api-metadata"):
            lines = rendered.text("ctl1", f"/etc/nova/{daemon}-uwsgi.ini").splitlines()
            files = f"api-paste.ini;nova.conf;{daemon}.conf.d/credentials.conf"
            assert f"env = OS_NOVA_CONFIG_FILES={files}" in lines

    def test_guests_start_under_any_limit_of_core_files(self, rendered: Lab) -> None:
        for node in COMPUTES:
            assert "max_core = 0" in rendered.text(node, "/etc/libvirt/qemu.conf").splitlines()

    def test_libvirt_has_the_key_that_cinder_names(self, rendered: Lab, control: Control) -> None:
        variables = rendered.variables["cmp1"]["hostvars"]["cmp1"]
        found = control("/etc/cinder/cinder.conf")["rbd"]["rbd_secret_uuid"]
        assert found == [variables["nova_compute_volume_secret_uuid"]]
        assert variables["nova_compute_rbd_secret_uuid"] != found[0]


class TestNeutron:
    def test_metadata_secret_is_the_same_on_both_sides(self, rendered: Lab, control: Control, tmp_path: Path) -> None:
        agent = oslo(rendered.text("net1", "/etc/neutron/metadata_agent.ini"), tmp_path)["DEFAULT"]
        nova = control("/etc/nova/nova.conf")["neutron"]
        assert agent["metadata_proxy_shared_secret"] == nova["metadata_proxy_shared_secret"]
        assert agent["metadata_proxy_shared_secret"] == [secret(rendered, "metadata_proxy")]
        assert nova["service_metadata_proxy"] == ["true"]
        assert agent["nova_metadata_host"] == [CONTROL]
        assert agent["nova_metadata_port"] == ["8775"]

    def test_server(self, control: Control) -> None:
        found = control("/etc/neutron/neutron.conf")
        assert_has(
            found,
            "DEFAULT",
            core_plugin="ml2",
            service_plugins="router",
            enable_traditional_dhcp="true",
            notify_nova_on_port_status_changes="true",
            global_physnet_mtu="1500",
        )
        ml2 = control("/etc/neutron/plugins/ml2/ml2_conf.ini")
        assert_has(ml2, "ml2", mechanism_drivers="openvswitch", tenant_network_types="vxlan", path_mtu="1600")
        assert_has(ml2, "ml2_type_flat", flat_networks="physnet1")
        assert_has(ml2, "ml2_type_vxlan", vni_ranges="1:1000")
        assert_has(ml2, "securitygroup", firewall_driver="openvswitch", enable_security_group="true")

    @pytest.mark.parametrize(
        ("node", "address", "mappings"),
        [
            ("net1", "172.29.21.12", "physnet1:br-ex"),
            ("cmp1", "172.29.21.21", ""),
            ("cmp2", "172.29.21.22", ""),
        ],
    )
    def test_switches(self, rendered: Lab, tmp_path: Path, node: str, address: str, mappings: str) -> None:
        found = oslo(rendered.text(node, "/etc/neutron/plugins/ml2/openvswitch_agent.ini"), tmp_path)
        assert_has(found, "ovs", datapath_type="netdev", local_ip=address, bridge_mappings=mappings)
        assert_has(found, "agent", tunnel_types="vxlan")
        assert_has(found, "securitygroup", firewall_driver="openvswitch", enable_security_group="true")
        bridge = rendered.text(node, "/etc/systemd/network/20-br-phy.network").splitlines()
        assert f"Address={address}/24" in bridge
        assert "MTUBytes=1600" in bridge

    def test_dhcp_and_routers(self, rendered: Lab, tmp_path: Path) -> None:
        dhcp = oslo(rendered.text("net1", "/etc/neutron/dhcp_agent.ini"), tmp_path)
        assert_has(dhcp, "DEFAULT", interface_driver="openvswitch", force_metadata="true", ovs_use_veth="false")
        l3 = oslo(rendered.text("net1", "/etc/neutron/l3_agent.ini"), tmp_path)
        assert_has(l3, "DEFAULT", agent_mode="legacy", interface_driver="openvswitch", ovs_use_veth="false")

    def test_agents_read_their_own_directory(self, rendered: Lab) -> None:
        for agent in ("neutron-openvswitch-agent", "neutron-dhcp-agent", "neutron-l3-agent", "neutron-metadata-agent"):
            line = f'DAEMON_ARGS="${{DAEMON_ARGS}} --config-dir=/etc/neutron/{agent}.conf.d"'
            assert line in rendered.text("net1", f"/etc/default/{agent}").splitlines()


class TestCinder:
    def test_volumes_are_in_ceph(self, control: Control) -> None:
        found = control("/etc/cinder/cinder.conf")
        assert_has(found, "DEFAULT", enabled_backends="rbd", host="ctl1", my_ip=CONTROL, control_exchange="cinder")
        assert_has(
            found,
            "rbd",
            volume_driver="cinder.volume.drivers.rbd.RBDDriver",
            rbd_pool="volumes",
            rbd_user="cinder",
            rbd_exclusive_cinder_pool="true",
        )

    def test_every_request_asks_keystone_about_its_token(self, control: Control) -> None:
        for path in ("/etc/cinder/cinder.conf", "/etc/neutron/neutron.conf", "/etc/glance/glance-api.conf"):
            assert_has(control(path), "keystone_authtoken", token_cache_time="-1")
            assert "memcached_servers" not in control(path)["keystone_authtoken"]
        for path in ("/etc/nova/nova.conf", "/etc/placement/placement.conf"):
            assert "token_cache_time" not in control(path)["keystone_authtoken"]
            assert_has(control(path), "keystone_authtoken", memcached_servers=f"{CONTROL}:11211")


@pytest.mark.parametrize("path", ["/etc/nova/nova.conf", "/etc/neutron/neutron.conf", "/etc/cinder/cinder.conf"])
def test_queues_have_names_that_can_be_followed(control: Control, path: str) -> None:
    assert_has(
        control(path),
        "oslo_messaging_rabbit",
        use_queue_manager="true",
        rabbit_quorum_queue="true",
        rabbit_transient_quorum_queue="true",
        rabbit_stream_fanout="true",
    )
    assert_has(control(path), "oslo_messaging_notifications", driver="noop")
