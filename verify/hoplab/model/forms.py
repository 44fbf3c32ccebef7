"""What the pack's JSON files have to be, as JSON Schemas put together from small parts; and reading a file by one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from hoplab.model import files
from hoplab.model.errors import ConfigurationError
from hoplab.model.validation import Formats, Validator, checked

Form = dict[str, Any]

TEXT: Final[Form] = {"type": "string"}
WORD: Final[Form] = {"type": "string", "minLength": 1}
"""A text that is not empty."""
YES: Final[Form] = {"type": "boolean"}
COUNT: Final[Form] = {"type": "integer", "minimum": 0}


def members(needed: Mapping[str, Form], optional: Mapping[str, Form] | None = None, *, closed: bool = False) -> Form:
    """Return the form of an object. closed: it has no other members; else a later version may have more."""
    form: Form = {"type": "object", "required": list(needed), "properties": {**needed, **(optional or {})}}
    return {**form, "additionalProperties": False} if closed else form


def map_of(values: Form) -> Form:
    """Return the form of an object whose members all have one form."""
    return {"type": "object", "additionalProperties": values}


def list_of(items: Form, **more: int) -> Form:
    """Return the form of a list. more: `minItems`, `maxItems`."""
    return {"type": "array", "items": items, **more}


def or_null(form: Form) -> Form:
    """Return a form that may be null instead."""
    return {"anyOf": [{"type": "null"}, form]}


def published(form: Form, name: str, title: str) -> Form:
    """Return a form as a schema of its own, as it is published. name: of the file that it is for."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{name}: {title}",
        **form,
    }


class Reader:
    """Reads JSON files of one form."""

    def __init__(self, form: Form, *, formats: Formats | None = None, limit: int = files.LIMIT) -> None:
        self.form = form
        self._validator = Validator(form, formats)
        self._limit = limit

    def read(self, path: Path, *, advice: str) -> dict[str, Any]:
        """Return what is in a file. Raises ConfigurationError that names the file, the place, the value and advice."""
        return checked(path, files.read_json(path, advice=advice, limit=self._limit), self._validator, advice=advice)


def refuse(path: Path, place: str, value: object, wanted: str, advice: str) -> NoReturn:
    """Raise ConfigurationError for a value that has the right form and is not what it has to be."""
    raise ConfigurationError(f"{path}: {place}: {files.shortened(repr(value))} is not {wanted}: {advice}")
