#!/usr/bin/python3
"""See to it that libvirt sends nova-compute its events."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nova_compute_events
short_description: Restart nova-compute until libvirt sends it events
description:
  - At its first start on a host, before it has a row in compute_nodes, nova-compute connects to libvirt before it has
    set up libvirt's event loop (nova/compute/manager.py, init_host; nova/virt/libvirt/host.py, initialize). Its
    subscription fails, and Nova never learns that a guest has stopped; the log has a warning. A start with the row
    there cures it.
  - Reads in the log what the last start came to, and restarts nova-compute, at most five times, where that was in vain.
options:
  log:
    description: Log of nova-compute.
    type: path
    required: true
author: Hoplab
"""

EXAMPLES = r"""
- name: Restart nova-compute until it receives libvirt's events
  hoplab.lab.nova_compute_events:
    log: /var/log/nova/nova-compute.log
"""

RETURN = r"""
restarts:
  description: How often it was restarted.
  type: int
  returned: always
"""

import mmap
import os
import time

from ansible.module_utils.basic import AnsibleModule

UNIT = "nova-compute.service"
RESTARTS = 5
CONNECT_SECONDS = 90.0

STARTED = b"Starting compute node"
CONNECTED = b"Connection event"
UNSUPPORTED = b"does not support events"


def last_start(log: bytes | mmap.mmap, since: int = 0) -> str:
    """Return what the last start came to: receiving, not receiving, or starting as long as it has not connected.

    since: how long the log was before a restart, whose own start is meant; zero if there was none.
    """
    began = log.rfind(STARTED, since if since <= len(log) else 0)
    if since and began < 0:
        return "starting"
    connected = log.rfind(CONNECTED, max(began, 0))
    if connected < 0:
        # A log that tells of no start was cut since.
        return "starting" if began >= 0 else "receiving"
    return "not receiving" if log.find(UNSUPPORTED, max(began, 0), connected) >= 0 else "receiving"


def read_last_start(path: str, since: int) -> str:
    """Return what the last start came to by this log, which may be large."""
    with open(path, "rb") as stream:
        if os.fstat(stream.fileno()).st_size == 0:
            return last_start(b"", since)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as log:
            return last_start(log, since)


def connected_state(module: AnsibleModule, path: str, since: int) -> str:
    """Return receiving or not receiving, as soon as nova-compute has connected to libvirt."""
    end = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            state = read_last_start(path, since)
        except OSError as error:
            if module.check_mode:
                module.exit_json(changed=False, restarts=0)  # nova-compute has never run here
            module.fail_json(msg=f"log: can't read {path}: {error.strerror}. nova-compute writes it: is it started?")
        if state != "starting":
            return state
        if time.monotonic() > end:
            module.fail_json(msg=f"nova-compute has not connected to libvirt in {CONNECT_SECONDS} s; see {path}")
        time.sleep(1)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"log": {"type": "path", "required": True}}, supports_check_mode=True)
    path = module.params["log"]
    restarts, since = 0, 0
    while connected_state(module, path, since) == "not receiving":
        if module.check_mode:
            module.exit_json(changed=True, restarts=0)
        if restarts == RESTARTS:
            module.fail_json(
                msg=f"libvirt sends nova-compute no events, also after {restarts} restarts; see {path}",
                restarts=restarts,
            )
        restarts += 1
        since = os.path.getsize(path)
        code, _out, error = module.run_command(["systemctl", "restart", UNIT])
        if code != 0:
            module.fail_json(msg=f"{UNIT} does not restart: {error.strip()}. See: journalctl -u {UNIT} -n 50")
    module.exit_json(changed=restarts > 0, restarts=restarts)


if __name__ == "__main__":
    main()
