"""Render all files of a role on the controller and hand them to the node in one step."""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

# A module call per file costs 0.4 s and a role has up to a dozen files on each node; this costs one call.

# The common parts of oslo configuration stand in the private role service, beside the plugins.
_COMMON_TEMPLATES = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../roles/service/templates"))

_PLACE_KEYS = {"owner", "group", "mode"}
_KINDS = ("template", "file", "content", "directory")
_ALLOWED = _PLACE_KEYS | set(_KINDS) | {"dest", "vars", "validate"}


def check_validate(command: Any, where: str) -> None:
    """Raise AnsibleActionFail where `validate` is no command with %s for the file among its arguments."""
    advice = "give a command with %s for the file that it is to read, such as '/usr/sbin/sshd -t -f %s'"
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError as error:
        raise AnsibleActionFail(f"{where}: validate is {command!r}: {error}: {advice}") from error
    # What follows each percent sign; of two of them the second is none.
    signs = re.findall("%(.?)", " ".join(words[1:]))
    if "s" not in signs or not set(signs) <= {"s", "%"} or "%" in words[0]:
        raise AnsibleActionFail(f"{where}: validate is {command!r}: {advice}, and %% for a percent sign")


def check_entry(entry: Any, index: int) -> str:
    """Return which kind of entry this is ('template', 'file', 'content' or 'directory').

    Raises AnsibleActionFail naming the entry and what is wrong with it.
    """
    where = f"render_files: files[{index}]"
    if not isinstance(entry, dict):
        raise AnsibleActionFail(f"{where} is {entry!r}: give a mapping")
    unknown = sorted(set(entry) - _ALLOWED)
    if unknown:
        raise AnsibleActionFail(
            f"{where} has unknown keys {', '.join(unknown)}: allowed are {', '.join(sorted(_ALLOWED))}"
        )
    kinds = [kind for kind in _KINDS if kind in entry]
    if len(kinds) != 1:
        raise AnsibleActionFail(
            f"{where} needs exactly one of {', '.join(_KINDS)}; it has {', '.join(kinds) or 'none'}"
        )
    missing = sorted(key for key in _PLACE_KEYS if not entry.get(key))
    if kinds[0] != "directory" and not entry.get("dest"):
        missing.append("dest")
    if missing:
        raise AnsibleActionFail(f"{where} ({entry.get('dest') or entry.get('directory')}) lacks {', '.join(missing)}")
    if "validate" in entry:
        if kinds[0] == "directory":
            raise AnsibleActionFail(f"{where} ({entry['directory']}) has validate: only a file can be validated")
        check_validate(entry["validate"], f"{where} ({entry['dest']})")
    return kinds[0]


class ActionModule(ActionBase):
    """See the module of the same name for the documentation of its arguments."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"files"})

    def _render(self, template: str, dest: str, extra: dict[str, Any], task_vars: dict[str, Any]) -> str:
        source = self._find_needle("templates", template)
        search = [os.path.dirname(source), _COMMON_TEMPLATES]
        variables = (
            task_vars
            | extra
            | {"ansible_managed": "Made by Hoplab; changes made by hand are overwritten.", "template_destpath": dest}
        )
        templar = self._templar.copy_with_new_env(searchpath=search, available_variables=variables)
        text = trust_as_template(self._loader.get_text_file_contents(source))
        overrides = {"trim_blocks": True, "lstrip_blocks": True}
        rendered = templar.template(text, escape_backslashes=False, overrides=overrides)
        return str(rendered).rstrip("\n") + "\n"

    def render(self, entries: Any, task_vars: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """Return the module's `files` and `private_files`; raises AnsibleActionFail on a bad entry."""
        if not isinstance(entries, list) or not entries:
            raise AnsibleActionFail("render_files: files must be a list of at least one entry")
        public: list[dict[str, Any]] = []
        private: list[dict[str, Any]] = []
        for index, entry in enumerate(entries):
            kind = check_entry(entry, index)
            out: dict[str, Any] = {key: str(entry[key]) for key in _PLACE_KEYS}
            out["index"] = index
            if kind == "directory":
                out["directory"] = entry["directory"]
                public.append(out)
                continue
            out["dest"] = entry["dest"]
            if "validate" in entry:
                out["validate"] = entry["validate"]
            if kind == "template":
                out["content"] = self._render(entry["template"], entry["dest"], entry.get("vars") or {}, task_vars)
            elif kind == "file":
                out["content"] = self._loader.get_text_file_contents(self._find_needle("files", entry["file"]))
            else:
                out["content"] = str(entry["content"])
            # What not everybody may read on the node is not shown in output or logs either.
            (public if int(out["mode"], 8) & 0o004 else private).append(out)
        return {"files": public, "private_files": private}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Render, then call the module; a bad entry is an error before anything is touched."""
        result = super().run(tmp, task_vars)
        arguments = self.render(self._task.args.get("files"), task_vars or {})
        result.update(
            self._execute_module(
                module_name="hoplab.lab.render_files",
                module_args=arguments | {"show_diff": bool(self._task.diff)},
                task_vars=task_vars,
            )
        )
        return result
