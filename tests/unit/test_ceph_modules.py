"""The modules for Ceph, with programs that answer as Ceph 18's did in a real cluster."""

import json
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hoplab.lab.plugins.module_utils.lab_ceph import CephError, Client
from ansible_collections.hoplab.lab.plugins.modules import ceph_wait
from ansible_collections.hoplab.lab.plugins.modules.ceph_entities import read_keyring
from ansible_collections.hoplab.lab.plugins.modules.ceph_osd_files import osd_uuid
from tests.unit.cephrun import Cluster

FSID = "a9e3767d-bd1b-4bb4-9720-4e8b64aa95fa"
KEYS = ["AQBPaPtkAAAAABAAzaerJ6XK4HqRjMK6V0MSVg==", "AQBQaPtkAAAAABAAc29tZSBvdGhlciBrZXkuLg=="]
REFUSAL = (13, "", "[errno 13] RADOS permission denied (error connecting to the cluster)")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return Cluster(tmp_path)


def status(total: int = 2, up: int = 2, inside: int = 2, **states: int) -> dict[str, Any]:
    groups = [{"state_name": name.replace("_", "+"), "count": count} for name, count in states.items()]
    pgmap = {"pgs_by_state": groups, "num_pgs": sum(states.values())}
    return {"osdmap": {"num_osds": total, "num_up_osds": up, "num_in_osds": inside}, "pgmap": pgmap}


def managers(active: str, *standbys: str, available: bool = True) -> dict[str, Any]:
    return {"active_name": active, "available": available, "standbys": [{"name": name} for name in standbys]}


@pytest.mark.parametrize(
    ("condition", "answer", "lacking"),
    [
        ("quorum", {"quorum_names": ["ceph1", "ceph2"]}, ""),
        ("quorum", {"quorum_names": ["ceph2"]}, "the monitor ceph1 is not in the quorum (ceph2)"),
        ("quorum", {"quorum_names": []}, "the monitor ceph1 is not in the quorum (nobody is)"),
        ("manager", managers("ceph1"), ""),
        ("manager", managers("ceph2", "ceph1"), ""),
        ("manager", managers("ceph1", available=False), "no manager daemon is active yet (known: ceph1)"),
        ("manager", managers("ceph2"), "the monitors don't know the manager daemon ceph1 (ceph2)"),
        ("manager", managers("", available=False), "the monitors don't know the manager daemon ceph1 (none)"),
        ("clean", status(active_clean=49), ""),
        ("clean", status(0, 0, 0), "of 0 OSDs 0 are up and 0 are in"),
        ("clean", status(2, 1, 2, active_clean=49), "of 2 OSDs 1 are up and 2 are in"),
        ("clean", status(2, 2, 1, active_clean=49), "of 2 OSDs 2 are up and 1 are in"),
        ("clean", status(), "not all placement groups are active and clean: there are none"),
        (
            "clean",
            status(active_clean=48, stale_active_clean=1),
            "not all placement groups are active and clean: 48 active+clean, 1 stale+active+clean",
        ),
        ("identity", {"fsid": FSID}, ""),
        ("identity", {"fsid": "another"}, f"a cluster answers whose fsid is another, not {FSID}"),
    ],
)
def test_conditions(condition: str, answer: dict[str, Any], lacking: str) -> None:
    _words, lacks = ceph_wait.CONDITIONS[condition]
    assert lacks(answer, {"daemon": "ceph1", "fsid": FSID}) == lacking


