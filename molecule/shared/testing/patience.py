"""How slow this machine is now, and how much longer a test waits for that.

Machines change their speed: starting a Python program has been seen to take four times as long after hours of heavy
use. A limit is what a machine at its usual speed needs several times over; a slower one gets in proportion more, up to
MOST. What never comes true is still told as that, with both numbers.
"""

import subprocess
import time
from pathlib import Path

PYTHON = str(Path(__file__).resolve().parents[3] / ".venv" / "bin" / "python")
USUAL = 1.0
"""Seconds in which a Python program that imports openstacksdk starts on the machine for which limits were chosen."""
MOST = 4.0
FRESH = 300.0
"""Seconds for which a measurement counts."""
LIMIT = 60.0
"""Seconds after which a program that does not start is given up."""

_measured: list[tuple[float, float]] = []


def start_seconds(python: str = PYTHON) -> float:
    """Return how many seconds a Python program with many modules takes to start: the best of three, at most LIMIT.

    python: the interpreter, which has openstacksdk.
    """
    found = []
    for _ in range(3):
        began = time.perf_counter()
        try:
            subprocess.run([python, "-c", "import openstack"], check=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return LIMIT
        found.append(time.perf_counter() - began)
    return min(found)


def slowness() -> float:
    """Return by how much limits are longer now, from 1 to MOST; measured at most once in FRESH seconds."""
    now = time.monotonic()
    if not _measured or now - _measured[-1][0] > FRESH:
        _measured[:] = [(now, min(MOST, max(1.0, start_seconds() / USUAL)))]
    return _measured[-1][1]


def patient(seconds: float) -> float:
    """Return a limit in seconds, longer in proportion where the machine is slower than usual."""
    return seconds * slowness()
