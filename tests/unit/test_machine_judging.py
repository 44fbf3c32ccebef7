"""What keeps machines from becoming nodes: each mistake alone, several at once, and none."""

from typing import Any

import pytest
from ansible_collections.hoplab.lab.plugins.action.machine_facts import module_arguments as looking
from ansible_collections.hoplab.lab.plugins.action.machine_paths import module_arguments as trying
from ansible_collections.hoplab.lab.plugins.action.machine_report import report
from ansible_collections.hoplab.lab.plugins.module_utils.machine_judging import judge, unmeasured
from tests.unit.machinemistakes import GATEWAY, MISTAKES, NAMES, disk, lab, link, listens, put, ways

ALONE = {"unreachable", "no python"}
"""Of such a machine nothing else is known."""
TOGETHER = sorted(set(MISTAKES) - ALONE)


def test_where_all_is_well_nothing_is_said() -> None:
    assert judge(lab(), ways(), GATEWAY, []) == []
    assert unmeasured(lab(), ways()) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_told_of_its_machine_with_what_to_do(name: str) -> None:
    mistake, machines = MISTAKES[name], lab()
    mistake.change(machines["ctl1"])
    found = judge(machines, ways(), GATEWAY, [])
    assert [(problem.machine, problem.check) for problem in found] == [("ctl1", mistake.check)]
    assert mistake.words in str(found[0])
    assert str(found[0]).endswith(f" [ctl1:{mistake.check}]") is mistake.acceptable
    # Only what is the site's own to decide goes away when the site accepts it.
    left = judge(machines, ways(), GATEWAY, [f"ctl1:{mistake.check}", f"cmp1:{mistake.check}"])
    assert left == ([] if mistake.acceptable else found)


@pytest.mark.parametrize("first", MISTAKES)
@pytest.mark.parametrize("second", ["unreachable", "no sudo", "fast clock", "port", "hosts"])
def test_a_mistake_of_another_machine_hides_none(first: str, second: str) -> None:
    machines = lab()
    MISTAKES[first].change(machines["ctl1"])
    MISTAKES[second].change(machines["ceph1"])
    other = {"port": [], "hosts": ["name-cmp1"]}.get(second, [MISTAKES[second].check])  # 3306 is no port of ceph1
    found = judge(machines, ways(), GATEWAY, [])
    wanted = [("ctl1", MISTAKES[first].check), *(("ceph1", check) for check in other)]
    assert [(problem.machine, problem.check) for problem in found] == wanted


@pytest.mark.parametrize("first", TOGETHER)
def test_two_mistakes_of_one_machine_are_both_told(first: str) -> None:
    for second in ("memory", "no sudo", "hosts", "held back"):
        machines = lab()
        MISTAKES[first].change(machines["ctl1"])
        MISTAKES[second].change(machines["ctl1"])
        told = {problem.check for problem in judge(machines, ways(), GATEWAY, [])}
        assert told == {MISTAKES[first].check, MISTAKES[second].check}


def test_all_mistakes_at_once_are_all_told() -> None:
    machines = lab()
    names = ["no sudo", "bookworm", "host name", "memory", "disk space", "no module", "no candidate", "port", "removal"]
    names += ["management link", "netplan", "signature", "forwarding", "apparmor", "hosts", "fast clock"]
    for name in names:
        MISTAKES[name].change(machines["ctl1"])
    MISTAKES["unreachable"].change(machines["cmp1"])
    found = judge(machines, ways(), GATEWAY | {"answers": False}, [])
    assert {problem.check for problem in found if problem.machine == "ctl1"} == {MISTAKES[name].check for name in names}
    assert [problem.check for problem in found if problem.machine != "ctl1"] == ["reach", "external-network"]
    text = report(found)
    assert text.startswith(f"{len(names) + 2} problems, found before anything was changed.")
    assert [line for line in text.splitlines() if not line.startswith(("- ", "What ends")) and line.endswith(":")] == [
        "ctl1:",
        "cmp1:",
        "deployer:",
    ]
    assert '"ctl1:removed-packages"' in text.splitlines()[-1]
    assert "ctl1:memory" not in text