class TestWait:
    def test_answers_that_are_no_json(self, cluster: Cluster) -> None:
        cluster.answer({"fsid": [(0, "<html>", "")]})
        with pytest.raises(CephError, match="`ceph fsid` answered no JSON: <html>"):
            Client(conf=str(cluster.conf)).ask("fsid")

    def test_until_it_holds(self, cluster: Cluster) -> None:
        outside, inside = {"quorum_names": ["ceph2"]}, {"quorum_names": ["ceph2", "ceph1"]}
        cluster.answer({"quorum_status": [(1, "", "timed out"), (0, "{}", ""), outside, inside]})
        # In check mode, too.
        answer = cluster.run("ceph_wait", check=True, condition="quorum", daemon="ceph1", timeout=30)
        assert (answer["changed"], answer["asked"]) == (False, ["admin"])
        assert len(cluster.calls()) == 4

    def test_gives_up_in_time_and_says_what_lacked(self, cluster: Cluster) -> None:
        cluster.answer({"status": [status(2, 1, 2)]})
        began = time.monotonic()
        answer = cluster.run("ceph_wait", condition="clean", timeout=2)
        assert time.monotonic() - began < 10
        assert answer["failed"]
        assert re.fullmatch(r"After \d s, asked as client.admin: of 2 OSDs 1 are up and 2 are in", answer["msg"])
        assert len(cluster.calls()) > 1

    def test_a_question_without_an_end(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ceph_wait, "ANSWER", 1)
        cluster.answer({"status": [("sleep", 30, ""), status(active_clean=49)]})
        client, began = Client(conf=str(cluster.conf)), time.monotonic()
        assert ceph_wait.wait(client, {"condition": "clean"}, began + 60) == ""
        cluster.answer({"status": [("sleep", 30, "")]})
        lacking = ceph_wait.wait(client, {"condition": "clean"}, time.monotonic() + 1)
        told = "`ceph --name=client.admin status` did not end within 1 s"
        assert lacking == f"do the monitors of {cluster.conf} run? {told}"
        assert time.monotonic() - began < 10

    def test_each_client_with_its_own_keyring(self, cluster: Cluster) -> None:
        cluster.answer({"fsid": [{"fsid": FSID}]})
        answer = cluster.run("ceph_wait", condition="identity", fsid=FSID, clients=["nova", "cinder"])
        assert answer["asked"] == ["nova", "cinder"]
        for name, (call, _sent) in zip(("nova", "cinder"), cluster.calls(), strict=True):
            keyring = cluster.conf.parent / f"ceph.client.{name}.keyring"
            assert f"--name=client.{name} --keyring={keyring} --connect-timeout=5 fsid" in call
        assert cluster.run("ceph_wait", condition="identity", fsid=FSID, clients=[])["asked"] == []

    def test_refusals_end_sooner(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ceph_wait, "REFUSALS", 0.5)
        monkeypatch.setattr(ceph_wait, "INTERVAL", 0.1)
        client, params = Client(conf=str(cluster.conf)), {"condition": "identity", "fsid": FSID}
        cluster.answer({"fsid": [REFUSAL]})
        began = time.monotonic()
        lacking = ceph_wait.wait(client, params, began + 60)
        assert lacking.startswith(f"the monitors don't know it with the key of {client.keyring_path}: `ceph")
        assert "ended with 13: [errno 13] RADOS permission denied" in lacking
        assert time.monotonic() - began < 10
        # A monitor that does not answer yet is waited for; so is one that learns of the client in time.
        cluster.answer({"fsid": [*[(1, "", "timed out")] * 9, REFUSAL, {"fsid": FSID}]})
        assert ceph_wait.wait(client, params, time.monotonic() + 60) == ""

    def test_node_without_ceph(self, cluster: Cluster) -> None:
        cluster.conf.unlink()
        arguments: dict[str, Any] = {"condition": "identity", "fsid": FSID, "clients": ["other"], "timeout": 60}
        began = time.monotonic()
        answer = cluster.run("ceph_wait", **arguments)
        assert time.monotonic() - began < 5
        keyring = cluster.conf.parent / "ceph.client.other.keyring"
        assert answer["msg"] == f"client.other can't ask the cluster: this node has no {cluster.conf}, no {keyring}"
        answer = cluster.run("ceph_wait", check=True, **arguments)
        assert (answer["changed"], answer["asked"]) == (False, [])
        assert not cluster.calls()

    @pytest.mark.parametrize(
        ("condition", "lacks"), [("quorum", "daemon"), ("manager", "daemon"), ("identity", "fsid")]
    )
    def test_conditions_that_need_more(self, cluster: Cluster, condition: str, lacks: str) -> None:
        answer = cluster.run("ceph_wait", condition=condition)
        assert f"condition {condition} needs {lacks}: give the" in answer["msg"]


