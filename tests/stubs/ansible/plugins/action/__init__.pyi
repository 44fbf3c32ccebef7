from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar

class ActionBase:
    _task: Task
    _connection: Any
    _loader: DataLoader
    _templar: Templar
    def __init__(
        self,
        task: Task,
        connection: Any,
        play_context: Any,
        loader: DataLoader,
        templar: Templar,
        shared_loader_obj: Any,
    ) -> None: ...
    def run(self, tmp: str | None = ..., task_vars: dict[str, Any] | None = ...) -> dict[str, Any]: ...
    def _find_needle(self, dirname: str, needle: str) -> str: ...
    def _execute_module(
        self, module_name: str | None = ..., module_args: dict[str, Any] | None = ..., task_vars: Any = ...
    ) -> dict[str, Any]: ...
    def _low_level_execute_command(self, cmd: str, sudoable: bool = ...) -> dict[str, Any]: ...
