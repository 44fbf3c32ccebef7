from typing import Any

class Task:
    action: str
    args: dict[str, Any]
    diff: bool
    when: list[str | bool]
    def get_name(self) -> str: ...
    def copy(self) -> Task: ...