class TestPools:
    def test_makes_what_lacks(self, cluster: Cluster) -> None:
        ready: dict[str, Any] = {"application_metadata": {"rbd": {}}}
        begun = {"pool_name": "vms", "application_metadata": {}}
        # Each waits for the other, as for placement groups.
        both = "while sum('rbd' in line for line in (here / 'calls').open()) < 2: time.sleep(0.05)"
        done = [{"pool_name": name} | ready for name in ("images", "volumes", "vms")]
        cluster.answer(
            {
                "osd pool ls detail": [[{"pool_name": "images"} | ready, begun], done],
                "osd pool create": [(0, "", "pool 'volumes' already exists")],  # another node was faster
                "rbd": [("do", both, "")],
            }
        )
        names = ["images", "volumes", "vms"]
        answer = cluster.run("ceph_pools", names=names, timeout=20)
        assert (answer["changed"], answer["created"], answer["initialised"]) == (True, ["volumes"], ["volumes", "vms"])
        assert [call.split()[-1] for call, _sent in cluster.calls("osd pool create")] == ["volumes"]
        assert sorted(call.split()[-1] for call, _sent in cluster.calls("rbd ")) == ["vms", "volumes"]
        assert not cluster.run("ceph_pools", names=names)["changed"]
        assert len(cluster.calls()) == 5

    def test_check_mode(self, cluster: Cluster) -> None:
        cluster.answer({"osd pool ls detail": [[]]})
        answer = cluster.run("ceph_pools", check=True, names=["vms"])
        assert (answer["changed"], answer["created"], answer["initialised"]) == (True, ["vms"], ["vms"])
        cluster.conf.unlink()
        assert cluster.run("ceph_pools", check=True, names=["vms"])["created"] == ["vms"]
        assert len(cluster.calls()) == 1

    def test_says_which_pool_is_not_ready(self, cluster: Cluster) -> None:
        cluster.answer(
            {
                "osd pool ls detail": [[{"pool_name": "a"}, {"pool_name": "b"}]],
                "init a": [(0, "", "")],
                "init b": [("sleep", 30, "")],
            }
        )
        answer = cluster.run("ceph_pools", names=["a", "b"], timeout=2)
        assert "`rbd pool init b` did not end within 2 s" in answer["msg"]
        assert "init a" not in answer["msg"]


KEYRING = f'[mon.]\n\tkey = x\n\tcaps mon = "allow *"\n\n[client.nova]\n\tkey = {KEYS[0]}\n\tcaps mon = "profile rbd"\n'


class TestEntities:
    @pytest.fixture
    def tell(self, cluster: Cluster) -> Callable[..., dict[str, Any]]:
        (cluster.directory / "entities").write_text(KEYRING)
        return lambda check=False: cluster.run("ceph_entities", check, keyring=str(cluster.directory / "entities"))

    @staticmethod
    def listed(key: str, **caps: str) -> dict[str, Any]:
        other = {"entity": "osd.0", "key": "y", "caps": {"osd": "allow *"}}
        return {"auth_dump": [other, {"entity": "client.nova", "key": key, "caps": caps}]}

    def test_reads_keyrings(self, tmp_path: Path) -> None:
        (tmp_path / "keyring").write_text(KEYRING)
        assert read_keyring(str(tmp_path / "keyring")) == {
            "mon.": ("x", {"mon": "allow *"}),
            "client.nova": (KEYS[0], {"mon": "profile rbd"}),
        }

    @pytest.mark.parametrize(("key", "cap"), [(KEYS[1], "profile rbd"), (KEYS[0], "allow r")])
    def test_imports_what_differs(
        self, cluster: Cluster, tell: Callable[..., dict[str, Any]], key: str, cap: str
    ) -> None:
        right = self.listed(KEYS[0], mon="profile rbd")
        cluster.answer({"auth ls": [self.listed(key, mon=cap)], "auth import": [(0, "", "imported keyring")]})
        assert tell(check=True)["entities"] == ["client.nova"]
        assert not cluster.calls("auth import")
        answer = tell()
        assert (answer["changed"], answer["entities"]) == (True, ["client.nova"])
        assert KEYS[0] not in str(answer) + str(cluster.calls())
        assert len(cluster.calls("auth import --in-file=")) == 1
        cluster.answer({"auth ls": [right]})
        assert not tell()["changed"]

    def test_imports_what_is_missing(self, cluster: Cluster, tell: Callable[..., dict[str, Any]]) -> None:
        cluster.answer({"auth ls": [{"auth_dump": []}], "auth import": [(1, "", "timed out")]})
        assert "auth import" in tell()["msg"]

    def test_damaged_keyring_is_not_quoted(self, cluster: Cluster, tell: Callable[..., dict[str, Any]]) -> None:
        (cluster.directory / "entities").write_text(f"[client.nova\n{KEYS[0]}")
        answer = tell()
        assert "is no keyring" in answer["msg"]
        assert KEYS[0] not in str(answer)
        (cluster.directory / "entities").unlink()
        assert "No such file" in tell()["msg"]
        assert not tell(check=True)["changed"]


