"""HTML pages as a browser or a parser of XML sees them, for tests that look into them."""

from html.parser import HTMLParser
from xml.etree import ElementTree as ET


class Seen(HTMLParser):
    """What an HTML parser, which never complains, makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag and what it has."""
        self.tags.append((tag, dict(attrs)))

    def values(self, key: str) -> list[str]:
        """Return the values of an attribute, in their order."""
        return [value for _tag, attributes in self.tags if (value := attributes.get(key)) is not None]


def tree(page: str) -> ET.Element:
    """Return a page, which must be well-formed XML, as a tree."""
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>"))


def text(element: ET.Element) -> str:
    """Return the text in an element, with single spaces."""
    return " ".join("".join(element.itertext()).split())
