"""Filters for values that a service wants in a form of its own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any


def rabbitmq_password_hash(password: str, account: str) -> str:
    """Return a password as RabbitMQ's definitions carry it: base64 of a 4-byte salt and SHA-256 of salt and password.

    The salt is derived from account and password, so that the same password always gives the same text. Layout:
    RabbitMQ, deps/rabbit/src/rabbit_password.erl and rabbit_password_hashing_sha256.erl.
    """
    salt = hashlib.sha256(f"{account}:{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


class FilterModule:
    """The filters of this project."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"rabbitmq_password_hash": rabbitmq_password_hash}
