"""Documents: links lead somewhere, and the commands that they name are there."""

import re
import shlex
from pathlib import Path

import pytest

from hoplab import cli
from hoplab.flow.loader import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```.*?^```$|^(?: {4}.*\n)+", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\.venv/bin/hoplab ([^#\n`]+)")


def anchors(page: Path) -> set[str]:
    """Return the places of a page: its headings as GitHub names them, and what it names itself."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        *(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings),
        *re.findall(r'<a id="([^"]+)">', text),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith("https://"):
            continue
        path, _mark, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


def commands() -> list[str]:
    """Return what the documents call hoplab with."""
    return sorted({found.strip() for page in PAGES for found in COMMAND.findall(page.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("command", commands())
def test_hoplab_understands_what_documents_call_it_with(command: str) -> None:
    arguments = cli.parser().parse_args(shlex.split(command))
    flows = load().flows
    flow = getattr(arguments, "flow", "launch-58")
    assert flow in flows
    hop = getattr(arguments, "hop", None)
    if hop and "<" not in hop:
        assert hop in load().hops or any(step.number == hop for step in flows[flow].steps)


def test_make_knows_what_documents_call_it_with() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"(?:`|^ {4}|&& )make ([a-z-]+)", text, re.MULTILINE)) <= targets, page


def test_every_verb_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    verbs = re.findall(r"^    ([a-z]+) ", cli.parser().format_help(), re.MULTILINE)
    assert {"verify", "replay", "report", "explain", "launch", "watch", "cleanup"} <= set(verbs)
    assert [verb for verb in verbs if f"hoplab {verb}" not in text] == []


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    pages = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert LINK.findall(index) == [page.name for page in pages]
    for number, page in enumerate(pages, 1):
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. ")
