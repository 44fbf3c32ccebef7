"""Nodes with what several scenarios need, made once and kept as a snapshot that each of them starts from.

A stage is a beginning of the list of roles that a scenario needs. Its name is a digest of all that its nodes are made
from, so that a stage of other roles, plugins, layers or topology is never taken for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from passed import (
    HELPERS,
    PACK,
    UNUSED,
    digest_of,
    files_of,
    scenario_settings,
    with_what_they_name,
    without_unnamed_plugins,
)

FEWEST = 3
"""Roles of a stage: to apply fewer takes no longer than putting a snapshot back."""
PREFIX = "prepared-"


@dataclass(frozen=True)
class ScenarioNeeds:
    """What a scenario needs of other roles: topology, the roles in their order."""

    topology: str
    needs: tuple[str, ...]


@cache
def scenario_needs(root: Path, role: str) -> ScenarioNeeds:
    """Return what a scenario needs of other roles."""
    hosts = (root / "molecule" / role / "hosts.yml").resolve()
    return ScenarioNeeds(str(hosts.relative_to(root.resolve())), tuple(scenario_settings(root, role)["scenario_needs"]))


def in_families(root: Path, roles: Iterable[str]) -> list[str]:
    """Return scenarios so that those with the same beginning stand beside each other, and the longest at the end."""
    return sorted(roles, key=lambda role: (scenario_needs(root, role).topology, scenario_needs(root, role).needs, role))


def shared(mine: ScenarioNeeds, others: Iterable[ScenarioNeeds]) -> set[int]:
    """Return how many of a scenario's roles other ones begin with, too, where it is worth a stage."""
    lengths = set()
    for other in others:
        if other.topology == mine.topology:
            pairs = zip(mine.needs, other.needs, strict=False)
            lengths.add(len([*takewhile(lambda pair: pair[0] == pair[1], pairs)]))
    return {length for length in lengths if length >= FEWEST}


def stages(root: Path, role: str, others: Iterable[str]) -> str:
    """Return all stages that a scenario can start from, the smallest first, as JSON for its playbooks.

    others: scenarios that are still to be run; `wanted` are those stages that one of them can start from, too.
    """
    needed = scenario_needs(root, role)
    wanted = shared(needed, [scenario_needs(root, other) for other in others])
    return json.dumps(
        [
            {"name": stage_name(root, needed.topology, needs), "needs": needs, "wanted": len(needs) in wanted}
            for needs in _beginnings(needed)
        ]
    )


def known(root: Path, roles: Iterable[str]) -> str:
    """Return the names of all stages that scenarios can start from now, as JSON: snapshots of others are of no use."""
    asked = {scenario_needs(root, role) for role in roles}
    return json.dumps(
        sorted({stage_name(root, needed.topology, needs) for needed in asked for needs in _beginnings(needed)})
    )


def _beginnings(needed: ScenarioNeeds) -> list[tuple[str, ...]]:
    return [needed.needs[:length] for length in range(FEWEST, len(needed.needs) + 1)]


@cache
def stage_name(root: Path, topology: str, needs: tuple[str, ...]) -> str:
    """Return the name of a stage."""
    roles = with_what_they_name(root, needs)
    made_from = digest_of(
        root, without_unnamed_plugins(root, [name for name in files_of(root) if _is_input(name, roles)])
    )
    return PREFIX + hashlib.sha256(f"{made_from} {topology} {needs}".encode()).hexdigest()[:16]


def _is_input(name: str, roles: frozenset[str]) -> bool:
    if name.startswith((*UNUSED, PACK, HELPERS)) or name.endswith(".md"):
        return False
    match name.split("/"):
        case ["molecule", scenario, *_]:
            return scenario == "shared"
        case ["roles", other, part, *_] if other not in roles:
            return part == "defaults"  # the packages of all roles are in the nodes' layers
    return True
