"""docs/hops.md: what the flow files give, whole, with links that lead somewhere."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hoplab.flow.actors import ACTORS, HERE
from hoplab.flow.loader import load, load_all, load_journey
from hoplab.flow.vocabulary import EVENTS, IDS
from hoplab.model.errors import ConfigurationError
from hoplab.report import catalogue as page_module
from hoplab.report.catalogue import MAIN, read_stages, render_hops
from hoplab.report.wording import TODAYS

DOCS = Path(__file__).resolve().parents[2] / "docs"
CATALOGUE = load()
OTHERS = [one for one in load_all().values() if one.name != CATALOGUE.name]
PAGE = render_hops(CATALOGUE, others=OTHERS)
DEFINED = yaml.safe_load((HERE / "schema.yaml").read_text(encoding="utf-8"))["$defs"]


def section(page: str, hop: str) -> str:
    """Return what the page has of a hop."""
    _before, _mark, text = page.partition(f'<a id="{hop}"></a>')
    return text.partition("<a id=")[0]


def table(page: str, heading: str) -> dict[str, str]:
    """Return the first table under a heading: each row by its first cell."""
    _before, _mark, text = page.partition(f"\n## {heading}\n")
    rows = text.partition("| --- |\n")[2].partition("\n\n")[0].splitlines()
    return {row.split("|")[1].strip(): row for row in rows}


def test_the_page_is_what_the_flow_files_give() -> None:
    assert (DOCS / "hops.md").read_text(encoding="utf-8") == PAGE, "run `make hops`"


def test_the_same_files_give_the_same_page() -> None:
    assert render_hops(load(), others=[load_journey(other.name) for other in OTHERS]) == PAGE


@pytest.mark.parametrize("name", list(CATALOGUE.hops))
def test_each_hop_is_told_whole(name: str) -> None:
    hop = CATALOGUE.hops[name]
    text = section(PAGE, name)
    numbers = CATALOGUE.flows[MAIN].numbers(name)
    assert f"### {'Hop ' + ' and '.join(numbers) if numbers else 'Added hop'}: {name}\n" in text
    assert f"**{hop.sender} → {hop.receiver}.** {hop.meaning}" in text
    for part in (
        hop.how,
        hop.reason,
        hop.one_witness,
        *(one.because for one in (hop.cached, hop.not_applicable) if one),
    ):
        assert part in text
    for source in hop.sources:
        assert source in text.replace("`", "")
    for earlier in hop.after:
        assert f"[{earlier}](#{earlier})" in text
    assert Counter(re.findall(r"\(`([a-z.]+)`\)", text)) == Counter(
        [
            *(one.event for one in hop.evidence),
            *(one.when.event for one in (*hop.denied_by, hop.cached, hop.not_applicable) if one),
            *(witness.event for one in (hop.cached, hop.not_applicable) if one for witness in one.unless),
        ]
    )
    assert text.rstrip().endswith(f"```sh\n{hop.hint.run}\n```")


def test_each_hop_names_the_documented_steps_that_it_is_in() -> None:
    for name in CATALOGUE.hops:
        told = re.findall(r"step (\w+) of ([a-z]+-\d+)", section(PAGE, name).split("- Today")[0])
        steps = [(flow.name, number) for flow in CATALOGUE.flows.values() for number in flow.numbers(name)]
        assert sorted((flow, number) for number, flow in told) == sorted(steps)


def test_a_hop_of_no_document_is_not_called_as_documented() -> None:
    for name in CATALOGUE.hops:
        if not any(flow.numbers(name) for flow in CATALOGUE.flows.values()):
            assert "- Documented: nowhere.\n- Today: " in section(PAGE, name)
            assert "as documented" not in section(PAGE, name)


def test_hops_stand_in_the_order_of_the_58() -> None:
    told = [int(number) for number in re.findall(r"^### Hop (\d+)", PAGE, re.MULTILINE)]
    assert told == list(range(1, 59))
    order = re.findall(r"^### (?:Hop \d+|Added hop): (\S+)", PAGE, re.MULTILINE)
    assert sorted(order) == sorted(CATALOGUE.hops)
    for name in CATALOGUE.flows[MAIN].also:
        assert all(order.index(earlier) < order.index(name) for earlier in CATALOGUE.hops[name].after)


def test_each_step_of_each_shorter_list_is_there() -> None:
    for flow in CATALOGUE.flows.values():
        if flow.name == MAIN:
            continue
        rows = table(PAGE, f"The {len({step.number.rstrip('ab') for step in flow.steps})} steps of {flow.name}")
        assert list(rows) == [step.number for step in flow.steps]
        for step in flow.steps:
            assert all(f"[{name}](#{name})" in rows[step.number] for name in step.hops)
            assert step.says in rows[step.number]


def test_the_overview_has_each_hop_once_and_says_which_are_added() -> None:
    overview = PAGE.split("\n## Overview\n")[1].split("\n## Every hop\n")[0]
    linked = re.findall(r"\| \[([a-z0-9-]+)\]\(#", overview)
    assert sorted(linked) == sorted(CATALOGUE.hops)
    added = re.findall(r"^\| \+ \|.*?\[([a-z0-9-]+)\]", overview, re.MULTILINE)
    assert sorted(added) == sorted(
        set(CATALOGUE.hops) - {name for step in CATALOGUE.flows[MAIN].steps for name in step.hops}
    )
    assert f"{len(added)} more" in overview


def test_no_two_places_have_the_same_name() -> None:
    places = re.findall(r'<a id="([^"]+)">', PAGE)
    headings = [
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    ]
    assert [name for name, times in Counter([*places, *headings]).items() if times > 1] == []


def test_all_that_a_flow_file_may_name_has_words() -> None:
    assert set(TODAYS) == set(DEFINED["today"]["properties"]["is"]["enum"])
    for name in (*ACTORS, *EVENTS, *IDS, *TODAYS):
        assert f"\n| `{name}` | " in PAGE


def test_stages_are_the_files_by_their_numbers() -> None:
    stages = read_stages(CATALOGUE)
    assert [stage.name for stage in stages][:2] == ["identity", "request"]
    assert stages[-1].name == "poll"
    assert all(stage.says for stage in stages)
    assert sum(len(stage.hops) for stage in stages) == len(CATALOGUE.hops)


def test_what_a_document_says_otherwise_stands_beside_its_step() -> None:
    flow = CATALOGUE.flows[MAIN]
    steps = tuple(replace(step, says="It says: a | b.") if step.number == "11" else step for step in flow.steps)
    page = render_hops(replace(CATALOGUE, flows={**CATALOGUE.flows, MAIN: replace(flow, steps=steps)}))
    assert "step 11 of launch-58 (It says: a | b.)" in section(page, "host-claim")


def test_a_bar_in_a_text_does_not_end_a_cell() -> None:
    hop = replace(CATALOGUE.hops["token-request"], meaning="a | b")
    page = render_hops(replace(CATALOGUE, hops={**CATALOGUE.hops, hop.name: hop}))
    assert "| a \\| b |" in page


def test_a_fault_in_the_flow_files_is_a_message_and_no_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ConfigurationError("hops/1-identity.yaml: hop token-request: no")

    monkeypatch.setattr(page_module, "load_all", broken)
    assert page_module.main() == 2
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "hops: hops/1-identity.yaml: hop token-request: no\n")