class TestOurOwn:
    """A machine on which the lab has been before has things of the lab's."""

    @pytest.mark.parametrize(
        ("way", "value"),
        [
            ("listeners", [{"address": "192.0.2.11", "port": 3306, "process": "x", "unit": "ctl1.service"}]),
            ("links.2", link("tun0", "203.0.113.11", master="ovs-system")),
            ("disks", [disk(parts=["ceph--x-osd--y (lvm)"], signatures=["LVM2_member"])]),
            ("free_mb", 1),
            ("services", ["quiet@1.service", "chrony.service"]),
            ("enforced", ["/usr/sbin/dnsmasq"]),
        ],
    )
    def test_they_are_no_problem_there_and_one_elsewhere(self, way: str, value: Any) -> None:
        for deployed in (True, False):
            machines = lab()
            put("seen.deployed", deployed)(machines["ctl1"])
            put(f"seen.{way}", value)(machines["ctl1"])
            assert bool(judge(machines, ways(), GATEWAY, [])) is not deployed

    @pytest.mark.parametrize(
        ("way", "value"),
        [
            ("listeners", [{"address": "0.0.0.0", "port": 3306, "process": "x", "unit": "site-db.service"}]),
            ("links.2", link("tun0", "10.0.0.1")),
            ("links.2", link("tun0", master="br0")),
            ("disks", [disk(signatures=["ext4"])]),
            ("memory_mb", 1),
        ],
    )
    def test_what_is_not_the_labs_is_a_problem_there_too(self, way: str, value: Any) -> None:
        machines = lab()
        put("seen.deployed", True)(machines["ctl1"])
        put(f"seen.{way}", value)(machines["ctl1"])
        assert len(judge(machines, ways(), GATEWAY, [])) == 1


class TestWhatIsNoMistake:
    @pytest.mark.parametrize(
        "change",
        [
            put("wanted.host_name", "ctl1"),
            listens(address="10.0.0.1"),  # another address of the machine
            listens(port=3307),
            put("seen.names", {"ctl1": ["192.0.2.11", "127.0.1.1"], "cmp1": ["192.0.2.21"], "x": ["10.0.0.1"]}),
            put("seen.links.2", link("tun0", carrier=False, up=False)),
            put("seen.links.2", link("tun0", max_mtu=0)),  # a driver that names no limit
            put("seen.apt", {"missing": [], "removed": [], "said": ""}),
        ],
    )
    def test_it_is_not_told(self, change: Any) -> None:
        machines = lab()
        change(machines["ctl1"])
        assert judge(machines, ways(), GATEWAY, []) == []

    @pytest.mark.parametrize(("option", "mistake"), [("forbid_forwarding", "forwarding"), ("time_service", "no time")])
    def test_what_the_lab_leaves_alone_or_brings_along(self, option: str, mistake: str) -> None:
        machines = lab()
        MISTAKES[mistake].change(machines["ctl1"])
        put(f"wanted.{option}", option == "time_service")(machines["ctl1"])
        assert judge(machines, ways(), GATEWAY, []) == []

    def test_a_machine_without_a_switch_needs_no_links(self) -> None:
        machines = lab()
        machines["ctl1"]["wanted"] |= {"tunnel_link": "", "external_link": "", "datapath": ""}
        machines["ctl1"]["seen"] |= {"links": [link("eth0", NAMES["ctl1"])], "kernel_modules": {}}
        assert judge(machines, ways(), GATEWAY, []) == []

    def test_what_the_site_lets_the_lab_have(self) -> None:
        machines = lab()
        for mistake in ("service", "port of that unit"):
            MISTAKES[mistake].change(machines["ctl1"])
        machines["ctl1"]["wanted"]["consent"] = ["quiet@7.service", "ctl1.service"]
        assert judge(machines, ways(), GATEWAY, []) == []

    @pytest.mark.parametrize("mac", ["02:00:00:00:aa:01", "02:00:00:00:AA:01"])
    def test_links_are_known_by_their_mac_addresses_too(self, mac: str) -> None:
        machines = lab()
        for place, found in machines.items():
            found["wanted"]["tunnel_link"] = mac
            bridge = link("br-phy", mac="02:00:00:00:aa:01", kind="openvswitch")
            found["seen"]["links"][2:3] = [bridge, link("enp3s0", mac="02:00:00:00:aa:01")]
            found["seen"]["owners"]["enp3s0"] = []
            assert trying(place, machines)["link"] == "enp3s0"
        assert judge(machines, ways(), GATEWAY, []) == []
        machines["ctl1"]["seen"]["owners"]["enp3s0"] = ["/etc/network/interfaces (ifupdown)"]
        assert [problem.check for problem in judge(machines, ways(), GATEWAY, [])] == ["tunnel-link-owner"]


class TestClocks:
    @staticmethod
    def told(*middles: float, width: float = 0.05) -> list[tuple[str, str]]:
        machines = lab()
        for machine, middle in zip(machines.values(), middles, strict=True):
            machine["clock"] = [middle - width, middle + width]
        return [(problem.machine, problem.check) for problem in judge(machines, ways(), GATEWAY, [])]

    def test_within_a_second(self) -> None:
        assert self.told(0.9, -0.05, 0) == []

    def test_it_is_the_odd_one_that_is_told(self) -> None:
        assert self.told(0, 3600, 0) == [("cmp1", "clock")]

    def test_where_all_machines_agree_it_is_this_one(self) -> None:
        assert self.told(60, 60.2, 59.9) == [("deployer", "clock")]

    def test_what_the_asking_took_is_no_difference(self) -> None:
        assert self.told(0, 4, 0, width=3.5) == []
        assert self.told(0, 4, 0, width=2.5) == [("cmp1", "clock")]


