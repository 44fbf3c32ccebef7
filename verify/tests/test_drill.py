"""The verb `drill`, and all drills one after the other."""

import json
from pathlib import Path

import pytest

from hoplab.commands.drill import draw_faults
from hoplab.commands.main import main
from hoplab.drill import loader
from hoplab.drill.journal import FaultJournal
from hoplab.drill.matrix import Row, page, read_results, run_all
from hoplab.drill.model import Fault
from hoplab.flow.loader import load_all
from hoplab.lab.deployment import Deployment
from hoplab.model.errors import EXIT_FAILS, EXIT_HOLDS, EXIT_USAGE, ConfigurationError, SourceError

CATALOGUES = load_all()
FAULTS = loader.load(CATALOGUES)


class TestCommandLine:
    def test_lists_all_faults_without_a_lab(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["drill", "--list", "--json"]) == EXIT_HOLDS
        assert [row["fault"] for row in json.loads(capsys.readouterr().out)] == list(FAULTS)

    def test_names_what_is_unknown(self, lab: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--lab", str(lab.directory), "drill", "earthquake"]) == EXIT_USAGE
        assert "there is no fault 'earthquake': `hoplab drill --list`" in capsys.readouterr().err

    def test_a_draw_is_repeated_with_its_seed_and_over_some_seeds_all_come_up(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        quick = [fault for fault in FAULTS.values() if fault.quick]
        one = draw_faults(quick, 6, "4f1d")
        assert "6 of 16 quick drills, drawn with --seed 4f1d" in capsys.readouterr().err
        assert one == draw_faults(quick, 6, "4f1d")
        assert len({fault.name for fault in one}) == 6
        assert {fault.name for seed in range(20) for fault in draw_faults(quick, 6, str(seed))} == {
            fault.name for fault in quick
        }
        assert draw_faults(quick, 100, "4f1d") == quick

    def test_the_answer_is_told_only_where_a_fault_is_in(
        self, lab: Deployment, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--lab", str(lab.directory), "drill", "--answer"]) == EXIT_FAILS
        FaultJournal(lab.directory).begin("conductor-stopped")
        assert main(["--lab", str(lab.directory), "drill", "--answer"]) == EXIT_HOLDS
        assert (
            "nova-conductor is stopped, so that nobody takes messages from its queue. It breaks hop schedule-take (8)."
            in capsys.readouterr().out
        )


class TestMatrix:
    def run(self, results: Path, *, fails: str = "", clean: bool = True) -> tuple[list[str], list[Row]]:
        """Carry out three drills; return which were, and all rows. fails: at which one the connection is lost."""
        done = []

        def one(fault: Fault) -> Row:
            if fault.name == fails:
                raise SourceError("lost")
            done.append(fault.name)
            found = fault.hop if fault.name != "compute-frozen" else None
            return {
                "fault": fault.name,
                "component": fault.component,
                "expected": fault.hop,
                "slows": False,
                "found": found,
                "localised": found == fault.hop,
                "status": "",
                "verdict_seconds": 12.3,
                "healed_seconds": 4.5,
                "launches": [{"run": "r1", "host": "cmp1", "touched": True, "result": "failed", "found": found}],
            }

        faults = [FAULTS[name] for name in ("keystone-stopped", "compute-frozen", "conductor-stopped")]
        try:
            rows = run_all(faults, results, "2025.1", one=one, is_clean=lambda _journey: clean, say=lambda _line: None)
        except SourceError:
            rows = []
        return done, rows

    def test_goes_on_where_it_was_cut_off(self, tmp_path: Path) -> None:
        results = tmp_path / "runs" / "drills.json"
        assert self.run(results, fails="conductor-stopped")[0] == ["keystone-stopped", "compute-frozen"]
        done, rows = self.run(results)
        assert done == ["conductor-stopped"]
        assert [row["fault"] for row in rows] == ["keystone-stopped", "compute-frozen", "conductor-stopped"]
        assert read_results(results) == rows

    def test_a_page_says_what_was_found_and_what_was_not(self, tmp_path: Path) -> None:
        rows = self.run(tmp_path / "drills.json", clean=False)[1]
        text = page(
            rows, FAULTS, [(catalogue, catalogue.flows[catalogue.main]) for catalogue in CATALOGUES.values()], "2025.1"
        )
        assert "Last result: 2 of 3 faults localised, at 2 of the 58 hops of the documented list and at\n0 hops" in text
        assert "OpenStack 2025.1; " in text
        line = (
            "| compute-frozen | nova-compute stands still on every host. | build-take | **None** | none | 12 s | 4 s |"
        )
        assert f"{line} **does not launch cleanly** |" in text
        assert "| dhcp-answer (31) | " in text

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2, "drills": []}', '{"schema": 1, "drills": [5]}'])
    def test_damaged_results_are_refused_and_kept(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "drills.json"
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=r"drills\.json.*remove it"):
            read_results(path)
        assert path.read_text() == text
