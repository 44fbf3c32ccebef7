import io
import json

import pytest
from rich.console import Console

from hoplab.checks.findings import Finding, fails, holds, unknown
from hoplab.checks.outcome import LaunchOutcome
from hoplab.commands.launch_table import as_json, plain, result_line, show
from hoplab.launch.instance import LaunchedInstance

GOOD = holds("node ctl1", "active", "SSH answers, 2 services active", "systemctl show")
BAD = fails("guest SSH", "the guest answers", "no [route]\nto host", "ssh root@1.2.3.4", "ping -c 3 1.2.3.4")
UNREAD = unknown("image in RGW", "an object", "ceph1: SSH failed", "radosgw-admin")
REQUEST = "req-1"


def test_plain_text_is_aligned_and_tells_more_only_where_needed() -> None:
    assert plain(LaunchOutcome(REQUEST, (GOOD, BAD))) == (
        "WHAT       STATE  DETAIL\n"
        "node ctl1  ok     SSH answers, 2 services active\n"
        "guest SSH  FAIL   no [route] to host\n"
        "                  expected: the guest answers\n"
        "                  read from: ssh root@1.2.3.4\n"
        "                  look next: ping -c 3 1.2.3.4\n"
        "\n"
        "launch fails: 1 of 2 checks fail (global request id req-1)\n"
    )


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ((GOOD, GOOD), "launch holds: all 2 checks hold"),
        ((GOOD, UNREAD), "launch unknown: 1 of 2 checks could not be read"),
        ((BAD, UNREAD), "launch fails: 1 of 2 checks fail, 1 could not be read"),
    ],
)
def test_the_last_line_counts(findings: tuple[Finding, ...], said: str) -> None:
    outcome = LaunchOutcome(REQUEST, findings)
    assert result_line(outcome) == f"{said} (global request id req-1)"


def test_a_pipe_gets_plain_text_and_a_terminal_a_table() -> None:
    outcome = LaunchOutcome(REQUEST, (GOOD, BAD))
    pipe, terminal = io.StringIO(), io.StringIO()
    show(outcome, Console(file=pipe))
    show(outcome, Console(file=terminal, force_terminal=True, width=200))
    assert pipe.getvalue() == plain(outcome)
    assert "\x1b[" in terminal.getvalue()
    assert "no [route] to host" in terminal.getvalue()
    assert "\nguest SSH: look next: ping -c 3 1.2.3.4\n" in terminal.getvalue()
    assert "global request id req-1" in terminal.getvalue()


def test_json_has_everything(journey: LaunchedInstance) -> None:
    document = json.loads(as_json(LaunchOutcome(REQUEST, (GOOD, BAD), journey)))
    assert (document["schema"], document["verb"], document["result"]) == (1, "launch", "fails")
    assert document["global_request_id"] == "req-1"
    assert document["journey"]["server_id"] == journey.server_id
    assert document["journey"]["states"][1]["status"] == "ACTIVE"
    assert document["findings"][1]["next_commands"] == ["ping -c 3 1.2.3.4"]
    assert document["findings"][1]["verdict"] == "fails"


def test_json_of_a_launch_that_did_not_get_far() -> None:
    assert json.loads(as_json(LaunchOutcome(REQUEST, (UNREAD,))))["journey"] is None
