"""A scenario counts as passed before only with the same inputs: one byte of any of them, and it runs again."""

import subprocess
import time
from pathlib import Path

import passed
import pytest
from passed import KEPT_HOURS, Results, digest, roles_of, uses_pack

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {
    "roles/keystone/tasks/main.yml": "- ansible.builtin.include_role: {name: hoplab.lab.service, tasks_from: check}\n",
    "roles/keystone/templates/keystone.conf.j2": "[DEFAULT]\n",
    "roles/base/tasks/main.yml": "- hoplab.lab.units: {}\n",
    "roles/mariadb/tasks/main.yml": "- ansible.builtin.include_role:\n    name: hoplab.lab.helper\n",
    "roles/helper/tasks/main.yml": "[]\n",
    "roles/service/templates/oslo.j2": "x\n",
    "roles/launch/tasks/main.yml": "launch_command: hoplab\n",
    "roles/other/tasks/main.yml": "[]\n",
    "roles/other/defaults/main.yml": "other_packages: [a]\n",
    "roles/keystone/README.md": "x\n",
    "plugins/modules/units.py": "from ..module_utils.lab_host import x\n",
    "plugins/module_utils/lab_host.py": "x\n",
    "plugins/modules/disks.py": "from ..module_utils.lab_disks import x\n",
    "plugins/module_utils/lab_disks.py": "x\n",
    "plugins/filter/addresses.py": "x\n",
    "playbooks/group_vars/all/cloud.yml": "x: 1\n",
    "playbooks/site.yml": "x\n",
    "playbooks/tasks/all_or_none.yml": "x\n",
    "molecule/conftest.py": "from people import member\n",
    "molecule/shared/converge.yml": "name: '{{ scenario_role }}'\n",
    "molecule/shared/testing/scenario.py": "x\n",
    "molecule/shared/testing/people.py": "import scenario\n",
    "molecule/shared/testing/other_help.py": "x\n",
    "molecule/keystone/scenario.yml": "{scenario_role: keystone, scenario_needs: [base, mariadb]}\n",
    "molecule/keystone/tests/test_keystone.py": "x\n",
    "molecule/launch/scenario.yml": "{scenario_role: launch, scenario_needs: [base]}\n",
    "molecule/launch/tests/test_launch.py": "x\n",
    "verify/hoplab/commands/main.py": "x\n",
    "verify/tests/test_cli.py": "x\n",
    "tests/unit/test_x.py": "x\n",
    "docs/hops.md": "x\n",
    "bin/play": "x\n",
    "ansible.cfg": "x\n",
    "requirements.lock": "x\n",
    "something/new.txt": "x\n",
}
OF_KEYSTONE = {
    name
    for name in TEXTS
    if not name.startswith(("roles/launch/", "roles/other/tasks", "molecule/launch/", "verify/", "tests/", "docs/"))
    and name not in {"playbooks/site.yml", "playbooks/tasks/all_or_none.yml"}
    and name not in {"roles/keystone/README.md", "molecule/shared/testing/other_help.py"}
    # Nothing of it names this module, nor what that alone imports.
    and name not in {"plugins/modules/disks.py", "plugins/module_utils/lab_disks.py"}
}
OF_LAUNCH = (OF_KEYSTONE | {"verify/hoplab/commands/main.py", "roles/launch/tasks/main.yml"}) - {
    name
    for name in TEXTS
    if name.startswith(("molecule/keystone/", "roles/keystone/", "roles/mariadb", "roles/helper"))
} | {"molecule/launch/scenario.yml", "molecule/launch/tests/test_launch.py"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A small clone with two scenarios."""
    root = tmp_path / "clone"
    for name, text in TEXTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "molecule" / "keystone" / "hosts.yml").symlink_to("../shared/one.yml")
    (root / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", "."], cwd=root, check=True)
    return root


@pytest.mark.parametrize(("role", "expected"), [("keystone", OF_KEYSTONE), ("launch", OF_LAUNCH)])
def test_one_byte_of_an_input_changes_the_digest(clone: Path, role: str, expected: set[str]) -> None:
    before = digest(clone, role)
    changed = set()
    for name, text in TEXTS.items():
        (clone / name).write_text(text + " ", encoding="utf-8")
        changed |= {name} if digest(clone, role) != before else set()
        (clone / name).write_text(text, encoding="utf-8")
    assert changed == expected
    assert digest(clone, role) == before


def test_so_does_a_file_that_comes_or_goes_a_mode_a_link_and_the_machine(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [digest(clone, "keystone")]

    def differs() -> bool:
        seen.append(digest(clone, "keystone"))
        return seen[-1] not in seen[:-1]

    (clone / "roles" / "base" / "tasks" / "new.yml").write_text("[]\n", encoding="utf-8")
    assert differs()
    (clone / "plugins" / "modules" / "units.py").unlink()
    assert differs()
    (clone / "bin" / "play").chmod(0o755)
    assert differs()
    link = clone / "molecule" / "keystone" / "hosts.yml"
    link.unlink()
    link.symlink_to("../shared/two.yml")
    assert differs()
    release = clone / "os-release"
    release.write_text("13\n", encoding="utf-8")
    monkeypatch.setattr(passed, "MACHINE", (str(release),))
    assert differs()
    release.write_text("14\n", encoding="utf-8")
    assert differs()
    # What Python keeps is no input.
    (clone / "plugins" / "__pycache__").mkdir()
    (clone / "plugins" / "__pycache__" / "units.pyc").write_bytes(b"x")
    assert not differs()


def test_a_result_counts_with_the_same_inputs_and_for_a_day(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = Results(clone, tmp_path / "passed")
    assert results.same("keystone") is None
    results.keep("keystone", digest(clone, "keystone"), 7, 12.5)
    found = results.same("keystone")
    assert found is not None
    assert (found.tests, found.seconds) == (7, 12.5)
    assert results.same("launch") is None
    (clone / "ansible.cfg").write_text("y\n", encoding="utf-8")
    assert results.same("keystone") is None
    assert results.last("keystone") == found
    (clone / "ansible.cfg").write_text("x\n", encoding="utf-8")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + KEPT_HOURS * 3600 + 60)
    assert results.same("keystone") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"digest": "x"}'])
def test_a_result_that_is_damaged_is_none(clone: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "keystone.json").write_text(text, encoding="utf-8")
    assert Results(clone, tmp_path).same("keystone") is None


def test_the_scenarios_of_this_clone_have_their_roles() -> None:
    for scenario in sorted(ROOT.glob("molecule/*/scenario.yml")):
        role = scenario.parent.name
        roles = roles_of(ROOT, role)
        assert {role, "service", "node_container", "preflight", "client"} <= roles
        tests = [path.read_text(encoding="utf-8") for path in (scenario.parent / "tests").glob("*.py")]
        imports = any("from hoplab" in text or "import hoplab" in text for text in tests)
        assert uses_pack(ROOT, role, roles) == (imports or role == "launch"), role


def test_a_name_that_ends_in_a_template_stands_for_every_role_that_begins_so(clone: Path) -> None:
    for kind in ("one", "two"):
        (clone / "roles" / f"kind_{kind}" / "tasks").mkdir(parents=True)
    shared = clone / "molecule" / "shared" / "create.yml"
    shared.parent.mkdir(parents=True, exist_ok=True)
    shared.write_text('include_role: {name: "hoplab.lab.kind_{{ kind }}"}\n', encoding="utf-8")
    assert {"kind_one", "kind_two"} <= roles_of(clone, "keystone")
