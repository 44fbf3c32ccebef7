"""The page of two runs: both in one picture, one list for both, a table for who has no script; no text becomes code."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hoplab.commands.main import main
from hoplab.model.errors import ConfigurationError
from hoplab.report.comparison import compare
from hoplab.report.comparison_page import DIFFERS, comparison_picture, render_comparison
from hoplab.report.picture import LONGEST, SHORTEST
from hoplab.run.record import REPORT
from samples.hostile import EVIL, hostile
from samples.pages import Seen, text, tree
from samples.reports import Document, disordered, document, failed, inconclusive, proved
from samples.run_reports import recorded_report

PAIRS: dict[str, Callable[[], tuple[Document, Document]]] = {
    "good and failed": lambda: (proved(), failed()),
    "failed and good": lambda: (failed(), proved()),
    "inconclusive and disordered": lambda: (inconclusive(), disordered()),
    "two lists": lambda: (document(flow="cli-28"), document(flow="launch-58")),
    "alike": lambda: (proved(), proved()),
    "cold and warm": lambda: (recorded_report("cold"), recorded_report("warm")),
    "cold and failed": lambda: (recorded_report("cold"), recorded_report("failed")),
    "attachments": lambda: (recorded_report("volume-attach/proved", 0), recorded_report("volume-attach/failed", 0)),
    "hostile": lambda: (hostile(proved()), hostile(failed())),
}


def picture_of(name: str) -> dict[str, Any]:
    first, second = PAIRS[name]()
    return comparison_picture(compare(first, second), first, second)


@pytest.mark.parametrize("name", PAIRS)
class TestPage:
    def test_it_is_well_formed_and_needs_nothing_else(self, name: str) -> None:
        page = render_comparison(*PAIRS[name]())
        assert page.startswith("<!DOCTYPE html>\n<html")
        seen = Seen(page)
        assert [len(tree(page).findall(f".//{tag}")) for tag in ("header", "main", "footer", "h1", "nav")] == [1] * 5
        assert all(value.startswith("#") for value in seen.values("href"))
        assert seen.values("src") == []
        assert not {tag for tag, _attributes in seen.tags} & {"link", "iframe", "img", "object", "base"}
        assert not any(key.startswith("on") for _tag, attributes in seen.tags for key in attributes)
        assert [tag for tag, _attributes in seen.tags].count("script") == 2
        ids = Counter(seen.values("id"))
        assert [key for key, number in ids.items() if number > 1] == []
        assert [key for value in seen.values("aria-labelledby") for key in value.split() if key not in ids] == []
        assert [value for value in seen.values("href") if value.removeprefix("#") not in ids] == []
        assert len(page.encode()) <= 700_000 or name == "hostile"

    def test_every_hop_is_a_row_with_both_verdicts(self, name: str) -> None:
        first, second = PAIRS[name]()
        comparison = compare(first, second)
        page = tree(render_comparison(first, second))
        rows = {key: row for row in page.findall(".//tr") if (key := row.get("id"))}
        assert len(rows) == len(comparison["hops"])
        for hop in comparison["hops"]:
            cells = [text(cell) for cell in rows[f"hop-{hop['name']}"].findall("td")]
            for side, cell in zip(("first", "second"), cells, strict=False):
                assert (hop[side]["verdict"] if hop[side] else "not in its list") in cell
        heading = page.find(".//h2")
        assert heading is not None
        counts = comparison["counts"]
        assert str(counts["hops"]) in text(heading)

    def test_the_picture_has_both_runs_and_one_list(self, name: str) -> None:
        first, second = PAIRS[name]()
        hops = {hop["name"]: hop for hop in compare(first, second)["hops"]}
        found = comparison_picture(compare(first, second), first, second)
        assert sorted(step["name"] for step in found["steps"]) == sorted(hops)
        assert found["reached"] == len(hops)
        for step in found["steps"]:
            hop = hops[step["name"]]
            assert (step["verdict"] == DIFFERS) is bool(hop["differs"])
            own = [one["when"] for run in found["compared"] for one in run["steps"] if one["name"] == step["name"]]
            assert (step["when"] == own[0]) is not bool(hop["differs"])
            assert step["witnesses"] == []
        gaps = [
            after["bent"] - before["bent"] for before, after in zip(found["steps"], found["steps"][1:], strict=False)
        ]
        assert all(SHORTEST - 0.001 <= gap <= LONGEST + 0.001 for gap in gaps)
        places = {step["name"]: place for place, step in enumerate(found["steps"])}
        for side, run in zip(("first", "second"), found["compared"], strict=True):
            assert {step["name"] for step in run["steps"]} == {name for name, hop in hops.items() if hop[side]}
            # In each run those that happened are in the list's order, so that a map goes on as the list does.
            order = [places[step["name"]] for step in run["steps"][: run["reached"]]]
            assert order == sorted(order)
            assert {step["name"]: step["number"] for step in run["steps"]}.items() <= {
                step["name"]: step["number"] for step in found["steps"]
            }.items()

    def test_the_data_stand_in_the_page(self, name: str) -> None:
        page = render_comparison(*PAIRS[name]())
        data = page.partition('<script type="application/json" id="picture-data">')[2].partition("</script>")[0]
        assert json.loads(data) == json.loads(json.dumps(picture_of(name)))


def test_what_a_hop_is_told_in_short() -> None:
    first, second = recorded_report("cold"), json.loads(json.dumps(recorded_report("warm")))
    for hop in second["hops"]:
        if hop["name"] == "schedule-take":
            hop["lag_s"] += 9.0
        if hop["name"] == "conductor-take":
            hop["from"] = "somebody"
    second["hops"] = [hop for hop in second["hops"] if hop["name"] != "token-save"]
    found = comparison_picture(compare(first, second), first, second)
    told = {step["name"]: step["when"] for step in found["steps"]}
    assert told["image-request"] == "then cached"
    assert told["conductor-take"] == "other actors"
    assert told["token-save"] == "only in the first"
    assert told["schedule-take"].startswith("+")
    assert told["schedule-take"].endswith(" s")
    assert told["token-request"] == "+0.000 s", "of one that is alike, when the first run had it"


def test_no_text_becomes_markup() -> None:
    page = render_comparison(hostile(proved()), hostile(failed()))
    assert EVIL not in page
    assert "window.harmed=1</script>" not in page


def test_two_journeys_have_no_page() -> None:
    with pytest.raises(ConfigurationError, match="name two runs of one journey"):
        render_comparison(proved(), proved() | {"journey": "volume-attach"})


def test_the_verb_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, sample in (("a", proved()), ("b", failed())):
        (tmp_path / name).mkdir()
        (tmp_path / name / REPORT).write_text(json.dumps(sample))
    runs = [str(tmp_path / name) for name in "ab"]
    assert main(["report", "--compare", *runs, "--html", "--output", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page == render_comparison(proved(), failed())
    assert main(["report", "--compare", *runs, "--html"]) == 0
    assert page in capsys.readouterr().out
