from typing import Any

from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.playbook.task import Task

class VariableManager:
    def __init__(self, loader: DataLoader, inventory: InventoryManager) -> None: ...
    def get_vars(
        self, *, play: Play | None = ..., host: Host | None = ..., task: Task | None = ...
    ) -> dict[str, Any]: ...
    def set_nonpersistent_facts(self, host: str, facts: dict[str, Any]) -> None: ...
