"""What a lab of containers leaves on the machine that carries it: processes, mounts, bridges, firewall rules, files."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

LABS = "/var/lib/hoplab/labs"
CACHE = "/var/cache/hoplab"
NSPAWN = "systemd-nspawn"
LAST_WAIT = 5  # seconds
HOST_LOCK = "/run/lock/hoplab"


class LabError(Exception):
    """Something about a lab that its user has to know; the text says what to do."""


def run(*argv: str, timeout: float = 120) -> str:
    """Run a command and return its output; raises LabError with what it said when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def processes() -> Iterator[tuple[int, list[str]]]:
    """Yield (process id, argv) of all processes of this machine."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/cmdline", "rb") as stream:
                yield int(entry), stream.read().decode(errors="replace").rstrip("\0").split("\0")


@contextlib.contextmanager
def host_lock() -> Iterator[None]:
    """Hold what labs side by side share on this machine: the kernel's switch for forwarding, and who needs it."""
    with open(HOST_LOCK, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Lab:
    """A lab by its name. Everything that it has on this machine can be found from the name alone."""

    name: str

    @property
    def directory(self) -> str:
        """Where its nodes' file systems and its record are."""
        return os.path.join(LABS, self.name)

    def node_directory(self, node: str) -> str:
        """Where a node keeps its upper layer, its mounted root and its console log."""
        return os.path.join(self.directory, "nodes", node)

    def root(self, node: str) -> str:
        """Where a node's root file system is mounted."""
        return os.path.join(self.node_directory(node), "root")

    # -- the record: which clone owns the lab and whether it was stopped on purpose --------------------------------

    def record(self) -> dict[str, str]:
        """Return the lab's record ({} when there is none or it is damaged)."""
        try:
            with open(os.path.join(self.directory, "lab.json"), encoding="utf-8") as stream:
                found = json.load(stream)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_record(self, owner: str, state: str) -> bool:
        """Note who owns the lab and whether it is 'running' or 'stopped'; returns whether that is new."""
        wanted = {"owner": owner, "state": state}
        if self.record() == wanted:
            return False
        os.makedirs(self.directory, mode=0o755, exist_ok=True)
        path = os.path.join(self.directory, "lab.json")
        with open(path + ".new", "w", encoding="utf-8") as stream:
            json.dump(wanted, stream)
        os.rename(path + ".new", path)
        return True

    # -- processes --------------------------------------------------------------------------------------------------

    def running(self) -> dict[str, int]:
        """Return the process ids of the containers that run, by node."""
        found = {}
        prefix = os.path.join(self.directory, "nodes") + "/"
        for pid, argv in processes():
            if os.path.basename(argv[0]) != NSPAWN:
                continue
            for word in argv:
                if word.startswith("--directory=" + prefix):
                    found[word.split("/")[-2]] = pid
        return found

    def orphans(self) -> list[int]:
        """Return processes that still run in a node whose container manager is gone."""
        if self.running():
            return []
        found = []
        here = os.stat("/proc/self/ns/mnt").st_ino
        for pid, _argv in processes():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{pid}/ns/mnt").st_ino == here:
                    continue
                with open(f"/proc/{pid}/root/etc/hoplab-lab", encoding="utf-8") as stream:
                    if stream.read().strip() == self.name:
                        found.append(pid)
        return found

    def stop(self, nodes: list[str], timeout: float = 120) -> list[str]:
        """Shut nodes down in order, all at once; kill what is left after timeout seconds. Returns those that ran."""
        pids = {node: pid for node, pid in self.running().items() if node in nodes}
        if timeout > 0:
            for pid in pids.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            wait_halted(list(pids.values()), timeout)
        for pid in pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_gone(list(pids.values()), 10)
        left = self.orphans()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_gone(left, 10)
        return sorted(pids)

    def control_group(self, node: str = "") -> str:
        """Return the directory of a node's control group, or of the one that all nodes' groups are in."""
        points = hierarchies("cgroup2")
        if not points:
            raise LabError("no cgroup2 file system is mounted: boot this machine with unified or hybrid control groups")
        return os.path.join(points[0], "hoplab", self.name, node).rstrip("/")

    def remove_control_groups(self) -> None:
        """Remove the control groups of nodes that no longer run.

        The container manager mirrors them in systemd's own hierarchy where that is another one (hybrid control groups).
        """
        for point in hierarchies("cgroup2", "cgroup"):
            top = os.path.join(point, "hoplab", self.name)
            for directory, _names, _files in os.walk(top, topdown=False):
                os.rmdir(directory)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(top))

    # -- mounts, links, files ---------------------------------------------------------------------------------------

    def mounts(self) -> list[str]:
        """Return what is mounted below the lab's directory, innermost first."""
        with open("/proc/self/mounts", encoding="utf-8") as stream:
            points = [line.split()[1].encode().decode("unicode_escape") for line in stream]
        return sorted((point for point in points if point.startswith(self.directory + "/")), reverse=True)

    def links(self) -> list[str]:
        """Return the network links that carry the lab's alias."""
        return [link for link in sorted(os.listdir("/sys/class/net")) if link_alias(link) == f"hoplab:{self.name}"]

    def shut_down(self, timeout: float = 120) -> list[str]:
        """Shut all nodes down (see `stop`) and unmount their roots; returns those that ran."""
        ran = self.stop(list(self.running()), timeout)
        for point in self.mounts():
            run("umount", point)
        self.remove_control_groups()
        return ran

    def remove(self) -> list[str]:
        """Remove all that the lab has on this machine, whatever state it is in; returns what was removed."""
        # What goes for good needs no orderly shutdown, which takes a minute.
        removed = [f"node {node}" for node in self.stop(list(self.running()), timeout=0)]
        for point in self.mounts():
            run("umount", "--lazy", point)
            removed.append(f"mount {point}")
        for link in self.links():
            remove_link(link)
            removed.append(f"link {link}")
        self.remove_control_groups()
        if os.path.isdir(self.directory):
            shutil.rmtree(self.directory)
            removed.append(self.directory)
        return removed


