"""Journeys: each is a directory and a class; what names none is a launch; what one can't do is refused."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from hoplab.commands.main import main
from hoplab.flow import loader
from hoplab.flow.loader import journeys, load, load_all, load_journey
from hoplab.flow.model import LAUNCH
from hoplab.join.ids import learn
from hoplab.launch.attachment import Target
from hoplab.launch.networks import TenantNetwork
from hoplab.launch.plan import Plan
from hoplab.model.errors import EXIT_HOLDS, EXIT_USAGE, ConfigurationError
from hoplab.model.events import Event
from hoplab.run.record import JOURNEY, read_record, write_record
from hoplab.session.known_journeys import JOURNEYS
from samples.flows import GOOD, write
from samples.flows import JOURNEY as SMALL
from samples.runs import recorded

ATTACH = "volume-attach"
TARGET = Target("instance-1", "hoplab-1", "cmp1", "volume-1", own=False)


class TestLoader:
    def test_each_directory_has_its_class_and_the_launch_is_first(self) -> None:
        assert journeys()[0] == LAUNCH
        assert set(journeys()) == set(JOURNEYS)
        assert {name: kind.name for name, kind in JOURNEYS.items()} == {name: name for name in JOURNEYS}

    @pytest.mark.parametrize("name", journeys())
    def test_each_is_whole(self, name: str) -> None:
        catalogue = load_journey(name)
        assert catalogue.name == name
        listed = {hop for step in catalogue.flows[catalogue.main].steps for hop in step.hops}
        assert listed | set(catalogue.flows[catalogue.main].also) == set(catalogue.hops)
        assert catalogue.succeeded(catalogue.done)
        assert not catalogue.succeeded("")
        learnt = {lesson.name for lesson in catalogue.lessons}
        assert {"global-request"} <= set(catalogue.known)
        assert not learnt & {"global-request"}

    @pytest.mark.parametrize("name", journeys())
    def test_what_is_known_beforehand_is_what_the_class_knows(self, name: str) -> None:
        journey: Any = JOURNEYS[name](Plan())
        assert journey.known() == {}
        if name == LAUNCH:
            tenant = TenantNetwork("n", "s", "r")
            journey.prepared = SimpleNamespace(image_id="i", volume_id="v", tenant=tenant)
        else:
            journey.target = TARGET
        assert {"global-request", *journey.known()} == set(load_journey(name).known)

    def test_another_name_is_refused_with_all_there_are(self) -> None:
        with pytest.raises(ConfigurationError, match="there is no journey 'nap': there are launch, volume-attach"):
            load_journey("nap")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"main": "other"}, r"journey\.yaml: main: there is no flow other: there are small"),
            ({"done": ""}, r'journey\.yaml: .*done: "" is shorter than 3 characters'),
            (
                {"requests": {"asked": "servers", "polled": "servers"}},
                r'journey\.yaml: .*requests.*asked: "servers" does not match',
            ),
            ({"known": ["luck"]}, r'journey\.yaml: .*known: .*"luck" is not one of'),
            (
                {
                    "learnt": [
                        {"id": "port", "from": ["http.sent"], "where": {"path": "/{luck}"}, "beside": ["instance"]}
                    ]
                },
                r"learnt 1: where has \{luck\}: there is no id luck",
            ),
        ],
    )
    def test_what_is_not_right_in_it_is_refused(self, tmp_path: Path, change: dict[str, Any], said: str) -> None:
        directory = write(tmp_path)
        (directory / "journey.yaml").write_text(yaml.safe_dump(SMALL | change))
        with pytest.raises(ConfigurationError, match=said):
            load(directory)

    def test_a_hop_is_of_one_journey_and_a_directory_has_its_journey_s_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copy(loader.HERE / "schema.yaml", tmp_path)
        monkeypatch.setattr(loader, "HERE", tmp_path)
        for name in ("small", "other"):
            (tmp_path / name).mkdir()
            write(tmp_path / name)
        with pytest.raises(ConfigurationError, match="journey is 'small', and the directory's name says 'other'"):
            load_journey("other")
        (tmp_path / "other" / "journey.yaml").write_text(yaml.safe_dump(SMALL | {"journey": "other"}))
        with pytest.raises(ConfigurationError, match="small: ask is one of the journey other, too"):
            load_all()
        hops = GOOD.replace("hop: ask", "hop: beg").replace("[ask]", "[beg]").replace("hop: answer", "hop: give")
        (tmp_path / "other" / "hops" / "1.yaml").write_text(hops)
        flow = "flow: little\ntitle: A little flow\nsteps:\n  - {step: '1', hops: [beg, give]}\n"
        (tmp_path / "other" / "small.yaml").rename(tmp_path / "other" / "little.yaml").write_text(flow)
        (tmp_path / "other" / "journey.yaml").write_text(yaml.safe_dump(SMALL | {"journey": "other", "main": "little"}))
        assert list(load_all()) == ["other", "small"]

    def test_an_id_is_learnt_from_where_another_one_stands(self) -> None:
        catalogue = load_journey(ATTACH)
        known = {"global-request": frozenset({"req-g"}), "instance": frozenset({"instance-1"})}

        def served(path: str, request: str) -> Event:
            ids = {"global-request": frozenset({"req-g"}), "request": frozenset({request})}
            return Event(1.0, "ctl1", "log", "nova-api", "http.served", {"method": "POST", "path": path}, ids, "")

        events = [
            served("/v2.1/servers/instance-1/os-volume_attachments", "req-nova"),
            served("/v2.1/servers/instance-2/os-volume_attachments", "req-other"),
            served("/v3/attachments", "req-cinder"),
        ]
        assert learn(events, known, catalogue.lessons)["request"] == {"req-nova"}


class TestCommandLine:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["verify", "--journey", "nap"], "there is no journey 'nap': there are launch, volume-attach"),
            (["watch", "--journey", "nap"], "there is no journey 'nap': there are launch, volume-attach"),
            (["drill", "--list", "--journey", "nap"], "there is no journey 'nap': there are launch, volume-attach"),
            (["explain", "--journey", "nap"], "there is no journey 'nap': there are launch, volume-attach"),
            (["verify", "--journey", ATTACH, "--count", "2"], "--count is for the journey launch"),
            (["verify", "--journey", ATTACH, "--warm"], "--warm is for the journey launch"),
            (["watch", "--journey", ATTACH, "--warm"], "--warm is for the journey launch"),
            (
                ["verify", "--journey", ATTACH, "--flow", "launch-58"],
                "there is no flow 'launch-58' of the journey volume-attach: there are attach-20",
            ),
            (["verify", "--flow", "attach-20"], "there is no flow 'attach-20' of the journey launch: there are"),
        ],
    )
    def test_what_can_t_be_done_is_refused_before_a_lab_is_looked_for(
        self, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOPLAB_LAB", "/nowhere")
        assert main(arguments) == EXIT_USAGE
        assert said in capsys.readouterr().err

    def test_a_hop_is_explained_whichever_journey_it_is_of(self, capsys: pytest.CaptureFixture[str]) -> None:
        for arguments in (["disk-use"], ["--journey", ATTACH, "18"]):
            assert main(["explain", *arguments]) == EXIT_HOLDS
            assert capsys.readouterr().out.startswith("disk-use: guest to qemu")

    def test_faults_are_listed_by_journey(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["drill", "--list", "--json", "--journey", ATTACH]) == EXIT_HOLDS
        listed = {row["fault"] for row in json.loads(capsys.readouterr().out)}
        assert main(["drill", "--list", "--json", "--journey", LAUNCH]) == EXIT_HOLDS
        others = {row["fault"] for row in json.loads(capsys.readouterr().out)}
        assert len(listed) > 2
        assert not listed & others


class TestRecord:
    def test_one_that_names_none_is_a_launch(self, tmp_path: Path) -> None:
        record = recorded("cold").record
        assert "journey" not in json.loads((recorded("cold").directory / JOURNEY).read_text())
        assert record.journey == LAUNCH
        write_record(record, tmp_path)
        assert json.loads((tmp_path / JOURNEY).read_text())["journey"] == LAUNCH
        assert read_record(tmp_path) == record

    def test_one_of_an_unknown_journey_is_refused(self, tmp_path: Path) -> None:
        write_record(recorded("cold").record, tmp_path)
        plain = json.loads((tmp_path / JOURNEY).read_text())
        (tmp_path / JOURNEY).write_text(json.dumps(plain | {"journey": "nap"}))
        with pytest.raises(ConfigurationError, match=r'journey\.json: journey: "nap" is not one of'):
            read_record(tmp_path)
