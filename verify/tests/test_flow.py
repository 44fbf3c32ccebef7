"""The flow files: what they say is complete, and what is wrong in them is refused by name."""

from pathlib import Path

import pytest
import yaml

from hoplab.commands import main as cli
from hoplab.flow.actors import SERVICES
from hoplab.flow.loader import load
from hoplab.flow.model import Catalogue
from hoplab.model.errors import ConfigurationError
from samples.flows import FLOW, GOOD, write

MOVED = ["2", "6", "11", "12", "21", "23", "25", "49", "50", "51"]
SPLIT = ["5", "8", "9", "34", "37", "38", "53", "56"]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


class TestCatalogue:
    @pytest.mark.parametrize(
        ("flow", "numbers"),
        [
            ("launch-58", [str(number) for number in range(1, 59)]),
            ("cli-28", [str(number) for number in range(1, 29)]),
            ("deck-17", [*map(str, range(1, 8)), "8a", "8b", "9a", "9b", *map(str, range(10, 18))]),
        ],
    )
    def test_each_step_of_a_document_is_there_in_its_order(
        self, catalogue: Catalogue, flow: str, numbers: list[str]
    ) -> None:
        assert [step.number for step in catalogue.flows[flow].steps] == numbers

    def test_the_58_hops_are_58(self, catalogue: Catalogue) -> None:
        flow = catalogue.flows["launch-58"]
        assert len({step.hops for step in flow.steps}) == 58
        assert all(len(step.hops) == 1 for step in flow.steps)

    def test_the_long_flow_counts_every_hop(self, catalogue: Catalogue) -> None:
        flow = catalogue.flows["launch-58"]
        assert {name for step in flow.steps for name in step.hops} | set(flow.also) == set(catalogue.hops)

    def test_what_the_list_leaves_out_is_there(self, catalogue: Catalogue) -> None:
        assert {
            "nova-token-validation",
            "glance-token-validation",
            "neutron-token-validation",
            "placement-candidates",
            "cell-entry",
            "vif-plugged",
            "guest-dhcp",
            "disk-import",
        } <= set(catalogue.flows["launch-58"].also)

    def test_few_hops_have_one_witness(self, catalogue: Catalogue) -> None:
        assert len([hop for hop in catalogue.hops.values() if hop.one_witness]) <= 4

    def test_each_hop_stands_after_what_it_must_follow(self, catalogue: Catalogue) -> None:
        seen: set[str] = set()
        for name, hop in catalogue.hops.items():
            assert set(hop.after) <= seen
            seen.add(name)

    def test_today_differs_where_it_is_known_to(self, catalogue: Catalogue) -> None:
        flow = catalogue.flows["launch-58"]
        today = {step.number: catalogue.hops[step.hops[0]].today for step in flow.steps}
        assert [number for number, word in today.items() if word == "gone"] == ["31", "35"]
        assert [number for number, word in today.items() if word == "moved"] == MOVED
        assert [number for number, word in today.items() if word == "split"] == SPLIT

    def test_each_hint_is_for_a_place_that_a_lab_has(self, catalogue: Catalogue) -> None:
        places = {hop.hint.at for hop in catalogue.hops.values()}
        assert places <= {"client", "host", *SERVICES}


