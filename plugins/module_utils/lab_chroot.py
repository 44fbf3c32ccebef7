"""A root file system that is being built: entered with chroot, its files written, its units kept from starting."""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
from collections.abc import Iterator

from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import LabError, run

BUILD_LIMIT = 3000  # seconds; a slow mirror may need most of it
CLONE_NEWNS = 0x20000  # linux/sched.h; os.unshare came with Python 3.12


def keep_mounts_private() -> None:
    """Give this process mounts of its own. A build that is killed leaves none behind, and nobody who removes its
    directory reaches the machine's /dev through it. Raises LabError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise LabError(f"no mount namespace of its own for the build: {os.strerror(ctypes.get_errno())}")
    run("mount", "--make-rprivate", "/")


@contextlib.contextmanager
def chroot(base: str, work: str, archives: str) -> Iterator[str]:
    """Mount a writable layer over the base, with what package scripts need; yields its path."""
    root = os.path.join(work, "root")
    for part in ("upper", "work", "root"):
        os.makedirs(os.path.join(work, part), exist_ok=True)
    mounted = []

    def mount(point: str, *options: str) -> None:
        run("mount", *options, point)
        mounted.append(point)

    try:
        mount(root, "-t", "overlay", "hoplab-layer", "-o", f"lowerdir={base},upperdir={work}/upper,workdir={work}/work")
        mount(f"{root}/proc", "-t", "proc", "proc")
        mount(f"{root}/sys", "-t", "sysfs", "-o", "ro", "sysfs")
        mount(f"{root}/dev", "--bind", "/dev")
        mount(f"{root}/var/cache/apt/archives", "--bind", archives)
        yield root
    finally:
        for point in reversed(mounted):
            run("umount", "--lazy", point)


def in_root(root: str, *argv: str) -> str:
    """Run a command in the layer that is being built."""
    env = [
        "env",
        "-i",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND=noninteractive",
        "LC_ALL=C.UTF-8",
        "HOME=/root",
    ]
    return run("chroot", root, *env, *argv, timeout=BUILD_LIMIT)


def put(root: str, path: str, content: str, mode: int) -> None:
    """Write a file into the layer that is being built, in place of what is there."""
    full = root + path
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(full)
    with open(full, "w", encoding="utf-8") as stream:
        stream.write(content)
    os.chmod(full, mode)


def unit_links(root: str) -> set[str]:
    """Return the links by which services, sockets and timers start at boot."""
    patterns = ("etc/systemd/system/*.wants/*", "etc/systemd/system/*.requires/*", "etc/rc*.d/S*")
    found = {path for pattern in patterns for path in glob.glob(os.path.join(root, pattern))}
    return {path for path in found if not path.endswith((".target", ".slice"))}


def mask_wanted(root: str, disabled: set[str]) -> None:
    """Mask those of the disabled services that other services want.

    A service of the lab says that it wants the database and the broker, wherever they are. With the packages of all
    nodes on every node, starting it would start them there, too. Enabling a service lifts the mask.
    """
    units = os.path.join(root, "usr/lib/systemd/system")
    wanted = set()
    for path in glob.glob(os.path.join(units, "*.service")):
        with open(path, encoding="utf-8") as stream:
            wanted |= {word for line in stream if line.startswith("Wants=") for word in line[6:].split()}
    for name in wanted:
        target = os.path.basename(os.path.realpath(os.path.join(units, name)))  # mysql.service is mariadb.service
        mask = os.path.join(root, "etc/systemd/system", target)
        if target in disabled and not os.path.lexists(mask):
            os.symlink("/dev/null", mask)
