"""Secrets of a deployment: made at random at first use, kept in one file of mode 0600."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: A secret of this deployment, made at first use
description:
  - Reads a secret from the file that the variable C(secrets_file) names; makes it at random when it is not there yet.
  - The file is YAML, has mode 0600 and is written atomically under a lock, so parallel workers can't lose one.
options:
  _terms:
    description: Names of secrets.
    required: true
  kind:
    description: What to make.
    choices: [password, uuid, cephx, fernet, ssh_private, ssh_public]
    default: password
author: Hoplab
"""

import base64
import contextlib
import fcntl
import os
import secrets
import string
import struct
import time
import uuid
from collections.abc import Iterator
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519


def make_password() -> str:
    """Return 40 random letters and digits: safe in URLs, shells and configuration files."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(40))


def make_cephx() -> str:
    """Return a random cephx key as ceph-authtool prints it.

    Layout (Ceph, src/auth/Crypto.cc, CryptoKey::encode): type 1 (AES), creation time (seconds, nanoseconds), key
    length, 16 bytes of key; little endian, base64.
    """
    return base64.b64encode(struct.pack("<HIIH", 1, int(time.time()), 0, 16) + secrets.token_bytes(16)).decode()


def make_ssh_private() -> str:
    """Return a new ed25519 key in OpenSSH's format."""
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()


def ssh_public(private: str) -> str:
    """Return the public half (one line, OpenSSH's format) of a private key."""
    key = serialization.load_ssh_private_key(private.encode(), password=None)
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


MAKERS = {
    "password": make_password,
    "uuid": lambda: str(uuid.uuid4()),
    "cephx": make_cephx,
    "fernet": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "ssh_private": make_ssh_private,
    "ssh_public": make_ssh_private,
}


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the lock beside the file of secrets."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        os.chmod(path + ".lock", 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_secrets(path: str) -> dict[str, str]:
    """Return all secrets of a file, empty when there is none yet; raises AnsibleError when it is damaged."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        try:
            known = yaml.safe_load(stream)
        except yaml.YAMLError as error:
            raise AnsibleError(
                f"secrets file {path} is not YAML: {error}. Restore it, or delete it and build the lab anew."
            ) from error
    if not isinstance(known, dict):
        raise AnsibleError(f"secrets file {path} is not a mapping. Restore it, or delete it and build the lab anew.")
    return known


def get_secrets(path: str, names: list[str], kind: str) -> list[str]:
    """Return the secrets of these names, those that are new made now."""
    known = read_secrets(path)
    if not known.keys() >= set(names):
        with locked(path):
            known = read_secrets(path)
            known |= {name: MAKERS[kind]() for name in dict.fromkeys(names) if name not in known}
            temporary = f"{path}.{os.getpid()}"
            with os.fdopen(
                os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as stream:
                yaml.safe_dump(known, stream, default_flow_style=False)
            os.rename(temporary, path)
    return [ssh_public(known[name]) if kind == "ssh_public" else known[name] for name in names]


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the secrets of these names; raises AnsibleError on an unknown kind or without secrets_file."""
        kind = kwargs.get("kind", "password")
        if kind not in MAKERS:
            raise AnsibleError(f"lookup secret: kind is {kind!r}; known are {', '.join(MAKERS)}")
        path = self._templar.template((variables or {}).get("secrets_file"))
        if not path:
            raise AnsibleError(
                "lookup secret: the variable secrets_file is not set; it names the file that keeps the secrets"
            )
        return get_secrets(str(path), [str(term) for term in terms], kind)
