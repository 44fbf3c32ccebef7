from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.vars.manager import VariableManager

class IncludeRole(Task):
    _role_name: Any
    def copy(self) -> IncludeRole: ...
    def get_block_list(
        self, play: Play, variable_manager: VariableManager, loader: DataLoader
    ) -> tuple[list[Block], list[Block]]: ...
