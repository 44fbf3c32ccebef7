"""Under which keys a token is kept in memcached: only who has the token itself can work them out."""

import base64
import hashlib
import hmac
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


def protected_key(token: str, secret: str, strategy: str) -> str:
    """Return the last part of the key under which services keep a validated token, in base64.

    It is made by derive_keys and get_cache_key in keystonemiddleware/auth_token/_memcache_crypt.py: the first 16 bytes
    of HMAC-SHA-384. secret, strategy: `memcache_secret_key` and `memcache_security_strategy` of the services.
    """
    whole = hmac.new(secret.encode(), f"{token}{strategy}".encode(), hashlib.sha384).digest()
    return base64.b64encode(whole[:16]).decode()


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
