"""Watching a launch: looks again and again, marks in the terminal, a page for browsers, and how it ends."""

import io
import json
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hoplab.commands import watch
from hoplab.commands.main import main
from hoplab.flow.loader import load_journey
from hoplab.flow.model import Catalogue, Flow
from hoplab.lab.deployment import Deployment
from hoplab.model.errors import (
    EXIT_FAILS,
    EXIT_HOLDS,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    ConfigurationError,
    SourceError,
)
from hoplab.report.html import render_html
from hoplab.session import live_server, run_watch
from hoplab.session.judge_run import RunAnalysis, judge_record, judge_run
from hoplab.session.live_page import NOT_YET, parts, picture_so_far
from hoplab.session.live_table import MARKS, LiveTable
from hoplab.session.run_watch import SO_FAR, RunWatch
from samples.live import SECONDS, Again, Browser, Watched
from samples.runs import recorded

ATTACH, FAILED = "volume-attach/proved", "volume-attach/failed"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_watch, "AGAIN", 0.01)


class TestRunWatch:
    def test_it_looks_again_and_again_and_passes_over_what_can_t_be_read_just_now(self) -> None:
        one = recorded(ATTACH)
        flow = one.catalogue.flows[one.catalogue.main]
        shown: list[RunAnalysis] = []
        twice = threading.Event()
        calls = iter([OSError("gone"), SourceError("half a line")])

        def look() -> tuple[Path, Any]:
            for error in calls:
                raise error
            return one.directory, replace(one.record, ended=one.record.started)

        def show(analysis: RunAnalysis) -> None:
            shown.append(analysis)
            if len(shown) == 2:
                twice.set()

        with RunWatch(one.catalogue, flow, show) as watching:
            watching.began(look)
            assert twice.wait(SECONDS)
        assert all(judged_hop.verdict not in SO_FAR for judged_hop in shown[0].judgement.hops)

    def test_it_shows_nothing_before_there_is_something_to_look_at(self) -> None:
        one = recorded(ATTACH)
        shown: list[RunAnalysis] = []
        with RunWatch(one.catalogue, one.catalogue.flows[one.catalogue.main], shown.append):
            pass
        assert shown == []


class TestLiveTable:
    def test_it_marks_what_has_happened_alone(self) -> None:
        one = recorded(ATTACH)
        said = io.StringIO()
        flow = one.catalogue.flows[one.catalogue.main]
        with LiveTable(flow, Console(file=said, width=200)) as table:
            table.say("launching \x1b[31mhoplab-1")
            record = replace(one.record, ended=(one.record.started + one.record.ended) / 2)
            analysis = judge_record(one.directory, record, one.catalogue, flow)
            table.show(analysis)
        text = said.getvalue()
        assert "hoplab: launching ␛[31mhoplab-1" in text
        for judged_hop in analysis.judgement.hops:
            mark = MARKS[judged_hop.verdict][0] if judged_hop.verdict in SO_FAR else "·"
            assert re.search(rf"{mark} +\S+ {judged_hop.hop.name}\b", text), judged_hop.hop.name
        assert "· " in text
        assert "● " in text

    def test_it_has_a_mark_for_each_verdict_that_is_shown(self) -> None:
        assert set(MARKS) == SO_FAR


Watch = Callable[..., Watched]


@pytest.fixture
def watching(
    tmp_path: Path, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Watch]:
    made: list[Watched] = []

    def begin(*arguments: str, name: str = ATTACH) -> Watched:
        run = Again(name)
        monkeypatch.setattr(watch, "verify", run.verify)
        lab = ["--lab", str(deployment.directory), "watch", "--runs", str(tmp_path / "runs")]
        journey = ["--journey", run.record.journey]
        made.append(Watched(run, [*lab, *journey, *arguments], lambda: "".join(capsys.readouterr())))
        return made[-1]

    yield begin
    for one in made:
        one.end()


