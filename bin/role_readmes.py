"""Write roles/<role>/README.md from the role's meta/argument_specs.yml and defaults; role_readme.md.j2 is the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "role_readme.md.j2"


@dataclass(frozen=True)
class Row:
    """A variable, or a part of one (its name then has a dot)."""

    name: str
    type: str
    default: str
    description: str


@dataclass(frozen=True)
class Entry:
    """A way into a role: a task file, with what it takes."""

    name: str
    short: str
    paragraphs: tuple[str, ...]
    own: tuple[Row, ...]
    shared: tuple[Row, ...]


@dataclass(frozen=True)
class Role:
    """All that a page shows of a role."""

    name: str
    summary: str
    entries: tuple[Entry, ...]
    services: tuple[dict[str, Any], ...]
    page: str | None
    """A page in docs/ that says more, if there is one."""
    scenario: bool
    """Whether Molecule tests it alone."""


def read(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; an empty one if the file is not there or holds nothing."""
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def prose(text: str) -> str:
    """Return a description as Markdown: Ansible's C(), V(), O() and I() as code, and nothing that a table breaks at."""
    parts = re.split(r"\b[CVOI]\(([^)]*)\)", " ".join(text.split()))
    # Every second part stood in parentheses.
    for index, part in enumerate(parts):
        parts[index] = code(part) if index % 2 else cell(part).replace("<", "&lt;")
    return "".join(parts)


def cell(text: str) -> str:
    """Return a text for the cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def code(value: str) -> str:
    """Return a text as code in the cell of a table."""
    return f"`{cell(value)}`"


def sentences(description: str | list[str] | None) -> tuple[str, ...]:
    """Return a description's paragraphs."""
    return tuple(prose(text) for text in ([description] if isinstance(description, str) else description or []))


def written(value: object) -> str:
    """Return a default as one would write it in YAML, on one line."""
    if isinstance(value, str):
        return code(value) if value else '`""`'
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(code(item) for item in value)
    return code(json.dumps(value, ensure_ascii=False))


def type_of(option: dict[str, Any]) -> str:
    """Return an option's type in words."""
    return f"list of {option['elements']}" if option.get("elements") else str(option["type"])


def rows(options: dict[str, Any], defaults: dict[str, Any], services: str, prefix: str = "") -> Iterator[Row]:
    """Yield a row for each option and for what is in it. services: the variable that a section of its own shows."""
    for name, option in options.items():
        if option.get("required"):
            default = "**required**"
        elif name == services and defaults.get(name) and not prefix:
            default = "[What runs](#what-runs)"
        elif not prefix and name in defaults:
            default = written(defaults[name])
        else:
            default = written(option["default"]) if "default" in option else "none"
        says = list(sentences(option["description"]))
        if "choices" in option:
            says.append(f"One of {', '.join(code(str(choice)) for choice in option['choices'])}.")
        if option.get("no_log"):
            says.append("**Secret.**")
        yield Row(f"{prefix}{name}", type_of(option), default, " ".join(says))
        yield from rows(option.get("options", {}), {}, "", f"{prefix}{name}.")


def role_in(root: Path, name: str) -> Role:
    """Return what is to be told of a role. root: where roles/, docs/ and molecule/ are."""
    directory = root / "roles" / name
    defaults = read(directory / "defaults" / "main.yml")
    services = f"{name}_services"
    entries = []
    for entry, spec in read(directory / "meta" / "argument_specs.yml")["argument_specs"].items():
        found = tuple(rows(spec.get("options", {}), defaults, services))
        own = tuple(row for row in found if row.name.startswith(f"{name}_"))
        shared = tuple(row for row in found if row not in own)
        entries.append(
            Entry(entry, prose(spec["short_description"]), sentences(spec.get("description")), own, shared),
        )
    page = f"{name.replace('_', '-')}.md"
    return Role(
        name=name,
        summary=prose(read(directory / "meta" / "main.yml")["galaxy_info"]["description"]),
        entries=tuple(entries),
        services=tuple(defaults.get(services, [])),
        page=page if (root / "docs" / page).exists() else None,
        scenario=(root / "molecule" / name / "molecule.yml").exists(),
    )


def render(role: Role) -> str:
    """Return a role's page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the page is Markdown
    )
    environment.filters |= {"code": code, "stop": lambda text: text if text.endswith((".", "?", "!")) else f"{text}."}
    # What a role does not have leaves its empty lines.
    return re.sub(r"\n{3,}", "\n\n", environment.get_template(TEMPLATE).render(role=role))


def pages(root: Path = ROOT) -> dict[Path, str]:
    """Return the page of every role that declares what it takes, by its path."""
    found = sorted((root / "roles").glob("*/meta/argument_specs.yml"))
    return {path.parents[1] / "README.md": render(role_in(root, path.parents[1].name)) for path in found}


def main() -> None:
    """Write all pages, or none if a role is wrong."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
