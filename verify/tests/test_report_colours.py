"""The colours of the HTML report: what stands in its style sheet."""

import re

import pytest
from rich.style import Style

from hoplab.judge.verdicts import Verdict
from hoplab.report.html import render_html
from hoplab.report.looks import LOOKS, RESULTS
from samples.reports import proved

CSS = render_html(proved()).partition("<style>")[2].partition("</style>")[0]


class TestColours:
    """Contrast as WCAG 2.2 counts it: 4.5 for text, on the page and on each box that text stands on."""

    @pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
    def test_text_can_be_read(self, scheme: int) -> None:
        colours = dict(
            re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[scheme])
        )
        grounds = [colours.pop(name) for name in ("page", "box", "gap", "lit")]
        colours.pop("edge")
        assert len(colours) == 13
        assert [
            (name, ground) for name, colour in colours.items() for ground in grounds if contrast(colour, ground) < 4.5
        ] == []

    def test_every_verdict_has_a_sign_a_meaning_and_a_style(self) -> None:
        assert set(LOOKS) == set(Verdict)
        assert set(RESULTS.values()) <= set(LOOKS)
        for verdict, look in LOOKS.items():
            assert len(look.sign) == 1
            assert look.short
            assert look.meaning.endswith(".")
            assert Style.parse(look.terminal)
            assert f".v-{verdict.replace(' ', '-')} {{ color:" in CSS

    def test_lines_of_what_did_not_simply_happen_are_dashed(self) -> None:
        for verdict in ("absent", "blocked", "unknown", "cached", "not-applicable", "out-of-order"):
            assert re.search(rf"\.v-{verdict} \.stroke {{[^}}]*stroke-dasharray: [0-9]", CSS)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