class TestPage:
    def test_it_is_the_picture_while_the_launch_runs_and_the_report_in_the_end(self, watching: Watch) -> None:
        one = watching("--web")
        with urllib.request.urlopen(one.url, timeout=SECONDS) as answer:
            page = answer.read().decode()
        assert "<title>live: " in page
        assert "connect-src &#39;self&#39;" in page
        with Browser(one.url) as browser:
            first = browser.read()
            assert first is not None
            assert (first[1], first[2]["reached"], first[2]["live"]) == ("state", 0, True)
            names = set(first[2]["order"])
            assert {key.removeprefix("step ") for key in first[2] if key.startswith("step ")} == names
            reached = 0
            for share in (0.5, 0.8):
                one.run.until(share)
                change = browser.read()
                assert change is not None
                assert change[1] == "state"
                assert change[2]["reached"] > reached
                reached = change[2]["reached"]
                # Those that have not changed are not told again.
                assert 0 < len([key for key in change[2] if key.startswith("step ")]) < len(names)
            assert one.end() == EXIT_HOLDS
            end = browser.read()
            while end is not None and end[1] == "state":
                end = browser.read()
            assert end is not None
            assert browser.read() is None
        left = (one.run.directory / "report.html").read_text()
        assert end[1:] == ("end", left)
        document = judge_run(one.run.directory, *_flow(one.run), write=False)
        assert left == render_html(document)
        assert names == {hop["name"] for hop in document["hops"]}
        assert "attach-20 proved: " in one.said

    def test_without_a_browser_nothing_is_waited_for(self, watching: Watch) -> None:
        one = watching("--web")
        began = time.monotonic()
        assert one.end() == EXIT_HOLDS
        assert time.monotonic() - began < SECONDS / 2

    def test_a_browser_that_does_not_read_holds_nothing(self, watching: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live_server, "LEAVE_SECONDS", 0.1)
        one = watching("--web")
        with Browser(one.url):
            one.run.until(0.9)
            assert one.end() == EXIT_HOLDS

    @pytest.mark.parametrize(
        ("error", "status", "why"),
        [
            (ConfigurationError("runs: cannot be written (No space left on device)"), EXIT_USAGE, "No space left"),
            (KeyboardInterrupt(), EXIT_INTERRUPTED, "it was interrupted"),
        ],
        ids=["error", "Ctrl-C"],
    )
    def test_a_run_that_breaks_off_says_so(self, watching: Watch, error: BaseException, status: int, why: str) -> None:
        one = watching("--web")
        with Browser(one.url) as browser:
            assert browser.read() is not None
            assert one.end(error) == status
            last = browser.read()
            assert last is not None
            assert last[1] == "broken"
            assert why in last[2]
            assert browser.read() is None
        assert not (one.run.directory / "report.html").exists()

    def test_a_run_that_failed_ends_with_its_report(self, watching: Watch) -> None:
        one = watching("--web", name=FAILED)
        with Browser(one.url) as browser:
            assert browser.read() is not None
            assert one.end() == EXIT_FAILS
            end = browser.read()
            while end is not None and end[1] == "state":
                assert end[2].get("broken") is None
                end = browser.read()
            assert end is not None
            assert "failed" in end[2].partition("<title>")[2].partition("</title>")[0]

    def test_without_it_nothing_listens(self, watching: Watch) -> None:
        one = watching()
        assert "http" not in one.said
        assert one.end() == EXIT_HOLDS
        assert "attach-20 proved: " in one.said


class TestArguments:
    def test_a_port_can_be_chosen_and_must_be_free(self, watching: Watch, capsys: pytest.CaptureFixture[str]) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            port = other.getsockname()[1]
        one = watching("--web", "--port", str(port))
        assert f"http://127.0.0.1:{port}/" in one.said
        lab = one.run.directory.parent.parent
        assert main(["--lab", str(lab), "watch", "--web", "--port", str(port)]) == EXIT_USAGE
        assert (
            f"--port {port}: 127.0.0.1 can't be listened on there (Address already in use)" in capsys.readouterr().err
        )

    @pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8080.5", ""])
    def test_one_out_of_range_is_refused(self, port: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["watch", "--web", f"--port={port}"])
        assert ended.value.code == EXIT_USAGE
        assert f"{port!r} is no whole number from 1 to 65535" in capsys.readouterr().err

    def test_a_port_without_a_page_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--lab", "/nowhere", "watch", "--port", "8080"]) == EXIT_USAGE
        assert "--port is that of the page: add --web, or leave it out" in capsys.readouterr().err

    def test_without_a_lab_nothing_listens(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch, "LivePage", lambda *_all: pytest.fail("a page was made"))
        assert main(["--lab", "/nowhere", "watch", "--web"]) == EXIT_USAGE
        assert "/nowhere" in capsys.readouterr().err


class TestPictureSoFar:
    def test_nothing_has_failed_yet_and_all_hops_are_there(self) -> None:
        one = recorded(FAILED)
        flow = one.catalogue.flows[one.catalogue.main]
        data = picture_so_far(judge_record(one.directory, one.record, one.catalogue, flow), flow)
        verdicts = {step["verdict"] for step in data["steps"]}
        assert verdicts <= {*SO_FAR, NOT_YET}
        assert NOT_YET in verdicts
        assert data["broken"] is None
        assert len(data["steps"]) == 20
        for step in data["steps"]:
            if step["verdict"] == NOT_YET:
                assert (step["witnesses"], step["denials"], step["real"], step["when"]) == ([], [], None, "")
        reached = sum(step["real"] is not None for step in data["steps"])
        assert data["reached"] == reached > 0
        assert re.match(r"\d+ of 20 hops have happened", data["sentence"])

    def test_parts_put_together_are_the_picture(self) -> None:
        one = recorded(ATTACH)
        flow = one.catalogue.flows[one.catalogue.main]
        data = picture_so_far(judge_record(one.directory, one.record, one.catalogue, flow), flow)
        told = {name: json.loads(text) for name, text in parts(data).items()}
        steps = [told.pop(f"step {name}") for name in told.pop("order")]
        assert {**told, "steps": steps} == json.loads(json.dumps(data))
        assert all("\n" not in text for text in parts(data).values())


def _flow(run: Again) -> tuple[Catalogue, Flow]:
    catalogue = load_journey(run.record.journey)
    return catalogue, catalogue.flows[catalogue.main]
