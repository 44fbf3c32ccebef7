"""The picture plays, pauses, steps, and goes where it is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pagebench import Opened, opened
from playwright.sync_api import Browser, expect

from hoplab.report.picture import picture
from hoplab.report.svg import verdict_class
from samples.run_reports import run_report

pytest_plugins = ("pagefixtures",)
pytestmark = pytest.mark.browser

PageOf = Callable[[str], Path]
SECOND = 1000
COLD = picture(run_report("cold"))


@pytest.fixture
def cold(browser: Browser, page_of: PageOf) -> Iterator[Opened]:
    with opened(browser, page_of("cold"), clock=True) as seen:
        yield seen
        assert seen.complaints == []


@pytest.fixture
def failed(browser: Browser, page_of: PageOf) -> Iterator[Opened]:
    with opened(browser, page_of("failed"), clock=True) as seen:
        yield seen
        assert seen.complaints == []


def names() -> list[str]:
    return [step["name"] for step in COLD["steps"]]


class TestPlaying:
    def test_begins_at_the_end_and_plays_from_the_begin(self, cold: Opened) -> None:
        assert cold.time() == COLD["end"]
        assert cold.hop() == ""
        cold.page.click("#picture-play")
        expect(cold.page.locator("#picture-play")).to_have_text("Pause")
        cold.page.clock.run_for(int((COLD["steps"][3]["bent"] + 0.2) * SECOND))
        assert cold.hop() == names()[3]

    def test_hops_come_in_the_order_of_their_times_until_the_end(self, cold: Opened) -> None:
        cold.page.evaluate(
            """() => {
              window.seen = [];
              const shown = () => document.querySelector("#picture-hops [aria-current] b")?.textContent ?? "";
              new MutationObserver(() => window.seen.push(shown())).observe(
                document.querySelector("#picture-hops"), {subtree: true, attributes: true});
            }"""
        )
        cold.page.select_option("#picture-pace", "four")
        cold.page.click("#picture-play")
        cold.page.clock.run_for(int(COLD["end"] / 4 * SECOND) + SECOND)
        assert list(dict.fromkeys(name for name in cold.page.evaluate("seen") if name)) == names()
        expect(cold.page.locator("#picture-play")).to_have_text("Play")
        assert cold.time() == COLD["end"]

    def test_pause_holds_the_time(self, cold: Opened) -> None:
        cold.page.click("#picture-play")
        cold.page.clock.run_for(3 * SECOND)
        cold.page.click("#picture-play")
        held = cold.time()
        cold.page.clock.run_for(3 * SECOND)
        assert cold.time() == held
        assert 2 < held < 4

    @pytest.mark.parametrize(("pace", "seconds"), [("followed", 4), ("half", 2), ("four", 16)])
    def test_pace_is_a_choice(self, cold: Opened, pace: str, seconds: float) -> None:
        cold.page.select_option("#picture-pace", pace)
        cold.page.click("#picture-play")
        cold.page.clock.run_for(4 * SECOND)
        assert cold.time() == pytest.approx(seconds, abs=0.3)

    def test_real_pace_takes_the_real_time(self, cold: Opened) -> None:
        cold.page.select_option("#picture-pace", "real")
        cold.page.click("#picture-play")
        times = [step["real"] for step in COLD["steps"]]
        cold.page.clock.run_for(10 * SECOND)
        shown = times[names().index(cold.hop())]
        # Hops at the same moment take a frame each, which adds up.
        assert 8 < shown <= 10

    def test_real_and_bent_time_are_told(self, cold: Opened) -> None:
        cold.press("Home")
        cold.press("ArrowRight", 2)
        said = cold.page.locator("#picture-clock").text_content()
        assert said is not None
        assert f"hop 2 of 73, +{COLD['steps'][1]['real']:.3f} s" in said
        assert "s on the screen" in said


class TestSteps:
    def test_buttons_step(self, cold: Opened) -> None:
        cold.press("Home")
        for _step in range(3):
            cold.page.click("#picture-forward")
        assert cold.hop() == names()[2]
        cold.page.click("#picture-back")
        assert cold.hop() == names()[1]

    def test_keys_step_and_go_to_both_ends(self, cold: Opened) -> None:
        cold.press("ArrowLeft")
        assert cold.hop() == names()[-1]
        cold.press("ArrowRight")
        assert cold.hop() == ""
        assert cold.time() == COLD["end"]
        cold.press("Home")
        assert cold.time() == 0
        cold.press("ArrowLeft")
        assert cold.time() == 0
        cold.press("ArrowRight", 5)
        assert cold.hop() == names()[4]
        cold.press("End")
        assert cold.time() == COLD["end"]

    def test_each_hop_can_be_stepped_to(self, cold: Opened) -> None:
        cold.press("Home")
        seen = []
        for _name in names():
            cold.press("ArrowRight")
            seen.append(cold.hop())
        assert seen == names()

    def test_the_space_bar_plays_and_presses_what_is_focused(self, cold: Opened) -> None:
        cold.press("Space")
        assert cold.page.evaluate("picture.playing") is True
        cold.press("Space")
        assert cold.page.evaluate("picture.playing") is False
        cold.press("Home")
        cold.page.focus("#picture-forward")
        cold.press("Space")
        assert cold.page.evaluate("picture.playing") is False
        assert cold.hop() == names()[0]

    def test_keys_elsewhere_in_the_page_are_left_alone(self, cold: Opened) -> None:
        cold.page.focus("#sequence ~ div.scroll, section.wide div.scroll")
        cold.press("Home")
        assert cold.time() == COLD["end"]

    def test_evidence_is_scrolled_by_its_own_keys(self, cold: Opened) -> None:
        cold.page.focus("#picture-details")
        cold.press("ArrowLeft", 3)
        shown = cold.hop()
        assert shown == names()[-3]
        cold.press("Home")
        cold.press("End")
        cold.press("Space")
        assert cold.hop() == shown
        assert cold.page.evaluate("picture.playing") is False

    def test_the_scrubber_goes_to_a_time_and_has_a_tick_for_each_hop(self, cold: Opened) -> None:
        at = COLD["steps"][10]["bent"] + 0.1
        cold.page.locator("#picture-time").fill(str(at))
        assert cold.hop() == names()[10]
        assert cold.page.locator("#picture-ticks line").count() == len(names())


class TestWhatIsShown:
    def test_a_hop_of_the_list_shows_its_evidence(self, cold: Opened) -> None:
        step = COLD["steps"][12]
        cold.page.locator("#picture-hops a").nth(12).click()
        details = cold.page.locator("#picture-details")
        expect(details).to_contain_text(step["meaning"])
        expect(details).to_contain_text(step["how"])
        for witness in step["witnesses"]:
            expect(details).to_contain_text(" ".join(witness["line"].split()))
        assert cold.page.url.endswith(f"#hop={step['name'] if step['number'] == '+' else step['number']}")

    def test_an_arrow_shows_its_hop(self, cold: Opened) -> None:
        step = COLD["steps"][0]
        cold.press("Home")
        arrow = cold.page.locator("#picture-map .arrow", has_text=f"{step['number']} {step['name']}")
        arrow.locator(".hit").dispatch_event("click")
        assert cold.hop() == step["name"]
        expect(cold.page.locator("#picture-caption")).to_contain_text(step["meaning"])

    @pytest.mark.parametrize("link", ["23", None])
    def test_a_link_leads_to_a_hop(self, browser: Browser, page_of: PageOf, link: str | None) -> None:
        step = next(one for one in COLD["steps"] if one["number"] == (link or "+"))
        with opened(browser, page_of("cold"), link=f"#hop={link or step['name']}") as seen:
            assert seen.hop() == step["name"]
            expect(seen.page.locator("#picture-details h3")).to_contain_text(step["name"])
            other = COLD["steps"][2]
            seen.page.evaluate(f"location.hash = 'hop={other['name']}'")
            expect(seen.page.locator("#picture-details h3")).to_contain_text(other["name"])

    def test_a_link_to_nothing_shows_the_end(self, browser: Browser, page_of: PageOf) -> None:
        with opened(browser, page_of("cold"), link="#hop=%E0%A4%A") as seen:
            assert seen.time() == COLD["end"]
            assert seen.complaints == []

    def test_boxes_and_the_arrow_light_up(self, cold: Opened) -> None:
        cold.press("Home")
        cold.press("ArrowRight", 4)
        step = COLD["steps"][3]
        lit = cold.page.locator("#picture-map .name.lit text").all_text_contents()
        assert sorted(lit) == sorted(end.partition("@")[0] for end in (step["from"], step["to"]))
        assert cold.page.locator("#picture-map .arrow.now").count() == 1

    def test_the_list_follows(self, cold: Opened) -> None:
        for index in (0, 40, 72):
            cold.page.evaluate(f"picture.render({COLD['steps'][index]['bent'] + 0.1})")
            root = cold.page.locator("#picture-hops").bounding_box()
            item = cold.page.locator("#picture-hops .now").bounding_box()
            assert root is not None
            assert item is not None
            assert root["y"] - 1 <= item["y"] <= root["y"] + root["height"] - item["height"] + 1

    def test_a_message_moves_where_motion_is_liked(self, browser: Browser, page_of: PageOf) -> None:
        at = COLD["steps"][3]["bent"] + 0.2
        for motion in (True, False):
            with opened(browser, page_of("cold"), motion=motion) as seen:
                seen.page.evaluate(f"picture.render({at})")
                assert seen.page.locator("#picture-map .message.moving").count() == int(motion)


class TestABrokenRun:
    def test_the_picture_stops_there_and_shows_what_is_missing(self, failed: Opened) -> None:
        report = run_report("failed")
        first = report["first_unproven"]["name"]
        assert failed.hop() == first
        failed.page.evaluate(f"picture.render({picture(report)['end'] - 2})")
        failed.page.click("#picture-play")
        failed.page.clock.run_for(4 * SECOND)
        assert failed.hop() == first
        assert failed.page.evaluate("picture.playing") is False
        broken = next(hop for hop in report["hops"] if hop["name"] == first)
        now = failed.page.locator("#picture-map .arrow.now")
        assert verdict_class(broken["verdict"]) in (now.get_attribute("class") or "")
        assert "✗" in failed.page.locator("#picture-map .seal.shown text").all_text_contents()
        expect(failed.page.locator("#picture-map .arrow.lacking")).not_to_have_count(0)
        missing = failed.page.locator("#picture-details .missing")
        expect(missing).to_contain_text(report["failure"]["actor"])
        expect(missing).to_contain_text(report["failure"]["next"][0])

    def test_what_was_not_reached_can_be_stepped_to(self, failed: Opened) -> None:
        data = picture(run_report("failed"))
        behind = [step["name"] for step in data["steps"][data["reached"] :]]
        seen = []
        for _name in behind:
            failed.press("ArrowRight")
            seen.append(failed.hop())
        assert seen == behind
        failed.press("ArrowRight")
        assert failed.hop() == behind[-1]


class TestOtherData:
    def test_it_replaces_what_is_shown(self, cold: Opened) -> None:
        other = picture(run_report("failed"))
        cold.page.evaluate("data => picture.show(data)", other)
        assert cold.hop() == other["broken"]["name"]
        assert cold.page.locator("#picture-hops li").count() == len(other["steps"])

    def test_a_run_that_goes_on_grows_and_stays_at_its_end(self, cold: Opened) -> None:
        whole = run_report("cold")
        for number in (5, 30):
            some = {**whole, "hops": sorted(whole["hops"], key=lambda hop: str(hop["at"]))}
            for hop in some["hops"][number:]:
                hop |= {"at": None, "end": None, "verdict": "absent", "witnesses": []}
            data = picture({**some, "first_unproven": None, "failure": None}, live=True)
            assert data["reached"] == number
            cold.page.evaluate("data => picture.show(data)", data)
            assert cold.hop() == data["steps"][number - 1]["name"]
            whole = run_report("cold")