class TestOsdFiles:
    @pytest.fixture
    def make(self, cluster: Cluster) -> Callable[..., dict[str, Any]]:
        arguments = {"fsid": FSID, "node": "ceph1", "keys": KEYS, "size": 1 << 30, "bootstrap_keyring": "/boot"}
        return lambda check=False, **more: cluster.run("ceph_osd_files", check, **(arguments | more))

    MKFS = (
        "told = dict(word.split('=', 1) for word in sys.argv if '=' in word);"
        "home = here / 'osd' / ('ceph-' + told['--id']);"
        "(home / 'fsid').write_text(told['--osd-uuid'] + chr(10)); (home / 'ready').touch()"
    )

    def test_the_uuid_never_changes(self) -> None:
        assert osd_uuid(FSID, "ceph1", 0) == "06c762fd-90d7-5a08-bea5-dae65dddd576"

    def test_makes_them_once(self, cluster: Cluster, make: Callable[..., dict[str, Any]]) -> None:
        cluster.answer({"osd new": [{"osdid": 4}, {"osdid": 7}], "mkfs": [("do", self.MKFS, "")]})
        uuids = [osd_uuid(FSID, "ceph1", place) for place in (0, 1)]
        assert (make(check=True)["made"], cluster.calls()) == (uuids, [])
        answer = make()
        assert (answer["changed"], answer["made"]) == (True, uuids)
        assert answer["osds"] == dict(zip(uuids, (4, 7), strict=True))
        calls = cluster.calls()
        assert all("--mkfs -f " in call for call, _sent in calls[2:])  # in the command itself and not in a child
        assert [json.loads(sent) for _call, sent in calls[:2]] == [{"cephx_secret": key} for key in KEYS]
        assert "--name=client.bootstrap-osd --keyring=/boot" in calls[0][0]
        for key, number in zip(KEYS, (4, 7), strict=True):
            assert key not in str(answer) + str([call for call, _sent in calls])
            home = cluster.directory / "osd" / f"ceph-{number}"
            assert (home / "keyring").read_text() == f"[osd.{number}]\n\tkey = {key}\n"
            assert stat.S_IMODE((home / "keyring").stat().st_mode) == 0o600
            assert {path.name for path in home.iterdir()} == {"fsid", "keyring", "ready"}
        assert (make()["changed"], len(cluster.calls())) == (False, 4)

    def test_goes_on_where_it_was_interrupted(self, cluster: Cluster, make: Callable[..., dict[str, Any]]) -> None:
        cluster.answer(
            {
                "osd new": [{"osdid": 0}, {"osdid": 1}],
                "--id=0": [("do", self.MKFS, "")],
                "--id=1": [(1, "", "no space left on device")],
            }
        )
        assert "`ceph-osd --mkfs --id=1` ended with" in make()["msg"]
        cluster.answer({"osd new": [{"osdid": 1}], "--id=1": [("do", self.MKFS, "")]})
        answer = make()
        assert answer["made"] == [osd_uuid(FSID, "ceph1", 1)]
        assert set(answer["osds"].values()) == {0, 1}
        assert len(cluster.calls()) == 2

    def test_what_goes_wrong_is_told(self, cluster: Cluster, make: Callable[..., dict[str, Any]]) -> None:
        cluster.answer({"osd new": [(17, "", "Error EEXIST: entity osd.0 exists but key does not match"), {}]})
        assert "exists but key does not match" in make()["msg"]
        assert "answered {} and no id" in make()["msg"]
        assert "fsid is 'words': give the cluster's uuid" in make(fsid="words")["msg"]
        assert not list(cluster.directory.glob("osd/*"))
