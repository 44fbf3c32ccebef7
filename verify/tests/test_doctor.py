"""What can be seen in a cloud, as `hoplab doctor` tells it from its description alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hoplab.commands import main as cli
from hoplab.flow.actors import ACTORS, Actor
from hoplab.flow.loader import load_all
from hoplab.flow.sources import source_kinds
from hoplab.flow.visibility import narrowed
from hoplab.lab.profile import HERE, load_profile, profile_path
from hoplab.model.errors import ConfigurationError
from hoplab.report.doctor import KNOWN, examine
from hoplab.report.explanation import find_hop
from samples.runs import CATALOGUE, FLOW

Document = dict[str, Any]
PLAIN = load_profile(profile_path("plain"))
ALL: Document = {"name": "cinder-api", "unit": "x.service", "port": None, "logs": []}


@pytest.fixture
def whole(document: Document, write_lab: Callable[[object], Path]) -> Path:
    """The description of a lab in which each service runs on the first node."""
    names = sorted({kind.service for kind in _actors() if kind.service})
    document["nodes"][0]["services"] = [{**ALL, "name": name} for name in names]
    return write_lab(document)


def _actors() -> list[Actor]:

    return list(ACTORS.values())


def doctor(capsys: pytest.CaptureFixture[str], lab: Path, *arguments: str) -> str:
    assert cli.main(["--lab", str(lab), "doctor", *arguments]) == 0
    return capsys.readouterr().out


class TestProfiles:
    def test_the_lab_s_shows_all_of_every_journey(self) -> None:
        for catalogue in load_all().values():
            assert narrowed(catalogue, load_profile().sources(0), KNOWN) == catalogue

    def test_a_level_adds_to_those_below_it_what_is_its_own(self) -> None:
        for level in range(1, 5):
            added = set(PLAIN.sources(level)) - set(PLAIN.sources(level - 1))
            assert {source_kinds()[name].level for name in added} == {level}

    def test_another_one_has_its_logs_where_the_lab_has_them(self) -> None:
        assert PLAIN.logs == load_profile().logs

    def test_one_that_there_is_not_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="there is no profile 'luck': there are lab, plain"):
            profile_path("luck")

    @pytest.mark.parametrize(
        ("key", "value", "said"),
        [
            ("deployed", ["luck"], "deployed.0: there is no kind of source luck"),
            ("switchable", ["access-log"], "switchable.0: access-log has no level"),
            ("logs_of", "luck", "there is no profile 'luck'"),
            ("logs", [], "top"),
            ("colour", "red", "colour"),
        ],
    )
    def test_a_wrong_one_is_refused(self, tmp_path: Path, key: str, value: object, said: str) -> None:
        path = tmp_path / "plain.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load((HERE / "plain.yaml").read_text()), key: value}))
        with pytest.raises(ConfigurationError) as caught:
            load_profile(path)
        assert said in str(caught.value)


class TestExamination:
    def test_in_the_lab_all_has_two_witnesses_and_a_launch_is_next(
        self, whole: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said = doctor(capsys, whole)
        assert "level 0 (this one): 73 hops by two witnesses, 0 by one, 0 not for sure" in said
        assert "located to 1.00 hops in the mean, 73 of 73 exactly" in said
        assert said.endswith("nothing was changed, and nothing was launched\nrun next: hoplab verify\n")

    def test_where_less_is_shown_it_says_why_and_what_would_show_more(
        self, whole: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said = doctor(capsys, whole, "--profile", "plain")
        assert "adds the broker's trace: costs a copy of each message" in said
        assert "undone: the trace is switched off on each node and vhost" in said
        assert "a break would show nowhere: glance-token-validation, neutron-token-validation" in said
        assert said.endswith("run next: hoplab doctor --profile plain --level 2\n")

    def test_its_numbers_are_those_by_which_a_run_is_judged(
        self, whole: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        found = json.loads(doctor(capsys, whole, "--profile", "plain", "--level", "2", "--json"))
        hops = {hop["name"]: hop for hop in found["hops"]}
        assert hops["schedule-cast"]["told"] == "seen"
        assert hops["schedule-cast"]["two_witnesses_from"] == 3
        assert hops["schedule-cast"]["seen_by"] == ["rabbitmq"]
        assert hops["schedule-cast"]["missing"][0]["sources"] == [
            {"source": "messaging-log", "called": "oslo.messaging's DEBUG lines", "level": 3}
        ]
        assert hops["object-read"]["why"] == "it takes Ceph's debug lines (level 4)"
        assert hops["image-request"]["told"] == "not observable"
        assert hops["image-request"]["why"].endswith("nor whether it was needed")
        assert [level["candidates_mean"] for level in found["levels"]] == [3.59, 3.56, 2.47, 1.48, 1.23]
        assert set(found["candidates"]) == set(CATALOGUE.hops)

    def test_a_daemon_that_no_node_runs_is_told(
        self, document: Document, write_lab: Callable[[object], Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        said = doctor(capsys, write_lab(document))
        assert "not in the description: no node runs rabbitmq, so its word is not to be had" in said
        assert "no node runs nova-scheduler" not in said

    def test_there_is_always_a_command_that_can_be_run_next(self) -> None:
        for level in range(5):
            told = examine(CATALOGUE, FLOW, PLAIN, level)["next"].split()
            assert told[:2] in (["hoplab", "doctor"], ["hoplab", "explain"])
        assert find_hop(CATALOGUE, FLOW, told[2])

    def test_each_journey_has_its_own(self, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
        found = json.loads(doctor(capsys, whole, "--journey", "volume-attach", "--profile", "plain", "--json"))
        assert len(found["hops"]) == 20
        assert found["flow"] == "attach-20"

    def test_a_profile_that_there_is_not_is_told(self, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["--lab", str(whole), "doctor", "--profile", "luck"]) == 2
        assert "there is no profile 'luck': there are lab, plain" in capsys.readouterr().err

    def test_a_level_that_there_is_not_is_told(self, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            cli.main(["--lab", str(whole), "doctor", "--level", "5"])
        assert ended.value.code == 2
        assert "invalid choice: 5" in capsys.readouterr().err
