"""What Nova says of an instance while it is waited for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StateSeen:
    """A state of the instance and when it was first seen. seconds: since the POST was sent."""

    seconds: float
    status: str
    task_state: str | None
    vm_state: str | None
