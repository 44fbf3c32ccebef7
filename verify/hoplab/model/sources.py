"""What was read of a launch: each source with whose word it is, in which form, and what of it could not be read."""

import re
from dataclasses import dataclass
from typing import Final

CLIENT: Final = "client"
"""The name under which this machine stands among the nodes."""
PLACE: Final = re.compile(
    r"[^/.\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*(?:/[^/.\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*)*"
)
LONGEST_NAME: Final = 250


@dataclass(frozen=True, slots=True)
class Source:
    """One source on one node.

    name: its path without the leading slash, or the recorder's name; who: whose word it is; form: of which kind its
    text is; size: in bytes, as it was written; problem: why it could not be read, or not wholly; empty if it could.
    """

    node: str
    name: str
    who: str
    form: str
    size: int = 0
    problem: str = ""


def is_place(name: str) -> bool:
    """Tell whether a source may have this name, which is that of its file below `raw`: nothing hidden or elsewhere."""
    return bool(PLACE.fullmatch(name)) and len(name) <= LONGEST_NAME
