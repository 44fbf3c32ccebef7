from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

class AnsibleModule:
    params: dict[str, Any]
    check_mode: bool
    def __init__(
        self,
        argument_spec: Mapping[str, Any],
        *,
        required_if: Sequence[tuple[str, str, Sequence[str]]] = ...,
        supports_check_mode: bool = ...,
    ) -> None: ...
    def exit_json(self, **kwargs: Any) -> NoReturn: ...
    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn: ...
    def run_command(
        self, args: Sequence[str], *, check_rc: bool = ..., environ_update: Mapping[str, str] | None = ...
    ) -> tuple[int, str, str]: ...

def missing_required_lib(library: str) -> str: ...
