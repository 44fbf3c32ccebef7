"""Drills: the faults as data, and that whatever is put in is taken out again, through a real process in ssh's place."""

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hoplab.cli import main
from hoplab.deployment import Deployment, load
from hoplab.drill import loader
from hoplab.drill.injection import fault_in, heal, put_in
from hoplab.drill.journal import FILE, Journal
from hoplab.drill.matrix import Row, page, read_results, run_all
from hoplab.drill.means import KINDS, Kind
from hoplab.drill.model import Fault, Means, Sight
from hoplab.errors import EXIT_FAILS, EXIT_HOLDS, EXIT_USAGE, ConfigurationError, SourceError
from hoplab.flow.loader import load as load_flows

CATALOGUE = load_flows()
FAULTS = loader.load(CATALOGUE.hops)
ROOT = Path(__file__).resolve().parents[2]
SSH = """#!/bin/sh
for last do :; done
printf '%s\\n' "$last" >>"$HOPLAB_TEST/told"
if [ -e "$HOPLAB_TEST/lost" ]; then echo 'no route to host' >&2; exit 255; fi
case "$last" in
    *list-units*) echo 'x@1.service loaded active running X' ;;
    *mysql.user*) echo '%' ;;
esac
"""
UNDONE = {
    "stop": "systemctl start -- x@1.service",
    "freeze": "systemctl kill --signal=SIGCONT -- nova-scheduler.service",
    "lock-account": shlex.join(
        ["mariadb", "--batch", "--skip-column-names", "--execute", "ALTER USER 'nova-api'@'%' ACCOUNT UNLOCK"]
    ),
}


@pytest.fixture
def lab(document: dict[str, Any], write_lab: Callable[[object], Path]) -> Deployment:
    return load(write_lab(document))


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A program in ssh's place that does nothing and notes what it was to run."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ssh"
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOPLAB_TEST", str(tmp_path))
    return lambda: (tmp_path / "told").read_text().splitlines() if (tmp_path / "told").exists() else []


def fault(*kinds: str, at: str = "nova-scheduler") -> Fault:
    means = tuple(Means(kind, at, dict.fromkeys(KINDS[kind].options, "nova-api")) for kind in kinds)
    return Fault("made-up", "Something is wrong.", "nova", means, "schedule-take", "", Sight("BUILD", ""), 30)