def hierarchies(*kinds: str) -> list[str]:
    """Return where control group file systems of these kinds ('cgroup2', 'cgroup') are mounted."""
    with open("/proc/self/mounts", encoding="utf-8") as stream:
        return [line.split()[1] for line in stream if line.split()[2] in kinds]


def link_alias(link: str) -> str:
    """Return the alias of a network link, by which a lab marks its own ('' when it has none)."""
    try:
        with open(f"/sys/class/net/{link}/ifalias", encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def remove_link(link: str) -> None:
    """Remove a network link, or see it go: the kernel removes a container's links some time after its last process."""
    try:
        run("ip", "link", "delete", link)
    except LabError:
        if os.path.exists(f"/sys/class/net/{link}"):
            raise


def init_is_done(manager: int) -> bool:
    """Tell whether a container's init has stopped all services and only ends what is left (systemd-shutdown)."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{manager}/task/{manager}/children", encoding="utf-8") as stream:
            children = stream.read().split()
        for child in children:
            with open(f"/proc/{child}/comm", encoding="utf-8") as stream:
                if stream.read().startswith("systemd-shutdow"):
                    return True
    return False


def wait_halted(managers: list[int], timeout: float) -> None:
    """Wait until containers that were told to halt are gone, at most timeout seconds.

    Once its services are stopped, a container's init waits up to 90 s for processes that ignore its signal. Nothing of
    value is left in them: after some seconds of that the container is told to end at once.
    """
    end = time.monotonic() + timeout
    done_since: dict[int, float] = {}
    while any(alive(pid) for pid in managers) and time.monotonic() < end:
        for pid in managers:
            if alive(pid) and init_is_done(pid):
                since = done_since.setdefault(pid, time.monotonic())
                if time.monotonic() - since > LAST_WAIT:
                    done_since[pid] = float("inf")
                    os.kill(pid, signal.SIGTERM)
        time.sleep(0.2)


def wait_gone(pids: list[int], timeout: float) -> None:
    """Wait until none of the processes is there any more, at most timeout seconds."""
    end = time.monotonic() + timeout
    while any(alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.1)


def alive(pid: int) -> bool:
    """Tell whether a process exists and is not a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def known_labs() -> list[Lab]:
    """Return all labs that this machine has or had."""
    if not os.path.isdir(LABS):
        return []
    return [Lab(name) for name in sorted(os.listdir(LABS))]


def refuse_foreign(lab: Lab, owner: str) -> None:
    """Raise LabError when the lab of this name belongs to another clone and is alive or was stopped on purpose.

    What is left of a lab that died (no process of it runs, and nobody stopped it), or whose clone is gone, is free.
    """
    record = lab.record()
    other = record.get("owner")
    if not other or other == owner:
        return
    running = sorted(lab.running())
    what = f"its nodes {', '.join(running)} run" if running else "it was stopped with `make stop`"
    if running or (record.get("state") == "stopped" and os.path.isdir(other)):
        raise LabError(
            f"a lab named {lab.name} of another clone ({other}) is on this machine and {what}. Take it down there with "
            "`make down`, or here with `make down TAKE=yes`, or give this lab another lab_name and other subnets in "
            "the inventory."
        )
