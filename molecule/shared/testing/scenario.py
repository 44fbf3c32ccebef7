"""What tests of a scenario ask: its nodes over SSH, its secrets and its cloud."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from typing import Any, TypeVar

import openstack
import testinfra
import yaml
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from patience import patient

ROOT = Path(__file__).resolve().parents[3]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Node:
    """A node of the scenario, reached over SSH as root."""

    name: str
    address: str  # in the management network
    ssh_config: Path

    @cached_property
    def host(self) -> Any:
        """Testinfra's view of the node."""
        return testinfra.get_host(f"ssh://{self.name}", ssh_config=str(self.ssh_config))

    def run(self, command: str, stdin: str = "", timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a shell command on the node, for at most timeout seconds, and return what it said."""
        # One connection for all commands.
        shared = ["-o", "ControlMaster=auto", "-o", "ControlPersist=20", "-o", f"ControlPath={gettempdir()}/hoplab-%C"]
        argv = ["ssh", "-F", str(self.ssh_config), "-o", "BatchMode=yes", *shared, self.name, command]
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)

    def output(self, command: str, stdin: str = "", timeout: float = 120) -> str:
        """Return what a command prints; an AssertionError tells what it said when it fails."""
        done = self.run(command, stdin, timeout)
        assert done.returncode == 0, (
            f"{self.name}: {command}: {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
        return done.stdout

    def main_process(self, unit: str) -> str:
        """Return the number of a unit's main process; it has to have one."""
        found = self.output(f"systemctl show --value --property=MainPID {unit}").strip()
        assert found not in {"", "0"}, f"{unit} has no process"
        return found

    def kill(self, unit: str) -> str:
        """Kill a unit's main process without a warning; return the number that it had."""
        process = self.main_process(unit)
        self.output(f"kill -KILL {process}")
        return process

    def python(self, script: str, timeout: float = 120, **given: Any) -> Any:
        """Run a Python script on the node; it finds `given` as a dict and leaves its answer in `answer`, as JSON."""
        program = (
            f"import json\ngiven = json.loads({json.dumps(json.dumps(given))})\n{script}\nprint(json.dumps(answer))\n"
        )
        return json.loads(self.output("python3 -", program, timeout))


@dataclass(frozen=True)
class Scenario:
    """A scenario by its directory (molecule/<role>), and what its playbooks wrote for its user."""

    directory: Path

    @property
    def lab(self) -> Path:
        """Where the scenario's keys, secrets and clouds.yaml are."""
        return ROOT / ".lab" / self.directory.name

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What stands in scenario.yml."""
        found: dict[str, Any] = yaml.safe_load((self.directory / "scenario.yml").read_text(encoding="utf-8"))
        return found

    @property
    def number(self) -> int:
        """The number of its lab: its own, or that of the slot in which bin/molecule runs it."""
        return int(os.environ.get("HOPLAB_SLOT") or self.settings["scenario_number"])

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """All nodes by name."""
        described = json.loads((self.lab / "lab.json").read_text(encoding="utf-8"))["nodes"]
        config = self.lab / "ssh" / "config"
        return {node["name"]: Node(node["name"], node["address"], config) for node in described}

    @property
    def control(self) -> Node:
        """The node that every scenario has."""
        return self.nodes["ctl1"]

    def secret(self, name: str) -> str:
        """Return a secret of this scenario's lab by its name (as in lookup('secret', name))."""
        found: dict[str, str] = yaml.safe_load((self.lab / "secrets.yml").read_text(encoding="utf-8"))
        return found[name]

    def converge(self, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run the role once more, with other variables than the scenario's, and return what Ansible said."""
        shared = ROOT / "molecule" / "shared"
        argv = ["ansible-playbook", *(f"--inventory={self.directory}/{name}.yml" for name in ("hosts", "groups"))]
        argv += [f"--extra-vars=@{shared}/lab.yml", f"--extra-vars=@{self.directory}/scenario.yml"]
        argv += [f"--extra-vars={json.dumps(variables)}", str(shared / "converge.yml")]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1"}
        return subprocess.run(
            argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=patient(300), check=False
        )

    def subnet_address(self, network: str, number: int) -> str:
        """Return the address with this number in one of the scenario's networks (management, tunnel, external)."""
        third = self.number * 3 + ["management", "tunnel", "external"].index(network)
        return f"172.30.{third}.{number}"

    def service(self, name: str) -> Connection:
        """Return the cloud as the user of a service (glance, nova) sees it."""
        return self.cloud.connect_as(
            username=name,
            password=self.secret(f"keystone_{name}"),
            project_name="service",
            user_domain_id="default",
            project_domain_id="default",
        )

    @cached_property
    def cloud(self) -> Connection:
        """The scenario's cloud, as its administrator, once Keystone answers: the nodes have just booted."""
        config = OpenStackConfig(config_files=[str(self.lab / "clouds.yaml")], load_envvars=False)
        cloud = openstack.connection.Connection(config=config.get_one("hoplab-admin"))
        eventually("Keystone gives its administrator a token", cloud.authorize, seconds=120)
        return cloud


def eventually(what: str, check: Callable[[], Answer], seconds: float = 60, interval: float = 1) -> Answer:
    """Ask until the answer is true, for at most that many seconds, and return it.

    On a machine that is slower than usual it asks for longer (see `patience`), which is measured only where the time is
    up. An exception counts as not yet; the AssertionError at the end tells the last one or the last answer.
    """
    begin = time.monotonic()
    limit = seconds
    while True:
        try:
            answer = check()
            if answer:
                return answer
            last = f"the last answer: {answer!r}"
        except Exception as error:  # noqa: BLE001 a service that is starting fails in any way
            last = f"the last error: {error!r}"
        if time.monotonic() - begin >= limit == seconds:
            limit = patient(seconds)
        told = "" if limit == seconds else f", which is {limit / seconds:.1f} times {seconds:g} s on so slow a machine"
        assert time.monotonic() - begin < limit, f"{what} did not come true in {limit:g} s{told}; {last}"
        time.sleep(interval)
