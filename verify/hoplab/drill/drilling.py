"""One drill: a launch with a fault in the lab, and whether the hop that the fault broke is the one that is named."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hoplab.deployment import Deployment
from hoplab.drill.injection import fault_in
from hoplab.drill.model import Fault
from hoplab.drill.recovery import wait_recovered
from hoplab.report.document import Document
from hoplab.verification import Say, Wish, verify

Judge = Callable[[tuple[Path, ...]], dict[Path, Document]]
"""Judges runs that were just made, and writes their reports."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a drill came to.

    found: the first unproven hop, None if there is none; status, says: of the instance, and what the client was told;
    verdict_seconds: from the fault to the verdict; healed_seconds: until the services said that they are well again.
    """

    fault: Fault
    result: str
    found: str | None
    status: str
    says: str
    run: Path
    verdict_seconds: float
    healed_seconds: float

    @property
    def localised(self) -> bool:
        """Whether the hop that the fault breaks is the one that was named."""
        return self.found == self.fault.breaks

    @property
    def seen(self) -> bool:
        """Whether the user saw what the drill says that one sees."""
        return self.status == self.fault.sees.status and self.fault.sees.says in self.says


def drill(deployment: Deployment, runs: Path, fault: Fault, *, judge: Judge, say: Say) -> Outcome:
    """Launch with a fault in the lab, take the fault out, and judge what was recorded.

    Raises ConfigurationError, SourceError if the fault can't be put in or taken out, WaitTimeoutError if the lab does
    not get well again.
    """
    times: dict[str, float] = {}
    found: dict[Path, Document] = {}

    @contextmanager
    def around() -> Iterator[None]:
        say(f"putting in the fault {fault.name}: {fault.title}")
        times["in"] = time.monotonic()
        with fault_in(deployment, fault):
            yield
            times["over"] = time.monotonic()
        say("the fault is out; waiting until the lab is well again")
        wait_recovered(deployment)
        times["well"] = time.monotonic()

    def recorded(directories: tuple[Path, ...]) -> None:
        began = time.monotonic()
        found.update(judge(directories))
        times["judging"] = time.monotonic() - began

    verify(deployment, runs, Wish(timeout=fault.wait), say=say, recorded=recorded, around=around)
    ((directory, document),) = found.items()
    first = document["first_unproven"]
    return Outcome(
        fault=fault,
        result=document["result"],
        found=first["name"] if first else None,
        status=document["launch"]["status"],
        says=document["launch"]["error"],
        run=directory,
        verdict_seconds=times["over"] - times["in"] + times["judging"],
        healed_seconds=times["well"] - times["over"],
    )
