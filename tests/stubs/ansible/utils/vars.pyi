from typing import Any

from ansible.parsing.dataloader import DataLoader

def load_extra_vars(loader: DataLoader) -> dict[str, Any]: ...
