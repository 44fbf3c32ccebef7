"""Measure the lab and what proves its launches, and write docs/benchmarks.md. Standard library only."""

from __future__ import annotations

import argparse
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
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "molecule" / "shared" / "testing"))
from patience import start_seconds

LAUNCHES = 5
STREAM = 1000
"""Launches of the made stream by which the judging is measured."""
GOALS = {
    "cold": "from a machine that has nothing to the launch shown",
    "warm": "again after `make down`, caches kept",
    "again": "site.yml on a finished lab",
    "active": "from POST /servers to ACTIVE, median",
    "memory": "peak memory of the lab with one instance",
    "capture": "a launch with capture on, against one without, median of pairs",
    "verify": "`hoplab verify`, from its start to its report",
    "replay": "judging one recorded run again (`hoplab replay`)",
    "rate": "events parsed, joined and judged on one core",
    "growth": "peak memory of that after 1,000 launches, against that after 100",
}
LIMITS = {
    "cold": "at most 600 s",
    "warm": "at most 300 s",
    "again": "at most 60 s",
    "active": "at most 25 s",
    "memory": "at most 8.0 GB",
    "capture": "at most 1.1 times",
    "verify": "at most 60 s",
    "replay": "at most 0.6 s",
    "rate": "at least 50,000 a second",
    "growth": "no more",
}
HOPLAB = ".venv/bin/hoplab"
PYTHON = ".venv/bin/python"


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


class Figures(dict[str, str]):
    """What was measured, each with a small reference that was measured right before it.

    Machines change their speed from hour to hour: a figure says more beside what the machine did at that time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.references: dict[str, str] = {}

    def about_to(self, *keys: str) -> None:
        """Measure the reference for what is measured next."""
        told = reference()
        self.references |= dict.fromkeys(keys, told)


def reference() -> str:
    """Return how long a Python program with many modules takes to start, and a loop, each the best of three."""
    loops = []
    for _ in range(3):
        began = time.perf_counter()
        sum(number * number for number in range(5_000_000))
        loops.append(time.perf_counter() - began)
    return f"{start_seconds():.2f} s, {min(loops):.2f} s"


def launch_seconds() -> float:
    """Launch an instance anew; return its seconds from POST to ACTIVE."""
    return float(told(HOPLAB, "launch", "--json")["journey"]["seconds_to_active"])


def told(*argv: str) -> Any:
    """Run a command; return what it prints, which is JSON. Ends the program when it fails."""
    environment = {**os.environ, "PYTHONPATH": "verify"}
    done = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(argv)} ended with {done.returncode}")
    return json.loads(done.stdout)


def pairs() -> list[tuple[float, float]]:
    """Launch in turn with capture off and on, the image being there; return the seconds to ACTIVE of each pair."""
    found = []
    for _ in range(LAUNCHES):
        without = launch_seconds()
        report = told(HOPLAB, "verify", "--warm", "--json")
        found.append((without, float(report["launch"]["seconds_to_active"])))
    return found


def measure_judging(values: Figures) -> list[str]:
    """Measure what needs no lab: how fast runs are judged, and with how much memory. Return lines for the page."""
    values.about_to("replay", "rate", "growth")
    found = told(PYTHON, "-m", "samples.rate", str(STREAM))
    if found["proved"] != STREAM:
        sys.exit(f"bench: of {STREAM} launches of the made stream {found['proved']} are proved")
    values["replay"] = f"{found['replay_seconds']:.2f} s"
    values["rate"] = f"{found['events_per_second']:,.0f} a second"
    values["growth"] = f"{found['memory']:.0f} MB against {found['memory_early']:.0f} MB"
    return [
        f"The made stream has {found['launches']:,} launches, about ten of them under way at each time, "
        f"{found['lines']:,} lines and {found['events']:,} events; reading it took {found['seconds']:.0f} s of one "
        f"core, {found['lines_per_second']:,.0f} lines a second. All launches are proved. Of `hoplab replay` the "
        f"judging itself takes {found['judge_seconds']:.1f} s.",
        "",
    ]


def measure_capture(values: Figures) -> list[str]:
    """Measure what the proof of a launch costs in a finished lab. Return lines for the page."""
    values.about_to("capture", "verify")
    both = pairs()
    values["capture"] = f"{statistics.median(on / off for off, on in both):.2f} times"
    values["verify"] = f"{timed(HOPLAB, 'verify'):.0f} s"
    each = ", ".join(f"{off:.1f} and {on:.1f}" for off, on in both)
    return [f"The pairs without and with capture took {each} s to ACTIVE.", ""]


def processor() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def page(values: Figures, phases: dict[str, list[tuple[str, float]]], remarks: list[str]) -> str:
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
        "The reference beside each figure was measured right before it: how long it took to start a Python program "
        "that loads openstacksdk, and a loop of five million multiplications.",
        "",
        "| What | Goal | Measured | Reference |",
        "| --- | --- | --- | --- |",
    ]
    lines += [*rows(values), "", *remarks]
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


def rows(values: Figures) -> list[str]:
    """Return the table's rows of what was measured."""
    return [
        f"| {GOALS[key]} | {LIMITS[key]} | {values[key]} | {values.references.get(key, '')} |"
        for key in GOALS
        if key in values
    ]


def main() -> None:
    """Measure everything and write the page; or only a part, and print what was found."""
    parser = argparse.ArgumentParser(prog="bench", description="measure the numbers of docs/benchmarks.md")
    parts = {"judging": measure_judging, "capture": measure_capture}
    parser.add_argument(
        "--only", choices=parts, help="measure this alone: judging needs no lab, capture a finished one"
    )
    only = parser.parse_args().only
    if only is None:
        measure_all()
    else:
        values = Figures()
        remarks = parts[only](values)
        print("\n".join([*rows(values), "", *remarks]).rstrip())


def measure_all() -> None:
    """Measure everything, beginning with nothing, and write the page."""
    timed("make", "--no-print-directory", "clean")
    watch = MemoryWatch()
    watch.start()
    values = Figures()
    phases: dict[str, list[tuple[str, float]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for run in ("cold", "warm", "again"):
            file = Path(directory) / f"{run}.json"
            if run == "warm":
                timed("make", "--no-print-directory", "down")
            argv = ["bin/play", "playbooks/site.yml"] if run == "again" else ["make", "--no-print-directory", "lab"]
            if Path(PYTHON).exists():  # From nothing there is none yet.
                values.about_to(run)
            seconds = timed(*argv, phases=file)
            values[run] = f"{seconds:.0f} s"
            phases[run] = [(name, took) for name, took in json.loads(file.read_text(encoding="utf-8"))]
    values.about_to("active")
    actives = [launch_seconds() for _ in range(LAUNCHES)]
    values["active"] = f"{statistics.median(actives):.1f} s"
    values["memory"] = f"{watch.peak:.1f} GB"
    remarks = [f"The {len(actives)} launches took {', '.join(f'{value:.1f}' for value in actives)} s to ACTIVE.", ""]
    remarks += measure_capture(values) + measure_judging(values)
    Path("docs/benchmarks.md").write_text(page(values, phases, remarks), encoding="utf-8")
    print(Path("docs/benchmarks.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
