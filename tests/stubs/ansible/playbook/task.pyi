from typing import Any

class Task:
    action: str
    args: dict[str, Any]
    delegate_to: str | None
    diff: bool
    loop: Any
    loop_control: Any
    vars: dict[str, Any]
    when: list[str | bool]
    def get_name(self) -> str: ...
    def copy(self) -> Task: ...
