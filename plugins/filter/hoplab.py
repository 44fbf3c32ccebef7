"""Filters for values that a service wants in a form of its own."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hoplab.lab.plugins.module_utils.lab_inventory import NODE_KINDS


def rabbitmq_password_hash(password: str, account: str) -> str:
    """Return a password as RabbitMQ's definitions carry it: base64 of a 4-byte salt and SHA-256 of salt and password.

    The salt is derived from account and password, so that the same password always gives the same text. Layout:
    RabbitMQ, deps/rabbit/src/rabbit_password.erl and rabbit_password_hashing_sha256.erl.
    """
    salt = hashlib.sha256(f"{account}:{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def nth_address(subnet: str, number: int) -> str:
    """Return an address of a subnet, counted from its beginning; AnsibleFilterError if it has none of that number.

    The filters of ansible.utils do this too; loading them takes 0.1 s in each task's process.
    """
    try:
        network = ipaddress.ip_network(subnet)
        return str(network[int(number)])
    except (ValueError, IndexError) as error:
        raise AnsibleFilterError(f"nth_address: {subnet!r} has no address number {number!r}: {error}") from error


def prefix_length(subnet: str) -> int:
    """Return the prefix length of a subnet; raises AnsibleFilterError when it is none."""
    try:
        return ipaddress.ip_network(subnet).prefixlen
    except ValueError as error:
        raise AnsibleFilterError(f"prefix_length: {subnet!r} is no subnet: {error}") from error


def node_kinds(given: Iterable[str]) -> list[str]:
    """Return the kinds of nodes in what hosts have as lab_nodes_kind, each once, as the roles node_<kind> are named.

    Raises AnsibleFilterError on another one.
    """
    wanted = set(given)
    if unknown := sorted(str(kind) for kind in wanted - set(NODE_KINDS)):
        raise AnsibleFilterError(f"lab_nodes_kind is {unknown[0]!r}: use one of {', '.join(sorted(NODE_KINDS))}")
    return [name for kind, name in NODE_KINDS.items() if kind in wanted]


class FilterModule:
    """The filters of this project."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "node_kinds": node_kinds,
            "nth_address": nth_address,
            "prefix_length": prefix_length,
            "rabbitmq_password_hash": rabbitmq_password_hash,
        }
