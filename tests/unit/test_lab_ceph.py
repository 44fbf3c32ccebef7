"""Commands that ask a Ceph cluster: bounded in time, and what they said when they fail."""

import time
from pathlib import Path

import pytest
from ansible_collections.hoplab.lab.plugins.module_utils.lab_ceph import CephError, run, run_together


def test_commands_end_in_time_with_their_children(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(CephError, match="`work` did not end within 1 s"):
        run(["sh", "-c", f"(sleep 5; touch {tmp_path}/done) & sleep 30"], 0.1, name="work")
    assert time.monotonic() - began < 5
    time.sleep(max(began + 6 - time.monotonic(), 0))
    assert not (tmp_path / "done").exists()


def test_side_by_side_each_failure_is_told() -> None:
    began = time.monotonic()
    calls = {str(place): ["sh", "-c", f"sleep 2; echo why{place} >&2; exit {place}"] for place in range(4)}
    with pytest.raises(CephError) as caught:
        run_together(calls, 20)
    assert time.monotonic() - began < 6
    assert str(caught.value) == "; ".join(f"`{place}` ended with {place}: why{place}" for place in (1, 2, 3))


def test_missing_program() -> None:
    with pytest.raises(CephError, match="no-such-program is not on this node"):
        run(["no-such-program"], 1)
