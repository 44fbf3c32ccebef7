"""One browser for all tests, and the pages of recorded runs as files: a plugin of pytest, which test modules name."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from pagebench import chromium
from playwright.sync_api import Browser

from hoplab.report.html import render_html
from samples.run_reports import run_report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the file with the page of a run of `samples.run_reports.RUNS`."""
    place = tmp_path_factory.mktemp("pages")

    @cache
    def made(name: str) -> Path:
        file = place / f"{name}.html"
        file.write_text(render_html(run_report(name)), encoding="utf-8")
        return file

    return made
