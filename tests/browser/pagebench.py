"""Pages in headless Chromium: opened from a file as a reader opens them, with all that they complain about."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

Scheme = Literal["light", "dark"]
PATIENCE: Final = 60_000
"""Milliseconds that are waited for something to be as it is expected."""
WIDTHS: Final = {390: 844, 820: 1180, 1400: 900}
"""Heights of windows by their widths: a phone, a tablet, a desk."""
OVER: Final = """() => {
  const over = [...document.querySelectorAll("body *")].filter(one => {
    const box = one.getBoundingClientRect();
    return one.checkVisibility() && box.right > innerWidth + 0.5 && !one.closest(".scroll, .hidden, svg");
  });
  return over.map(one => `${one.tagName} ${one.id} ${one.className}`);
}"""
"""Returns what of a page runs over the window's edge."""


@dataclass
class Opened:
    """A page in the browser. complaints: what was said in the console; asked: what it wanted from outside."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def time(self) -> float:
        """Return the screen's time of the picture, in seconds."""
        return float(self.page.evaluate("picture.time"))

    def hop(self) -> str:
        """Return the name of the hop that the picture shows; empty at the begin and at the end."""
        shown = self.page.locator("#picture-hops [aria-current] b")
        return (shown.text_content() or "") if shown.count() else ""

    def press(self, key: str, times: int = 1) -> None:
        """Press a key some times."""
        for _time in range(times):
            self.page.keyboard.press(key)


def serious_violations(seen: Opened) -> list[tuple[str, str]]:
    """Return what axe-core finds of a page that is serious or worse: the rule, and where it was broken first."""
    found = Axe().run(seen.page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in {"serious", "critical"}]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium, headless, for as long as the block lasts."""
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert program, "chromium is missing: bin/chromium installs it"
    # What is waited for comes at once, if the machine has nothing else to do.
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # Containers of builds have no user but root, and little shared memory.
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser,
    page: Path | str,
    *,
    width: int = 1400,
    scheme: Scheme = "light",
    link: str = "",
    clock: bool = False,
    motion: bool = False,
    script: bool = True,
) -> Iterator[Opened]:
    """Open a page for as long as the block lasts.

    page: its file, or its address; width: of the window, one of WIDTHS; link: what stands behind the address; clock:
    time stands still, and passes by `page.clock` alone; motion: whether the reader likes it; script: whether JavaScript
    is on.
    """
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]},
        color_scheme=scheme,
        reduced_motion="no-preference" if motion else "reduce",
        java_script_enabled=script,
    )
    context.set_default_timeout(PATIENCE)
    found = Opened(context.new_page())
    address = page if isinstance(page, str) else page.as_uri()

    def complain(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            found.complaints.append(message.text)

    def ask(request: Request) -> None:
        if request.url.partition("#")[0] != address:
            found.asked.append(request.url)

    found.page.on("console", complain)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", ask)
    if clock:
        found.page.clock.install(time=0)
    found.page.goto(f"{address}{link}")
    if clock:
        # The page may take as long as it likes until here.
        found.page.clock.pause_at(3600)
    try:
        yield found
    finally:
        context.close()
