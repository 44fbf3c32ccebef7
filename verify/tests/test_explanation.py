"""`hoplab explain`: what a hop is, and what the last run has of it."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from hoplab.commands import main as cli
from hoplab.commands.main import main
from hoplab.flow.loader import load
from hoplab.lab.deployment import Deployment
from hoplab.report.explanation import LINE, LastRun, explain
from samples.reports import KNOWN, Document, document, failed, inconclusive, proved

CATALOGUE = load()
RUN = Path("runs/20261121T073200-86d4867f")


def told(name: str, sample: Document | None = None, deployment: Deployment | None = None) -> str:
    out = io.StringIO()
    last = LastRun(RUN, sample, "") if sample else LastRun()
    explain(CATALOGUE, CATALOGUE.hops[name], Console(file=out, width=80), deployment, last)
    return out.getvalue()


def rows(text: str) -> dict[str, str]:
    """Return what is told under each title, one line of it after the other."""
    found: dict[str, str] = {}
    title = ""
    for line in text.splitlines()[1:]:
        title = line[:13].strip() or title
        found[title] = f"{found.get(title, '')} {line[13:].strip()}".strip()
    return found


class TestTheHop:
    @pytest.mark.parametrize("name", list(CATALOGUE.hops))
    def test_nothing_of_any_hop_is_left_out(self, name: str) -> None:
        hop, text = CATALOGUE.hops[name], told(name)
        found = rows(text)
        assert text.startswith(f"{name}: {hop.sender} to {hop.receiver}\n")
        assert found["what it is"] == " ".join(hop.meaning.split())
        assert found["today"].endswith(" ".join(hop.how.split()))
        assert found.get("because", "") == " ".join(hop.reason.split())
        assert found.get("one witness", "") == " ".join(hop.one_witness.split())
        assert found["in the code"] == " ".join(hop.sources)
        assert found["comes after"] == (", ".join(hop.after) or "nothing")
        for witness in hop.evidence:
            assert f"({witness.event})" in found["proved by"]
        assert ("or cached" in found) == (hop.cached is not None)
        assert hop.hint.run in text.splitlines()[-1]

    def test_where_it_is_seen_in_any_cloud(self) -> None:
        found = rows(told("first-entry"))
        assert found["seen in"].startswith(
            "the database: the database's general log (level 2) or the database's log of"
        )
        assert "nova-api: SQLAlchemy's lines of statements (only where it is deployed so)" in found["seen in"]
        assert found["elsewhere"].startswith(
            "An instance has one such row: whoever puts it in does it for this launch."
        )
        assert "build_requests" in found["elsewhere"]
        assert "the broker's trace (level 2)" in rows(told("schedule-cast"))["seen in"]

    def test_the_documented_steps(self) -> None:
        assert rows(told("host-claim"))["documented"].startswith("cli-28 11, deck-17 8a, launch-58 11")
        assert rows(told("host-claim"))["today"].startswith("moved to another actor: PUT /allocations/INSTANCE.")
        assert rows(told("server-request"))["documented"].startswith(
            "deck-17 1, deck-17 3, ".replace("deck", "cli-28 3, deck", 1)
        )

    def test_what_no_document_has_is_not_called_as_documented(self) -> None:
        found = rows(told("cell-entry"))
        assert found["documented"] == "nowhere"
        assert found["today"].startswith("INSERT of instances")

    def test_what_a_document_says_otherwise(self) -> None:
        flow = CATALOGUE.flows["launch-58"]
        steps = tuple(replace(step, says="Saves [it].") if step.number == "11" else step for step in flow.steps)
        catalogue = replace(CATALOGUE, flows={flow.name: replace(flow, steps=steps)})
        out = io.StringIO()
        explain(catalogue, CATALOGUE.hops["host-claim"], Console(file=out, width=80))
        assert rows(out.getvalue())["documented"] == "launch-58 11 launch-58 11: Saves [it]."


class TestTheLastRun:
    def test_without_a_run_it_says_how_to_get_one(self) -> None:
        found = rows(told("conductor-call"))
        assert found["last run"] == "there is none yet: `hoplab verify` (or `make verify`) makes one"
        assert "verdict" not in found
        assert found["see it"].endswith("grep 'CALL msg_id' /var/log/nova/nova-compute.log")

    def test_a_proved_hop_with_its_witnesses_in_whole_lines(self) -> None:
        sample = proved()
        entry = next(hop for hop in sample["hops"] if hop["name"] == "host-claim")
        text = told("host-claim", sample)
        found = rows(text)
        assert found["last run"] == "20261121T073200-86d4867f, judged by launch-58: proved"
        assert found["verdict"].startswith("proved, +")
        assert found["verdict"].endswith(f"at {entry['at']}")
        assert found["why"] == entry["why"]
        lines = text.splitlines()
        for witness in entry["witnesses"]:
            told_as = (witness["kind"], witness["time"], f"by {witness['id']}, in {witness['source']}")
            assert f"{', '.join(told_as)} on {witness['node']}:" in text
            assert any(line.strip() == witness["line"] for line in lines)
        assert found["whole lines"] == f"{RUN}/raw/<node>/<source>"

    @pytest.mark.parametrize(
        ("make", "name", "verdict"),
        [
            (failed, "conductor-call", "absent"),
            (failed, "conductor-take", "blocked"),
            (inconclusive, "object-read", "unknown"),
            (proved, "neutron-token-validation", "cached"),
        ],
    )
    def test_a_hop_that_was_not_seen(self, make: Callable[[], Document], name: str, verdict: str) -> None:
        sample = make()
        found = rows(told(name, sample))
        assert found["verdict"] == verdict
        assert found["why"] == next(hop["why"] for hop in sample["hops"] if hop["name"] == name)
        assert "witness" not in found

    def test_a_hop_that_the_runs_flow_leaves_out(self) -> None:
        found = rows(told("volume-map-request", document(flow="deck-17")))
        assert found["verdict"] == (
            "none: deck-17 leaves this hop out: `hoplab replay 20261121T073200-86d4867f --flow launch-58` judges it"
        )

    @pytest.mark.parametrize(
        "broken",
        [{"schema": 2}, {"hops": None}, {"hops": [{"name": "host-claim"}]}, {"flow": None}, {"launch": 7}],
    )
    def test_a_report_of_another_form_is_told_and_the_hop_explained(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: Document
    ) -> None:
        (tmp_path / "latest").mkdir()
        (tmp_path / "latest" / "report.json").write_text(json.dumps({**proved(), **broken}))
        assert main(["explain", "host-claim", "--runs", str(tmp_path)]) == 2
        shown = capsys.readouterr()
        assert "mariadb placement" in shown.out
        assert f"report.json: {next(iter(broken))}" in shown.err

    def test_evidence_can_do_nothing_to_the_terminal(self) -> None:
        sample = proved()
        for hop in sample["hops"]:
            for witness in hop["witnesses"]:
                witness["line"] = f"[bold red]\x1b[2J \u202e{'x' * LINE * 2}"
        text = told("host-claim", sample)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[bold red]" in text
        assert "x" * LINE not in text
        assert "…" in text


class TestByHand:
    def test_the_last_runs_ids_are_filled_in_and_the_command_is_one_line(self) -> None:
        lines = told("dhcp-configure", proved()).splitlines()
        assert lines[-3] == "see it       on node-of-dhcp-agent"
        assert lines[-2].strip() == f"cat /var/lib/neutron/dhcp/{KNOWN['network']}/host"
        assert "--keep" in lines[-1]

    def test_a_long_command_is_not_wrapped(self) -> None:
        hop = CATALOGUE.hops["token-save"]
        assert len(hop.hint.run) > 70
        assert told(hop.name, proved()).splitlines()[-1].strip() == hop.hint.run

    def test_without_a_run_the_lab_says_the_node(self, deployment: Deployment) -> None:
        assert rows(told("scheduler-weighing", None, deployment))["see it"].startswith("on ctl1 grep ")
        assert rows(told("scheduler-weighing"))["see it"].startswith("on the node of nova-scheduler grep ")

    def test_what_is_run_here_is_said_to_be(self) -> None:
        assert rows(told("poll-answer", proved()))["see it"].startswith(
            f"on this machine openstack server show {KNOWN['instance']} -c status"
        )


class TestTheCommand:
    def run(self, runs: Path, *arguments: str) -> int:
        return cli.main(["explain", "--runs", str(runs), *arguments])

    def test_it_reads_the_latest_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        directory = tmp_path / RUN.name
        directory.mkdir()
        (directory / "report.json").write_text(json.dumps(failed()))
        (tmp_path / "latest").symlink_to(RUN.name)
        assert self.run(tmp_path, "14") == 0
        found = rows(capsys.readouterr().out)
        assert found["last run"].endswith("judged by launch-58: failed")
        assert found["verdict"] == "absent"

    @pytest.mark.parametrize("content", [None, "no json", "[]", "null", '{"schema": 1}'])
    def test_a_run_without_a_report_is_told(
        self, content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "latest").mkdir()
        if content is not None:
            (tmp_path / "latest" / "report.json").write_text(content)
        # Without one all that there is is shown; one that is damaged is named.
        assert self.run(tmp_path, "14") == (0 if content is None else 2)
        found = rows(capsys.readouterr().out)
        assert str(tmp_path / "latest") in found["last run"]
        assert "verdict" not in found
        assert found["see it"].endswith("grep 'CALL msg_id' /var/log/nova/nova-compute.log")

    def test_no_run_yet(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(tmp_path / "none", "conductor-call") == 0
        assert "`hoplab verify`" in rows(capsys.readouterr().out)["last run"]

    def test_what_is_no_hop_is_status_2(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(tmp_path, "59") == 2
        told_ = capsys.readouterr()
        assert told_.out == ""
        assert "there is no hop '59': give a number from 1 to 58 of the flow launch-58, or a name" in told_.err
