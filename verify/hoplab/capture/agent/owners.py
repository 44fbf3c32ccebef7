"""Which service is behind a process or a connection: the kernel knows the process, and systemd its unit."""

import os
import re
import subprocess

OWNER = re.compile(r"(\S+):(\d+)\s+\S+:\d+\s+users:\(\(\"[^\"]*\",pid=(\d+)")
UNIT = re.compile(r"([^/]+\.service)\b")


def systemd_unit(pid: str) -> str:
    """Return the systemd unit of a process; empty if it has none, or is gone."""
    try:
        with open(os.path.join("/proc", pid, "cgroup"), encoding="ascii", errors="replace") as groups:
            found = UNIT.search(groups.read())
    except OSError:
        return ""
    return found[1] if found else ""


def connected(port: int) -> dict[str, str]:
    """Return the systemd unit of each address (host:port) of this node that is connected to a TCP port.

    Raises OSError and subprocess.SubprocessError where `ss` can't be asked.
    """
    done = subprocess.run(["ss", "-tnpH", "dport", "=", f":{port}"], capture_output=True, text=True, timeout=10)
    owners = [owner for line in done.stdout.splitlines() if (owner := OWNER.search(line))]
    return {f"{owner[1]}:{owner[2]}": unit for owner in owners if (unit := systemd_unit(owner[3]))}
