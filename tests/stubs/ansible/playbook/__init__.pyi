from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.vars.manager import VariableManager

class Playbook:
    @staticmethod
    def load(file_name: str, variable_manager: VariableManager, loader: DataLoader) -> Playbook: ...
    def get_plays(self) -> list[Play]: ...
