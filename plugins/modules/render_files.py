#!/usr/bin/python3
"""Write files and directories with owner, group and mode, all of a role in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: render_files
short_description: Render all files of a role in one step
description:
  - Templates are rendered on the controller (action plugin of the same name); the node gets one call.
  - Templates can import the macros of the private role C(service).
  - Supports check mode and diff; files that not everybody may read never appear in a diff.
options:
  files:
    description:
      - What is to be there, in this order. Each entry has C(owner), C(group), C(mode) and one of C(template) (with
        C(dest) and, optionally, C(vars)), C(file) (copied as it is; with C(dest)), C(content) (with C(dest)) or
        C(directory).
    type: list
    elements: dict
    required: true
author: Hoplab
"""

EXAMPLES = r"""
- name: Render the configuration of Keystone
  render_files:
    files:
      - {directory: /etc/keystone/keystone.conf.d, owner: root, group: keystone, mode: "0750"}
      - {template: keystone.conf.j2, dest: /etc/keystone/keystone.conf, owner: root, group: keystone, mode: "0640"}
  notify: Restart keystone
"""

RETURN = r"""
files:
  description: Paths of all files, changed or not; what the module C(units) takes as C(configuration).
  type: list
  returned: always
changed_files:
  description: Paths that were made or changed.
  type: list
  returned: always
"""

import grp
import os
import pwd
import stat
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule


def numeric_ids(owner: str, group: str) -> tuple[int, int]:
    """Return (uid, gid) of an owner and a group given by name; raises KeyError when one does not exist."""
    return pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid


def place_differs(path: str, uid: int, gid: int, mode: int) -> bool:
    """Tell whether owner, group or mode (permission bits) of an existing path differ."""
    info = os.stat(path)
    return (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) != (uid, gid, mode)


def write_atomically(path: str, data: bytes, uid: int, gid: int, mode: int) -> None:
    """Replace a file so that a reader sees either the old or the new one, never a part and never a wider mode."""
    handle, temporary = tempfile.mkstemp(prefix=".hoplab-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chown(temporary, uid, gid)
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def ensure_directory(entry: dict[str, Any], uid: int, gid: int, mode: int, check: bool) -> bool:
    """Make a directory or mend its owner, group and mode; returns whether that was needed."""
    path = entry["directory"]
    if os.path.isdir(path) and not place_differs(path, uid, gid, mode):
        return False
    if not check:
        os.makedirs(path, exist_ok=True)
        os.chown(path, uid, gid)
        os.chmod(path, mode)
    return True


def ensure_file(entry: dict[str, Any], uid: int, gid: int, mode: int, check: bool) -> tuple[bool, str]:
    """Write a file or mend its owner, group and mode; returns (changed, previous content)."""
    path = os.path.realpath(entry["dest"])
    wanted = entry["content"].encode()
    before = b""
    if os.path.isfile(path):
        with open(path, "rb") as stream:
            before = stream.read()
        if before == wanted:
            if not place_differs(path, uid, gid, mode):
                return False, ""
            if not check:
                os.chown(path, uid, gid)
                os.chmod(path, mode)
            return True, before.decode(errors="replace")
    if not check:
        write_atomically(path, wanted, uid, gid, mode)
    return True, before.decode(errors="replace")


def main() -> None:
    """Run the module."""
    place: dict[str, Any] = {
        "index": {"type": "int", "required": True},
        "dest": {"type": "str"},
        "directory": {"type": "str"},
        "owner": {"type": "str", "required": True},
        "group": {"type": "str", "required": True},
        "mode": {"type": "str", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "options": place | {"content": {"type": "str"}}},
            "private_files": {
                "type": "list",
                "elements": "dict",
                "options": place | {"content": {"type": "str", "no_log": True}},
            },
            "show_diff": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    private = {entry["index"] for entry in module.params["private_files"] or []}
    entries = sorted(
        (module.params["files"] or []) + (module.params["private_files"] or []), key=lambda entry: int(entry["index"])
    )
    changed: list[str] = []
    diffs: list[dict[str, str]] = []
    for entry in entries:
        path = entry["directory"] or entry["dest"]
        try:
            mode = int(entry["mode"], 8)
            try:
                uid, gid = numeric_ids(entry["owner"], entry["group"])
            except KeyError as error:
                if module.check_mode:
                    # The package that brings the user is not installed in a dry run.
                    changed.append(path)
                    continue
                module.fail_json(msg=f"{path}: no such user or group: {error}. Is the package that makes it installed?")
            if entry["directory"]:
                if ensure_directory(entry, uid, gid, mode, module.check_mode):
                    changed.append(path)
                continue
            differs, before = ensure_file(entry, uid, gid, mode, module.check_mode)
        except OSError as error:
            module.fail_json(msg=f"{path}: {error}", changed_files=changed)
        if differs:
            changed.append(path)
            if module.params["show_diff"]:
                hidden = entry["index"] in private
                diffs.append(
                    {
                        "before_header": path,
                        "after_header": path,
                        "before": "(not shown: not readable by everybody)\n" if hidden else before,
                        "after": "(changed)\n" if hidden else entry["content"],
                    }
                )
    files = [entry["dest"] for entry in entries if entry["dest"]]
    module.exit_json(changed=bool(changed), files=files, changed_files=changed, diff=diffs)


if __name__ == "__main__":
    main()
