from typing import Any

class Task:
    action: str
    args: dict[str, Any]
    delegate_to: str | None
    diff: bool
    when: list[str | bool]
    def get_name(self) -> str: ...
    def copy(self) -> Task: ...
