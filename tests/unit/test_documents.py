"""Documents: links lead somewhere, and the commands that they name are there."""

import hashlib
import os
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from readmehelp import Command, commands_in

from hoplab.commands import main as cli
from hoplab.flow.loader import load_journey
from hoplab.flow.model import LAUNCH

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("roles/*/*.md"))]
PAGE_LINES = 60
DRAWINGS = sorted((ROOT / "docs").glob("*.dot"))
# What may stand first in a command of CONTRIBUTING.md; other blocks there are files' contents and lists.
PROGRAMS = {".", "make", "molecule", "ansible-playbook", "ssh", "systemctl", "journalctl", "tail"}
CONTRIBUTING = [
    command
    for command in commands_in((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    if command.text.split()[0] in PROGRAMS or command.text.startswith("bin/")
]
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
    catalogue = load_journey(getattr(arguments, "journey", None) or LAUNCH)
    flow = getattr(arguments, "flow", None) or catalogue.main
    assert flow in catalogue.flows
    hop = getattr(arguments, "hop", None)
    if hop and "<" not in hop:
        assert hop in catalogue.hops or any(step.number == hop for step in catalogue.flows[flow].steps)


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
    titles = re.findall(r"^(\d+\. )\[(.+)\]\(", index, re.MULTILINE)
    for number, (page, title) in enumerate(zip(pages, titles, strict=True), 1):
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        assert title[0] == f"{number}. "
        sections = ["Problem", "Options", "Decision", "Consequences"]
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == sections, page.name
        assert re.search(r"^Status: (accepted|replaced by \[ADR \d+\]\(\d{4}-[a-z0-9-]+\.md\))\.$", text, re.MULTILINE)
        assert len(text.splitlines()) <= PAGE_LINES, page.name


def test_contributing_has_commands() -> None:
    assert {command.text.split()[0] for command in CONTRIBUTING} == {*PROGRAMS, "bin/play"}


@pytest.mark.parametrize("command", CONTRIBUTING, ids=lambda command: f"{command.lines[0]}: {command.text}")
def test_what_commands_of_contributing_name_is_there(command: Command) -> None:
    words = shlex.split(command.text)
    if words[0].startswith("bin/"):
        assert os.access(ROOT / words[0], os.X_OK)
    in_clone = ("inventories/", "playbooks/", "tests/", "verify/", "roles/", "bin/", ".venv/bin/")
    assert [word for word in words if word.startswith(in_clone) and not (ROOT / word).exists()] == []
    roles = {path.parents[1].name for path in ROOT.glob("roles/*/tasks/main.yml")}
    named = [after for word, after in pairwise(words) if word in {"--tags", "-s"}]
    named += [word.removeprefix("ROLE=") for word in words if word.startswith("ROLE=")]
    assert set(named) <= roles
    hosts = (ROOT / "inventories" / "local" / "hosts.yml").read_text(encoding="utf-8")
    for word, after in pairwise(words):
        assert word != "--limit" or f"{after}: {{" in hosts, after


def test_the_page_of_the_lab_names_every_module() -> None:
    text = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
    modules = {path.stem for path in ROOT.glob("plugins/modules/*.py")}
    assert (
        set(re.findall(r"^\| `(\w+)` \| ", text.partition("| Module |")[2].partition("\n\n")[0], re.MULTILINE))
        == modules
    )


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda path: path.name)
def test_a_drawing_was_made_of_the_text_that_is_there(drawing: Path) -> None:
    made = drawing.with_suffix(".svg").read_text(encoding="utf-8")
    told = re.search(r"<!-- Made by bin/drawings from ([\w.]+), whose SHA-256 digest is ([0-9a-f]{64})\. -->", made)
    assert told is not None
    assert told[1] == drawing.name
    assert told[2] == hashlib.sha256(drawing.read_bytes()).hexdigest(), "run `make drawings`, and look at it"
    assert any(
        f"({drawing.stem}.svg)" in page.read_text() or f"/{drawing.stem}.svg)" in page.read_text() for page in PAGES
    )


def test_every_drawing_has_its_text() -> None:
    assert {path.stem for path in (ROOT / "docs").glob("*.svg")} == {path.stem for path in DRAWINGS}


def test_what_the_architecture_draws_is_there() -> None:
    text = (ROOT / "docs" / "architecture.dot").read_text(encoding="utf-8")
    titles = re.findall(r'^    \w+ \[label="([^"\\]+)', text, re.MULTILINE)
    paths = {path for title in titles for path in re.findall(r"[\w.]+/[\w.]*", title)}
    assert {"playbooks/group_vars", "molecule/", "roles/", "verify/tests", "lab/profiles"} <= paths
    made = {".lab/", "runs/"}  # by a lab, by a run
    pack = ROOT / "verify" / "hoplab"
    assert [path for path in paths - made if not any((root / path).exists() for root in (ROOT, pack))] == []
    steps = {name for title in titles for name in re.findall(r"^[a-z, ]+$", title) for name in name.split(", ")}
    assert {"capture", "parse", "join", "judge"} <= steps
    assert [name for name in steps if not any((pack / f"{name}{end}").exists() for end in ("", ".py"))] == []
