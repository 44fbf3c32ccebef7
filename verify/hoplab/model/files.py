"""How every file is read that somebody else may have written: bounded, regular files only, each value checked.

Whoever names a file says what to do where it is wrong (`advice`): the last part of each message.
"""

import errno
import io
import json
import math
import os
import stat
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import yaml

from hoplab.model.errors import ConfigurationError

LIMIT: Final = 64 << 20
"""Bytes of a document at most: the largest that Hoplab writes, a run's report, has less than one megabyte."""
DEPTH: Final = 40
"""Levels of a document at most: what reads it further may be recursive."""
VALUES: Final = 3_000_000
"""Values in a document at most."""
LARGEST: Final = 1 << 63
"""Whole numbers are smaller than this: nothing that is counted or timed has more."""
LINE: Final = 1 << 20
"""Characters of a line at most. What is longer is no line of a log, and would have to be held in memory as a whole."""
SHOWN: Final = 160
"""Characters of a value that a message shows."""


def read_text(path: Path, *, advice: str, limit: int = LIMIT) -> str:
    """Return a whole file as text. Raises ConfigurationError if it can't be read, is too large or is no UTF-8."""
    try:
        with open_regular(path) as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({reason(error)}): {advice}") from None
    if len(data) > limit:
        raise ConfigurationError(f"{path}: is larger than {limit:,} bytes, the most that is read: {advice}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is no UTF-8 ({error.reason}): {advice}") from None


@contextmanager
def open_regular(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file to be read in bytes; OSError for all else, such as a pipe, which might be waited for."""
    # O_NONBLOCK: opening a pipe that nobody writes to would not return.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "is no regular file", str(path))
        yield stream


def read_json(path: Path, *, advice: str, limit: int = LIMIT) -> Any:
    """Return what is in a JSON file. Raises ConfigurationError for what `read_text` refuses and `parse_json` does."""
    text = read_text(path, advice=advice, limit=limit)
    try:
        return parse_json(text)
    except ValueError as error:
        raise ConfigurationError(f"{path}: is not JSON ({error}): {advice}") from None


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says. Raises ValueError for what is none, and for more than anybody means.

    Python takes NaN and Infinity for numbers, which JSON has not, and 1e999 for one, which no computer has; and it
    fails where arrays are too deep.
    """
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise ValueError(f"more than {DEPTH} levels") from None
    check_depth(found)
    return found


def check_depth(value: Any) -> None:
    """Raise ValueError for a document of too many levels or values: aliases make much of a few lines of YAML."""
    level, total, here = 0, 0, [value]
    while here:
        level, total = level + 1, total + len(here)
        if total > VALUES:
            raise ValueError(f"more than {VALUES:,} values")
        if level > DEPTH:
            raise ValueError(f"more than {DEPTH} levels")
        inner = [
            member.values() if isinstance(member, dict) else member
            for member in here
            if isinstance(member, dict | list)
        ]
        here = [one for some in inner for one in some]


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shortened(text)} is too large a number")
    return value


def _int(text: str) -> int:
    if len(text) > len(str(LARGEST)) + 1 or abs(int(text)) >= LARGEST:
        raise ValueError(f"{shortened(text)} is too large a number")
    return int(text)


# The parser in C is eight times as fast, where PyYAML was built with it.
_Fast: Final[type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Yaml(_Fast):  # type: ignore[valid-type,misc]  # which of two is only known when it runs
    """PyYAML takes the last of several equal keys; here they are an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping; raises ValueError for a key that is there twice."""
        keys = [self.construct_object(key, deep=True) for key, _value in node.value]
        twice = [key for number, key in enumerate(keys) if key in keys[:number]]
        if twice:
            raise ValueError(f"line {node.start_mark.line + 1}: key {str(twice[0])!r} is there twice")
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


def read_yaml(path: Path, *, advice: str) -> Any:
    """Return what is in a YAML file. Raises ConfigurationError for what `read_text` refuses and for what is no YAML."""
    text = read_text(path, advice=advice)
    try:
        found = yaml.load(text, _Yaml)
        check_depth(found)
    except RecursionError:
        raise ConfigurationError(f"{path}: is not YAML (more than {DEPTH} levels): {advice}") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise ConfigurationError(f"{path}: is not YAML as it is read here ({said}): {advice}") from None
    return found


def read_lines(path: Path, long: "list[int] | None" = None) -> Iterator[str]:
    """Yield a regular file's lines, each with its end; bytes that are no UTF-8 are replaced.

    long: is given the number of each line that is longer than LINE, which is left out. Raises OSError.
    """
    with open_regular(path) as raw, io.TextIOWrapper(raw, encoding="utf-8", errors="replace") as stream:
        yield from _bounded(stream, [] if long is None else long)


def _bounded(stream: IO[str], long: list[int]) -> Iterator[str]:
    rest, number, skipping = "", 0, False
    while block := stream.read(LINE):
        *whole, rest = (rest + block).split("\n")
        for line in whole:
            number += 1
            if skipping or len(line) > LINE:
                long.append(number)
                skipping = False
            else:
                yield f"{line}\n"
        if skipping or len(rest) > LINE:
            skipping, rest = True, ""
    if skipping:
        long.append(number + 1)
    elif rest:
        yield rest


def reason(error: OSError) -> str:
    """Return why a file can't be read or written, in words, without its name."""
    return error.strerror or str(error) or type(error).__name__


def shortened(text: str) -> str:
    """Return a text of one line for a message; of a long one its beginning and its end."""
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]}...{text[-SHOWN // 2 :]}"
