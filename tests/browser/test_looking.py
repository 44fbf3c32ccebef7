"""How pages look: nothing is cut off or runs over, all can use them, and they work on paper and without a script."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pagebench import OVER, WIDTHS, Opened, Scheme, opened, serious_violations
from playwright.sync_api import Browser, expect

from hoplab.report.looks import LOOKS
from samples.run_reports import RUNS, run_report

pytest_plugins = ("pagefixtures",)
pytestmark = pytest.mark.browser

PageOf = Callable[[str], Path]
CLIPPED = """() => [["name", "box"], ["node.title", "node"], ["group.title", "group"]].flatMap(([text, frame]) => {
  const texts = [...document.querySelectorAll(`#picture-map .${text} text`)];
  const frames = [...document.querySelectorAll(`#picture-map .${frame}:not(.name, .title) rect`)];
  if (texts.length !== frames.length || !texts.length) throw new Error(`${texts.length} ${text}`);
  return texts.filter((one, index) => {
    const said = one.getBBox(), around = frames[index].getBBox();
    return said.width > 0 && (said.x < around.x || said.x + said.width > around.x + around.width);
  }).map(one => one.textContent);
})"""


def overlapping(seen: Opened) -> list[tuple[str, str]]:
    """Return boxes of the map that lie over each other."""
    boxes = seen.page.evaluate(
        """() => [...document.querySelectorAll("#picture-map .box rect")].map(one => {
          const {x, y, width, height} = one.getBBox();
          return [one.parentNode.textContent, x, y, x + width, y + height];
        })"""
    )
    return [
        (one[0], other[0])
        for index, one in enumerate(boxes)
        for other in boxes[:index]
        if one[1] < other[3] and other[1] < one[3] and one[2] < other[4] and other[2] < one[4]
    ]


@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_cut_off_at_any_width(browser: Browser, page_of: PageOf, name: str) -> None:
    with opened(browser, page_of(name)) as seen:
        for width, height in WIDTHS.items():
            seen.page.set_viewport_size({"width": width, "height": height})
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
            assert seen.page.evaluate(OVER) == []
            assert seen.page.evaluate(CLIPPED) == []
        # Who called whom is seen as a whole at a desk.
        assert width == 1400
        inner, outer = seen.page.locator("section.wide .scroll").evaluate("one => [one.scrollWidth, one.clientWidth]")
        assert inner <= outer
        assert overlapping(seen) == []
        assert seen.complaints == []
        assert seen.asked == []


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("failed", 1400, "dark"), ("unknown", 390, "light")],
)
def test_all_can_use_it(browser: Browser, page_of: PageOf, name: str, width: int, scheme: Scheme) -> None:
    with opened(browser, page_of(name), width=width, scheme=scheme) as seen:
        assert serious_violations(seen) == []


def test_verdicts_are_told_without_colours(browser: Browser, page_of: PageOf) -> None:
    report = run_report("unknown")
    with opened(browser, page_of("unknown")) as seen:
        verdicts = {hop["verdict"] for hop in report["hops"]}
        assert "unknown" in verdicts
        for verdict in verdicts:
            items = seen.page.locator("#picture-hops li", has=seen.page.get_by_text(verdict, exact=True))
            expect(items.first.locator(".sign")).to_have_text(LOOKS[verdict].sign)
        dashes = seen.page.evaluate(
            "[...document.querySelectorAll('#picture-map .arrow.v-unknown .stroke')]"
            ".map(one => getComputedStyle(one).strokeDasharray)"
        )
        assert dashes
        assert "none" not in dashes


def test_on_paper_stand_the_whole_picture_and_the_list(browser: Browser, page_of: PageOf) -> None:
    with opened(browser, page_of("cold"), link="#hop=23") as seen:
        seen.page.emulate_media(media="print")
        expect(seen.page.locator("#picture-map .arrow.now")).to_have_count(0)
        expect(seen.page.locator("#picture-map .arrow.ahead")).to_have_count(0)
        items = seen.page.locator("#picture-hops li")
        assert items.count() == len(run_report("cold")["hops"])
        expect(items.last).to_be_visible()
        assert seen.page.locator("#picture-hops").evaluate("one => one.scrollHeight <= one.clientHeight + 1")
        expect(seen.page.locator("#picture-play")).to_be_hidden()
        seen.page.emulate_media(media="screen")
        expect(seen.page.locator("#picture-map .arrow.now")).to_have_count(1)


def test_without_a_script_the_page_is_the_list(browser: Browser, page_of: PageOf) -> None:
    with opened(browser, page_of("failed"), script=False) as seen:
        expect(seen.page.locator("#picture")).to_be_hidden()
        expect(seen.page.locator("ol.hops > li")).to_have_count(len(run_report("failed")["hops"]))
        expect(seen.page.locator("#failure")).to_be_visible()


def test_a_page_has_at_most_700_kb(page_of: PageOf) -> None:
    assert [name for name in RUNS if page_of(name).stat().st_size > 700_000] == []
