"""What a checked launch came to."""

from dataclasses import dataclass

from hoplab.checks.findings import CheckResult, Finding, overall
from hoplab.launch.instance import LaunchedInstance


@dataclass(frozen=True, slots=True)
class LaunchOutcome:
    """What a launch came to. journey: None if the instance didn't get as far; booted: False if it ran already."""

    global_request_id: str
    findings: tuple[Finding, ...]
    journey: LaunchedInstance | None = None
    booted: bool = True

    @property
    def verdict(self) -> CheckResult:
        """The worst verdict of all findings."""
        return overall(self.findings)