class TestFaults:
    @pytest.mark.parametrize("name", FAULTS)
    def test_each_breaks_a_hop_of_the_58_or_one_that_they_rest_on(self, name: str) -> None:
        flow = CATALOGUE.flows["launch-58"]
        assert flow.numbers(FAULTS[name].breaks) or FAULTS[name].breaks in flow.also

    @pytest.mark.parametrize("name", FAULTS)
    def test_each_is_done_to_a_service_that_a_role_has(self, name: str) -> None:
        known = set()
        for path in ROOT.glob("roles/*/defaults/main.yml"):
            for key, value in (yaml.safe_load(path.read_text()) or {}).items():
                known |= {service["name"] for service in value} if key.endswith("_services") else set()
        assert {means.at for means in FAULTS[name].means} <= known

    @pytest.mark.parametrize(
        ("key", "value", "said"),
        [
            ("breaks", "no-such-hop", "fault made-up: breaks: there is no hop no-such-hop"),
            ("means", [{"do": "burn", "at": "keystone"}], "fault made-up: means 1: do is 'burn': it may be stop, "),
            ("means", [{"do": "lock-account", "at": "mariadb"}], "means 1: account is missing"),
            ("means", [{"do": "stop", "at": "keystone", "user": "x"}], "means 1: user is nothing that stop knows"),
            ("means", [], r"fault made-up: means: \[\] should be non-empty"),
            ("wait", 1, "fault made-up: wait: 1 is less than the minimum"),
            ("sees", {"status": "GONE", "says": ""}, "sees: status: 'GONE' is not one of"),
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
        assert list(loader.load(CATALOGUE.hops, tmp_path)) == ["made-up"]
        path.write_text(yaml.safe_dump({"component": "keystone", "faults": [{**entry, key: value}]}))
        with pytest.raises(ConfigurationError, match=said):
            loader.load(CATALOGUE.hops, tmp_path)
        path.write_text(yaml.safe_dump({"component": "keystone", "faults": [entry, entry]}))
        with pytest.raises(ConfigurationError, match="fault made-up is there twice"):
            loader.load(CATALOGUE.hops, tmp_path)


class TestUndoing:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_is_undone_and_nothing_is_noted_any_more(
        self, lab: Deployment, told: Callable[[], list[str]], kind: str
    ) -> None:
        with fault_in(lab, fault(kind)):
            noted = json.loads((lab.directory / FILE).read_text())
            assert [entry["kind"] for entry in noted["entries"]] == [kind]
            before = len(told())
        assert any(line.startswith(UNDONE[kind]) for line in told()[before:]), told()[before:]
        assert not (lab.directory / FILE).exists()

    def test_the_last_is_undone_first(self, lab: Deployment, told: Callable[[], list[str]]) -> None:
        with fault_in(lab, fault("freeze", "stop")):
            before = len(told())
        assert told()[before:] == [UNDONE["stop"], UNDONE["freeze"]]

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

        monkeypatch.setitem(KINDS, "stop", Kind(fail, KINDS["stop"].undo, KINDS["stop"].keep))
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

    def test_a_lab_without_the_service_is_not_touched(self, lab: Deployment, told: Callable[[], list[str]]) -> None:
        with pytest.raises(ConfigurationError, match="at is 'swift': no node of this lab runs that"):
            put_in(lab, fault("stop", at="swift"))
        assert told() == []
        assert not (lab.directory / FILE).exists()


def journal(lab: Deployment) -> Journal:
    found = Journal(lab.directory)
    assert found.read()
    return found


class TestJournal:
    def test_is_its_owners_alone(self, tmp_path: Path) -> None:
        Journal(tmp_path).begin("x")
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "is not JSON"),
            ("[]", r"top: \[\] is not of type 'object'"),
            ('{"schema": 2, "fault": "x", "entries": []}', "schema: 1 was expected"),
            ('{"schema": 1, "fault": "x", "entries": [{}]}', "entries.0: 'kind' is a required property"),
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


class TestCommandLine:
    def test_lists_all_faults_without_a_lab(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["drill", "--list", "--json"]) == EXIT_HOLDS
        assert [row["fault"] for row in json.loads(capsys.readouterr().out)] == list(FAULTS)

    def test_names_what_is_unknown(self, lab: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--lab", str(lab.directory), "drill", "earthquake"]) == EXIT_USAGE
        assert "there is no fault 'earthquake': `hoplab drill --list`" in capsys.readouterr().err

    def test_the_answer_is_told_only_where_a_fault_is_in(
        self, lab: Deployment, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--lab", str(lab.directory), "drill", "--answer"]) == EXIT_FAILS
        Journal(lab.directory).begin("conductor-frozen")
        assert main(["--lab", str(lab.directory), "drill", "--answer"]) == EXIT_HOLDS
        assert "nova-conductor stands still. It breaks hop schedule-take (8)." in capsys.readouterr().out


class TestMatrix:
    def run(self, results: Path, *, fails: str = "", clean: bool = True) -> tuple[list[str], list[Row]]:
        """Carry out three drills; return which were, and all rows. fails: at which one the connection is lost."""
        done = []

        def one(fault: Fault) -> Row:
            if fault.name == fails:
                raise SourceError("lost")
            done.append(fault.name)
            found = fault.breaks if fault.name != "compute-frozen" else None
            return {
                "fault": fault.name,
                "expected": fault.breaks,
                "found": found,
                "localised": found == fault.breaks,
                "verdict_seconds": 12.3,
            }

        faults = [FAULTS[name] for name in ("keystone-stopped", "compute-frozen", "conductor-frozen")]
        try:
            rows = run_all(faults, results, "2025.1", one=one, launches_cleanly=lambda: clean, say=lambda _line: None)
        except SourceError:
            rows = []
        return done, rows

    def test_goes_on_where_it_was_cut_off(self, tmp_path: Path) -> None:
        results = tmp_path / "runs" / "drills.json"
        assert self.run(results, fails="conductor-frozen")[0] == ["keystone-stopped", "compute-frozen"]
        done, rows = self.run(results)
        assert done == ["conductor-frozen"]
        assert [row["fault"] for row in rows] == ["keystone-stopped", "compute-frozen", "conductor-frozen"]
        assert read_results(results) == rows

    def test_a_page_says_what_was_found_and_what_was_not(self, tmp_path: Path) -> None:
        rows = self.run(tmp_path / "drills.json", clean=False)[1]
        text = page(rows, {name: fault.title for name, fault in FAULTS.items()}, "2025.1")
        assert "2 of 3 faults were localised, at 2 different hops. OpenStack 2025.1; " in text
        assert (
            "| compute-frozen | nova-compute stands still on every host. | build-take | **None** | 12 | **does" in text
        )

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2, "drills": []}', '{"schema": 1, "drills": [5]}'])
    def test_damaged_results_are_refused_and_kept(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "drills.json"
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=r"drills\.json.*remove it"):
            read_results(path)
        assert path.read_text() == text
