"""Say what a playbook is doing: one line per play with its seconds, and what failed where."""

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: aggregate
short_description: One line per play on a file descriptor of its own
description:
  - Writes one line per play with its seconds, below it what tasks tell by C(ansible.builtin.debug), and on a failure
    the task, the host and the message, to the file descriptor that the environment variable E(HOPLAB_PROGRESS_FD)
    names, while Ansible's full output goes to a log.
  - Without that variable it does nothing.
author: Hoplab
"""

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

WIDTH = 44


class CallbackModule(CallbackBase):
    """The callback plugin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "phases"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._descriptor = int(os.environ.get("HOPLAB_PROGRESS_FD", "-1"))
        self._durations = os.environ.get("HOPLAB_DURATIONS", "")
        self._phase = ""  # the one whose line is open
        self._last = ""
        self._began = 0.0
        self._told: list[str] = []
        self._seconds: list[tuple[str, float]] = []

    def _write(self, text: str) -> None:
        if self._descriptor >= 0:
            os.write(self._descriptor, text.encode())

    def _end_phase(self, mark: str = "") -> None:
        if self._phase:
            seconds = time.monotonic() - self._began
            self._write(f"{seconds:7.1f} s {mark}\n")
            self._seconds.append((self._phase, round(seconds, 1)))
        self._phase = ""
        for told in self._told:
            self._write(f"    {told}\n")
        self._told.clear()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """End the line of the play before and begin this one's; plays of one name are one phase."""
        name = play.get_name().strip()
        if name == self._last:
            return
        self._end_phase()
        self._phase, self._last, self._began = name, name, time.monotonic()
        self._write(f"  {name} ".ljust(WIDTH, "."))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """End the last line and, where it was asked for, write all seconds to a file."""
        self._end_phase()
        if self._durations:
            with open(self._durations, "w", encoding="utf-8") as stream:
                json.dump(self._seconds, stream)

    def _show(self, result: Any, what: str) -> None:
        host = result._host.get_name()
        message = "\n".join(self._messages(result._result))
        self._end_phase(what)
        lines = "\n".join("    " + line for line in str(message).strip().splitlines())
        self._write(f"\n  {what} on {host}: {result._task.get_name().strip()}\n{lines}\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keep what a task tells the user (debug), for below the line of its play."""
        if result._task.action in ("debug", "ansible.builtin.debug"):
            self._told.append(" ".join(str(result._result.get("msg", "")).split()))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show the failing task, its host and the message; a failure that is rescued is explained by the rescue."""
        if not ignore_errors and not self._rescued(result):
            self._show(result, "FAILED")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Show a host that can't be reached."""
        self._show(result, "UNREACHABLE")

    @staticmethod
    def _messages(result: dict[str, Any]) -> list[str]:
        items = [item for item in result.get("results", []) if item.get("failed") or item.get("unreachable")]
        if items:
            return [f"{item.get('_ansible_item_label', '')}: {item.get('stderr') or item.get('msg')}" for item in items]
        if "censored" in result:
            return ["its output is hidden, because it holds secrets"]
        return [str(result.get("stderr") or result.get("msg") or "see the log")]

    @staticmethod
    def _rescued(result: Any) -> bool:
        child, parent = result._task, result._task._parent
        while parent is not None:
            if getattr(parent, "rescue", None) and child._uuid in [task._uuid for task in parent.block]:
                return True
            child, parent = parent, getattr(parent, "_parent", None)
        return False
