import pytest

from hoplab.checks.findings import CheckResult, Finding, exit_code, fails, holds, overall, unknown
from hoplab.model.errors import ConfigurationError, HoplabError, LaunchError, SourceError

GOOD = holds("a", "x", "x", "here")
BAD = fails("b", "x", "y", "here", "look")
UNREAD = unknown("c", "x", "no answer", "there")


@pytest.mark.parametrize(
    ("findings", "verdict", "status"),
    [
        ([GOOD], CheckResult.HOLDS, 0),
        ([GOOD, BAD], CheckResult.FAILS, 1),
        ([GOOD, UNREAD], CheckResult.UNKNOWN, 3),
        ([UNREAD, BAD, GOOD], CheckResult.FAILS, 1),
        ([], CheckResult.UNKNOWN, 3),
    ],
)
def test_the_worst_finding_decides(findings: list[Finding], verdict: CheckResult, status: int) -> None:
    assert overall(findings) is verdict
    assert exit_code(overall(findings)) == status


@pytest.mark.parametrize(
    ("error", "status"), [(LaunchError("x"), 1), (ConfigurationError("x"), 2), (SourceError("x"), 3)]
)
def test_each_error_has_its_exit_status(error: HoplabError, status: int) -> None:
    assert error.exit_code == status
