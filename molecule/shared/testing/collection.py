"""The collection hoplab.lab as its users get it: built from a clone and installed in a directory outside it."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(sys.executable).parent
SECONDS = 300
"""How long one of Ansible's programs may take, on a slow machine too."""


def outside(directory: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs in a directory, with nothing of this repository's configuration.

    argv: the program's name and its arguments. It finds what is in ansible.cfg of the directory, and no collections of
    the user's own.
    """
    kept = {name: os.environ[name] for name in ("LANG", "SSH_AUTH_SOCK") if name in os.environ}
    environment = {**kept, "PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(directory), "NO_COLOR": "1"}
    return subprocess.run(
        [PROGRAMS / argv[0], *argv[1:]],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def build(clone: Path, directory: Path) -> Path:
    """Build the collection of a clone; returns the archive, which is in the directory."""
    done = outside(directory, "ansible-galaxy", "collection", "build", clone, "--output-path", directory)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = directory.glob("hoplab-lab-*.tar.gz")
    return archive


def install(archive: Path, directory: Path) -> Path:
    """Install an archive below a directory whose playbooks shall find it, without a network; returns its place there.

    What it depends on has to be installed beside Ansible in the versions that it asks for.
    """
    (directory / "ansible.cfg").write_text("[defaults]\ncollections_path = collections\n", encoding="utf-8")
    done = outside(directory, "ansible-galaxy", "collection", "install", "--offline", "-p", "collections", archive)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "collections" / "ansible_collections" / "hoplab" / "lab"
