"""Kill a run with all of its processes right before a task, as a power cut would."""

from __future__ import annotations

DOCUMENTATION = r"""
name: interrupt
type: aggregate
short_description: Kills the run before a task
description:
  - Ends the process group of ansible-playbook with SIGKILL when a task of the name in HOPLAB_INTERRUPT_BEFORE begins.
author: Hoplab
"""

import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """The callback plugin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "interrupt"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Kill the run if this is the task."""
        if str(task.name) == os.environ["HOPLAB_INTERRUPT_BEFORE"]:
            print(f"killed before: {task.name}", flush=True)
            os.killpg(0, signal.SIGKILL)
