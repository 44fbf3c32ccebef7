"""What a check found: claim, evidence and verdict; and the exit status of many of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hoplab.model.errors import EXIT_FAILS, EXIT_HOLDS, EXIT_UNREADABLE


class CheckResult(StrEnum):
    """HOLDS: read, and so it is. FAILS: read, and it is otherwise. UNKNOWN: could not be read, so never green."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the result.

    subject: what it is about; expected and actual: in words; evidence: what was read, and where;
    next_commands: what a person runs to look further, empty where all is well.
    """

    subject: str
    verdict: CheckResult
    expected: str
    actual: str
    evidence: str
    next_commands: tuple[str, ...] = ()


def holds(subject: str, expected: str, actual: str, evidence: str) -> Finding:
    """Return a finding for what was read and is as it has to be."""
    return Finding(subject, CheckResult.HOLDS, expected, actual, evidence)


def fails(subject: str, expected: str, actual: str, evidence: str, *next_commands: str) -> Finding:
    """Return a finding for what was read and is not as it has to be."""
    return Finding(subject, CheckResult.FAILS, expected, actual, evidence, next_commands)


def unknown(subject: str, expected: str, why: str, source: str, *next_commands: str) -> Finding:
    """Return a finding for what could not be read. why: the reason; source: what was to be read."""
    return Finding(subject, CheckResult.UNKNOWN, expected, why, source, next_commands)


def overall(findings: Iterable[Finding]) -> CheckResult:
    """Return the worst verdict: one that fails outweighs one that is unknown. No finding at all is unknown."""
    verdicts = {finding.verdict for finding in findings}
    if CheckResult.FAILS in verdicts:
        return CheckResult.FAILS
    return CheckResult.HOLDS if verdicts == {CheckResult.HOLDS} else CheckResult.UNKNOWN


def exit_code(verdict: CheckResult) -> int:
    """Return the exit status for a verdict: 0 holds, 1 fails, 3 unknown."""
    return {CheckResult.HOLDS: EXIT_HOLDS, CheckResult.FAILS: EXIT_FAILS, CheckResult.UNKNOWN: EXIT_UNREADABLE}[verdict]
