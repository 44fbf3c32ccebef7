"""Profiles, of which sources there are, and journey.json, of what was read of them."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hoplab.flow.actors import BY_RECORDER, SERVICES
from hoplab.lab.deployment import Node, Service
from hoplab.lab.profile import HERE, load_profile
from hoplab.model.clocks import NodeClock
from hoplab.model.errors import ConfigurationError
from hoplab.model.sources import Source
from hoplab.model.states import StateSeen
from hoplab.parse.forms import FORMS
from hoplab.run.record import FORM, JOURNEY, RunRecord, Unit, point_latest, read_record, share_raw, write_record
from samples.runs import read_run

ROLES = Path(__file__).parents[2] / "roles"
LAB = yaml.safe_load((HERE / "lab.yaml").read_text())
Document = dict[str, Any]


def declared() -> list[Service]:
    """Return the services that the roles declare, with their log files as on a node `n1`."""
    found = []
    for path in sorted(ROLES.glob("*/defaults/main.yml")):
        defaults = yaml.safe_load(path.read_text()) or {}
        for entry in defaults.get(f"{path.parents[1].name}_services", []):
            logs = tuple(log.replace("{{ inventory_hostname }}", "n1") for log in entry.get("logs", []))
            found.append(Service(entry["name"], f"{entry['name']}.service", None, logs))
    return found


SERVICES_OF_ROLES = declared()
NODE = Node("n1", "10.0.0.1", frozenset(), tuple(SERVICES_OF_ROLES))


class TestLab:
    def test_every_line_is_for_a_log_that_some_role_declares(self) -> None:
        """A line that fits nothing would be a source that everybody believes is read."""
        expected = load_profile().expected(NODE)
        assert len(expected) > 20
        for _service, _file, who, form in load_profile().logs:
            assert (who, form) in expected.values()

    @pytest.mark.parametrize("service", SERVICES_OF_ROLES, ids=lambda service: service.name)
    def test_a_log_is_the_word_of_the_service_that_writes_it(self, service: Service) -> None:
        actor = {name: who for who, name in SERVICES.items()}.get(service.name)
        for log in service.logs:
            known = load_profile().log(NODE, log)
            if known is not None:
                assert known[0] == ("dnsmasq" if log.endswith("dhcp_dns_log") else actor)

    @pytest.mark.parametrize("actor", sorted({line["service"] for line in LAB["logs"]}))
    def test_no_log_of_a_service_that_speaks_is_left_out(self, actor: str) -> None:
        logs = [log for service in SERVICES_OF_ROLES if service.name == actor for log in service.logs]
        assert logs
        assert [log for log in logs if load_profile().log(NODE, log) is None] == []

    def test_every_form_has_a_parser(self) -> None:
        named = [form for _service, _file, _who, form in load_profile().logs]
        named += [form for _who, form in BY_RECORDER.values()]
        assert set(named) - set(FORMS) == set()

    def test_the_first_line_that_fits_is_taken(self) -> None:
        path = "/var/log/neutron/8a7d5ebe/dhcp_dns_log"
        assert load_profile().log(NODE, path) == ("dnsmasq", "dnsmasq")
        assert load_profile().log(NODE, "/var/log/neutron/neutron-dhcp-agent.log") == ("dhcp-agent", "openstack")

    @pytest.mark.parametrize("path", ["/var/log/other.log", "/var/log/nova/nova-api.log.1", ""])
    def test_what_no_service_writes_is_nobody_s_word(self, path: str) -> None:
        assert load_profile().log(NODE, path) is None


class TestFaults:
    @pytest.mark.parametrize(
        ("change", "place", "said"),
        [
            ({"logs": [{"service": "x", "file": "*", "who": "x", "form": 5}]}, "logs.0.form", "5 is not of type"),
            ({"logs": [{"service": "x", "who": "x"}]}, "logs.0", '"file" is a required property'),
            ({"logs": [{"service": "x", "file": "*"}]}, "logs.0", "no actor is x"),
            ({"logs": [{"service": "x", "file": "*", "who": "nova"}]}, "logs.0", "there is no actor nova"),
            ({"logs": [{"service": "mariadb", "file": "*"}]}, "logs.0", "logs of database have no form of their own"),
            ({"logs": {}}, "logs", '{} is not of type "array"'),
            ({"more": 1}, "top", "'more' was unexpected"),
            ({5: 1}, "top", "the key 5 is no text"),
        ],
    )
    def test_file_place_and_value_are_named(
        self, tmp_path: Path, change: dict[object, object], place: str, said: str
    ) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(LAB | change))
        with pytest.raises(ConfigurationError) as caught:
            load_profile(path)
        assert str(caught.value).startswith(f"{path}: {place}: ")
        assert said in str(caught.value)

    @pytest.mark.parametrize("text", ["", "5", "[", "a: 2026-13-45", "a: &x [*x]", "\0", "? {a: 1}\n: 2", "- " * 3000])
    def test_what_is_no_profile_is_refused(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=r"mine\.yaml"):
            load_profile(path)

    def test_one_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"none\.yaml"):
            load_profile(tmp_path / "none.yaml")


RECORD = RunRecord(
    run="20261121T081042-32523868",
    release="2025.1",
    inventory="local",
    warm=False,
    started=1795248642.1,
    ended=1795248676.9,
    ids={"instance": frozenset({"i"}), "port": frozenset({"p", "q"}), "none": frozenset()},
    name="hoplab-1 \u20ac",
    host="cmp1",
    status="ACTIVE",
    seconds_to_active=18.7,
    error="",
    sources=(Source("ctl1", "broker", "rabbitmq", "broker", 6), Source("cmp1", "x", "y", "oracle", 0, "gone")),
    clocks={"ctl1": NodeClock(-0.1, 0.02)},
    hosts={"10.0.0.1": "ctl1"},
    units={"x.service": "x"},
    pools={"1": "vms"},
    seen=(StateSeen(0.5, "BUILD", None, None), StateSeen(1.5, "ACTIVE", "spawning", "active")),
    states=(Unit("ctl1", "x", "x.service", "active (running)"),),
)


class TestRecord:
    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        for record in (RECORD, dataclasses.replace(RECORD, seconds_to_active=None, host="", seen=(), states=())):
            write_record(record, tmp_path)
            assert read_record(tmp_path) == record
        assert [path.name for path in tmp_path.iterdir()] == [JOURNEY]

    def test_the_form_has_every_field(self) -> None:
        assert set(FORM["properties"]) == {"schema"} | {field.name for field in dataclasses.fields(RunRecord)}
        jsonschema.Draft202012Validator.check_schema(FORM)

    def damaged(self, directory: Path, text: str) -> str:
        (directory / JOURNEY).write_text(text)
        with pytest.raises(ConfigurationError) as caught:
            read_record(directory)
        assert str(caught.value).startswith(f"{directory / JOURNEY}: ")
        return str(caught.value)

    @pytest.mark.parametrize("field", [name for name in FORM["properties"] if name != "schema"])
    @pytest.mark.parametrize("value", ["none", 5, None, True, [5], {"x": {"y": []}}])
    def test_a_field_that_is_not_what_it_was_is_named(self, tmp_path: Path, field: str, value: object) -> None:
        write_record(RECORD, tmp_path)
        whole: Document = json.loads((tmp_path / JOURNEY).read_text())
        changed = whole | {field: value}
        if jsonschema.Draft202012Validator(FORM).is_valid(changed):
            return
        assert field in self.damaged(tmp_path, json.dumps(changed))
        if field in FORM["required"]:
            less = {name: one for name, one in whole.items() if name != field}
            assert field in self.damaged(tmp_path, json.dumps(less))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (
                {"sources": [{"node": "a", "name": "b", "who": "c", "form": "d", "size": -1, "problem": ""}]},
                "0.size: -1",
            ),
            ({"clocks": {"ctl1": {"offset": "x", "uncertainty": 0}}}, 'clocks.ctl1.offset: "x"'),
            ({"ids": {"port": "p"}}, 'ids.port: "p"'),
            ({"schema": 2}, "schema: 2, and this hoplab knows 1"),
            ({"schema": [1]}, "schema: [1]"),
            ({"started": math.nan}, "NaN is no number"),
        ],
    )
    def test_place_and_value_are_named(self, tmp_path: Path, change: Document, said: str) -> None:
        write_record(RECORD, tmp_path)
        assert said in self.damaged(tmp_path, json.dumps(json.loads((tmp_path / JOURNEY).read_text()) | change))

    @pytest.mark.parametrize("text", ["", "[]", "5", "null", "{", "\x00", "[" * 100000, '{"schema": 1}', "9" * 5000])
    def test_what_is_no_journey_is_refused(self, tmp_path: Path, text: str) -> None:
        self.damaged(tmp_path, text)

    def test_what_is_not_there_says_what_to_name(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="name a run's directory"):
            read_record(tmp_path)

    @given(st.data())
    def test_a_journey_that_was_cut_is_refused(self, data: st.DataObject) -> None:
        with pytest.MonkeyPatch.context() as patch:
            whole = _text(RECORD)
            cut = whole[: data.draw(st.integers(0, len(whole) - 3))]
            patch.setattr(Path, "read_text", lambda _self, encoding: cut.encode().decode(encoding))
            with pytest.raises(ConfigurationError):
                read_record(Path("run"))

    def test_latest_is_the_last_that_was_pointed_to(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            point_latest(tmp_path / name)
            assert (tmp_path / "latest").resolve() == tmp_path / name
        assert len(list(tmp_path.iterdir())) == 3

    def test_raw_files_are_shared_with_a_run_of_the_same_recording(self, tmp_path: Path) -> None:
        file = tmp_path / "one" / "raw" / "ctl1" / "var" / "a.log"
        file.parent.mkdir(parents=True)
        file.write_text("x\n")
        share_raw(tmp_path / "one", tmp_path / "two")
        assert (tmp_path / "two" / "raw" / "ctl1" / "var" / "a.log").samefile(file)


def _text(record: RunRecord) -> str:
    plain = {"schema": 1, **dataclasses.asdict(record)}
    return json.dumps(plain | {"ids": {name: sorted(some) for name, some in record.ids.items()}})


class TestReading:
    def run(self, tmp_path: Path, text: str) -> dict[str, str]:
        """Return what is wrong with each source of a run, in which one has a text."""
        (tmp_path / "raw" / "ctl1").mkdir(parents=True)
        (tmp_path / "raw" / "ctl1" / "broker").write_text(text)
        return {source.name: source.problem for source in read_run(tmp_path, RECORD)[1]}

    def test_a_form_that_nobody_knows_is_a_problem_of_its_source(self, tmp_path: Path) -> None:
        problems = self.run(tmp_path, "null\n\n")
        assert problems == {"broker": "", "x": "its form 'oracle' is not known to this hoplab"}

    def test_a_file_that_is_not_as_long_as_it_was_written_is_damaged(self, tmp_path: Path) -> None:
        assert "4 bytes, and 6 were written" in self.run(tmp_path, "null")["broker"]

    def test_what_happened_when_the_launch_was_over_does_not_count(self, tmp_path: Path) -> None:
        text = "".join(json.dumps({"sent": time, "method": "GET", "path": "/"}) + "\n" for time in (5.0, 10.1, 10.3))
        (tmp_path / "raw" / "ctl1").mkdir(parents=True)
        (tmp_path / "raw" / "ctl1" / "http").write_text(text)
        source = Source("ctl1", "http", "client", "client", len(text))
        clocks = {"ctl1": NodeClock(0.2, 0.01)}
        events, _sources = read_run(tmp_path, dataclasses.replace(RECORD, ended=10.0, sources=(source,), clocks=clocks))
        assert [event.time for event in events] == [5.0, 10.1]
