"""Two runs in one picture: both maps show the hop that the list shows, each as it was in its own run."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from pagebench import OVER, WIDTHS, Opened, Scheme, opened, serious_violations
from playwright.sync_api import Browser, expect

from hoplab.report.comparison import compare
from hoplab.report.comparison_page import DIFFERS, comparison_picture, render_comparison
from samples.hostile import hostile
from samples.reports import Document, failed, proved
from samples.run_reports import recorded_report, run_report

pytest_plugins = ("pagefixtures",)
pytestmark = pytest.mark.browser

PairOf = Callable[[str], Path]
PAIRS: dict[str, Callable[[], tuple[Document, Document]]] = {
    "good and failed": lambda: (run_report("cold"), run_report("failed")),
    "cold and warm": lambda: (run_report("cold"), run_report("warm")),
    "two lists": lambda: (recorded_report("cold", 0, "cli-28"), run_report("cold")),
    "attachments": lambda: (run_report("volume-attach"), run_report("volume-attach-failed")),
    "hostile": lambda: (hostile(proved()), hostile(failed())),
}
MAPS = ("#picture-map", "#picture-map-2")


@pytest.fixture(scope="module")
def pair_of(tmp_path_factory: pytest.TempPathFactory) -> PairOf:
    """Return the file with the page of one of PAIRS."""
    place = tmp_path_factory.mktemp("pairs")

    @cache
    def made(name: str) -> Path:
        file = place / f"{name.replace(' ', '-')}.html"
        file.write_text(render_comparison(*PAIRS[name]()), encoding="utf-8", errors="strict")
        return file

    return made


@pytest.fixture
def broken(browser: Browser, pair_of: PairOf) -> Iterator[Opened]:
    with opened(browser, pair_of("good and failed"), clock=True) as seen:
        yield seen
        assert seen.complaints == []
        assert seen.asked == []


def lit(seen: Opened, at: str) -> list[str]:
    """Return the actors that light up in a map."""
    return sorted(seen.page.locator(f"{at} .box.name.lit").all_text_contents())


class TestBothMaps:
    def test_go_through_all_hops_of_the_list(self, broken: Opened) -> None:
        first, second = PAIRS["good and failed"]()
        steps = comparison_picture(compare(first, second), first, second)["steps"]
        broken.press("Home")
        for step in steps:
            broken.press("ArrowRight")
            assert broken.hop() == step["name"]
            actors = sorted({step["from"].rpartition("@")[0], step["to"].rpartition("@")[0]})
            assert [lit(broken, at) for at in MAPS] == [actors, actors], step["name"]

    def test_show_each_run_as_it_was(self, broken: Opened) -> None:
        broken.page.evaluate("location.hash = '#hop=metadata-forward'")
        assert broken.hop() == "metadata-forward"
        expect(broken.page.locator(f"{MAPS[0]} .arrow.now.v-proved")).to_have_count(1)
        expect(broken.page.locator(f"{MAPS[1]} .arrow.now.v-absent")).to_have_count(1)
        details = broken.page.locator("#picture-details")
        expect(details).to_contain_text("This hop differs: proved, then absent.")
        expect(details.locator(".badge")).to_have_text(["✓ proved", "✗ absent"])

    def test_say_at_the_end_what_is_missing_in_the_one_that_broke(self, broken: Opened) -> None:
        assert broken.hop() == ""
        expect(broken.page.locator(f"{MAPS[0]} .lacking")).to_have_count(0)
        assert broken.page.locator(f"{MAPS[1]} .lacking").count() > 0
        expect(broken.page.locator("#picture-details")).to_contain_text("3 of 73 hops differ")

    def test_play_until_the_end(self, broken: Opened) -> None:
        broken.press("Home")
        assert lit(broken, MAPS[0]) == lit(broken, MAPS[1]) == []
        broken.page.select_option("#picture-pace", "four")
        broken.page.click("#picture-play")
        broken.page.clock.run_for(20_000)
        expect(broken.page.locator("#picture-play")).to_have_text("Play")
        assert broken.page.locator(f"{MAPS[1]} .arrow.past").count() > 10

    def test_an_arrow_of_either_leads_to_its_hop(self, broken: Opened) -> None:
        for at in MAPS:
            broken.press("Home")
            arrow = broken.page.locator(f"{at} .arrow", has_text="guest to dnsmasq").first
            arrow.locator(".hit").dispatch_event("click")
            assert broken.hop() == "guest-dhcp"

    def test_the_list_marks_what_differs(self, broken: Opened) -> None:
        first, second = PAIRS["good and failed"]()
        steps = comparison_picture(compare(first, second), first, second)["steps"]
        wanted = [step["name"] for step in steps if step["verdict"] == DIFFERS]
        marked = broken.page.locator("#picture-hops a:has(.v-differs) b").all_text_contents()
        assert marked == wanted != []
        expect(broken.page.locator("#picture-hops .sign.v-differs").first).to_have_text("≠")


def test_a_hop_that_one_list_leaves_out_lights_up_in_the_other_run_alone(browser: Browser, pair_of: PairOf) -> None:
    with opened(browser, pair_of("two lists"), link="#hop=dhcp-cast") as seen:
        assert seen.hop() == "dhcp-cast"
        assert lit(seen, MAPS[0]) == []
        assert lit(seen, MAPS[1]) == ["neutron-api", "rabbitmq"]
        expect(seen.page.locator("#picture-details")).to_contain_text("The list of this run leaves out dhcp-cast.")
        # What was before it is past in both.
        assert all(seen.page.locator(f"{at} .arrow.past").count() > 3 for at in MAPS)
        assert seen.complaints == []


@pytest.mark.parametrize("name", PAIRS)
def test_nothing_is_cut_off_at_any_width(browser: Browser, pair_of: PairOf, name: str) -> None:
    with opened(browser, pair_of(name)) as seen:
        seen.page.locator("summary").evaluate_all("all => all.forEach(one => one.click())")
        for width, height in WIDTHS.items():
            seen.page.set_viewport_size({"width": width, "height": height})
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
            assert seen.page.evaluate(OVER) == []
            boxes = [seen.page.locator(at).bounding_box() for at in MAPS]
            assert all(box is not None and box["width"] > (100 if name == "hostile" else 300) for box in boxes), boxes
            tops = {box["y"] for box in boxes if box is not None}
            assert len(tops) == (1 if width == 1400 else 2), "side by side at a desk, else one below the other"
        assert seen.complaints == []
        assert seen.asked == []


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("good and failed", 1400, "dark"),
        ("cold and warm", 820, "light"),
        ("attachments", 390, "light"),
    ],
)
def test_all_can_use_it(browser: Browser, pair_of: PairOf, name: str, width: int, scheme: Scheme) -> None:
    with opened(browser, pair_of(name), width=width, scheme=scheme) as seen:
        seen.press("ArrowLeft")
        assert serious_violations(seen) == []


def test_without_a_script_there_is_the_table(browser: Browser, pair_of: PairOf) -> None:
    with opened(browser, pair_of("good and failed"), script=False) as seen:
        expect(seen.page.locator("#picture")).to_be_hidden()
        expect(seen.page.locator("#hop-metadata-forward")).to_be_visible()


def test_no_text_of_either_run_is_code(browser: Browser, pair_of: PairOf) -> None:
    with opened(browser, pair_of("hostile")) as seen:
        for _step in range(12):
            seen.press("ArrowLeft")
        seen.press("Home")
        seen.press("ArrowRight", 3)
        assert seen.page.evaluate("window.harmed") is None
        assert seen.page.locator("img, iframe, object, svg[onload]").count() == 0
        assert seen.page.locator("script").count() == 2
        assert seen.complaints == []
        assert seen.asked == []
