"""Drawings for the HTML report: built as a tree, so that whatever a text holds, it is escaped."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar
from xml.etree import ElementTree as ET

T = TypeVar("T")

LETTER: Final = 6.6
"""How wide a letter of a drawing is about, in pixels: Python can't measure text."""


def svg_root(width: float, height: float, *, name: str, title: str, describe: str) -> ET.Element:
    """Return an empty drawing. name: a prefix for its ids, unique in the page; title, describe: for screen readers."""
    svg = ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-describe",
        },
    )
    add(svg, "title", title, id=f"{name}-title")
    add(svg, "desc", describe, id=f"{name}-describe")
    return svg


def add(parent: ET.Element, tag: str, text: str = "", **attributes: str | float) -> ET.Element:
    """Add an element to another and return it. `kind` is written as class, and `_` in a name as `-`."""
    named = {
        "class" if key == "kind" else key.replace("_", "-"): value if isinstance(value, str) else f"{value:.1f}"
        for key, value in attributes.items()
    }
    element = ET.SubElement(parent, tag, named)
    element.text = text or None
    return element


def written(svg: ET.Element) -> str:
    """Return a drawing as it stands in the page."""
    return ET.tostring(svg, encoding="unicode")


def parts(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield rows in parts of about the same length, none longer than size: each is drawn for itself."""
    number = -(-len(rows) // size)
    for part in range(number):
        yield rows[len(rows) * part // number : len(rows) * (part + 1) // number]


def text_fits(text: str, x: float, width: float) -> bool:
    """Tell whether a text that begins at x ends within the width."""
    return x + len(text) * LETTER <= width


def verdict_class(verdict: str) -> str:
    """Return the style class of a verdict (`v-out-of-order`)."""
    return f"v-{verdict.replace(' ', '-')}"
