"""What would keep the lab from working is named with what to do, and nothing is made."""

from pathlib import Path
from typing import Any

import pytest
from scenario import Scenario

LABS = Path("/var/lib/hoplab/labs")


def test_what_is_right_changes_nothing(scenario: Scenario) -> None:
    done = scenario.converge()
    assert done.returncode == 0, done.stdout[-3000:]
    assert "changed=0" in done.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"preflight_lab": "a-name-too-long"}, "lab_name is 'a-name-too-long': use 2 to 8 lower-case letters"),
        ({"preflight_subnets": {"management": "10.1.0.0/33"}}, "lab_networks.management.subnet is '10.1.0.0/33'"),
        ({"preflight_memory_mb": 10_000_000}, "MB of memory are free and the lab needs 10000000 MB"),
        ({"preflight_cores": 1024}, "processor cores and the lab needs 1024: use a larger machine"),
        ({"preflight_addresses": {"ctl1": "10.0.0.1", "cmp1": "10.0.0.1"}}, "Several nodes have the address 10.0.0.1"),
        ({"preflight_groups": {"contrl": ["ctl1"]}}, "The inventory has groups that no playbook knows: contrl"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_problem_is_named_with_what_to_do(scenario: Scenario, given: dict[str, Any], said: str) -> None:
    # A lab that does not run yet: one that runs has its memory and disk.
    done = scenario.converge(**({"preflight_lab": "other"} | given))
    assert done.returncode == 2
    assert said in " ".join(done.stdout.split())
    assert not (LABS / "other").exists()


def test_subnets_of_a_living_lab_are_taken(scenario: Scenario) -> None:
    done = scenario.converge(preflight_lab="other")
    assert done.returncode == 2
    taken = scenario.subnet_address("management", 0) + "/24"
    assert f"lab_networks.management.subnet {taken} clashes with this machine's route to {taken}" in " ".join(
        done.stdout.split()
    )


def test_a_living_lab_of_another_clone_is_taken_only_on_demand(scenario: Scenario) -> None:
    refused = scenario.converge(preflight_owner="/srv/another/clone")
    assert refused.returncode == 2
    assert "make down TAKE=yes" in " ".join(refused.stdout.split())
    assert scenario.converge(preflight_owner="/srv/another/clone", preflight_take=True).returncode == 0
