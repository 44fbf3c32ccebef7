"""The collection hoplab.lab: what its archive has, and that it can be installed and used outside this repository."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from collection import build, install, outside
from tests.unit.tree import tracked

from hoplab import __version__

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
PLUGINS = sorted(path.relative_to(ROOT / "plugins") for path in (ROOT / "plugins").glob("*/*.py"))
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
TOP = {"CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "meta", "plugins", "roles"}
# What lies about in a clone that is worked with, and may be secret.
LEFT = (
    ".lab/local/secrets.yml",
    ".venv/bin/python",
    ".mypy_cache/x.json",
    "runs/1/run.json",
    "hoplab-lab-0.1.0.tar.gz",
    "build/lib/hoplab/x.py",
    "dist/hoplab-0.2.0-py3-none-any.whl",
    "verify/hoplab.egg-info/PKG-INFO",
    "plugins/modules/__pycache__/units.cpython-311.pyc",
    "roles/guest_image/files/__pycache__/x.pyc",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory outside the repository, in which the collection is installed as its users do."""
    clone, directory = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("outside")
    for path in tracked(":!verify/tests", ":!docs"):
        to = clone / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to, follow_symlinks=False)
    for name in LEFT:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("secret\n", encoding="utf-8")
    install(build(clone, directory), directory)
    return directory


@pytest.fixture(scope="module")
def installed(place: Path) -> Path:
    """Where the collection is."""
    return place / "collections" / "ansible_collections" / "hoplab" / "lab"


def test_it_has_the_version_of_the_python_package() -> None:
    assert GALAXY["version"] == __version__
    assert GALAXY["license"] == ["Apache-2.0"]


def test_it_asks_for_the_ansible_that_the_lock_file_has() -> None:
    locked = re.search(r"^ansible-core==(\d+\.\d+)\.", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    asked = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    assert locked is not None
    assert asked == f">={locked[1]}.0"
    for role in ROLES:
        meta = yaml.safe_load((ROOT / "roles" / role / "meta" / "main.yml").read_text(encoding="utf-8"))
        assert meta["galaxy_info"]["min_ansible_version"] == locked[1], role


def test_it_depends_on_the_collections_that_its_roles_use() -> None:
    texts = [path.read_text(encoding="utf-8") for path in tracked("roles/**.yml", "roles/**.j2") if path.is_file()]
    named = {name for text in texts for name in re.findall(r"(?<![\w.])((?:community|ansible)\.\w+)\.\w+", text)}
    assert set(GALAXY["dependencies"]) == named - {"ansible.builtin"}


def test_it_has_what_belongs_to_it_and_nothing_else(installed: Path) -> None:
    assert {path.name for path in installed.iterdir()} == TOP
    files = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    of_git = {path.relative_to(ROOT) for path in tracked("roles", "plugins", "meta")}
    assert files - of_git == {Path(name) for name in TOP - {"meta", "plugins", "roles"}}
    assert of_git - files == set()


def test_each_role_declares_what_it_takes(installed: Path) -> None:
    assert sorted(path.name for path in (installed / "roles").iterdir()) == ROLES
    declared = {path.parents[1].name for path in (installed / "roles").glob("*/meta/argument_specs.yml")}
    assert declared == set(ROLES)


def test_each_plugin_is_found_by_its_full_name(place: Path) -> None:
    listed = {}
    for kind in ("module", "lookup", "filter", "callback"):
        done = outside(place, "ansible-doc", "--type", kind, "--list", "--json", "hoplab.lab")
        assert done.returncode == 0, done.stderr
        listed[kind] = set(yaml.safe_load(done.stdout))
    for path in PLUGINS:
        kind = {"modules": "module"}.get(path.parts[0], path.parts[0])
        if kind in {"module", "lookup", "callback"}:
            assert f"hoplab.lab.{path.stem}" in listed[kind], path
    assert listed["filter"] == {
        f"hoplab.lab.{name}" for name in ("node_kinds", "nth_address", "prefix_length", "rabbitmq_password_hash")
    }


def test_no_role_or_plugin_names_a_short_name_of_ours() -> None:
    ours = {path.stem for path in PLUGINS if path.parts[0] in {"modules", "action"}}
    short = re.compile(rf"^\s*(?:- )?({'|'.join(sorted(ours))}):(?= *(?:[&*{{]|$))", re.MULTILINE)
    tasks = [*tracked("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "playbooks/*.yml", "playbooks/tasks/*.yml")]
    tasks += tracked("molecule/shared/**.yml")
    values = {"accounts", "packages"}  # of other modules
    found = {f"{path.relative_to(ROOT)}: {name}" for path in tasks for name in short.findall(path.read_text())}
    assert {name for name in found if name.rpartition(" ")[2] not in values} == set()


def test_no_file_of_it_reaches_out_of_it() -> None:
    reached = re.compile(
        r"project_directory|playbook_dir|inventory_dir|\.\./\.\./|lookup\('hoplab\.lab\.secret'|\.lab/"
    )
    for path in tracked("roles/**.yml", "roles/**.j2", "roles/*/files/*"):
        assert not reached.findall(path.read_text(encoding="utf-8")), path.relative_to(ROOT)


PLAY = """
- hosts: localhost
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.include_role: {{name: hoplab.lab.{role}}}
"""


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("memcached", "missing required arguments: memcached_address"),
        ("service", "The role service is private"),
        ("ceph_common", "The role ceph_common is private"),
    ],
)
def test_a_playbook_outside_is_told_what_is_wrong(place: Path, role: str, message: str) -> None:
    (place / "play.yml").write_text(PLAY.format(role=role), encoding="utf-8")
    done = outside(place, "ansible-playbook", "play.yml")
    assert done.returncode != 0
    assert message in done.stdout, done.stdout + done.stderr


def test_launching_without_the_verification_pack_is_refused(place: Path) -> None:
    variables = "  vars: {launch_lab: /nowhere, launch_command: /nowhere/hoplab}\n"
    play = PLAY.format(role="launch").replace("  tasks:\n", f"{variables}  tasks:\n")
    (place / "launch.yml").write_text(play, encoding="utf-8")
    done = outside(place, "ansible-playbook", "launch.yml")
    assert done.returncode != 0
    assert "launch_command is /nowhere/hoplab, and there is no such program" in done.stdout, done.stdout + done.stderr
