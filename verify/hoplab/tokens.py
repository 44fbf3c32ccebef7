"""Under which key Keystone keeps a token in its cache: only who has the token itself can work it out."""

import hashlib
import json
from collections.abc import Iterable
from typing import Final

FUNCTION: Final = "keystone.token.provider:_validate_token"
"""What is cached is this function's answer (keystone/token/provider.py, `Manager._validate_token`)."""


def cache_key(token: str, region: str) -> str:
    """Return the key in memcached: SHA-1 of function, token and region.

    It is made by key_mangler_factory in keystone/common/cache/core.py. region: the id of the cache's region as Python
    shows it (`b'...'`), which Keystone keeps in memcached, too.
    """
    return hashlib.sha1(f"{FUNCTION}|{token}:{region}".encode()).hexdigest()


def regions(lines: Iterable[str]) -> frozenset[str]:
    """Return the regions' ids that the agent's recorder `cache` found."""
    found = set()
    for line in lines:
        try:
            region = json.loads(line).get("region")
        except (ValueError, AttributeError):
            continue
        if isinstance(region, str):
            found.add(region)
    return frozenset(found)
