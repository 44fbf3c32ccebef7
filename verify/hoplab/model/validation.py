"""Checks values against JSON Schemas, and says of the first fault where it is and what is wrong."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from hoplab.model.errors import ConfigurationError
from hoplab.model.files import shortened

Formats = Mapping[str, Callable[[str], bool]]
"""Tells by a format's name whether a text has it."""
PLAIN: Final = (str, int, float, bool, type(None))


class Fault(NamedTuple):
    """What is wrong with a value. path: the keys and indices that lead to the place; message: what is wrong there."""

    path: tuple[str | int, ...]
    message: str


class Validator:
    """Checks values against one schema. schema: JSON Schema 2020-12; formats: of texts, beside those that it knows."""

    def __init__(self, schema: Mapping[str, Any], formats: Formats | None = None) -> None:
        self.schema = schema
        self._validator = Draft202012Validator(dict(schema), formats=dict(formats or {}), validate_formats=True)

    def first_fault(self, value: Any) -> Fault | None:
        """Return the fault of a value that says most: the one nearest to the top; None if there is none."""
        try:
            if self._validator.is_valid(value):
                return None
            error = _nearest(self._validator.iter_errors(value))
        except (ValueError, TypeError, UnicodeEncodeError) as problem:
            # What YAML can say and JSON can't: a date, a key that is a number, half of a character.
            return next(_foreign(value), Fault((), " ".join(str(problem).split())))
        return Fault(tuple(error.instance_path), error.message)


def checked(path: Path, found: Any, validator: Validator, *, advice: str) -> dict[str, Any]:
    """Return a document that is as its schema says. Raises ConfigurationError that names the file and the place.

    The number of its schema is looked at first: of another one nothing else can be told.
    """
    known = validator.schema["properties"].get("schema", {}).get("const")
    if known is not None and isinstance(found, dict):
        version = found.get("schema", "none")
        if version != known or isinstance(version, bool | float):
            said = shortened(repr(version))
            raise ConfigurationError(f"{path}: schema: {said}, and this hoplab knows {known}: {advice}")
    fault = validator.first_fault(found)
    if fault is not None:
        place = ".".join(map(str, fault.path)) or "top"
        raise ConfigurationError(f"{path}: {shortened(place)}: {shortened(fault.message)}: {advice}")
    return dict(found)


def _nearest(errors: Iterable[ValidationError]) -> ValidationError:
    """Return the error nearest to the top; where none of several schemas fits, what the closest of them misses."""
    error = min(errors, key=_depth)
    while branches := getattr(error.kind, "context", None):
        closest = sorted((inner for branch in branches for inner in branch), key=_closeness, reverse=True)
        if not closest or (len(closest) > 1 and _closeness(closest[0]) == _closeness(closest[1])):
            break
        error = closest[0]
    return error


def _closeness(error: ValidationError) -> tuple[int, bool]:
    """Return how close a schema was that a value misses: how deep in it, and whether it had the right type there."""
    return _depth(error), not isinstance(error.kind, ValidationErrorKind.Type)


def _depth(error: ValidationError) -> int:
    return len(error.instance_path)


def _foreign(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Fault]:
    """Yield what a value has that JSON has not."""
    if isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str):
                yield Fault(path, f"the key {key!r} is no text: put it in quotes")
            yield from _foreign(member, (*path, str(key)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _foreign(item, (*path, number))
    elif isinstance(value, dt.date | dt.time):
        yield Fault(path, f"{value} is a date or a time: put it in quotes if it is a text")
    elif not isinstance(value, PLAIN):
        yield Fault(path, f"{type(value).__name__} is no value that is read here")
    elif (
        isinstance(value, str)
        and not value.isascii()
        and value.encode("utf-8", "replace") != value.encode("utf-8", "surrogatepass")
    ):
        yield Fault(path, "the text has half of a character, which is no UTF-8")
