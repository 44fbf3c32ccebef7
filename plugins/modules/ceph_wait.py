#!/usr/bin/python3
"""Ask a Ceph cluster until what is waited for is so."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_wait
short_description: Wait, for a bounded time, until a Ceph cluster is as it shall be
description:
  - Asks the cluster each second, in one call, whether a condition holds. Fails after O(timeout) with what was lacking.
  - A client that the monitors refuse is not waited for as long, since only a new one can become known meanwhile.
  - Changes nothing, so it also asks in check mode; but there a node that is not set up yet is not asked.
options:
  condition:
    description:
      - C(quorum) - the monitor O(daemon) is in the quorum.
      - C(manager) - a manager daemon is active, and the monitors know O(daemon) as active or standby.
      - C(clean) - there are OSDs, all of them are up and in, and all placement groups are active and clean.
      - C(identity) - the cluster whose identity is O(fsid) answers.
    type: str
    choices: [quorum, manager, clean, identity]
    required: true
  daemon:
    description: Name of the daemon, for C(quorum) and C(manager).
    type: str
  fsid:
    description: Identity of the cluster, for C(identity).
    type: str
  clients:
    description: Clients as which to ask, each of which needs an answer (C(nova) for client.nova, with its keyring).
    type: list
    elements: str
    default: [admin]
  timeout:
    description: Seconds until the condition must hold.
    type: int
    default: 60
  conf:
    description: Configuration of the cluster; the clients' keyrings are beside it.
    type: path
    default: /etc/ceph/ceph.conf
author: Hoplab
"""

EXAMPLES = r"""
- name: Wait until this node's monitor is in the quorum
  hoplab.lab.ceph_wait:
    condition: quorum
    daemon: ceph1

- name: Wait until the cluster answers to each client
  hoplab.lab.ceph_wait:
    condition: identity
    fsid: 7f1a2f0c-7d3c-4f6e-9d5c-0d5d5f0f8a3e
    clients: [nova, cinder]
    timeout: 300
"""

RETURN = r"""
asked:
  description: Clients that have got their answer.
  type: list
  returned: always
"""

import time
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.lab_ceph import CephError, CephRefusedError, Client

INTERVAL = 1  # seconds between two questions
ANSWER = 20  # seconds for one of them
CONNECT = 5  # seconds for its connection
REFUSALS = 30  # seconds in which a new client becomes known

Params = dict[str, Any]


def lacks_quorum(answer: Any, params: Params) -> str:
    """Return what lacks when a monitor is not in the quorum."""
    names = answer["quorum_names"]
    if params["daemon"] in names:
        return ""
    return f"the monitor {params['daemon']} is not in the quorum ({', '.join(names) or 'nobody is'})"


def lacks_manager(answer: Any, params: Params) -> str:
    """Return what lacks when no manager daemon is active, or the monitors don't know this one."""
    known = [name for name in (answer["active_name"], *(other["name"] for other in answer["standbys"])) if name]
    if params["daemon"] not in known:
        return f"the monitors don't know the manager daemon {params['daemon']} ({', '.join(known) or 'none'})"
    return "" if answer["available"] else f"no manager daemon is active yet (known: {', '.join(known)})"


def lacks_clean(answer: Any, _params: Params) -> str:
    """Return what lacks when an OSD is not up and in, or a placement group is not active and clean."""
    osds, groups = answer["osdmap"], answer["pgmap"]
    total, up, inside = osds["num_osds"], osds["num_up_osds"], osds["num_in_osds"]
    if not total or up != total or inside != total:
        return f"of {total} OSDs {up} are up and {inside} are in"
    states = {state["state_name"]: state["count"] for state in groups["pgs_by_state"]}
    if not groups["num_pgs"] or set(states) != {"active+clean"}:
        told = ", ".join(f"{count} {state}" for state, count in states.items())
        return f"not all placement groups are active and clean: {told or 'there are none'}"
    return ""


def lacks_identity(answer: Any, params: Params) -> str:
    """Return what lacks when it is another cluster that answers."""
    found = answer["fsid"]
    return "" if found == params["fsid"] else f"a cluster answers whose fsid is {found}, not {params['fsid']}"


CONDITIONS: dict[str, tuple[tuple[str, ...], Callable[[Any, Params], str]]] = {
    "quorum": (("quorum_status",), lacks_quorum),
    "manager": (("mgr", "dump"), lacks_manager),
    "clean": (("status",), lacks_clean),
    "identity": (("fsid",), lacks_identity),
}
NEEDED = {"quorum": "daemon", "manager": "daemon", "identity": "fsid"}
HINTS = {"daemon": "give the name of the daemon", "fsid": "give the identity of the cluster"}


def wait(client: Client, params: Params, deadline: float) -> str:
    """Ask as a client until the condition holds; returns what lacked until the end, or an empty text."""
    words, lacks = CONDITIONS[params["condition"]]
    refused_since = 0.0
    while True:
        left = deadline - time.monotonic()
        refused = False
        try:
            # The last question may end after the deadline, or its own words about a failed connection would be lost.
            lacking = lacks(client.ask(*words, timeout=min(ANSWER, left + CONNECT), connect=min(CONNECT, left)), params)
        except CephRefusedError as error:
            lacking, refused = f"the monitors don't know it with the key of {client.keyring_path}: {error}", True
        except CephError as error:
            lacking = f"do the monitors of {client.conf} run? {error}"
        except (KeyError, TypeError) as error:
            lacking = f"`ceph {' '.join(words)}` did not say {error}"
        if not lacking:
            return ""
        now = time.monotonic()
        refused_since = (refused_since or now) if refused else 0.0
        if now + INTERVAL >= deadline or (refused and now - refused_since > REFUSALS):
            return lacking
        time.sleep(INTERVAL)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "condition": {"type": "str", "choices": list(CONDITIONS), "required": True},
            "daemon": {"type": "str"},
            "fsid": {"type": "str"},
            "clients": {"type": "list", "elements": "str", "default": ["admin"]},
            "timeout": {"type": "int", "default": 60},
            "conf": {"type": "path", "default": "/etc/ceph/ceph.conf"},
        },
        supports_check_mode=True,
    )
    params = module.params
    needed = NEEDED.get(params["condition"])
    if needed and not params[needed]:
        module.fail_json(msg=f"condition {params['condition']} needs {needed}: {HINTS[needed]}")
    began = time.monotonic()
    asked: list[str] = []
    for name in params["clients"]:
        client = Client(f"client.{name}", params["conf"])
        missing = client.missing()
        if missing and module.check_mode:
            continue  # the run that sets this node up brings them
        if missing:
            module.fail_json(
                msg=f"{client.entity} can't ask the cluster: this node has no {', no '.join(missing)}", asked=asked
            )
        lacking = wait(client, params, began + params["timeout"])
        if lacking:
            waited = time.monotonic() - began
            module.fail_json(msg=f"After {waited:.0f} s, asked as {client.entity}: {lacking}", asked=asked)
        asked.append(name)
    module.exit_json(changed=False, asked=asked)


if __name__ == "__main__":
    main()
