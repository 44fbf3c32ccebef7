#!/usr/bin/python3
"""See to it that RabbitMQ has the accounts of a definitions file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rabbitmq_accounts
short_description: Accounts and rights of a RabbitMQ broker in one step
description:
  - Asks the broker for its accounts, compares them with a file of definitions, imports the file as a whole where
    something differs, and asks again. Each C(rabbitmqctl) costs a second, so the modules of C(community.rabbitmq),
    which take several of them for an account, would take a minute at every run.
  - Accounts that the file does not name stay as they are.
options:
  definitions:
    description: The file, in RabbitMQ's format, with C(vhosts), C(users) and C(permissions).
    type: path
    required: true
  wait:
    description: For how many seconds a broker that does not answer is asked again.
    type: int
    default: 40
author: Hoplab
"""

EXAMPLES = r"""
- name: Make the accounts
  hoplab.lab.rabbitmq_accounts:
    definitions: /etc/rabbitmq/definitions.json
"""

RETURN = r"""
done:
  description: What was made or changed.
  type: list
  returned: always
"""

import json
import shutil
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

RABBITMQCTL = "rabbitmqctl"
SERVICE = "rabbitmq-server.service"
# What is compared.
KEYS = {
    "vhosts": ("name",),
    "users": ("name", "password_hash", "hashing_algorithm", "tags"),
    "permissions": ("user", "vhost", "configure", "write", "read"),
}


def differences(present: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return in what the broker's definitions fall short of the wanted ones; in words, without any secret."""
    found = []
    vhosts = {vhost["name"] for vhost in present["vhosts"]}
    found += [f"virtual host {vhost['name']}" for vhost in wanted["vhosts"] if vhost["name"] not in vhosts]
    users = {user["name"]: user for user in present["users"]}
    for user in wanted["users"]:
        known = users.get(user["name"])
        if known is None:
            found.append(f"account {user['name']}")
            continue
        if any(known[key] != user[key] for key in ("password_hash", "hashing_algorithm")):
            found.append(f"password of {user['name']}")
        if set(known["tags"]) != set(user["tags"]):
            found.append(f"tags of {user['name']}")
    rights = {right_key(right): right_value(right) for right in present["permissions"]}
    for right in wanted["permissions"]:
        if rights.get(right_key(right)) != right_value(right):
            found.append(f"rights of {right['user']} in {right['vhost']}")
    return found


def right_key(right: dict[str, str]) -> tuple[str, str]:
    """Return whose and where a right is."""
    return right["user"], right["vhost"]


def right_value(right: dict[str, str]) -> tuple[str, str, str]:
    """Return what a right allows."""
    return right["configure"], right["write"], right["read"]


def ask(module: AnsibleModule, seconds: int) -> dict[str, Any]:
    """Return the broker's definitions; asks again for so many seconds."""
    end = time.monotonic() + seconds
    while True:
        code, out, error = module.run_command([RABBITMQCTL, "--quiet", "export_definitions", "-"])
        if code == 0:
            found: dict[str, Any] = json.loads(out)
            return found
        if module.check_mode:
            module.exit_json(changed=True, done=["everything: the broker does not run yet"])
        if time.monotonic() > end:
            tail = " ".join((error or out).split())[-500:]
            module.fail_json(msg=f"RabbitMQ does not tell its accounts: {tail}. See: journalctl -u {SERVICE} -n 50")
        time.sleep(1)


def read_definitions(module: AnsibleModule, path: str) -> dict[str, Any]:
    """Return the definitions that shall be."""
    try:
        with open(path, encoding="utf-8") as stream:
            found: dict[str, Any] = json.load(stream)
    except OSError as error:
        if module.check_mode:
            module.exit_json(changed=True, done=["everything: there are no definitions yet"])
        module.fail_json(msg=f"definitions: can't read {path}: {error.strerror}. It has to be written first")
    except ValueError as error:
        module.fail_json(msg=f"definitions: {path} is not JSON: {error}")
    lacking = [key for key in KEYS if not isinstance(found.get(key), list)]
    if lacking:
        module.fail_json(msg=f"definitions: {path} lacks the lists {', '.join(lacking)}")
    for kind, keys in KEYS.items():
        for number, entry in enumerate(found[kind]):
            unknown = [key for key in keys if key not in entry]
            if unknown:
                module.fail_json(msg=f"definitions: {path}: {kind}[{number}] lacks {', '.join(unknown)}")
    return found


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "definitions": {"type": "path", "required": True},
            "wait": {"type": "int", "default": 40},
        },
        supports_check_mode=True,
    )
    path = module.params["definitions"]
    wanted = read_definitions(module, path)
    if shutil.which(RABBITMQCTL) is None:
        if module.check_mode:
            module.exit_json(changed=True, done=["everything: RabbitMQ is not installed yet"])
        module.fail_json(msg=f"{RABBITMQCTL} is not installed: install the package rabbitmq-server first")
    done = differences(ask(module, module.params["wait"]), wanted)
    if done and not module.check_mode:
        code, _out, _error = module.run_command([RABBITMQCTL, "--quiet", "import_definitions", path])
        # What it says of a file that it does not take may hold lines of the file.
        if code != 0:
            module.fail_json(
                msg=f"RabbitMQ does not take {path} (rabbitmqctl import_definitions ended with {code}). "
                f"See: journalctl -u {SERVICE} -n 50"
            )
        left = differences(ask(module, module.params["wait"]), wanted)
        if left:
            module.fail_json(msg=f"RabbitMQ took {path} but still lacks: {', '.join(left)}", done=done)
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
