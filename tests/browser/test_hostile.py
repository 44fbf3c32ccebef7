"""No text of a run is ever code, in whichever field it stands."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pagebench import Opened, opened
from playwright.sync_api import Browser

from hoplab.report.html import render_html
from hoplab.report.picture import picture
from samples.hostile import hostile
from samples.reports import Document, disordered, failed, inconclusive, proved
from samples.run_reports import run_report

pytest_plugins = ("pagefixtures",)
pytestmark = pytest.mark.browser

REPORTS: dict[str, Callable[[], Document]] = {
    "proved": proved,
    "failed": failed,
    "disordered": disordered,
    "inconclusive": inconclusive,
    "recorded": lambda: run_report("failed"),
}


def unharmed(seen: Opened) -> None:
    assert seen.page.evaluate("window.harmed") is None
    assert seen.complaints == []
    assert seen.asked == []
    assert seen.page.locator("img, iframe, object, svg[onload]").count() == 0
    assert seen.page.locator("script").count() == 2


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_runs_its_own_script_alone(browser: Browser, tmp_path: Path, name: str) -> None:
    report = hostile(REPORTS[name]())
    file = tmp_path / "page.html"
    file.write_text(render_html(report), encoding="utf-8", errors="strict")
    with opened(browser, file) as seen:
        unharmed(seen)
        shown = seen.page.locator("#picture-hops li").count()
        assert shown == len({hop["name"] for hop in report["hops"]})
        seen.page.evaluate("for (let time = picture.time; time >= 0; time -= 0.5) picture.render(time)")
        unharmed(seen)
        for link in seen.page.locator("#picture-hops a").all()[:3]:
            link.click()
            assert seen.page.locator("#picture-hops .now").count() == 1
        unharmed(seen)


def test_data_that_comes_later_is_no_code_either(browser: Browser, page_of: Callable[[str], Path]) -> None:
    with opened(browser, page_of("cold")) as seen:
        seen.page.evaluate("data => picture.show(data)", picture(hostile(failed())))
        seen.press("ArrowLeft", 3)
        unharmed(seen)


def test_the_policy_stops_code_that_got_in_all_the_same(browser: Browser, tmp_path: Path) -> None:
    page = render_html(proved()).replace("</main>", "<script>window.harmed = 1</script></main>")
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    with opened(browser, file) as seen:
        assert seen.page.evaluate("window.harmed") is None
        assert any("Content Security Policy" in said for said in seen.complaints)
        assert seen.page.locator("#picture-hops li").count() == len(proved()["hops"])
