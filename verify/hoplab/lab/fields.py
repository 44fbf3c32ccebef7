"""Reading a JSON object field by field, with errors that name the file, the field and the value."""

import ipaddress
from pathlib import Path
from typing import NoReturn

from hoplab.model.errors import ConfigurationError

LONGEST_SHOWN = 120


class Fields:
    """One object of a JSON document.

    value: what was parsed; source: the file, for messages; where: the object's place in it, empty at the top.
    Every method raises ConfigurationError if the field is missing or is not what the method's name says.
    """

    def __init__(self, value: object, source: Path, where: str = "") -> None:
        self._source = source
        self._where = where
        if not isinstance(value, dict):
            self._fail(where or "the document", value, "an object")
        self._value: dict[str, object] = value

    def text(self, key: str) -> str:
        """Return a text that is not empty."""
        value = self._get(key)
        if not isinstance(value, str) or not value:
            self.refuse(key, "a text that is not empty")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.refuse(key, "a list of texts")
        return tuple(value)

    def number(self, key: str, *, low: int, high: int | None = None) -> int:
        """Return a whole number from low to high, both included."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
            self.refuse(key, f"a whole number from {low}" + (f" to {high}" if high is not None else ""))
        return value

    def has(self, key: str) -> bool:
        """Tell whether there is such a field; it may be null."""
        return key in self._value

    def optional_number(self, key: str, *, low: int, high: int) -> int | None:
        """Return a whole number from low to high, or None where the file has null."""
        return None if self._get(key) is None else self.number(key, low=low, high=high)

    def file(self, key: str) -> Path:
        """Return the absolute path of a file that exists."""
        path = Path(self.text(key))
        if not path.is_absolute():
            self.refuse(key, "an absolute path")
        if not path.is_file():
            self.refuse(key, "a file that exists")
        return path

    def address(self, key: str) -> str:
        """Return an IP address."""
        value = self.text(key)
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            self.refuse(key, "an IP address")

    def network(self, key: str) -> str:
        """Return an IP network such as 172.29.22.0/24."""
        value = self.text(key)
        try:
            return str(ipaddress.ip_network(value))
        except ValueError:
            self.refuse(key, "an IP network such as 172.29.22.0/24")

    def inner(self, key: str) -> "Fields":
        """Return an object inside this one."""
        return Fields(self._get(key), self._source, self._path(key))

    def items(self, key: str) -> tuple["Fields", ...]:
        """Return a list of objects."""
        value = self._get(key)
        if not isinstance(value, list):
            self.refuse(key, "a list")
        return tuple(Fields(item, self._source, f"{self._path(key)}[{index}]") for index, item in enumerate(value))

    def refuse(self, key: str, expected: str) -> NoReturn:
        """Raise ConfigurationError for a field that is there but is not what it has to be."""
        self._fail(self._path(key), self._value.get(key), expected)

    def _get(self, key: str) -> object:
        if key not in self._value:
            raise ConfigurationError(
                f"{self._source}: {self._path(key)} is missing: run `make lab` to write the file anew"
            )
        return self._value[key]

    def _path(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def _fail(self, field: str, value: object, expected: str) -> NoReturn:
        shown = repr(value)
        shown = shown if len(shown) <= LONGEST_SHOWN else shown[: LONGEST_SHOWN - 3] + "..."
        raise ConfigurationError(
            f"{self._source}: {field} is {shown}, expected {expected}: run `make lab` to write the file anew"
        )
