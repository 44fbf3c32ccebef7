"""Whatever a drill puts in is taken out again, through a real process in ssh's place."""

import json
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hoplab.drill.injection import fault_in, heal, put_in
from hoplab.drill.journal import FILE, FaultJournal
from hoplab.drill.means import KINDS, MeansKind, api, settings
from hoplab.drill.model import Means
from hoplab.lab.deployment import Deployment
from hoplab.model.errors import ConfigurationError, SourceError
from samples.drills import OPTIONS, UNDONE, Cloud, fault


class TestUndoing:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_is_undone_and_nothing_is_noted_any_more(
        self, lab: Deployment, told: Callable[[], list[str]], kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cloud = Cloud()
        for module in (api, settings):
            monkeypatch.setattr(module, "connect", lambda *_arguments: cloud)
        with fault_in(lab, fault(kind)) as nodes:
            assert nodes == ("ctl1",)
            noted = json.loads((lab.directory / FILE).read_text())
            assert [entry["kind"] for entry in noted["entries"]] == [kind]
            assert "S3CRET" not in json.dumps(noted)
            before, asked = len(told()), len(cloud.asked)
        after = [*told()[before:], *cloud.asked[asked:]]
        assert any(line.startswith(UNDONE[kind]) for line in after), after
        assert not (lab.directory / FILE).exists()
        if kind == "endpoint":
            assert cloud.asked == [cloud.asked[0], "http://192.0.2.11:1/v2", cloud.asked[0]]
        if kind == "rename-host":
            assert cloud.asked[1:] == ["forget ctl1", "forget ctl1-elsewhere"]
        if kind == "claim":
            assert ["{'volumes': 2}" in cloud.asked[1], "{'volumes': 1}" in cloud.asked[2]] == [True, True]
            assert sorted(cloud.asked[3:]) == sorted(f"DELETE /allocations/{claim}" for claim in cloud.claims[1:])

    @pytest.mark.parametrize(
        ("of", "sent"),
        [
            ("compute", "PUT /os-quota-sets/p1 {'quota_set': {'instances': 0, 'force': True}}"),
            ("network", "PUT /quotas/p1 {'quota': {'instances': 0, 'force': True}}"),
            # Cinder refuses what it does not know.
            ("volume", "PUT /os-quota-sets/p1 {'quota_set': {'instances': 0}}"),
        ],
    )
    def test_a_limit_below_what_is_in_use_is_taken(self, monkeypatch: pytest.MonkeyPatch, of: str, sent: str) -> None:
        cloud = Cloud()
        monkeypatch.setattr(api, "connect", lambda *_: cloud)
        place: Any = SimpleNamespace(deployment=None, options={"of": of, "resource": "instances"})
        api._set_limit(place, "0")
        assert cloud.asked[1:] == [sent]

    def test_a_fault_of_one_launch_spares_the_messages_of_others(
        self, lab: Deployment, told: Callable[[], list[str]]
    ) -> None:
        means = Means(
            "lose",
            "nova-scheduler",
            everywhere=True,
            options={"peer": "client", "way": "in", "holds": "x y", "own": "volume"},
        )
        one = replace(fault("lose"), means=(means,))
        string = ["--match", "string", "--algo", "bm", "--string"]
        for launches, wanted in (
            ([{"volume": "v1"}, {"volume": "v2"}], [[*string, "x y", *string, "v1"], [*string, "x y", *string, "v2"]]),
            ([], [[*string, "x y"]]),
        ):
            before = len(told())
            put_in(lab, one, launches)
            rules = [line for line in told()[before:] if "--insert" in line]
            assert [f" {shlex.join(texts)} --match comment " in rule for texts, rule in zip(wanted, rules, strict=True)]
            heal(lab)

    @pytest.mark.parametrize(
        ("way", "rule"),
        [
            (
                "out",
                "OUTPUT --destination {at} --protocol tcp --destination-port 5672 --match cgroup --path system.slice/",
            ),
            ("in", "INPUT --source {at} --protocol tcp --source-port 5672 --destination-port 40001 --match comment"),
        ],
        ids=["out", "in"],
    )
    def test_packets_are_those_of_one_service(
        self, lab: Deployment, told: Callable[[], list[str]], way: str, rule: str
    ) -> None:
        ((node, _service),) = lab.running("nova-scheduler")
        options = {"peer": "nova-scheduler", "way": way, "ports": "5672"}
        put_in(lab, replace(fault("lose"), means=(Means("lose", "nova-scheduler", everywhere=True, options=options),)))
        wanted = f"iptables --wait --insert {rule.format(at=node.address)}"
        assert [line for line in told() if line.startswith(wanted)], told()

    def test_an_option_of_a_section_is_given_there_and_nowhere_else(
        self, lab: Deployment, told: Callable[[], list[str]], tmp_path: Path
    ) -> None:
        file = tmp_path / "x.conf"
        file.write_text("[a]\npassword = 1\n[b]\nx = 1\npassword=2\n[c]\n")
        for section, wanted in (
            ("b", "[a]\npassword = 1\n[b]\npassword = y\nx = 1\n[c]\n"),
            ("c", "[a]\npassword = 1\n[b]\nx = 1\npassword=2\n[c]\npassword = y\n"),
        ):
            options = {"file": "/etc/x.conf", "section": section, "option": "password", "value": "y"}
            means = Means("rewrite", "nova-scheduler", everywhere=True, options=options)
            put_in(lab, replace(fault("rewrite"), means=(means,)))
            heal(lab)
            change = next(shlex.split(line)[2] for line in reversed(told()) if line.startswith("sed "))
            changed = subprocess.run(["sed", change, str(file)], capture_output=True, text=True, check=True)
            assert changed.stdout == wanted

    def test_what_somebody_else_mounted_stays(
        self, lab: Deployment, told: Callable[[], list[str]], tmp_path: Path
    ) -> None:
        put_in(lab, fault("fill"))
        (tmp_path / "foreign").touch()
        assert heal(lab) == "made-up"
        assert not [line for line in told() if line.startswith("umount")]

    def test_the_last_is_undone_first(self, lab: Deployment, told: Callable[[], list[str]]) -> None:
        with fault_in(lab, fault("freeze", "stop")):
            before = len(told())
        assert told()[before:] == ["systemctl reset-failed -- x@1.service", UNDONE["stop"], UNDONE["freeze"]]

    def test_after_an_error_and_after_ctrl_c(self, lab: Deployment, told: Callable[[], list[str]]) -> None:
        for error in (ValueError, KeyboardInterrupt):
            with pytest.raises(error), fault_in(lab, fault("freeze")):
                raise error
            assert told()[-1] == UNDONE["freeze"]
            assert not (lab.directory / FILE).exists()

    def test_what_fails_half_way_is_undone(
        self, lab: Deployment, told: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_place: object) -> None:
            raise SourceError("refused")

        monkeypatch.setitem(KINDS, "stop", MeansKind(fail, KINDS["stop"].undo, KINDS["stop"].keep))
        with pytest.raises(SourceError, match="refused"):
            put_in(lab, fault("freeze", "stop"))
        assert told()[-2:] == [UNDONE["stop"], UNDONE["freeze"]]
        assert not (tmp_path / FILE).exists()

    def test_a_lost_connection_leaves_it_noted_until_it_can_be_undone(
        self, lab: Deployment, told: Callable[[], list[str]], tmp_path: Path
    ) -> None:
        with (
            pytest.raises(SourceError, match=r"made-up is still in: ctl1: SSH to .* no route to host.*drill --heal"),
            fault_in(lab, fault("freeze", "stop")),
        ):
            (tmp_path / "lost").touch()
        assert [entry.kind for entry in journal(lab).entries] == ["freeze", "stop"]
        (tmp_path / "lost").unlink()
        assert heal(lab) == "made-up"
        assert told()[-2:] == [UNDONE["stop"], UNDONE["freeze"]]
        assert heal(lab) == ""

    @pytest.mark.parametrize(("key", "value"), [("kind", "burn"), ("at", "swift"), ("node", "net9")])
    def test_what_is_no_longer_known_is_not_taken_for_undone(
        self, lab: Deployment, told: Callable[[], list[str]], key: str, value: str
    ) -> None:
        put_in(lab, fault("freeze"))
        noted = json.loads((lab.directory / FILE).read_text())
        noted["entries"][0][key] = value
        (lab.directory / FILE).write_text(json.dumps(noted))
        before = told()
        with pytest.raises(SourceError, match=f"made-up is still in: .*{value}.*by hand"):
            heal(lab)
        assert told() == before
        assert len(journal(lab).entries) == 1

    def test_one_fault_at_a_time(self, lab: Deployment, told: Callable[[], list[str]]) -> None:
        put_in(lab, fault("freeze"))
        before = told()
        with pytest.raises(ConfigurationError, match=r"a drill's fault is in this lab: .*--heal"):
            put_in(lab, fault("stop"))
        assert told() == before
        assert journal(lab).fault == "made-up"

    def test_a_lab_without_the_service_is_not_touched(
        self, lab: Deployment, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(ConfigurationError, match="'swift' runs on no node of this lab"):
            put_in(lab, fault("stop", at="swift"))
        monkeypatch.setitem(OPTIONS, "peer", "swift")
        with pytest.raises(ConfigurationError, match="'swift' runs on no node of this lab"):
            put_in(lab, fault("stop", "lose"))
        assert told() == []
        assert not (lab.directory / FILE).exists()


def journal(lab: Deployment) -> FaultJournal:
    found = FaultJournal(lab.directory)
    assert found.read()
    return found


class TestJournal:
    def test_is_its_owners_alone(self, tmp_path: Path) -> None:
        FaultJournal(tmp_path).begin("x")
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "is not JSON"),
            ("[]", r'top: \[\] is not of type "object"'),
            ('{"schema": 2, "fault": "x", "entries": []}', "schema: 2, and this hoplab knows 1"),
            ('{"schema": 1, "fault": "x", "entries": [{}]}', 'entries.0: "kind" is a required property'),
        ],
    )
    def test_a_damaged_one_is_refused_and_kept(self, lab: Deployment, text: str, said: str) -> None:
        (lab.directory / FILE).write_text(text)
        with pytest.raises(ConfigurationError, match=f"{FILE}: {said}.*by hand"):
            heal(lab)
        assert (lab.directory / FILE).read_text() == text

    def test_one_that_was_only_begun_has_nothing_to_undo(self, lab: Deployment, told: Callable[[], list[str]]) -> None:
        (lab.directory / FILE).touch()
        assert heal(lab) == ""
        assert not (lab.directory / FILE).exists()
        assert told() == []
