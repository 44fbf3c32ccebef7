"""roles/<role>/README.md: what the role's argument_specs and defaults give, whole, and never stale."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from bin import role_readmes

ROOT = Path(__file__).resolve().parents[2]
PAGES = role_readmes.pages()


def page(role: str) -> str:
    return PAGES[ROOT / "roles" / role / "README.md"]


def specs(role: str) -> dict[str, Any]:
    text = (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["argument_specs"]
    return found


def row(text: str, name: str) -> list[str]:
    """Return the cells of a variable's only row."""
    rows = [line for line in text.splitlines() if line.startswith(f"| `{name}` | ")]
    assert len(rows) == 1, name
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", rows[0])[1:-1]]


@pytest.mark.parametrize("role", sorted({path.parts[-3] for path in ROOT.glob("roles/*/meta/argument_specs.yml")}))
def test_each_role_has_its_page_as_its_files_give_it(role: str) -> None:
    path = ROOT / "roles" / role / "README.md"
    assert path.read_text(encoding="utf-8") == page(role), "run `make readmes`"


def test_no_page_is_of_a_role_that_is_gone() -> None:
    assert set(ROOT.glob("roles/*/README.md")) == set(PAGES)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.parent.name)
def test_a_page_has_every_variable_and_what_is_in_it(path: Path) -> None:
    role = path.parent.name
    _head, *parts = re.split(r"^## Entry point .*$", PAGES[path], flags=re.MULTILINE)
    for (_entry, spec), text in zip(specs(role).items(), parts or [PAGES[path]], strict=True):
        for name, option in spec["options"].items():
            cells = row(text, name)
            assert (cells[2] == "**required**") is bool(option.get("required")), name
            assert ("**Secret.**" in cells[3]) is bool(option.get("no_log")), name
            assert all(f"`{choice}`" in cells[3] for choice in option.get("choices", []))
            for inner in option.get("options", {}):
                row(text, f"{name}.{inner}")


def test_a_page_tells_entry_points_units_ports_and_logs() -> None:
    text = page("service")
    assert [f"## Entry point `{name}`" in text for name in specs("service")] == [True, True]
    running = page("neutron_server")
    assert re.search(r"^\| neutron-api \| `neutron-api.service` \| 9696 \| `/var/log/neutron/", running, re.MULTILINE)
    assert "../../docs/guest-image.md" in page("guest_image")


def test_a_page_says_how_the_role_is_tested_alone() -> None:
    scenarios = {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")}
    assert len(scenarios) > 20
    for path, text in PAGES.items():
        role = path.parent.name
        assert (f"    molecule test -s {role}\n" in text) is (role in scenarios), role


def test_a_page_follows_the_role(tmp_path: Path) -> None:
    role = tmp_path / "roles" / "example"
    for part in ("meta", "defaults"):
        (role / part).mkdir(parents=True)
    (role / "meta" / "main.yml").write_text("galaxy_info: {description: An example}\n")
    options = """argument_specs:
  main:
    short_description: Example
    description: [Reads C(a|b) <once>.]
    options:
      example_words: {type: list, elements: str, description: Words}
      example_mode: {type: str, choices: [fast, slow], description: "This | or that", default: fast}
      cloud_key: {type: str, required: true, no_log: true, description: A key.}
"""
    (role / "meta" / "argument_specs.yml").write_text(options)
    services = "example_services: [{name: x, unit: x.service, port: null, logs: []}]\n"
    (role / "defaults" / "main.yml").write_text(f"example_words: [a, b]\nexample_mode: fast\n{services}")
    text = role_readmes.pages(tmp_path)[role / "README.md"]
    assert "**Example.** Reads `a\\|b` &lt;once>." in text
    assert row(text, "example_words") == ["`example_words`", "list of str", "`a`, `b`", "Words"]
    assert row(text, "example_mode")[2:] == ["`fast`", "This \\| or that One of `fast`, `slow`."]
    assert "## Shared variables" in text.partition("`cloud_key`")[0]
    assert "| x | `x.service` | none | journal |" in text
    assert "\n\n\n" not in text
