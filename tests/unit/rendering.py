"""Renders every file of a lab as its playbooks would: Ansible's own parser, variables and templates, and no node.

Each render_files task of playbooks/site.yml is taken as Ansible would run it on each of its hosts, and its action
plugin renders what it would send. Only what a task learns from a node (LEARNT) is given.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible import context
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.play_context import PlayContext
from ansible.playbook.role_include import IncludeRole
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible.utils.context_objects import CLIArgs
from ansible.utils.vars import load_extra_vars
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.hoplab.lab.plugins.action.render_files import ActionModule
from oslo_config import cfg

# What tasks register before the files are rendered.
LEARNT: dict[str, Any] = {"__nova_compute_kvm_probe": {"stdout": "qemu\n", "rc": 0}}


CONTROL = "172.29.20.11"
COMPUTES = {"cmp1": "172.29.20.21", "cmp2": "172.29.20.22"}

Oslo = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Rendered:
    """A file as a role writes it.

    hidden: whether its content stays out of diffs and logs; validate: the command that has to accept it, or empty.
    """

    role: str
    content: str
    owner: str
    group: str
    mode: str
    hidden: bool
    validate: str = ""


@dataclass
class Lab:
    """All files of a lab. variables: those of each host, as a task of any role sees them."""

    files: dict[str, dict[str, Rendered]] = field(default_factory=dict)
    directories: dict[str, dict[str, Rendered]] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets_file: Path = Path()

    def text(self, node: str, path: str) -> str:
        return self.files[node][path].content


def tasks_of(block: Block) -> Iterator[Task]:
    """Yield the tasks of a block and of the blocks in it."""
    for entry in [*block.block, *block.rescue, *block.always]:
        if isinstance(entry, Block):
            yield from tasks_of(entry)
        else:
            yield entry


@contextlib.contextmanager
def render_lab(root: Path, directory: Path, inventory: str = "local", **variables: Any) -> Iterator[Lab]:
    """Render an inventory's lab, with other variables; directory: for its secrets and keys."""
    given = json.dumps({"lab_directory": str(directory)} | variables)
    arguments = {"extra_vars": (given,), "diff": False, "check": True}
    context.CLIARGS = CLIArgs(arguments)
    vars(load_extra_vars).pop("extra_vars", None)  # Ansible keeps those of the first lab
    before = Path.cwd()
    os.chdir(root)
    try:
        yield Renderer(root, directory, inventory).render()
    finally:
        os.chdir(before)


class Renderer:
    """Ansible's view of an inventory and of all playbooks."""

    def __init__(self, root: Path, directory: Path, inventory: str) -> None:
        self.loader = DataLoader()
        self.inventory = InventoryManager(self.loader, [str(root / "inventories" / inventory)])
        self.manager = VariableManager(self.loader, self.inventory)
        self.playbook = Playbook.load(str(root / "playbooks" / "site.yml"), self.manager, self.loader)
        self.loader.set_basedir(str(root / "playbooks"))  # as the executor does: group_vars lie there
        HostVars(self.inventory, self.manager, self.loader)  # from now on the manager's hostvars
        self.lab = Lab(secrets_file=directory / "secrets.yml")

    def render(self) -> Lab:
        """Render all files of all hosts."""
        for host in self.inventory.get_hosts():
            self.manager.set_nonpersistent_facts(host.name, LEARNT)
            self.lab.files[host.name] = {}
            self.lab.directories[host.name] = {}
        for play in self.playbook.get_plays():
            hosts = self.inventory.get_hosts(play.hosts)
            for task in [task for block in play.compile() for task in tasks_of(block)]:
                for host in hosts:
                    self.run_task(play, host, task)
        return self.lab

    def run_task(self, play: Play, host: Host, task: Task) -> None:
        """Render the files of a task on one host, or of a role's tasks where the play includes the role."""
        if task.action not in ("hoplab.lab.render_files", "ansible.builtin.include_role"):
            return
        variables = self.manager.get_vars(play=play, host=host, task=task)
        templar = Templar(loader=self.loader, variables=variables)
        if isinstance(task, IncludeRole) and task.loop:
            for item in templar.template(task.loop):
                one = task.copy()
                one.loop, one.vars = None, task.vars | {task.loop_control.loop_var: item}
                self.run_task(play, host, one)
            return
        if not all(templar.evaluate_conditional(condition) for condition in task.when):
            return
        if task.action == "hoplab.lab.render_files":
            self.render_task(host, task, variables, templar)
        elif isinstance(task, IncludeRole):
            included = task.copy()
            included._role_name = templar.template(included._role_name)
            blocks, _handlers = included.get_block_list(play=play, variable_manager=self.manager, loader=self.loader)
            for inner in [inner for block in blocks for inner in tasks_of(block)]:
                self.run_task(play, host, inner)

    def render_task(self, host: Host, task: Task, variables: dict[str, Any], templar: Templar) -> None:
        """Render the files of one task on one host."""
        self.lab.variables[host.name] = variables
        action = ActionModule(task, None, PlayContext(), self.loader, templar, None)
        role = variables.get("role_name", "")
        sent = action.render(templar.template(task.args["files"]), variables)
        for entry in sent["files"] + sent["private_files"]:
            hidden = entry in sent["private_files"]
            place = (entry["owner"], entry["group"], entry["mode"])
            made = Rendered(role, entry.get("content", ""), *place, hidden, entry.get("validate", ""))
            if "directory" in entry:
                self.lab.directories[host.name][entry["directory"]] = made
            else:
                self.lab.files[host.name][entry["dest"]] = made


def oslo(text: str, directory: Path) -> Oslo:
    """Parse as oslo.config does: options may be given several times."""
    path = directory / "some.conf"
    path.write_text(text)
    sections: Oslo = {}
    cfg.ConfigParser(str(path), sections).parse()
    return sections


def secret(lab: Lab, name: str) -> str:
    return str(yaml.safe_load(lab.secrets_file.read_text())[name])
