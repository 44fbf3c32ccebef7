"""What an agent may say: the one place where its messages are read and checked. Nothing of it is believed before."""

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from typing import IO, Any, Final

from hoplab.model.files import LINE, parse_json
from hoplab.model.sources import is_place

LONGEST: Final = 8 * LINE
"""Bytes of a message at most: the agent sends no text longer than LINE characters, and JSON writes some with six."""
NAMES: Final = 1000
"""Sources of one node at most."""
PROBLEM: Final = 500
"""Characters of a problem that are kept."""
LATEST: Final = 253_402_300_799
"""Seconds since 1970 at the end of the year 9999."""


class Names:
    """Which sources a node may have: those that it was asked for. wanted: the recorders with their parameters."""

    def __init__(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        self._patterns = [pattern for some in wanted.values() for pattern in some.get("patterns", ())]
        self._recorders = frozenset(wanted)
        self._known: set[str] = set()

    def check(self, name: object) -> str:
        """Return a source's name; ValueError for one that was not asked for, or that leads elsewhere."""
        if isinstance(name, str) and (name in self._known or name in self._recorders):
            return name
        if not isinstance(name, str) or not is_place(name):
            raise ValueError(f"{str(name)[:PROBLEM]!r} is no name of a source")
        if not any(fnmatch(f"/{name}", pattern) or f"/{name}" == pattern for pattern in self._patterns):
            raise ValueError(f"{name!r} is a source that nobody asked for")
        if len(self._known) >= NAMES:
            raise ValueError(f"more than {NAMES} sources")
        self._known.add(name)
        return name


def messages(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield messages, a line each. Of one that is longer than LONGEST what is too much, which is no message, too."""
    while line := stream.readline(LONGEST):
        yield line
        while len(line) == LONGEST and not line.endswith(b"\n"):
            line = stream.readline(LONGEST)


def check(line: bytes, names: Names) -> dict[str, Any]:
    """Return a message. Raises ValueError for what is none."""
    if not line.endswith(b"\n"):
        raise ValueError(f"{_shown(line)}: a line without an end, or of more than {LONGEST:,} bytes")
    try:
        found = parse_json(line)
    except ValueError as error:
        raise ValueError(f"{_shown(line)}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(_shown(line))  # noqa: TRY004 it is the message's fault, not a caller's
    for kind, right in KINDS.items():
        if kind in found:
            if not right(found, names):
                raise ValueError(_shown(line))
            return found
    raise ValueError(_shown(line))


def _text(found: dict[str, Any], names: Names) -> bool:
    names.check(found.get("source"))
    text = found["text"]
    return isinstance(text, str) and text.endswith("\n") and len(text) <= LINE + 1


def _problem(found: dict[str, Any], names: Names) -> bool:
    names.check(found.get("source"))
    found["problem"] = str(found["problem"])[:PROBLEM]
    return True


def _time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LATEST


KINDS: Final[Mapping[str, Callable[[dict[str, Any], Names], bool]]] = {
    "text": _text,
    "follows": lambda found, names: bool(names.check(found["follows"])),
    "problem": _problem,
    "busy": lambda found, _names: found["busy"] is True,
    "pong": lambda found, _names: _time(found.get("time")),
    "ready": lambda found, _names: _time(found["ready"]),
    "ended": lambda found, _names: _time(found["ended"]),
}
"""What an agent says, by the key that tells it: whether it is as it must be."""


def _shown(line: bytes) -> str:
    return line[:200].decode("utf-8", "replace").strip()
