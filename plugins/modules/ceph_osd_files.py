#!/usr/bin/python3
"""Make the OSDs of a node that stand on files, all in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ceph_osd_files
short_description: OSDs of a node on sparse files, in one step
description:
  - Asks the monitors for an id for each OSD, writes its keyring and makes its store (BlueStore on a sparse file in the
    OSD's directory). The stores are made side by side, since each takes seconds, most of them waiting for the disk.
  - The uuid of an OSD comes from the cluster's identity, the node's name and its number, so an interrupted run goes on
    with the same OSDs. The monitors answer with the same id when they know the uuid and the key, and a store that was
    begun is made anew.
  - Complete OSDs are left alone. OSDs are not started.
options:
  fsid:
    description: Identity of the cluster.
    type: str
    required: true
  node:
    description: Name of the node.
    type: str
    required: true
  keys:
    description: Key of each OSD of the node; as many OSDs are made as there are keys.
    type: list
    elements: str
    required: true
  size:
    description: Size that each claims to have, in bytes.
    type: int
    required: true
  timeout:
    description: Seconds for the stores to be made.
    type: int
    default: 300
  conf:
    description: Configuration of the cluster.
    type: path
    default: /etc/ceph/ceph.conf
  bootstrap_keyring:
    description: Keyring of client.bootstrap-osd, which may make OSDs.
    type: path
    default: /var/lib/ceph/bootstrap-osd/ceph.keyring
author: Hoplab
"""

EXAMPLES = r"""
- name: Make two OSDs
  hoplab.lab.ceph_osd_files:
    fsid: 7f1a2f0c-7d3c-4f6e-9d5c-0d5d5f0f8a3e
    node: ceph1
    keys: ["...", "..."]
    size: 21474836480
"""

RETURN = r"""
osds:
  description: Ids of the node's OSDs, by uuid. In check mode only of those that are complete.
  type: dict
  returned: always
made:
  description: Uuids of the OSDs that were not complete.
  type: list
  returned: always
"""

import contextlib
import glob
import json
import os
import pwd
import uuid

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.lab_ceph import CephError, Client, run_together

HOMES = "/var/lib/ceph/osd"
USER = "ceph"


def osd_uuid(fsid: str, node: str, number: int) -> str:
    """Return the uuid of a node's OSD. It must never change: it is how an OSD that exists is found again."""
    return str(uuid.uuid5(uuid.UUID(fsid), f"{node}/{number}"))


def complete_osds() -> dict[str, int]:
    """Return the ids, by uuid, of the OSDs whose stores are complete: mkfs marks a directory as ready at its end."""
    found = {}
    for ready in glob.glob(f"{HOMES}/ceph-[0-9]*/ready"):
        home = os.path.dirname(ready)
        with contextlib.suppress(OSError), open(os.path.join(home, "fsid"), encoding="utf-8") as stream:
            found[stream.read().strip()] = int(home.rpartition("-")[2])
    return found


def new_id(client: Client, osd: str, key: str) -> int:
    """Return the id that the monitors have for an OSD, by uuid and key; a new one if they don't know it."""
    answer = client.ask("osd", "new", osd, "--in-file=-", send=json.dumps({"cephx_secret": key}))
    if not isinstance(answer, dict) or "osdid" not in answer:
        raise CephError(f"`ceph osd new {osd}` answered {answer!r} and no id")
    return int(answer["osdid"])


def write_keyring(number: int, key: str, owner: pwd.struct_passwd) -> None:
    """Make an OSD's directory, and its keyring there; nobody but Ceph ever reads it."""
    home = f"{HOMES}/ceph-{number}"
    os.makedirs(home, mode=0o755, exist_ok=True)
    os.chown(home, owner.pw_uid, owner.pw_gid)
    os.chmod(home, 0o755)
    temporary = f"{home}/.keyring.new"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        os.fchmod(handle, 0o600)
        os.fchown(handle, owner.pw_uid, owner.pw_gid)
        stream.write(f"[osd.{number}]\n\tkey = {key}\n")
    os.rename(temporary, f"{home}/keyring")


def mkfs(conf: str, osd: str, number: int, size: int) -> list[str]:
    """Return the command that makes an OSD's store."""
    return [
        "ceph-osd",
        "--mkfs",
        "-f",  # or it works in a child in another session, which goes on when the command is killed
        f"--conf={conf}",
        f"--id={number}",
        f"--osd-uuid={osd}",
        "--osd-objectstore=bluestore",
        f"--bluestore-block-size={size}",
        f"--setuser={USER}",
        f"--setgroup={USER}",
    ]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "fsid": {"type": "str", "required": True},
            "node": {"type": "str", "required": True},
            "keys": {"type": "list", "elements": "str", "required": True, "no_log": True},
            "size": {"type": "int", "required": True},
            "timeout": {"type": "int", "default": 300},
            "conf": {"type": "path", "default": "/etc/ceph/ceph.conf"},
            "bootstrap_keyring": {"type": "path", "default": "/var/lib/ceph/bootstrap-osd/ceph.keyring"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        keys = {osd_uuid(params["fsid"], params["node"], place): key for place, key in enumerate(params["keys"])}
    except ValueError:
        module.fail_json(msg=f"fsid is {params['fsid']!r}: give the cluster's uuid")
    complete = complete_osds()
    osds = {osd: complete[osd] for osd in keys if osd in complete}
    made = [osd for osd in keys if osd not in complete]
    if module.check_mode or not made:
        module.exit_json(changed=bool(made), osds=osds, made=made)
    client = Client("client.bootstrap-osd", params["conf"], params["bootstrap_keyring"])
    try:
        owner = pwd.getpwnam(USER)
    except KeyError:
        module.fail_json(msg=f"there is no user {USER}: is the package ceph-osd installed?")
    try:
        # One after the other, so that ids follow the order of the OSDs.
        for osd in made:
            osds[osd] = new_id(client, osd, keys[osd])
            write_keyring(osds[osd], keys[osd], owner)
        stores = {
            f"ceph-osd --mkfs --id={osds[osd]}": mkfs(params["conf"], osd, osds[osd], params["size"]) for osd in made
        }
        run_together(stores, params["timeout"])
    except (CephError, OSError) as error:
        module.fail_json(msg=f"can't make the OSDs of {params['node']}: {error}", osds=osds)
    module.exit_json(changed=True, osds=osds, made=made)


if __name__ == "__main__":
    main()
