"""A launch that is watched in the browser: hops light up as they come, and in the end it is the report that is left."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from pagebench import Opened, opened
from playwright.sync_api import Browser, Page, expect

from hoplab.commands import judged, watch
from hoplab.model.errors import EXIT_HOLDS, EXIT_INTERRUPTED
from hoplab.report.document import document
from hoplab.session import live_page, run_watch
from hoplab.session.judge_run import judge_run
from samples.hostile import hostile
from samples.labs import recorded_lab
from samples.live import Again, Watched

pytest_plugins = ("pagefixtures",)
pytestmark = pytest.mark.browser

SCRIPT = "<script>window.harmed=1</script>"
WHERE = "boxes => boxes.map(box => [box.getAttribute('x'), box.getAttribute('y')])"
Watch = Callable[[], Watched]


@pytest.fixture
def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Watch]:
    monkeypatch.setattr(run_watch, "AGAIN", 0.01)
    lab = tmp_path / "lab.json"
    made: list[Watched] = []

    def begin() -> Watched:
        run = Again("volume-attach/proved")
        lab.write_text(json.dumps(recorded_lab(tmp_path, run.record)))
        monkeypatch.setattr(watch, "verify", run.verify)
        runs = ["--runs", str(tmp_path / "runs")]
        arguments = ["--lab", str(lab), "watch", "--web", "--journey", "volume-attach", *runs]
        made.append(Watched(run, arguments, lambda: "".join(capsys.readouterr())))
        return made[-1]

    yield begin
    for one in made:
        one.end()


def reached(page: Page) -> list[str]:
    return page.locator("#picture-hops li:not(.beyond) b").all_text_contents()


def expect_some(page: Page, more: int) -> list[str]:
    """Wait until more hops than so many have happened; return them."""
    expect(page.locator(f"#picture-hops li:not(.beyond):nth-child({more + 1})")).to_have_count(1)
    return reached(page)


def expect_report(seen: Opened) -> None:
    expect(seen.page.locator("#result")).to_contain_text("Proved")
    expect(seen.page.locator("#live")).to_have_count(0)
    assert not seen.page.evaluate("picture.playing")


def test_hops_light_up_as_they_come_and_the_report_takes_their_place(watching: Watch, browser: Browser) -> None:
    one = watching()
    with opened(browser, one.url) as seen:
        page = seen.page
        expect(page.locator("#live-state")).to_have_text("Live")
        expect(page.locator("#live-sentence")).to_have_text(re.compile("^0 of 20 hops"))
        expect(page.locator("#picture-hops li")).to_have_count(20)
        assert reached(page) == []
        assert not re.search("absent|blocked|unknown", page.locator("#picture").inner_text())
        assert page.locator("#picture-map .box.lit").count() == 0
        stand = page.locator("#picture-map .box rect").evaluate_all(WHERE)

        one.run.until(0.5)
        some = expect_some(page, 0)
        assert seen.hop() == some[-1]
        # All that came together lights up together.
        ends = page.locator("#picture-hops li:not(.beyond) .route").all_text_contents()
        acting = {end for route in ends for end in route.split(" → ")}
        assert set(page.locator("#picture-map .box.lit text").all_text_contents()) == acting
        expect(page.locator("#live-sentence")).to_have_text(re.compile(f"^{len(some)} of 20 hops"))

        one.run.until(0.8)
        more = expect_some(page, len(some))
        assert more[: len(some)] == some
        assert seen.hop() == more[-1]
        newest = page.locator(f"#picture-hops li:nth-child(n+{len(some) + 1}):not(.beyond) .route").all_text_contents()
        acting = {end for route in newest for end in route.split(" → ")}
        assert set(page.locator("#picture-map .box.lit text").all_text_contents()) == acting
        assert Axe().run(page).response["violations"] == []

        assert one.end() == EXIT_HOLDS
        expect_report(seen)
        assert page.locator("#picture-map .box rect").evaluate_all(WHERE) == stand
        shown = page.locator("#picture-hops b").all_text_contents()
        left = one.run.directory / "report.html"
        assert page.title().startswith("proved: ")
        assert seen.complaints == []
        with opened(browser, left) as file:
            assert file.page.locator("#picture-hops b").all_text_contents() == shown
            assert file.page.inner_text("body") == page.inner_text("body")
            assert file.page.inner_html("#picture-map") == page.inner_html("#picture-map")
            page.keyboard.press("Home")
            page.keyboard.press("ArrowRight")
            assert seen.hop() == shown[0]


def test_who_looks_at_a_hop_is_not_taken_away_from_it(watching: Watch, browser: Browser) -> None:
    one = watching()
    with opened(browser, one.url) as seen:
        page = seen.page
        one.run.until(0.5)
        some = expect_some(page, 1)
        link = page.locator("#picture-hops a", has_text=some[0]).first
        link.click()
        expect(page.locator("#picture-details h3")).to_contain_text(some[0])
        one.run.until(0.8)
        expect_some(page, len(some))
        assert seen.hop() == some[0]
        expect(link).to_be_focused()
        # Whoever goes to the end follows what comes.
        page.keyboard.press("End")
        one.run.until(0.9)
        expect(page.locator("#picture-hops [aria-current] b")).not_to_have_text(some[0])
        page.evaluate(f"location.hash = 'hop={some[1]}'")
        expect(page.locator("#picture-details h3")).to_contain_text(some[1])
        one.end()
        expect_report(seen)
        assert seen.hop() == some[1]


def test_a_second_browser_and_one_that_comes_back_see_the_same(watching: Watch, browser: Browser) -> None:
    one = watching()
    with opened(browser, one.url) as seen:
        one.run.until(0.5)
        some = expect_some(seen.page, 0)
        with opened(browser, one.url) as other:
            assert expect_some(other.page, len(some) - 1) == some
        seen.page.reload()
        assert expect_some(seen.page, len(some) - 1) == some
        one.end()
        expect_report(seen)


def test_a_connection_that_is_lost_is_said_and_made_again(watching: Watch, browser: Browser) -> None:
    one = watching()
    with opened(browser, "about:blank") as seen:
        page, state = seen.page, seen.page.locator("#live-state")
        page.route("**/events", lambda route: route.abort("connectionreset"))
        page.goto(one.url)
        expect(state).to_have_text("Connection lost, trying again")
        expect(page.locator("#live-said")).to_have_text("Connection lost, trying again")
        one.run.until(0.5)
        page.unroute("**/events")
        expect(state).to_have_text("Live")
        expect_some(page, 0)


def test_a_run_that_breaks_off_leaves_what_is_there(watching: Watch, browser: Browser) -> None:
    one = watching()
    with opened(browser, one.url) as seen:
        one.run.until(0.5)
        some = expect_some(seen.page, 0)
        assert one.end(KeyboardInterrupt()) == EXIT_INTERRUPTED
        expect(seen.page.locator("#live-sentence")).to_contain_text("There is no report: it was interrupted.")
        expect(seen.page.locator("#live-state")).to_have_text("Over")
        assert reached(seen.page) == some


def test_no_text_of_a_run_is_code(watching: Watch, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_page, "document", lambda *some, **more: hostile(document(*some, **more)))
    monkeypatch.setattr(judged, "judge_run", lambda *some: hostile(judge_run(*some)))
    one = watching()
    with opened(browser, one.url) as seen:
        page = seen.page

        def unharmed() -> None:
            assert SCRIPT in (page.locator("#picture-hops").text_content() or "")
            assert page.evaluate("window.harmed") is None
            assert page.locator("img, iframe, object, svg[onload]").count() == 0
            assert seen.complaints == []
            assert {url.partition("#")[0] for url in seen.asked} <= {f"{one.url}events"}

        expect(page.locator("#live-state")).to_have_text("Live")
        one.run.until(0.6)
        expect_some(page, 0)
        page.keyboard.press("ArrowLeft")
        unharmed()
        one.end()
        expect_report(seen)
        unharmed()
