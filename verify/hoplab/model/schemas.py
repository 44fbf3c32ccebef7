"""What the pack's JSON files have to be, as JSON Schemas put together from small parts; and reading a file by one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from hoplab.model import files
from hoplab.model.errors import ConfigurationError
from hoplab.model.validation import Formats, Validator, checked

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WORD: Final[Schema] = {"type": "string", "minLength": 1}
"""A text that is not empty."""
YES: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def object_schema(
    needed: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, closed: bool = False
) -> Schema:
    """Return the form of an object. closed: it has no other members; else a later version may have more."""
    form: Schema = {"type": "object", "required": list(needed), "properties": {**needed, **(optional or {})}}
    return {**form, "additionalProperties": False} if closed else form


def map_schema(values: Schema) -> Schema:
    """Return the form of an object whose members all have one form."""
    return {"type": "object", "additionalProperties": values}


def list_schema(items: Schema, **more: int) -> Schema:
    """Return the form of a list. more: `minItems`, `maxItems`."""
    return {"type": "array", "items": items, **more}


def nullable(form: Schema) -> Schema:
    """Return a form that may be null instead."""
    return {"anyOf": [{"type": "null"}, form]}


def published_schema(form: Schema, name: str, title: str) -> Schema:
    """Return a form as a schema of its own, as it is published. name: of the file that it is for."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{name}: {title}",
        **form,
    }


class SchemaReader:
    """Reads JSON files of one form."""

    def __init__(self, form: Schema, *, formats: Formats | None = None, limit: int = files.LIMIT) -> None:
        self.form = form
        self._validator = Validator(form, formats)
        self._limit = limit

    def read(self, path: Path, *, advice: str) -> dict[str, Any]:
        """Return what is in a file. Raises ConfigurationError that names the file, the place, the value and advice."""
        return checked(path, files.read_json(path, advice=advice, limit=self._limit), self._validator, advice=advice)


def refuse(path: Path, place: str, value: object, wanted: str, advice: str) -> NoReturn:
    """Raise ConfigurationError for a value that has the right form and is not what it has to be."""
    raise ConfigurationError(f"{path}: {place}: {files.shortened(repr(value))} is not {wanted}: {advice}")
