"""Molecule's scenarios: each role has one, and none can pass without doing its work."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from passed import SHARED_ROLES

ROOT = Path(__file__).resolve().parents[2]
MOLECULE = ROOT / "molecule"
ROLES = {path.parents[1].name for path in ROOT.glob("roles/*/tasks/main.yml")} - SHARED_ROLES
NAMES = sorted(path.parent.name for path in MOLECULE.glob("*/molecule.yml"))
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / ".config" / "molecule" / "config.yml").read_text())
LAST_NUMBER = 84  # three subnets each, the third part of an address is at most 254
FEWEST_TESTS = 3
FOREIGN = {"machine_check"}
"""Scenarios on machines that no role of the lab has made: they make and remove them by playbooks of their own."""


def settings(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((MOLECULE / name / "scenario.yml").read_text())
    return found


def tasks_of(role: str) -> set[str]:
    """Return the names of all tasks of a role, in blocks too."""
    texts = [path.read_text() for path in (ROOT / "roles" / role / "tasks").glob("*.yml")]
    return {name.strip("\"' ") for text in texts for name in re.findall(r"^\s*- name: (.+)$", text, re.MULTILINE)}


def test_each_role_has_a_scenario() -> None:
    assert set(NAMES) == ROLES


def test_scenarios_run_side_by_side() -> None:
    numbers = [settings(name)["scenario_number"] for name in NAMES]
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number <= LAST_NUMBER for number in numbers)
    slots = re.search(r"^SLOTS = \((\d+), (\d+)\)$", (ROOT / "bin" / "molecule").read_text(), re.MULTILINE)
    assert slots is not None
    assert not {int(number) for number in slots.groups()} & set(numbers)
    # Whose snapshots `make clean` removes.
    assert all(re.fullmatch("8[12]", number) for number in slots.groups())


def test_every_playbook_is_there() -> None:
    # Molecule passes over a step whose playbook it does not find, and calls that a success.
    named = list(CONFIG["ansible"]["playbooks"].values())
    steps = CONFIG["scenario"]["test_sequence"]
    named += [word for step in steps for word in step.split()[1:]]
    assert len(named) > 8
    assert [name for name in named if not (MOLECULE / "shared" / "x" / ".." / name).resolve().is_file()] == []
    # Side effects run only if there is a default one, too.
    assert "side_effect" in CONFIG["ansible"]["playbooks"]


def test_the_sequence_is_whole() -> None:
    steps = [step.split("/")[-1] for step in CONFIG["scenario"]["test_sequence"]]
    assert steps == [
        "destroy",
        "create",
        "prepare",
        "refuse_missing.yml",
        "mishaps.yml",
        "converge",
        "idempotence",
        "reboot.yml",
        "verify",
        "count.yml",
        "destroy",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_it_has_the_layout_of_an_inventory(name: str) -> None:
    for link, target in (("groups.yml", "inventories/groups.yml"), ("group_vars", "inventories/local/group_vars")):
        assert (MOLECULE / name / link).is_symlink()
        assert (MOLECULE / name / link).resolve() == ROOT / target
    assert (MOLECULE / name / "hosts.yml").is_file()
    # What a scenario would set there for itself alone belongs to all of them, or to scenario.yml.
    own = yaml.safe_load((MOLECULE / name / "molecule.yml").read_text())
    if name not in FOREIGN:
        assert own == {}


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_one_on_foreign_machines_leaves_out_only_what_needs_the_labs_own(name: str) -> None:
    own = yaml.safe_load((MOLECULE / name / "molecule.yml").read_text())
    assert own["ansible"] == {"playbooks": {step: f"../shared/site_{step}.yml" for step in ("create", "destroy")}}
    assert all((MOLECULE / name / path).is_file() for path in own["ansible"]["playbooks"].values())
    steps = [
        step
        for step in CONFIG["scenario"]["test_sequence"]
        if step not in {"prepare", "side_effect ../shared/reboot.yml"}
    ]
    assert own["scenario"] == {"test_sequence": steps}


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_of_its_role_is_so(name: str) -> None:
    found = settings(name)
    specs = yaml.safe_load((ROOT / "roles" / name / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    assert found["scenario_role"] == name
    assert {*found["scenario_needs"], *found.get("scenario_needs_here", [])} <= ROLES - {name}
    options = specs["main"]["options"]
    refusable = {key for key, option in options.items() if option["type"] not in {"path", "str"} or "choices" in option}
    assert bool(found["scenario_wrong"]) is bool(refusable)
    assert set(found["scenario_wrong"]) <= refusable
    assert found["scenario_interrupt"] in tasks_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_it_counts_its_tests(name: str) -> None:
    files = list((MOLECULE / name / "tests").glob("test_*.py"))
    functions = [line for path in files for line in re.findall(r"^\s*def test_\w+", path.read_text(), re.MULTILINE)]
    assert settings(name)["scenario_tests"] >= len(functions) >= FEWEST_TESTS
