"""Measure how long the lab takes and how much memory, and write docs/benchmarks.md. Standard library only."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

LAUNCHES = 5
GOALS = {
    "cold": "from a machine that has nothing to the launch shown",
    "warm": "again after `make down`, caches kept",
    "again": "site.yml on a finished lab",
    "active": "from POST /servers to ACTIVE, median",
    "memory": "peak memory of the lab with one instance",
}
LIMITS = {"cold": "600 s", "warm": "300 s", "again": "60 s", "active": "25 s", "memory": "8.0 GB"}


def used_memory() -> float:
    """Return the memory in use on this machine, in GB (10^9 bytes): all that is not available to programs."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
    kilobytes = int(fields["MemTotal"].split()[0]) - int(fields["MemAvailable"].split()[0])
    return kilobytes * 1024 / 1e9


class MemoryWatch(threading.Thread):
    """Remembers the most memory in use above what was in use at its start, read each second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.base = used_memory()
        self.peak = 0.0

    def run(self) -> None:
        """Read until the program ends."""
        while True:
            self.peak = max(self.peak, used_memory() - self.base)
            time.sleep(1)


def timed(*argv: str, phases: Path | None = None) -> float:
    """Run a command, showing what it prints; return its seconds. Ends the program when it fails."""
    environment = dict(os.environ)
    if phases is not None:
        environment["HOPLAB_DURATIONS"] = str(phases)
    began = time.monotonic()
    status = subprocess.run(argv, env=environment, check=False).returncode
    if status != 0:
        sys.exit(f"bench: {' '.join(argv)} ended with {status}")
    return time.monotonic() - began


def launch_seconds() -> float:
    """Launch an instance anew; return its seconds from POST to ACTIVE."""
    argv = [".venv/bin/hoplab", "launch", "--json"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout)["journey"]["seconds_to_active"])


def processor() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def page(values: dict[str, str], phases: dict[str, list[tuple[str, float]]], actives: list[float]) -> str:
    """Return docs/benchmarks.md."""
    memory = next(line for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()).split()[1]
    release = next(
        line.split("=", 1)[1].strip('"')
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        if line.startswith("PRETTY_NAME=")
    )
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; seconds are wall-clock time.",
        "",
        f"- Date: {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}",
        f"- Machine: {os.cpu_count()} cores ({processor()}), {int(memory) / 1e6:.0f} GB of memory, {release}, "
        f"Linux {platform.release()}; guests under emulation where KVM runs none",
        "",
        "| What | Goal | Measured |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {GOALS[key]} | at most {LIMITS[key]} | {values[key]} |" for key in GOALS]
    lines += ["", f"The {len(actives)} launches took {', '.join(f'{value:.1f}' for value in actives)} s to ACTIVE.", ""]
    lines += [
        "## Where the time goes",
        "",
        "| Phase | From nothing | From caches | Again |",
        "| --- | --- | --- | --- |",
    ]
    for name, _seconds in phases["cold"]:
        row = [dict(phases[run]).get(name) for run in ("cold", "warm", "again")]
        lines.append(f"| {name} | " + " | ".join("" if value is None else f"{value:.1f} s" for value in row) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and write the page."""
    timed("make", "--no-print-directory", "clean")
    watch = MemoryWatch()
    watch.start()
    values: dict[str, str] = {}
    phases: dict[str, list[tuple[str, float]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for run in ("cold", "warm", "again"):
            file = Path(directory) / f"{run}.json"
            if run == "warm":
                timed("make", "--no-print-directory", "down")
            argv = ["bin/play", "playbooks/site.yml"] if run == "again" else ["make", "--no-print-directory", "lab"]
            seconds = timed(*argv, phases=file)
            values[run] = f"{seconds:.0f} s"
            phases[run] = [(name, took) for name, took in json.loads(file.read_text(encoding="utf-8"))]
    actives = [launch_seconds() for _ in range(LAUNCHES)]
    values["active"] = f"{statistics.median(actives):.1f} s"
    values["memory"] = f"{watch.peak:.1f} GB"
    Path("docs/benchmarks.md").write_text(page(values, phases, actives), encoding="utf-8")
    print(Path("docs/benchmarks.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
