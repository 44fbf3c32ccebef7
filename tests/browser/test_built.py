"""The page's script is what its source says."""

import subprocess
from pathlib import Path

import pytest

from hoplab.report.html import page_script

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]


def test_building_gives_the_file_that_is_there() -> None:
    told = subprocess.run(["bin/page", "--print"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == page_script(), "run `make page`"
