#!/usr/bin/python3
"""Give libvirt the keys of Ceph clients."""

from __future__ import annotations

DOCUMENTATION = r"""
module: libvirt_ceph_secrets
short_description: Keys of Ceph clients as secrets of libvirt, in one step
description:
  - Reads each client's key from its keyring on the node and sees to it that libvirt has it under the given UUID. Keys
    are neither arguments of a program, where everybody on the node could read them, nor part of the answer.
  - Neither C(virsh) nor C(community.libvirt) can do this in one step. Needs python3-libvirt, which nova-compute brings.
options:
  clients:
    description: Clients, each with its C(name) (C(nova) for C(client.nova)) and the C(uuid) of its secret.
    type: list
    elements: dict
    required: true
  keyrings:
    description: Directory of the keyrings C(ceph.client.NAME.keyring).
    type: path
    default: /etc/ceph
  uri:
    description: libvirt to give them to.
    type: str
    default: qemu:///system
author: Hoplab
"""

EXAMPLES = r"""
- name: Give libvirt the key of Nova's client
  hoplab.lab.libvirt_ceph_secrets:
    clients: [{name: nova, uuid: 5d9f3c8e-6f0b-5c55-9d5b-1f0f6d5a7a01}]
"""

RETURN = r"""
done:
  description: Clients whose key libvirt got.
  type: list
  returned: always
"""

import base64
import binascii
import os
import re
import uuid
from typing import Any
from xml.sax.saxutils import escape

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import libvirt
except ImportError:
    libvirt = None


def read_key(path: str, client: str) -> bytes:
    """Return a client's key, decoded; ValueError says what is wrong with its keyring."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except OSError as error:
        raise ValueError(f"clients.{client}: can't read {path}: {error.strerror}. Give the node its keyring") from error
    found = re.search(r"^\s*key\s*=\s*(\S+)\s*$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"clients.{client}: {path} has no key")
    try:
        return base64.b64decode(found.group(1), validate=True)
    except binascii.Error as error:
        raise ValueError(f"clients.{client}: the key in {path} is not base64") from error


def definition(client: str, identity: str) -> str:
    """Return libvirt's description of a secret, readable by who may ask libvirt."""
    return (
        f"<secret ephemeral='no' private='no'><uuid>{identity}</uuid>"
        f"<usage type='ceph'><name>client.{escape(client)} secret</name></usage></secret>"
    )


def ensure(connection: Any, client: str, identity: str, key: bytes, check: bool) -> bool:
    """Make a secret what it shall be; tells whether it was not."""
    try:
        secret = connection.secretLookupByUUIDString(identity)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SECRET:
            raise
        secret = None
    if secret is not None and known_value(secret) == key:
        return False
    if not check:
        (secret or connection.secretDefineXML(definition(client, identity))).setValue(key)
    return True


def known_value(secret: Any) -> bytes | None:
    """Return a secret's value; None if it was defined and never got one."""
    try:
        value: bytes = secret.value()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SECRET:
            raise
        return None
    return value


def wanted_secrets(module: AnsibleModule) -> list[tuple[str, str, bytes]]:
    """Return each client with its UUID and its key; ends the module where one is missing."""
    wanted = []
    try:
        for entry in module.params["clients"]:
            client, identity = entry["name"], entry["uuid"]
            try:
                uuid.UUID(identity)
            except ValueError as error:
                raise ValueError(f"clients.{client}: uuid is {identity!r}: give a UUID") from error
            path = os.path.join(module.params["keyrings"], f"ceph.client.{client}.keyring")
            if module.check_mode and not os.path.exists(path):
                module.exit_json(changed=True, done=[f"client.{client}"])
            wanted.append((client, identity, read_key(path, client)))
    except ValueError as error:
        module.fail_json(msg=str(error))
    return wanted


def main() -> None:
    """Run the module."""
    client_options = {"name": {"type": "str", "required": True}, "uuid": {"type": "str", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "clients": {"type": "list", "elements": "dict", "required": True, "options": client_options},
            "keyrings": {"type": "path", "default": "/etc/ceph"},
            "uri": {"type": "str", "default": "qemu:///system"},
        },
        supports_check_mode=True,
    )
    wanted = wanted_secrets(module)
    if libvirt is None:
        if module.check_mode:
            module.exit_json(changed=True, done=[f"client.{client}" for client, _identity, _key in wanted])
        module.fail_json(msg=missing_required_lib("python3-libvirt"))
    # Its own handler writes each error to standard error, also those that are answers here.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    done = []
    uri = module.params["uri"]
    try:
        connection = libvirt.open(uri)
    except libvirt.libvirtError as error:
        if module.check_mode:
            module.exit_json(changed=True, done=[f"client.{client}" for client, _identity, _key in wanted])
        module.fail_json(msg=f"can't reach libvirt at {uri}: {error}. See: journalctl -u libvirtd -n 50")
    try:
        for client, identity, key in wanted:
            if ensure(connection, client, identity, key, module.check_mode):
                done.append(f"client.{client}")
    except libvirt.libvirtError as error:
        module.fail_json(msg=f"libvirt at {uri} refused: {error}", done=done)
    finally:
        connection.close()
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