class TestWays:
    def test_a_closed_port_is_told_of_its_machine_with_those_who_asked(self) -> None:
        found = ways()
        for asker in ("cmp1", "ceph1"):
            found[asker]["closed"] = [{"name": "ctl1", "port": 3306, "how": "no answer"}]
        (problem,) = judge(lab(), found, GATEWAY, [])
        assert str(problem) == (
            "TCP port 3306 of it can't be reached from ceph1, cmp1 (no answer): let its firewall, and those on the way,"
            " pass them from 192.0.2.31, 192.0.2.21 [ctl1:firewall]"
        )
        assert judge(lab(), found, GATEWAY, ["ctl1:firewall"]) == []

    def test_ports_at_a_wrong_address_are_not_told_again(self) -> None:
        machines, found = lab(), ways()
        MISTAKES["address"].change(machines["ctl1"])
        found["cmp1"]["closed"] = [{"name": "ctl1", "port": 3306, "how": "no route to host"}]
        assert [problem.check for problem in judge(machines, found, GATEWAY, [])] == ["address"]

    def test_a_way_that_loses_large_packets_is_told_once(self) -> None:
        found = ways()
        for asker, other in (("ctl1", "cmp1"), ("cmp1", "ctl1"), ("ceph1", "ctl1")):
            next(row for row in found[asker]["tunnels"] if row["name"] == other)["passes"] = False
        told = judge(lab(), found, GATEWAY, [])
        assert [(problem.machine, problem.seen.split()[-1]) for problem in told] == [
            ("cmp1", "ctl1"),
            ("ceph1", "ctl1"),
        ]
        assert str(told[0]).startswith(
            "packets of 1600 bytes are lost on the tunnel network's way to ctl1: raise the MTU"
        )

    def test_who_does_not_answer_is_no_problem_and_is_noted(self) -> None:
        found = ways()
        for row in found["ctl1"]["tunnels"]:
            row |= {"answers": False, "passes": False}
        assert judge(lab(), found, GATEWAY, []) == []
        assert unmeasured(lab(), found)[0].startswith("the MTU of the tunnel network's way from ctl1: ")

    @pytest.mark.parametrize(
        ("route", "how"), [("", "no route leads to it"), ("eth0", "does not answer by way of eth0")]
    )
    def test_an_external_network_that_this_machine_does_not_reach(self, route: str, how: str) -> None:
        external = GATEWAY | {"route": route, "answers": False}
        (problem,) = judge(lab(), ways(), external, [])
        assert problem.machine == "deployer"
        assert how in str(problem)
        assert judge(lab(), ways(), external, ["deployer:external-network"]) == judge(lab(), ways(), None, []) == []


class TestAsking:
    def test_a_machine_is_asked_for_what_it_is_to_be(self) -> None:
        wanted = lab()["ctl1"]["wanted"]
        asked = looking(wanted)
        assert (asked["links"], asked["kernel_modules"]) == (["tun0", "ext0"], ["openvswitch", "vxlan"])
        assert (asked["ports"], asked["disks"], asked["packages"]) == ([3306], ["/dev/disk/by-id/one"], ["memcached"])
        assert looking(wanted | {"datapath": "netdev", "external_link": ""})["kernel_modules"] == []

    def test_it_tries_the_others_alone_and_none_that_is_away(self) -> None:
        machines = lab()
        MISTAKES["unreachable"].change(machines["cmp1"])
        put("seen.links.2", link("tun0", mtu=1500))(machines["ceph1"])
        asked = trying("ctl1", machines)
        assert asked["ports"] == [{"name": "ceph1", "address": "192.0.2.31", "ports": [3300]}]
        # No larger packets than both links take now.
        assert asked["tunnels"] == [{"name": "ceph1", "address": "fe80::4", "mtu": 1500}]
        assert asked["link"] == "tun0"

    @pytest.mark.parametrize("wrong", [link("tun0", carrier=False), link("tun0", addresses=[]), link("other")])
    def test_a_link_that_can_not_be_tried_is_left_out(self, wrong: Any) -> None:
        machines = lab()
        put("seen.links.2", wrong)(machines["ctl1"])
        assert trying("ctl1", machines)["tunnels"] == []
        assert [row["name"] for row in trying("cmp1", machines)["tunnels"]] == ["ceph1"]
