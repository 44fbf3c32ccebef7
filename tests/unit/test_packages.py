"""The action plugin of `packages`: a node is asked once in a run."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible import constants
from ansible_collections.hoplab.lab.plugins.action.packages import ActionModule


def install(names: list[str], answer: dict[str, Any], delegate_to: str | None = None) -> tuple[dict[str, Any], int]:
    """Run the plugin on node one; returns its result and how often it called the module."""
    task = mock.Mock(args={"names": names}, delegate_to=delegate_to, async_val=0)
    plugin = ActionModule(task, mock.Mock(), None, mock.Mock(), mock.Mock(), None)
    with mock.patch.object(ActionModule, "_execute_module", return_value=dict(answer)) as called:
        result = plugin.run(task_vars={"inventory_hostname": "one"})
    return result, called.call_count


@pytest.fixture(autouse=True)
def run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return tmp_path


def test_what_a_node_has_is_asked_once() -> None:
    answer = {"changed": True, "installed": ["a"], "present": ["a", "b"]}
    result, calls = install(["a"], answer)
    assert (result["installed"], calls) == (["a"], 1)
    assert "present" not in result
    result, calls = install(["b", "a"], {})
    assert (result["changed"], result["installed"], calls) == (False, [], 0)


def test_what_is_not_known_to_be_there_is_asked() -> None:
    install(["a"], {"changed": False, "present": ["a"]})
    _result, calls = install(["a", "c"], {"changed": True, "present": ["a", "c"]})
    assert calls == 1
    assert install(["c"], {})[1] == 0


def test_another_node_is_asked_itself() -> None:
    install(["a"], {"changed": False, "present": ["a"]})
    assert install(["a"], {"changed": False, "present": ["a"]}, delegate_to="two")[1] == 1


def test_a_failed_call_leaves_no_memory(run_directory: Path) -> None:
    result, _calls = install(["a"], {"failed": True, "msg": "no"})
    assert result["failed"]
    assert json.dumps([path.name for path in run_directory.iterdir()]) == "[]"
