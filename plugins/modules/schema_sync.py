#!/usr/bin/python3
"""Run a service's schema migrations once per version of its package."""

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_sync
short_description: Run schema migrations once per package version and command list
description:
  - Migration commands cost seconds of imports even when there is nothing to do. After all of them succeeded, the
    package's version and the commands are noted on the node, and a later run with the same ones does nothing.
  - An interrupted run leaves no note, so the next run does all commands again; they must bear that.
options:
  name:
    description: Name of the service; names the note.
    type: str
    required: true
  package:
    description: Debian package whose version decides.
    type: str
    required: true
  commands:
    description: Commands in order, each with C(argv) (list) and, optionally, C(user) (default root).
    type: list
    elements: dict
    required: true
  environment:
    description: Environment of the commands, for secrets that must not appear in process lists. Not part of the note.
    type: dict
    default: {}
author: Hoplab
"""

EXAMPLES = r"""
- name: Bring Placement's schema up to date
  hoplab.lab.schema_sync:
    name: placement
    package: placement-common
    commands:
      - {argv: [placement-manage, db, sync]}
"""

RETURN = r"""
commands:
  description: Commands that ran, each with its seconds.
  type: list
  returned: always
"""

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule

STAMPS = "/var/lib/hoplab/schema"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "package": {"type": "str", "required": True},
            "environment": {"type": "dict", "default": {}, "no_log": True},
            "commands": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "argv": {"type": "list", "elements": "str", "required": True},
                    "user": {"type": "str", "default": "root"},
                },
            },
        },
        supports_check_mode=True,
    )
    package = module.params["package"]
    code, version, _error = module.run_command(["dpkg-query", "--show", "--showformat=${Version}", package])
    if code != 0:
        if module.check_mode:
            module.exit_json(changed=True, commands=[])
        module.fail_json(msg=f"package {package} is not installed: install it before its schema is brought up to date")
    stamp = os.path.join(STAMPS, module.params["name"] + ".json")
    wanted = json.dumps({"package": package, "version": version, "commands": module.params["commands"]}, sort_keys=True)
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as stream:
            if stream.read() == wanted:
                module.exit_json(changed=False, commands=[])
    if module.check_mode:
        module.exit_json(changed=True, commands=[])
    ran = []
    for command in module.params["commands"]:
        argv = command["argv"]
        if command["user"] != "root":
            argv = ["runuser", "-u", command["user"], "--", *argv]
        began = time.monotonic()
        code, out, error = module.run_command(argv, environ_update=module.params["environment"])
        ran.append({"argv": command["argv"], "seconds": round(time.monotonic() - began, 1)})
        if code != 0:
            tail = "\n".join((out + error).strip().splitlines()[-15:])
            module.fail_json(msg=f"{' '.join(command['argv'])} ended with {code}:\n{tail}", commands=ran)
    os.makedirs(STAMPS, mode=0o755, exist_ok=True)
    with open(stamp, "w", encoding="utf-8") as stream:
        stream.write(wanted)
    module.exit_json(changed=True, commands=ran)


if __name__ == "__main__":
    main()
