"""The HTML report's drawings: the order of hops and lifelines, and the gaps in time."""

from datetime import datetime, timedelta

from hoplab.report.html import render_html
from hoplab.report.outline import by_time, moment, ordered
from hoplab.report.sequence import lifelines
from hoplab.report.timeline import longest_gaps
from samples.pages import text, tree
from samples.reports import BEGIN, PAUSE, PAUSED, Document, failed, proved

SAMPLES = {"proved": proved(), "failed": failed()}
PAGES = {name: render_html(sample) for name, sample in SAMPLES.items()}


class TestSequence:
    def test_what_was_not_seen_stands_where_it_should_have_been(self) -> None:
        names = [hop["name"] for hop in by_time(SAMPLES["failed"]["hops"])]
        assert names.index("build-take") + 1 == names.index("conductor-call")
        for hop in SAMPLES["failed"]["hops"]:
            if hop["at"] is None:
                assert all(names.index(earlier) < names.index(hop["name"]) for earlier in hop["after"])

    def test_what_was_seen_stands_in_the_order_of_the_times(self) -> None:
        times = [hop["at"] for hop in by_time(SAMPLES["failed"]["hops"]) if hop["at"]]
        assert times == sorted(times)

    def test_a_circle_of_hops_ends(self) -> None:
        hops: list[Document] = [
            {"hop": None, "name": name, "after": [other], "at": None} for name, other in ("ab", "ba")
        ]
        assert len(by_time(hops)) == len(ordered(hops)) == 2

    def test_lines_are_dashed_for_what_was_not_seen(self) -> None:
        page = tree(PAGES["failed"])
        kinds = {
            text(title).split(":")[0]: group.get("class")
            for group in page.iter("g")
            if (title := group.find("title")) is not None and "->" in text(title)
        }
        assert kinds["14 conductor-call"] == "arrow v-absent unseen"
        assert kinds["15 conductor-take"] == "arrow v-blocked unseen"

    def test_partners_are_neighbours_and_the_first_actor_stays_first(self) -> None:
        pairs = [("z", "m"), ("a", "b"), ("b", "a"), ("m", "a"), ("z", "c"), ("c", "z"), ("c", "z")]
        line = lifelines([{"from": pair, "to": other} for pair, other in pairs])
        assert line[0] == "z"
        assert sorted(line) == ["a", "b", "c", "m", "z"]
        assert abs(line.index("a") - line.index("b")) == 1
        assert line.index("c") == 1

    def test_a_hop_of_an_actor_with_itself(self) -> None:
        sample = proved()
        sample["hops"][5]["to"] = sample["hops"][5]["from"]
        assert tree(render_html(sample)).find(".//svg") is not None


class TestGaps:
    def test_the_longest_are_named_with_what_is_on_both_sides(self) -> None:
        gaps = longest_gaps(SAMPLES["proved"])
        assert [gap.letter for gap in gaps] == list("ABCDEF")
        assert [gap.seconds for gap in gaps] == sorted((gap.seconds for gap in gaps), reverse=True)
        assert 1 < gaps[0].seconds <= PAUSE
        assert PAUSED in gaps[0].before
        assert PAUSED not in gaps[0].behind
        assert f"{gaps[0].seconds:.3f} s" in PAGES["proved"]

    def test_no_event_is_in_a_gap(self) -> None:
        sample = SAMPLES["proved"]
        first = BEGIN + 0.05
        for gap in longest_gaps(sample):
            for hop in sample["hops"]:
                for witness in hop["witnesses"]:
                    offset = sample["clocks"].get(witness["node"], {}).get("offset", 0)
                    time = moment(witness["time"]) - offset - first
                    assert not gap.begin + 0.002 < time < gap.end - 0.002

    def test_clocks_are_taken_off(self) -> None:
        sample = proved()
        for hop in sample["hops"]:
            for witness in hop["witnesses"]:
                sample["clocks"][witness["node"]] = {"offset": 7.0, "uncertainty": 0.0}
                witness["time"] = (datetime.fromisoformat(witness["time"]) + timedelta(seconds=7)).isoformat()
        shifted = [(round(gap.seconds, 2), gap.behind) for gap in longest_gaps(sample)[:2]]
        assert shifted == [(round(gap.seconds, 2), gap.behind) for gap in longest_gaps(proved())[:2]]
