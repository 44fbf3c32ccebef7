from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

class HostVars:
    def __init__(self, inventory: InventoryManager, variable_manager: VariableManager, loader: DataLoader) -> None: ...
