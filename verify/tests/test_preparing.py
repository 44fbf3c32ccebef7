"""A preparation that fails is a stage of its own: what was asked for, of whom, with which answer, and never Nova's."""

import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from rich.console import Console

from hoplab.capture.client import ClientRecorder, _Adapter
from hoplab.drill.outcomes import shows
from hoplab.lab.deployment import Deployment, Service
from hoplab.launch.plan import Plan
from hoplab.model.errors import ConfigurationError, LaunchError
from hoplab.report.explanation import LastRun, explain
from hoplab.report.html import render_html
from hoplab.report.junit import render_junit
from hoplab.report.terminal import show_report
from hoplab.run.record import FailedPreparation, LogLine, RunRecord, Unit, read_record, write_record
from hoplab.session.attempt import Attempt
from hoplab.session.daemons import logged_at
from hoplab.session.judge_run import judge_run
from hoplab.session.launch_journey import Launch
from hoplab.session.preparation import Preparation, _chosen, _decisive_request, _service
from samples.made_runs import CATALOGUE, FLOW

WHY = FailedPreparation(
    step="volume",
    service="cinder-api",
    request="POST /v3/volumes",
    answer="413: Maximum number of volumes allowed (0) exceeded",
    request_id="req-1a516560",
    down=("cinder-volume@ctl1@rbd",),
    log=(
        LogLine("ctl1", "/var/log/cinder/cinder-api.log", "2026-11-27 00:39:20.982 1 ERROR cinder [req-1a516560] no"),
    ),
)
RECORD = RunRecord(
    run="r1",
    release="2025.1",
    inventory="local",
    warm=False,
    started=1795246329.0,
    ended=1795246339.0,
    ids={"global-request": frozenset({"req-1"})},
    name="hoplab-verify-1",
    host="",
    status="",
    seconds_to_active=None,
    error="before the launch: 413",
    sources=(),
    clocks={},
    hosts={},
    units={},
    pools={},
    states=(
        Unit("ctl1", "cinder-api", "cinder-api.service", "active (running)"),
        Unit("ctl1", "cinder-volume", "cinder-volume.service", "inactive (dead)"),
    ),
    unprepared=WHY,
    notes=("going on with image a",),
)
TOLD = (
    "POST /v3/volumes",
    "req-1a516560",
    "413: Maximum number of volumes allowed (0) exceeded",
    "cinder-volume.service on ctl1 is inactive (dead)",
    "cinder-volume@ctl1@rbd is down",
    "/var/log/cinder/cinder-api.log",
)


@pytest.fixture
def report(tmp_path: Path) -> dict[str, Any]:
    """The report of a launch that was never asked for."""
    write_record(RECORD, tmp_path)
    assert read_record(tmp_path) == RECORD
    return judge_run(tmp_path, CATALOGUE, FLOW)


def test_the_stage_is_named_and_no_hop_is(report: dict[str, Any]) -> None:
    assert report["result"] == "failed"
    assert report["first_unproven"] == {
        "stage": "preparation",
        "hop": None,
        "name": "preparation",
        "service": "cinder-api",
        "request": "POST /v3/volumes",
    }
    assert {hop["verdict"] for hop in report["hops"]} == {"blocked"}
    assert report["failure"] is None
    assert report["preparation"]["nodes"] == ["ctl1"]
    assert "on ctl1: systemctl status cinder-volume.service" in report["preparation"]["next"]


def test_all_forms_of_the_report_tell_of_it(report: dict[str, Any], tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        show_report(report, Console(file=stream))
    with (tmp_path / "explained").open("w") as stream:
        hop = CATALOGUE.hops["volume-request"]
        explain(CATALOGUE, hop, Console(file=stream), None, LastRun(tmp_path, report, ""))
    forms = {
        "terminal": (tmp_path / "out").read_text(),
        "explain": (tmp_path / "explained").read_text(),
        "html": render_html(report),
        "junit": render_junit(report),
        "json": json.dumps(report),
    }
    missing = [(form, text) for form, said in forms.items() for text in TOLD if text not in said]
    assert missing == []
    assert "Nothing was launched: cinder-api did not give the volume: POST /v3/volumes." in forms["terminal"]
    assert "not as it was meant: going on with image a" in forms["terminal"]
    assert '<testcase classname="preparation" name="preparation"' in forms["junit"]
    assert 'failures="1"' in forms["junit"]


def test_a_drill_sees_the_cause_in_it(report: dict[str, Any]) -> None:
    assert shows(report, TOLD[:2])
    assert not shows(report, ("AMQP", *TOLD[:2]))


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([("GET", 200), ("POST", 202), ("GET", 200)], ("POST", 202)),
        ([("POST", 202), ("GET", 503)], ("GET", 503)),
        ([("POST", 202), ("GET", None)], ("GET", None)),
        ([("GET", 200)], ("GET", 200)),
        # An upload that is refused, and what is left of it is taken away.
        ([("POST", 201), ("PUT", 413), ("DELETE", 204)], ("PUT", 413)),
        # A token that had expired, and a name that nothing has yet.
        ([("PUT", 401), ("PUT", 204), ("GET", 404), ("POST", 202), ("GET", 200)], ("POST", 202)),
        ([], (None, None)),
    ],
)
def test_the_request_that_tells_most(
    records: list[tuple[str, int | None]], told: tuple[str | None, int | None]
) -> None:
    made = [{"method": method, **({} if status is None else {"status": status})} for method, status in records]
    found = _decisive_request(made)
    assert (found.get("method"), found.get("status")) == told


