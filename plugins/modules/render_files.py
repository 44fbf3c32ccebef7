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
  - All files that change are validated first. Where one is refused, nothing is changed at all.
options:
  files:
    description:
      - What is to be there, in this order. Each entry has C(owner), C(group), C(mode) and one of C(template) (with
        C(dest) and, optionally, C(vars)), C(file) (copied as it is; with C(dest)), C(content) (with C(dest)) or
        C(directory).
      - A file can have C(validate), a command as that of M(ansible.builtin.template). It runs on the node, without a
        shell, before a changed file is put in place. C(%s) in it stands for a file of the same name with the new
        content, in a directory that only root can read; C(%%) is a percent sign. It has 30 seconds. It must only read,
        because it runs in check mode, too, where the node has it. It finds the other files of the step as they were.
        What it prints is shown if everybody may read the file.
    type: list
    elements: dict
    required: true
author: Hoplab
"""

EXAMPLES = r"""
- name: Render the configuration of Keystone
  hoplab.lab.render_files:
    files:
      - {directory: /etc/keystone/keystone.conf.d, owner: root, group: keystone, mode: "0750"}
      - {template: keystone.conf.j2, dest: /etc/keystone/keystone.conf, owner: root, group: keystone, mode: "0640"}
  notify: Restart keystone

- name: Write sshd_config if sshd accepts it
  render_files:
    files:
      - template: sshd_config.j2
        dest: /etc/ssh/sshd_config
        owner: root
        group: root
        mode: "0644"
        validate: /usr/sbin/sshd -t -f %s
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
import re
import shlex
import stat
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

VALIDATE_SECONDS = 30
SHOWN_LINES = 20
TIMED_OUT = 124  # status of coreutils' timeout
PLACE = {
    "index": {"type": "int", "required": True},
    "dest": {"type": "str"},
    "directory": {"type": "str"},
    "owner": {"type": "str", "required": True},
    "group": {"type": "str", "required": True},
    "mode": {"type": "str", "required": True},
    "validate": {"type": "str"},
}


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


def content_of(path: str) -> bytes | None:
    """Return what is in a file, None if there is none."""
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as stream:
        return stream.read()


def ensure_file(entry: dict[str, Any], uid: int, gid: int, mode: int, check: bool) -> tuple[bool, str]:
    """Write a file or mend its owner, group and mode; returns (changed, previous content)."""
    path = os.path.realpath(entry["dest"])
    wanted = entry["content"].encode()
    before = content_of(path)
    if before == wanted:
        if not place_differs(path, uid, gid, mode):
            return False, ""
        if not check:
            os.chown(path, uid, gid)
            os.chmod(path, mode)
    elif not check:
        write_atomically(path, wanted, uid, gid, mode)
    return True, (before or b"").decode(errors="replace")


def refusal(module: AnsibleModule, entry: dict[str, Any], hidden: bool) -> str | None:
    """Return why a file's command does not accept its new content; None if it does, or if there is nothing to ask.

    hidden: whether what the command prints is kept back; it may quote lines of the file.
    """
    if not entry["validate"] or content_of(os.path.realpath(entry["dest"])) == entry["content"].encode():
        return None
    command, *arguments = shlex.split(entry["validate"])
    program = module.get_bin_path(command)
    if program is None:
        # The package that brings the command is not installed in a dry run.
        return None if module.check_mode else f"there is no command {command}. Is the package that brings it installed?"
    # Of the same name, because some programs tell by it what kind of file they read.
    # Not in module.tmpdir, which warns on each new node that it had to be made.
    with tempfile.TemporaryDirectory(prefix="hoplab-") as directory:
        candidate = os.path.join(directory, os.path.basename(entry["dest"]))
        with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(entry["content"].encode())
        put_in = {"%s": candidate, "%%": "%"}
        arguments = [re.sub("%[s%]", lambda found: put_in[found[0]], argument) for argument in arguments]
        argv = ["timeout", "--kill-after=5", str(VALIDATE_SECONDS), program, *arguments]
        code, out, error = module.run_command(argv)
    if code == 0:
        return None
    ending = f"did not end within {VALIDATE_SECONDS} s" if code == TIMED_OUT else f"ended with status {code}"
    reason = f"`{entry['validate']}` {ending}"
    if hidden:
        return f"{reason}. What it printed is not shown, because it may quote a file that not everybody may read."
    lines = (error.strip() or out.strip()).replace(candidate, entry["dest"]).splitlines()
    printed = "\n".join("".join(char for char in line if char.isprintable()) for line in lines[-SHOWN_LINES:])
    return f"{reason}:\n{printed}" if printed else f"{reason} and printed nothing."


def check_all(module: AnsibleModule, entries: list[dict[str, Any]], private: set[int]) -> None:
    """Fail before anything is changed: on an owner or a group that does not exist, and on content that is refused."""
    refused = []
    for entry in entries:
        path = entry["directory"] or entry["dest"]
        try:
            numeric_ids(entry["owner"], entry["group"])
        except KeyError as error:
            if not module.check_mode:
                module.fail_json(msg=f"{path}: no such user or group: {error}. Is the package that makes it installed?")
        try:
            reason = refusal(module, entry, entry["index"] in private)
        except OSError as error:
            reason = str(error)
        if reason:
            refused.append(f"{path}: the new content is refused: {reason}")
    if refused:
        module.fail_json(msg="\n".join([*refused, "Nothing was changed."]), changed_files=[])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "options": PLACE | {"content": {"type": "str"}}},
            "private_files": {
                "type": "list",
                "elements": "dict",
                "options": PLACE | {"content": {"type": "str", "no_log": True}},
            },
            "show_diff": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    private = {entry["index"] for entry in module.params["private_files"] or []}
    entries = sorted(
        (module.params["files"] or []) + (module.params["private_files"] or []), key=lambda entry: int(entry["index"])
    )
    check_all(module, entries, private)
    changed: list[str] = []
    diffs: list[dict[str, str]] = []
    for entry in entries:
        path = entry["directory"] or entry["dest"]
        try:
            mode = int(entry["mode"], 8)
            try:
                uid, gid = numeric_ids(entry["owner"], entry["group"])
            except KeyError:
                # Only in check mode: the package that brings the user is not installed in a dry run.
                changed.append(path)
                continue
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