class TestRefusals:
    def test_the_small_one_is_good(self, tmp_path: Path) -> None:
        found = load(write(tmp_path))
        assert list(found.hops) == ["ask", "answer"]
        assert found.flows["small"].numbers("answer") == ("2",)
        assert found.hops["ask"].evidence[0].where == {"method": ("POST",)}

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("after: [ask]", "after: [asks]", ["hop answer: after", "no hop asks"]),
            ("after: []", "after: [answer]", ["circle", "ask", "answer"]),
            ("meaning: The client asks.", "meaning: The client asks.\n    colour: red", ["hop ask", "colour"]),
            ("today: {is: same", "today: {is: other", ["hop ask: today: is", "other"]),
            ("reason: So it is., ", "", ["hop answer: today", "reason"]),
            ("one_witness: Nobody else sees it.", "", ["hop answer: evidence", "one actor's word"]),
            ("hint: {at: nova-api", "one_witness: Why not.\n    hint: {at: nova-api", ["hop ask: one_witness"]),
            ("by: [request, instance]", "by: [request]", ["hop ask: evidence 2: where.path", "{instance}"]),
            ("by: [request, instance]", "by: [request, luck]", ["hop ask: evidence: entry 2: by", "luck"]),
            ("event: http.sent", "event: http.guessed", ["hop ask: evidence", "http.guessed"]),
            ("grep {instance} log", "grep {colour} log", ["hop ask: hint", "{colour}", "instance"]),
            ("hop: answer", "hop: ask", ["hop ask is there twice"]),
            (
                "http.answered, by: [request]",
                "rpc.sent, by: [call]",
                ["hop answer: evidence", "which call", "exchange"],
            ),
            ("after: []", "after: []\n    exchange: answer", ["hop ask: exchange", "answer began it"]),
            ("after: [ask]", "after: [ask]\n    exchange: nothing", ["hop answer: exchange", "no hop nothing"]),
            ("    to: nova-api\n", "    to: nova-api\n    to: keystone\n", ["line 3", "'to' is there twice"]),
            ("hops:\n", "hops: []\nmore:\n", ["more"]),
        ],
    )
    def test_a_wrong_hop_is_named(self, tmp_path: Path, old: str, new: str, said: list[str]) -> None:
        assert GOOD.count(old) == 1
        with pytest.raises(ConfigurationError) as caught:
            load(write(tmp_path, hops=GOOD.replace(old, new)))
        for part in said:
            assert part in str(caught.value)
        assert "1.yaml" in str(caught.value) or "circle" in said

    def test_a_hop_without_evidence_is_refused(self, tmp_path: Path) -> None:
        hops = yaml.safe_load(GOOD)
        hops["hops"][1]["evidence"] = []
        with pytest.raises(ConfigurationError, match=r"1\.yaml: hops: hop answer|hop answer: evidence"):
            load(write(tmp_path, hops=yaml.safe_dump(hops)))

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("hops: [answer]", "hops: [answers]", "step 2: hops: there is no hop answers"),
            ("step: '2'", "step: '1'", "step 1 is there twice"),
            ("flow: small", "flow: large", "the file's name says 'small'"),
            ("title: A small flow", "title: A small flow\nalso: [ask]", "also: ask is a hop of a step"),
            ("title: A small flow", "name: A small flow", "name"),
        ],
    )
    def test_a_wrong_flow_is_named(self, tmp_path: Path, old: str, new: str, said: str) -> None:
        with pytest.raises(ConfigurationError, match=r"small\.yaml: ") as caught:
            load(write(tmp_path, flow=FLOW.replace(old, new)))
        assert said in str(caught.value)

    def test_no_hops_at_all_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="no hops"):
            load(tmp_path)


class TestExplain:
    @pytest.fixture(autouse=True)
    def no_lab(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("HOPLAB_LAB", raising=False)
        monkeypatch.setenv("COLUMNS", "200")

    @pytest.mark.parametrize("wanted", ["6", "schedule-cast"])
    def test_a_hop_by_its_number_or_name(self, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["explain", wanted]) == 0
        out = capsys.readouterr().out
        for part in (
            "schedule-cast: nova-api to rabbitmq",
            "launch-58 6",
            "moved",
            "rpc.published",
            "nova-api-wsgi.log",
        ):
            assert part in out

    def test_a_step_of_another_list(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["explain", "--flow", "cli-28", "26"]) == 0
        out = capsys.readouterr().out
        assert "volume-token-question: cinder-api to keystone" in out
        assert "volume-token-answer: keystone to cinder-api" in out

    def test_all_of_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["explain"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len([line for line in lines if line[:2].strip().isdigit()]) == 58
        assert len([line for line in lines if line.startswith("+ ")]) == 16

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [(["59"], "from 1 to 58"), (["--flow", "film", "1"], "launch-58"), (["nova"], "no hop 'nova'")],
    )
    def test_what_is_not_there_is_status_2(
        self, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["explain", *arguments]) == 2
        assert said in capsys.readouterr().err
