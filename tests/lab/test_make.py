"""Commands of make that stand in the README's text, and that would remove what the other tests need: run in a copy."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from passed import files_of

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
OWN_LAB = """---
lab_name: copied
lab_networks:
  management: {subnet: 172.29.130.0/24, mtu: 1500}
  tunnel: {subnet: 172.29.131.0/24, mtu: 1600}
  external: {subnet: 172.29.132.0/24, mtu: 1500}
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of this clone with a lab name of its own, which has no lab; its .venv is this clone's."""
    made = tmp_path / "copy"
    for name in files_of(ROOT):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, made / name, follow_symlinks=False)
    (made / ".venv").symlink_to(ROOT / ".venv")
    (made / "inventories" / "local" / "group_vars" / "all" / "lab.yml").write_text(OWN_LAB, encoding="utf-8")
    return made


def run(command: str, directory: Path, prefix: tuple[str, ...] = ()) -> str:
    """Run a command as a user would, and return what it printed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "HOPLAB_", "INVENTORY", "TAKE", "VIRTUAL_ENV"))
    }
    argv = [*prefix, *shlex.split(command)]
    said = subprocess.run(
        argv, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert said.returncode == 0, f"{command}: {said.stdout}{said.stderr}"
    return said.stdout


def test_make_help_lists_what_there_is() -> None:
    listed = run("make help", ROOT)
    assert [name for name in ("lab", "verify", "molecule", "readmes") if f"  make {name} " not in listed] == []


def test_make_check_machines_refuses_a_lab_that_has_none() -> None:
    argv = [*shlex.split("make check-machines"), "INVENTORY=inventories/local"]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 2
    assert "No node of inventories/local is a machine that you have (lab_nodes_kind: machines)" in said.stdout


def test_make_env_does_nothing_when_it_is_there() -> None:
    before = (ROOT / ".venv" / ".lock-digest").stat().st_mtime_ns
    run("make env", ROOT)
    assert (ROOT / ".venv" / ".lock-digest").stat().st_mtime_ns == before


def test_make_clean_removes_caches_environment_and_logs(copy: Path) -> None:
    # In a mount namespace of its own, where caches and snapshots are others: the real ones are worth minutes, and more.
    inside = f"""set -eu
mount -t tmpfs none /var/cache
mkdir -p /var/cache/hoplab/layers /var/lib/hoplab
mount -t tmpfs none /var/lib/hoplab
mkdir -p /var/lib/hoplab/snapshots/m81/prepared
cd {shlex.quote(str(copy))}
export XDG_CACHE_HOME=$PWD/cache
mkdir -p cache/hoplab/passed
make clean
test ! -e /var/cache/hoplab
test ! -e /var/lib/hoplab/snapshots
test ! -e cache/hoplab/passed
"""
    sudo = () if os.geteuid() == 0 else ("sudo", "--preserve-env=PATH")
    real = sorted(path.name for path in Path("/var/cache/hoplab").iterdir())
    assert "layers" in real
    run(f"sh -c {shlex.quote(inside)}", copy, (*sudo, "unshare", "--mount"))
    assert not (copy / ".venv").is_symlink()
    assert not (copy / ".lab").exists()
    assert sorted(path.name for path in Path("/var/cache/hoplab").iterdir()) == real
    assert (ROOT / ".venv" / "bin" / "hoplab").exists()
