"""Scenarios start from prepared nodes only where these are made from the very same things."""

import json
import subprocess
from pathlib import Path

import prepared
import pytest
from prepared import ScenarioNeeds, in_families, known, scenario_needs, shared, stage_name, stages

TEXTS = {
    "roles/base/tasks/main.yml": "- hoplab.lab.units: {}\n",
    "roles/base/meta/main.yml": "x\n",
    "roles/mariadb/templates/my.cnf.j2": "x\n",
    "roles/memcached/tasks/main.yml": "[]\n",
    "roles/keystone/tasks/main.yml": "- ansible.builtin.include_role: {name: hoplab.lab.service}\n",
    "roles/service/templates/oslo.j2": "x\n",
    "roles/glance/defaults/main.yml": "glance_packages: [a]\n",
    "roles/glance/tasks/main.yml": "[]\n",
    "roles/node_container/tasks/main.yml": "[]\n",
    "plugins/modules/units.py": "x\n",
    "playbooks/group_vars/all/cloud.yml": "x: 1\n",
    "inventories/local/group_vars/all/lab.yml": "x: 1\n",
    "inventories/groups.yml": "x: 1\n",
    "molecule/shared/create.yml": "name: node_container\n",
    "molecule/shared/topologies/one.yml": "one\n",
    "molecule/shared/topologies/two.yml": "two\n",
    "ansible.cfg": "x\n",
    "requirements.lock": "x\n",
    "something/new.txt": "x\n",
    # What no prepared node is made from.
    "molecule/shared/testing/people.py": "x\n",
    "plugins/modules/disks.py": "x\n",
    "molecule/glance/tests/test_glance.py": "x\n",
    "molecule/conftest.py": "x\n",
    "verify/hoplab/commands/main.py": "x\n",
    "tests/unit/test_x.py": "x\n",
    "docs/hops.md": "x\n",
    "roles/keystone/README.md": "x\n",
}
NEEDS = {
    "glance": "[base, mariadb, memcached, keystone, ceph_mon]",
    "placement": "[base, mariadb, memcached, keystone]",
    "cinder": "[base, mariadb, memcached, keystone, rabbitmq]",
    "keystone": "[base, mariadb, memcached]",
    "base": "[]",
}
NO_INPUT = {
    "plugins/modules/disks.py",
    "molecule/shared/testing/people.py",
    "molecule/glance/tests/test_glance.py",
    "molecule/conftest.py",
    "verify/hoplab/commands/main.py",
    "tests/unit/test_x.py",
    "docs/hops.md",
    "roles/keystone/README.md",
    "roles/glance/tasks/main.yml",
}
STAGE = ("base", "mariadb", "memcached", "keystone")
ONE = "molecule/shared/topologies/one.yml"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A small clone with five scenarios, one of them on another topology."""
    root = tmp_path / "clone"
    for name, text in TEXTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, needs in NEEDS.items():
        place = root / "molecule" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "scenario.yml").write_text(f"{{scenario_role: {name}, scenario_needs: {needs}}}\n")
        (place / "hosts.yml").symlink_to(f"../shared/topologies/{'two' if name == 'cinder' else 'one'}.yml")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def fresh_name(root: Path, topology: str = ONE, needs: tuple[str, ...] = STAGE) -> str:
    """Return a stage's name as a new process would."""
    stage_name.cache_clear()
    return stage_name(root, topology, needs)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_one_byte_of_an_input_makes_another_stage(clone: Path, name: str) -> None:
    before = fresh_name(clone)
    (clone / name).write_text(TEXTS[name] + "#")
    assert (fresh_name(clone) == before) is (name in NO_INPUT)


def test_other_roles_another_order_and_another_topology_make_another_stage(clone: Path) -> None:
    names = {
        fresh_name(clone),
        fresh_name(clone, needs=STAGE[:3]),
        fresh_name(clone, needs=("base", "memcached", "mariadb", "keystone")),
        fresh_name(clone, topology=ONE.replace("one", "two")),
    }
    assert len(names) == 4


def test_what_others_begin_with_too_is_wanted(clone: Path) -> None:
    told = json.loads(stages(clone, "glance", ["placement", "cinder", "keystone", "base"]))
    assert [(len(stage["needs"]), stage["wanted"]) for stage in told] == [(3, True), (4, True), (5, False)]
    assert [stage["wanted"] for stage in json.loads(stages(clone, "glance", ["cinder", "base"]))] == [False] * 3
    assert json.loads(stages(clone, "base", ["glance"])) == []


def test_only_beginnings_that_are_worth_it_are_shared() -> None:
    one = ScenarioNeeds("t", ("a", "b", "c", "d"))
    assert shared(one, [ScenarioNeeds("t", ("a", "b", "x")), ScenarioNeeds("u", ("a", "b", "c", "d"))]) == set()
    assert shared(one, [ScenarioNeeds("t", ("a", "b", "c", "d", "e")), ScenarioNeeds("t", ("a", "b", "c"))]) == {3, 4}


def test_those_with_the_same_needs_stand_beside_each_other(clone: Path) -> None:
    assert in_families(clone, NEEDS) == ["base", "keystone", "placement", "glance", "cinder"]


def test_all_stages_are_known(clone: Path) -> None:
    names = json.loads(known(clone, NEEDS))
    assert {stage["name"] for role in NEEDS for stage in json.loads(stages(clone, role, []))} == set(names)
    assert all(name.startswith(prepared.PREFIX) for name in names)


def test_scenarios_of_the_project_share_stages() -> None:
    root = Path(__file__).resolve().parents[2]
    big = ["placement", "ceph_rgw", "glance", "neutron_server", "neutron_dhcp", "neutron_l3", "neutron_metadata"]
    asked = [scenario_needs(root, role) for role in big]
    assert all(shared(needed, [other for other in asked if other != needed] + asked[:1]) for needed in asked)
