"""Runs of which something is lost, cut off or garbled: never a traceback, and never green."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hoplab.commands import main as cli
from hoplab.judge.verdicts import Verdict
from hoplab.model.errors import EXIT_FAILS, EXIT_UNREADABLE, EXIT_USAGE, ConfigurationError
from hoplab.report.document import Document
from hoplab.run.record import JOURNEY, RAW, read_record
from hoplab.session.judge_run import judge_run, report_on
from samples.rereading import judged_copy
from samples.runs import CATALOGUE, FLOW, recorded, unpack

GOOD = {Verdict.PROVED, Verdict.WEAK}
SOURCES = [(source.node, source.name) for source in recorded("cold").sources if source.size]
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("cold", tmp_path_factory.mktemp("whole"))[0]


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Iterator[Path]:
    """A run of which a test may change what it likes."""
    place = tmp_path / whole.name
    shutil.copytree(whole, place)
    yield place
    shutil.rmtree(place)


def judged(run: Path) -> Document:
    return judge_run(run, CATALOGUE, FLOW, write=False)


def judged_but_for(run: Path, node: str, name: str) -> Document:
    """Judge a copy of a run of which one source is not as it was: the others are parsed only once."""
    return report_on(judged_copy(run, ("cold", 0), {(node, name)}), run, FLOW)


def problems(document: Document) -> list[str]:
    return [source["source"] for source in document["unread"]]


@pytest.mark.parametrize(("node", "name"), SOURCES)
class TestEachSource:
    def test_one_that_is_gone_is_named_and_nothing_is_green(self, run: Path, node: str, name: str) -> None:
        (run / RAW / node / name).unlink()
        document = judged_but_for(run, node, name)
        assert document["result"] == "inconclusive"
        assert problems(document) == [name]

    def test_one_that_is_cut_off_is_named_and_nothing_is_green(self, run: Path, node: str, name: str) -> None:
        path = run / RAW / node / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        document = judged_but_for(run, node, name)
        assert document["result"] == "inconclusive"
        assert problems(document) == [name]

    def test_one_that_nobody_knows_of_is_no_evidence(self, run: Path, node: str, name: str) -> None:
        journey = json.loads((run / JOURNEY).read_text())
        journey["sources"] = [
            source for source in journey["sources"] if (source["node"], source["name"]) != (node, name)
        ]
        (run / JOURNEY).write_text(json.dumps(journey))
        before = {judged.hop.name: judged.verdict for judged in recorded("cold").whole.hops}
        for hop in judged_but_for(run, node, name)["hops"]:
            assert hop["verdict"] not in GOOD or before[hop["name"]] in GOOD
            assert all((witness["node"], witness["source"]) != (node, name) for witness in hop["witnesses"])


class TestGarbled:
    @settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, 2**32), st.sampled_from([0.001, 0.02, 0.3]))
    def test_bytes_that_were_changed_prove_nothing_more(self, whole: Path, seed: int, part: float) -> None:
        random = Random(seed)
        before = {judged.hop.name: judged.verdict for judged in recorded("cold").whole.hops}
        originals = {path: path.read_bytes() for path in (whole / RAW / node / name for node, name in SOURCES)}
        try:
            for path, data in originals.items():
                garbled = bytearray(data)
                for _once in range(int(len(data) * part / 50)):
                    garbled[random.randrange(len(data))] = random.randrange(256)
                path.write_bytes(garbled)
            document = judged(whole)
        finally:
            for path, data in originals.items():
                path.write_bytes(data)
        for hop in document["hops"]:
            assert hop["verdict"] != Verdict.PROVED or before[hop["name"]] is Verdict.PROVED

    @settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, 2**32))
    def test_lines_in_any_order_stop_no_parser(self, whole: Path, seed: int) -> None:
        random = Random(seed)
        node, name = random.choice(SOURCES)
        path = whole / RAW / node / name
        data = path.read_bytes()
        try:
            lines = data.splitlines(keepends=True)
            random.shuffle(lines)
            path.write_bytes(b"".join(lines))
            assert judged(whole)["result"] in {"proved", "failed", "inconclusive"}
        finally:
            path.write_bytes(data)


def _without(path: Path) -> None:
    path.unlink()


def _write(text: str) -> Change:
    def change(path: Path) -> None:
        path.write_text(text)

    return change


def _changed(**fields: object) -> Change:
    def change(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return change


class TestJourney:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (_without, "cannot be read"),
            (_write(""), "is not JSON"),
            (_write("[]"), 'is not of type "object"'),
            (_write('{"schema": 99}'), "schema: 99"),
            (_changed(started="now"), "started"),
            (_changed(ids=[]), "ids"),
            (_changed(clocks={"ctl1": {"offset": "NaN", "uncertainty": 0}}), "clocks"),
            (_changed(sources=[{"node": "ctl1"}]), "sources"),
        ],
    )
    def test_one_that_is_damaged_is_refused_and_says_where(self, run: Path, change: Change, said: str) -> None:
        change(run / JOURNEY)
        with pytest.raises(ConfigurationError, match=said) as caught:
            judged(run)
        assert str(run / JOURNEY) in str(caught.value)

    def test_a_clock_that_jumped_leaves_the_order_unknown(self, run: Path) -> None:
        clocks = json.loads((run / JOURNEY).read_text())["clocks"]
        clocks["ctl1"]["uncertainty"] = 30.0
        _changed(clocks=clocks)(run / JOURNEY)
        document = judged(run)
        assert document["result"] == "inconclusive"
        assert {hop["verdict"] for hop in document["hops"]} >= {Verdict.UNKNOWN}

    def test_ids_that_nobody_carries_prove_nothing(self, run: Path) -> None:
        ids = {name: [f"other-{value}" for value in values] for name, values in read_record(run).ids.items()}
        _changed(ids=ids)(run / JOURNEY)
        document = judged(run)
        assert document["result"] == "failed"
        assert not any(hop["witnesses"] for hop in document["hops"])


class TestCommandLine:
    def test_the_exit_status_is_the_result(self, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["replay", str(run)]) == 0
        (run / RAW / SOURCES[0][0] / SOURCES[0][1]).unlink()
        assert cli.main(["replay", str(run)]) == EXIT_UNREADABLE
        assert f"not read: {SOURCES[0][1]} on {SOURCES[0][0]}" in capsys.readouterr().out
        (run / JOURNEY).write_text("{}")
        assert cli.main(["replay", str(run)]) == EXIT_USAGE
        assert str(run / JOURNEY) in capsys.readouterr().err

    def test_a_failed_launch_names_its_first_unproven_hop(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (failed,) = unpack("failed", tmp_path)
        assert cli.main(["replay", str(failed)]) == EXIT_FAILS
        said = capsys.readouterr().out
        assert "First unproven hop: 52 metadata-request, guest -> metadata-proxy" in said
        assert "neutron-metadata-agent.service on net1 is inactive (dead)" in said

    @pytest.mark.parametrize(("flow", "hops"), [("launch-58", 73), ("cli-28", None), ("deck-17", None)])
    @pytest.mark.parametrize("name", ["cold", "warm", "interleaved"])
    def test_every_flow_of_a_good_launch_is_proved(
        self, name: str, flow: str, hops: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for run in unpack(name, tmp_path):
            assert cli.main(["replay", str(run), "--flow", flow, "--json"]) == 0
            document = json.loads(capsys.readouterr().out)
            assert document["flow"] == flow
            assert document["first_unproven"] is None
            assert hops is None or len(document["hops"]) == hops