def test_the_service_is_known_by_its_port(lab: Deployment) -> None:
    node = replace(lab.nodes[0], services=(Service("cinder-api", "cinder-api.service", 8776, ()),))
    lab = replace(lab, nodes=(node,))
    assert _service(lab, {"path": "/v3/volumes", "port": 8776}, "other") == "cinder-api"
    assert _service(lab, {"path": "/v3/auth/tokens", "port": 8776}, "other") == "keystone"
    assert _service(lab, {"path": "/", "port": 1}, "other") == "other"


def test_lines_with_our_ids_come_before_those_of_the_service_and_of_others() -> None:
    def line(number: int, file: str, text: str) -> LogLine:
        return LogLine("ctl1", f"/var/log/{file}.log", f"2026-11-27 00:00:{number:02} ERROR x [{text}]")

    noise = [line(number, "nova/nova-api", "-") for number in range(30)]
    ours = line(31, "keystone/keystone", "req-ours")
    own = [line(number, "cinder/cinder-volume", "-") for number in range(40, 50)]
    kept = list(_chosen([*noise, ours, *own], {"req-ours"}, "cinder-api"))
    assert ours in kept
    assert own[-1] in kept
    assert own[0] not in kept
    assert kept == sorted(kept, key=lambda one: logged_at(one.line) or 0)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("2026-11-27 00:39:20.982 1 ERROR x", 1795739960.982),
        ("2026-11-27T00:39:20.982+0000 7f", 1795739960.982),
        ("2026-11-27  0:39:20 33 [Warning] Access denied", 1795739960.0),
        ("2026-13-27 00:39:20", None),
        ("no time", None),
    ],
)
def test_the_time_of_a_line(line: str, seconds: float | None) -> None:
    assert logged_at(line) == seconds


class TestBounds:
    def test_no_answer_is_waited_for_when_the_time_is_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given = []

        def send(_self: object, _request: object, **options: Any) -> Any:
            given.append(options["timeout"])
            return SimpleNamespace(headers={}, status_code=200)

        monkeypatch.setattr("hoplab.capture.client.TCPKeepAliveAdapter.send", send)
        recorder = ClientRecorder()
        adapter = _Adapter(recorder, "req-1")
        request = requests.Request("GET", "http://192.0.2.1:8776/v3").prepare()
        adapter.send(request, timeout=120)
        recorder.until = time.monotonic() + 7
        adapter.send(request, timeout=120)
        recorder.until = time.monotonic()
        with pytest.raises(requests.Timeout):
            adapter.send(request, timeout=120)
        assert given[0] == 120
        assert 6 < given[1] <= 7
        assert recorder.records[-1]["error"] == "Timeout"

    def test_what_fails_is_told_with_its_step_and_request(
        self, lab: Deployment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def prepare(*_all: Any, begins: Any, note: Any, **_more: Any) -> None:
            begins("image", "glance-api")
            note("going on with image a")
            begins("volume", "cinder-api")
            raise LaunchError("volume 5 is error,\nnot available")

        monkeypatch.setattr("hoplab.session.preparation.connect", lambda *_all: SimpleNamespace())
        monkeypatch.setattr(ClientRecorder, "watch", lambda *_all: None)
        monkeypatch.setattr("hoplab.session.launch_journey.prepare", prepare)
        monkeypatch.setattr("hoplab.session.preparation.known_down", lambda _cloud: ["cinder-volume@ctl1"])
        monkeypatch.setattr("hoplab.session.preparation.troubles", lambda *_all: [])
        attempt, said = Attempt(Launch(Plan())), list[str]()
        Preparation(lab, said.append).get(attempt, 30)
        assert not attempt.ready
        assert attempt.unprepared == FailedPreparation(
            "volume", "cinder-api", "", "volume 5 is error, not available", "", ("cinder-volume@ctl1",), ()
        )
        assert attempt.notes == said == ["going on with image a"]


def test_a_damaged_preparation_is_refused_with_its_place(tmp_path: Path) -> None:
    write_record(RECORD, tmp_path)
    path = tmp_path / "journey.json"
    found = json.loads(path.read_text())
    del found["unprepared"]["service"]
    path.write_text(json.dumps(found))
    with pytest.raises(ConfigurationError, match="unprepared"):
        read_record(tmp_path)
