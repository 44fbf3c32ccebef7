"""The HTML report: what is in it, that it needs nothing else, and that evidence can't become markup."""

import re
from collections import Counter
from itertools import pairwise

import pytest

from hoplab.report.html import render_html
from hoplab.report.looks import LOOKS
from hoplab.report.outline import cleaned, ordered
from samples.hostile import hostile
from samples.pages import Seen, text, tree
from samples.reports import (
    BROKEN,
    CATALOGUE,
    Document,
    disordered,
    document,
    failed,
    inconclusive,
    proved,
)

MAKERS = {"proved": proved, "failed": failed, "inconclusive": inconclusive, "disordered": disordered}
SAMPLES = {name: make() for name, make in MAKERS.items()}
PAGES = {name: render_html(sample) for name, sample in SAMPLES.items()}
TOTAL = len(SAMPLES["proved"]["hops"])


def hop_text(page: str, name: str) -> str:
    found = tree(page).find(f".//li[@id='hop-{name}']")
    assert found is not None
    return text(found)


@pytest.mark.parametrize("name", SAMPLES)
class TestEveryPage:
    def test_it_is_well_formed_and_says_what_it_is(self, name: str) -> None:
        page = tree(PAGES[name])
        assert page.get("lang") == "en"
        assert PAGES[name].startswith("<!DOCTYPE html>\n<html")
        assert page.find(".//title") is not None
        assert [len(page.findall(f".//{tag}")) for tag in ("header", "main", "footer", "h1", "nav")] == [1] * 5

    def test_ids_are_unique_and_all_that_is_referred_to_is_there(self, name: str) -> None:
        seen = Seen(PAGES[name])
        ids = Counter(seen.values("id"))
        assert [key for key, number in ids.items() if number > 1] == []
        wanted = [key for values in seen.values("aria-labelledby") for key in values.split()]
        wanted += [value.removeprefix("#") for value in seen.values("href")]
        assert [key for key in wanted if key not in ids] == []

    def test_it_needs_nothing_else(self, name: str) -> None:
        seen = Seen(PAGES[name])
        assert all(value.startswith("#") for value in seen.values("href"))
        assert seen.values("src") == []
        assert not {tag for tag, _attributes in seen.tags} & {"link", "iframe", "img", "object", "base"}
        # Its data, and its own script (`test_report_picture.py`).
        assert [attributes for tag, attributes in seen.tags if tag == "script"] == [
            {"type": "application/json", "id": "picture-data"},
            {},
        ]
        assert not any(key.startswith("on") for _tag, attributes in seen.tags for key in attributes)

    def test_headings_leave_out_no_level(self, name: str) -> None:
        levels = [int(tag[1]) for tag, _attributes in Seen(PAGES[name]).tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))

    def test_every_hop_is_listed_and_drawn_with_its_verdict(self, name: str) -> None:
        page = tree(PAGES[name])
        listed = {key.removeprefix("hop-"): item for item in page.findall(".//li") if (key := item.get("id"))}
        arrows = Counter(text(title) for title in page.findall(".//g/title") if "->" in text(title))
        assert len(listed) == len(SAMPLES[name]["hops"]) == arrows.total()
        for hop in SAMPLES[name]["hops"]:
            said = text(listed[hop["name"]])
            assert f"{LOOKS[hop['verdict']].sign} {hop['verdict']}" in said
            assert hop["from"] in said
            assert hop["meaning"] in said
            assert " ".join(hop["hint"]["run"].split()) in said
            for witness in hop["witnesses"]:
                assert " ".join(witness["line"].split()) in said
            if hop["verdict"] != "proved":
                assert " ".join(hop["why"].split()) in said
            if hop["today"] != "same":
                assert hop["reason"] in said

    def test_drawings_say_what_they_are_and_scroll_in_their_own_box(self, name: str) -> None:
        page = tree(PAGES[name])
        drawings = page.findall(".//div[@class='scroll']/svg")
        assert len(drawings) == len(page.findall(".//svg[@role='img']")) - 1 >= 2  # the picture is drawn by the script
        for drawing in drawings:
            first, second, *_rest = drawing
            assert (first.tag, second.tag) == ("title", "desc")
            assert drawing.get("aria-labelledby") == f"{first.get('id')} {second.get('id')}"
        assert all(box.get("tabindex") == "0" for box in page.findall(".//div[@class='scroll']"))


