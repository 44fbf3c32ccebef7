"""The faults as data: what they name is there, there are as many as promised, and what is not right is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hoplab.drill import loader
from hoplab.flow.loader import load_all
from hoplab.model.errors import ConfigurationError
from hoplab.run.record import PREPARATION

CATALOGUES = load_all()
CATALOGUE = CATALOGUES["launch"]
FAULTS = loader.load(CATALOGUES)
ROOT = Path(__file__).resolve().parents[2]
FEWEST_FAULTS, FEWEST_HOPS = 45, 40
FEWEST_REPORTED, FEWEST_BEFORE, FEWEST_UNPREPARED = 25, 12, 8


class TestFaults:
    @pytest.mark.parametrize("name", FAULTS)
    def test_each_breaks_a_hop_of_the_list_or_one_that_they_rest_on_or_the_preparation(self, name: str) -> None:
        fault = FAULTS[name]
        catalogue = CATALOGUES[fault.journey]
        flow = catalogue.flows[catalogue.main]
        for one in (fault, fault.before):
            if one is not None and not one.only_early and one.hop != PREPARATION:
                assert flow.numbers(one.hop) or one.hop in flow.also
        assert fault.hop or fault.before is not None

    def test_there_are_as_many_as_promised(self) -> None:
        flow = CATALOGUE.flows["launch-58"]
        assert len(FAULTS) >= FEWEST_FAULTS
        assert (
            len({fault.hop for fault in FAULTS.values() if flow.numbers(fault.hop) and not fault.slows}) >= FEWEST_HOPS
        )

    def test_as_many_as_promised_happened_to_others_who_tell_of_it(self) -> None:
        reported = [fault for fault in FAULTS.values() if fault.origin]
        assert len(reported) >= FEWEST_REPORTED
        assert sum(one.before is not None for one in reported) >= FEWEST_BEFORE
        assert sum(one.before is not None and one.before.hop == PREPARATION for one in reported) >= FEWEST_UNPREPARED

    @pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.origin])
    def test_what_happened_to_others_is_to_be_shown_with_its_cause(self, name: str) -> None:
        forms = [FAULTS[name], FAULTS[name].before]
        assert all(form.shows for form in forms if form is not None and not form.only_early)

    def test_every_numbered_hop_is_broken_by_one_or_the_flow_says_why_not(self) -> None:
        flow, broken = CATALOGUE.flows["launch-58"], {fault.hop for fault in FAULTS.values() if not fault.slows}
        listed = {name for step in flow.steps for name in step.hops}
        assert {name for name in listed if CATALOGUE.hops[name].not_alone} == listed - broken

    def test_one_of_each_component_is_quick(self) -> None:
        quick = [fault.component for fault in FAULTS.values() if fault.quick]
        assert sorted(quick) == sorted({each_fault.component for each_fault in FAULTS.values()})

    @pytest.mark.parametrize("name", FAULTS)
    def test_each_is_done_to_a_service_that_a_role_has(self, name: str) -> None:
        known = set()
        for path in ROOT.glob("roles/*/defaults/main.yml"):
            for key, value in (yaml.safe_load(path.read_text()) or {}).items():
                known |= {service["name"] for service in value} if key.endswith("_services") else set()
        peers = {means.options.get("peer", means.at) for means in FAULTS[name].means} - {"client"}
        assert {means.at for means in FAULTS[name].means} | peers <= known

    @pytest.mark.parametrize(
        ("key", "value", "said"),
        [
            ("breaks", "no-such-hop", "fault made-up: breaks: there is no hop no-such-hop"),
            ("means", [{"do": "burn", "at": "keystone"}], "fault made-up: means 1: do is 'burn': it may be stop, "),
            ("means", [{"do": "lock-account", "at": "mariadb"}], "means 1: account is missing"),
            ("means", [{"do": "stop", "at": "keystone", "user": "x"}], "means 1: user is nothing that stop knows"),
            (
                "means",
                [{"do": "lose", "at": "keystone", "peer": "client", "way": "in", "own": "port"}],
                "means 1: own is 'port': it may be global-request, image, network, volume",
            ),
            ("means", [], r"fault made-up: means: \[\] has less than 1 item"),
            ("besides", ["no-such-hop"], "fault made-up: besides: there is no hop no-such-hop"),
            ("slows", "token-request", "fault made-up: .* is valid under more than one"),
            ("launches", 9, "fault made-up: launches: 9 is greater than the maximum"),
            ("wait", 1, "fault made-up: wait: 1 is less than the minimum"),
            ("sees", {"status": "GONE", "says": ""}, 'sees: status: "GONE" is not one of'),
            ("from", "somewhere", 'fault made-up: from: "somewhere" does not match'),
            ("before", {"breaks": "no-such-hop"}, "before.breaks: there is no hop no-such-hop"),
            ("before", {"service": "cinder-api"}, "fault made-up: before: .* is not valid under any of"),
            ("before", {"service": "cinder-api", "request": "volumes"}, 'before.*"volumes" does not match'),
            ("shows", ["x"], 'shows.*"x" is shorter than'),
            ("colour", "red", "fault made-up: Additional properties are not allowed"),
        ],
    )
    def test_what_is_not_right_is_refused_with_its_place(
        self, tmp_path: Path, key: str, value: object, said: str
    ) -> None:
        entry: dict[str, Any] = {
            "fault": "made-up",
            "title": "Something is wrong.",
            "means": [{"do": "stop", "at": "keystone"}],
            "breaks": "token-request",
            "sees": {"status": "", "says": ""},
            "wait": 30,
        }
        path = tmp_path / "01-made.yaml"
        path.write_text(yaml.safe_dump({"component": "keystone", "faults": [entry]}))
        assert list(loader.load(CATALOGUES, tmp_path)) == ["made-up"]
        path.write_text(yaml.safe_dump({"component": "keystone", "faults": [{**entry, key: value}]}))
        with pytest.raises(ConfigurationError, match=said):
            loader.load(CATALOGUES, tmp_path)
        path.write_text(yaml.safe_dump({"component": "keystone", "faults": [entry, entry]}))
        with pytest.raises(ConfigurationError, match="fault made-up is there twice"):
            loader.load(CATALOGUES, tmp_path)

    def test_a_fault_may_break_the_preparation_only(self, tmp_path: Path) -> None:
        entry: dict[str, Any] = {
            "fault": "no-volumes",
            "title": "The quota of volumes is 0.",
            "means": [{"do": "stop", "at": "cinder-volume"}],
            "before": {"service": "cinder-api", "request": "POST /v3/volumes", "shows": ["VolumeLimitExceeded"]},
            "wait": 30,
        }
        path = tmp_path / "01-made.yaml"
        path.write_text(yaml.safe_dump({"component": "cinder", "faults": [entry]}))
        fault = loader.load(CATALOGUES, tmp_path)["no-volumes"]
        assert fault.only_early
        early = fault.before
        assert early is not None
        assert (early.early, early.hop, early.service, early.request, early.shows) == (
            True,
            "preparation",
            "cinder-api",
            "POST /v3/volumes",
            ("VolumeLimitExceeded",),
        )

    def test_put_in_before_a_fault_breaks_the_same_hop_unless_the_file_says_another(self) -> None:
        for fault in FAULTS.values():
            ids = {means.options.get("own", "global-request") for means in fault.means}
            assert (fault.before is None) == (ids != {"global-request"})
        stopped = FAULTS["conductor-stopped"].before
        assert stopped is not None
        assert (stopped.early, stopped.hop) == (True, "schedule-take")
