#!/usr/bin/python3
"""Install Debian packages without starting the services that they bring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install packages without starting their services
description:
  - Installs what is missing of a list, without recommended packages. Services do not start before they are configured.
  - A node is asked once in a run what is installed on it; what is known to be there costs no call.
    C(ansible.builtin.apt) opens apt's whole cache each time, which takes 1 to 2 s on each node for each role.
options:
  names:
    description: Packages.
    type: list
    elements: str
    required: true
author: Hoplab
"""

EXAMPLES = r"""
- name: Install memcached
  hoplab.lab.packages:
    names: [memcached]
"""

RETURN = r"""
installed:
  description: What was installed.
  type: list
  returned: always
present:
  description: All packages that are installed now; the action plugin keeps them for the run.
  type: list
  returned: on success
"""

import contextlib
import os
import time
from collections.abc import Iterator

from ansible.module_utils.basic import AnsibleModule

POLICY = "/usr/sbin/policy-rc.d"
LISTS = "/var/lib/apt/lists"
LISTS_MAX_AGE = 86400  # seconds


def present(module: AnsibleModule) -> list[str]:
    """Return the packages that are installed."""
    _code, out, _error = module.run_command(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\\n"], check_rc=True
    )
    return [line.split()[1] for line in out.splitlines() if line.startswith("installed ")]


@contextlib.contextmanager
def services_held() -> Iterator[None]:
    """Keep package scripts from starting services, unless the machine has a policy of its own."""
    if os.path.exists(POLICY):
        yield
        return
    try:
        with open(POLICY, "w", encoding="utf-8") as stream:
            stream.write("#!/bin/sh\nexit 101\n")
        os.chmod(POLICY, 0o755)
        yield
    finally:
        os.unlink(POLICY)


def lists_age() -> float:
    """Return the seconds since apt's lists were read; infinity when there are none."""
    files = [os.path.join(LISTS, name) for name in os.listdir(LISTS)] if os.path.isdir(LISTS) else []
    times = [os.stat(path).st_mtime for path in files if path.endswith(("Packages", "InRelease"))]
    return time.time() - max(times) if times else float("inf")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True
    )
    there = present(module)
    wanted = [name for name in dict.fromkeys(module.params["names"]) if name not in there]
    if not wanted or module.check_mode:
        module.exit_json(changed=bool(wanted), installed=wanted, present=there)
    environment = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    install = [
        "apt-get",
        "install",
        "--yes",
        "--no-install-recommends",
        "-oDpkg::Options::=--force-confold",
        "-oDPkg::Lock::Timeout=120",
        *wanted,
    ]
    code, out, error = 0, "", ""
    with services_held():
        if lists_age() > LISTS_MAX_AGE:
            code, out, error = module.run_command(["apt-get", "update"], environ_update=environment)
        if code == 0:
            code, out, error = module.run_command(install, environ_update=environment)
    if code != 0:
        tail = "\n".join((error or out).strip().splitlines()[-8:])
        module.fail_json(msg=f"installing {', '.join(wanted)} failed:\n{tail}", stdout=out)
    module.exit_json(changed=True, installed=wanted, present=present(module))


if __name__ == "__main__":
    main()