class TestResult:
    def test_it_stands_before_all_else_in_one_sentence(self) -> None:
        said = {name: text(section) for name in SAMPLES if (section := tree(PAGES[name]).find(".//main/section"))}
        assert said["proved"].startswith(
            f"✓ Proved All {TOTAL} hops of the launch happened or were not needed. {TOTAL} hops: "
        )
        assert "14 conductor-call, from nova-compute to rabbitmq, is the first hop that did not" in said["failed"]
        assert "is the first hop that happened out of order" in said["disordered"]
        assert f"Nothing shows that a hop is missing, but 2 of {TOTAL} hops are not proved." in said["inconclusive"]

    def test_a_failure_is_told_with_all_that_helps(self) -> None:
        section = tree(PAGES["failed"]).find(".//section[@aria-labelledby='failure']")
        assert section is not None
        said = text(section)
        failure = SAMPLES["failed"]["failure"]
        assert said.startswith("First hop that is not proved: 14 conductor-call")
        assert "nova-compute.service" in said
        assert "active (running)" in said
        for line in [failure["last"]["line"], *failure["log"], *failure["next"]]:
            assert " ".join(line.split()) in said

    def test_a_failure_of_which_little_is_known(self) -> None:
        sample = failed()
        sample["failure"] |= {"node": None, "service": None, "last": None, "log": [], "next": []}
        said = text(tree(render_html(sample)))
        assert "Nothing was seen of nova-compute in this launch." in said
        assert "hoplab explain conductor-call" in said

    def test_a_first_unproven_hop_that_the_list_leaves_out(self) -> None:
        sample = failed()
        sample["first_unproven"] = {"hop": None, "name": "not-listed"}
        sample["failure"] |= {"hop": None, "name": "not-listed"}
        page = render_html(sample)
        assert "not-listed, which this list leaves out and its hops must follow, did not happen." in text(tree(page))
        assert "#hop-not-listed" not in page

    def test_what_could_not_be_read_is_told(self) -> None:
        assert "osd.log on node-of-ceph-osd: ssh: no route to host" in text(tree(PAGES["inconclusive"]))

    def test_a_launch_of_which_nothing_was_seen(self) -> None:
        sample = document(dict.fromkeys(CATALOGUE.hops, "absent"))
        sample["launch"] = dict.fromkeys(sample["launch"]) | {"error": "no endpoint", "states": []}
        said = text(tree(render_html(sample)))
        assert "No hop was seen, so there is no timeline." in said
        assert "no endpoint" in said

    @pytest.mark.parametrize("flow", ["cli-28", "deck-17"])
    def test_a_hop_that_is_several_steps_is_one_entry_with_all_numbers(self, flow: str) -> None:
        sample = document(flow=flow)
        names = Counter(hop["name"] for hop in sample["hops"])
        twice = next(name for name, number in names.items() if number == 2)
        page = render_html(sample)
        assert len(tree(page).findall(".//ol[@class='hops']/li")) == len(names) == sum(sample["counts"].values())
        numbers = ", ".join(str(hop["hop"]) for hop in sample["hops"] if hop["name"] == twice)
        assert hop_text(page, twice).startswith(f"{numbers} {twice} ")


class TestHops:
    def test_only_what_is_in_the_way_is_open(self) -> None:
        opened = [
            item.get("id") for item in tree(PAGES["failed"]).findall(".//li") if item.find("details[@open]") is not None
        ]
        assert opened == [f"hop-{BROKEN}"]

    def test_times_are_since_the_first_hop_and_a_disordered_one_is_before_it(self) -> None:
        assert "+0.000 s" in hop_text(PAGES["proved"], "token-request")
        assert re.search(r" -\d\d\.\d{3} s", hop_text(PAGES["disordered"], "port-active"))
        assert "not seen" in hop_text(PAGES["failed"], "conductor-call")
        assert "not seen" not in hop_text(PAGES["proved"], "neutron-token-validation")

    def test_order_is_the_document_s_and_others_stand_behind_what_they_follow(self) -> None:
        hops = ordered(SAMPLES["proved"]["hops"])
        numbers = [hop["hop"] for hop in hops if hop["hop"] is not None]
        assert numbers == sorted(numbers) == list(range(1, 59))
        names = [hop["name"] for hop in hops]
        for hop in hops:
            if hop["hop"] is None:
                assert all(names.index(earlier) < names.index(hop["name"]) for earlier in hop["after"])

    @pytest.mark.parametrize(
        "numbers", [[1, "2", "8", "8a", "8b", 9, 10, 58], ["4, 5", "6, 7", 8], [None, 1], [12, "other"]]
    )
    def test_numbers_may_be_texts(self, numbers: list[int | str | None]) -> None:
        hops: list[Document] = [{"hop": number, "name": f"hop-{at}", "after": []} for at, number in enumerate(numbers)]
        assert ordered(list(reversed(hops))) == hops


class TestEvidence:
    def test_it_is_escaped_wherever_it_stands(self) -> None:
        page = render_html(hostile(failed()))
        page.encode()
        seen = Seen(page)
        tags = [tag for tag, _attributes in seen.tags]
        assert tags.count("script") == 2
        assert "img" not in tags
        assert not any(key.startswith("on") for _tag, attributes in seen.tags for key in attributes)
        assert tree(page) is not None
        assert not any(sign in page for sign in "\x1b\x00\ud800\u202e")
        assert "␛[31m␀" in text(tree(page))

    def test_cleaning_keeps_what_is_no_text(self) -> None:
        assert cleaned({"a": [1, 2.5, None, True, "b\tc\nd"]}) == {"a": [1, 2.5, None, True, "b\tc\nd"]}
