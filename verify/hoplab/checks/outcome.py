"""What a checked launch came to."""

from dataclasses import dataclass

from hoplab.checks.findings import Finding, Verdict, overall
from hoplab.launch.instance import LaunchedInstance


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a launch came to. journey: None if the instance didn't get as far; booted: False if it ran already."""

    global_request_id: str
    findings: tuple[Finding, ...]
    journey: LaunchedInstance | None = None
    booted: bool = True

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all findings."""
        return overall(self.findings)
