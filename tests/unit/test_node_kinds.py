"""What the nodes of a lab are: each kind has a role, and what plays ask of one they ask of all."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.hoplab.lab.plugins.filter.hoplab import node_kinds
from ansible_collections.hoplab.lab.plugins.module_utils.lab_inventory import NODE_KINDS
from tests.unit.tree import ROOT, offending, tracked

SHARED = ("state", "snapshot")
"""What the plays say of all nodes; each role has it under a name that begins with its own."""
WANTED = {"action": "make", "name": "x", "controller": "/x", "inventory": "/x", "version": "x"}


def specs(kind: str) -> dict[str, Any]:
    path = ROOT / "roles" / f"node_{kind}" / "meta" / "argument_specs.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    return found


def test_kinds_are_those_of_the_roles() -> None:
    assert {path.name for path in (ROOT / "roles").glob("node_*")} == {f"node_{kind}" for kind in NODE_KINDS.values()}


@pytest.mark.parametrize("kind", NODE_KINDS.values())
def test_each_role_takes_the_same(kind: str) -> None:
    first = specs("container")
    own = specs(kind)
    assert set(own) == set(first) == {"main", "recover", "snapshot"}
    for name in SHARED:
        entry = "snapshot" if name == "snapshot" else "main"
        assert own[entry]["options"][f"node_{kind}_{name}"] == first[entry]["options"][f"node_container_{name}"]
    wired = yaml.safe_load((ROOT / "playbooks" / "group_vars" / "all" / "nodes.yml").read_text(encoding="utf-8"))
    assert {name: wired[f"node_{kind}_{name}"] for name in SHARED} == {
        name: f"{{{{ lab_nodes_{name} }}}}" for name in SHARED
    }


def test_no_play_knows_a_kind() -> None:
    """Where the kinds are wired to the inventory (group_vars) they have to be named."""
    files = [path for path in tracked("playbooks/**.yml", "molecule/shared/**.yml") if "group_vars" not in path.parts]
    assert len(files) > 20
    # Machines of somebody else's stand on the same root layers, so that these are built once.
    files.remove(ROOT / "molecule" / "shared" / "site_create.yml")
    kinds = "|".join(NODE_KINDS.values())
    assert not offending(files, rf"hoplab\.lab\.node_({kinds})|node_({kinds})_(state|take|snapshot):")
    assert len(offending(files, r"hoplab\.lab\.node_\{\{ node_kind \}\}")) >= 7


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["containers"] * 5, ["container"]),
        (["machines"], ["machine"]),
        # Machines may refuse what is asked: before anything is done to containers.
        (["containers", "machines", "containers"], ["machine", "container"]),
        ([], []),
    ],
)
def test_each_kind_is_named_once_in_the_order_of_work(given: list[str], expected: list[str]) -> None:
    assert node_kinds(given) == expected


@pytest.mark.parametrize("kind", ["vms", "container", "", None])
def test_another_kind_is_refused_with_those_that_there_are(kind: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=rf"lab_nodes_kind is '{kind}': use one of containers, machines"):
        node_kinds(["containers", kind])


SYSTEMCTL = """#!/bin/sh
# A systemd of one unit, whose state is in a file. $1: verb; the unit is the last word.
cd {state}
for unit; do :; done
case $1 in
show) printf 'Id=%s\\nActiveState=%s\\n' "$unit" "$(cat active)"
    for name in SubState UnitFileState LoadState NeedDaemonReload Result FragmentPath DropInPaths \\
        ExecMainStartTimestampMonotonic ActiveEnterTimestampMonotonic; do echo "$name="; done ;;
stop) echo inactive >active ;;
*) exit 1 ;;
esac
"""

IP = """#!/bin/sh
# Network namespaces, each a file in a directory with the process that runs in it.
cd {names}
case "$1 $2" in
"netns list") for name in *; do echo "$name (id: 7)"; done ;;
"netns pids") cat "$3" ;;
"netns delete") rm "$3" ;;
*) exit 1 ;;
esac
"""


def play(playbook: str | Path, *arguments: str | Path, programs: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a playbook with this repository's configuration; programs: a directory that PATH begins with."""
    path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "NO_COLOR": "1",
        "NAME": "x",
        "PATH": path,
    }
    argv = [Path(sys.executable).parent / "ansible-playbook", playbook, *arguments]
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


class TestMachine:
    """The role node_machine, for which this machine stands: it is only looked at."""

    @staticmethod
    def apply(
        directory: Path, tasks: str = "main", units: tuple[str, ...] = (), **variables: Any
    ) -> "subprocess.CompletedProcess[str]":
        node = {"name": "m1", "user": "root", "units": list(units), "hypervisor": False}
        role = {"name": "hoplab.lab.node_machine", "tasks_from": tasks}
        task = {"name": "Apply the role", "ansible.builtin.include_role": role}
        (directory / "play.yml").write_text(
            yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]), encoding="utf-8"
        )
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {"localhost": local, "m1": local}
        (directory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
        given = json.dumps({"node_machine_nodes": [node], **variables})
        arguments = ("--inventory", directory / "hosts.yml", "--extra-vars", given)
        return play(directory / "play.yml", *arguments, programs=str(directory / "bin"))

    @pytest.fixture
    def state(self, tmp_path: Path) -> Path:
        """Where a unit's state is, which a systemctl reads and writes."""
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "systemctl").write_text(SYSTEMCTL.format(state=tmp_path), encoding="utf-8")
        (tmp_path / "bin" / "systemctl").chmod(0o755)
        (tmp_path / "active").write_text("active\n", encoding="utf-8")
        return tmp_path / "active"

    def test_services_of_the_site_are_told_and_need_consent(self, tmp_path: Path, state: Path) -> None:
        given: dict[str, Any] = {"units": ("web.service",), "node_machine_mark": str(tmp_path / "mark")}
        done = self.apply(tmp_path, **given)
        assert done.returncode == 2, done.stdout
        assert "run already, and not for this lab: web.service on m1." in " ".join(done.stdout.split())
        assert self.apply(tmp_path, **given, node_machine_consent=["web.service"]).returncode == 0
        (tmp_path / "mark").touch()
        assert self.apply(tmp_path, **given).returncode == 0
        (tmp_path / "mark").unlink()
        state.write_text("inactive\n", encoding="utf-8")
        done = self.apply(tmp_path, **given)
        assert done.returncode == 0, done.stdout

    def test_services_are_stopped_once(self, tmp_path: Path, state: Path) -> None:
        for changed in (1, 0):
            done = self.apply(tmp_path, units=("web.service",), node_machine_state="stopped")
            assert done.returncode == 0, done.stdout
            assert f"changed={changed}" in done.stdout
            assert state.read_text(encoding="utf-8") == "inactive\n"

    @pytest.mark.parametrize(
        ("unit", "removed"), [("neutron-dhcp-agent.service", True), ("neutron-l3-agent.service", True), ("web", False)]
    )
    def test_what_agents_left_in_namespaces_ends_as_in_a_boot(
        self, tmp_path: Path, state: Path, unit: str, removed: bool
    ) -> None:
        """What began anew with a namespace that is there would have links of a switch that has ended."""
        state.write_text("inactive\n", encoding="utf-8")
        (tmp_path / "bin" / "ip").write_text(IP.format(names=tmp_path / "names"), encoding="utf-8")
        (tmp_path / "bin" / "ip").chmod(0o755)
        (tmp_path / "names").mkdir()
        ours = [f"{kind}-c89836f3-7d87-4f80-a838-dbf9bdfc6471" for kind in ("qdhcp", "qrouter")]
        foreign = ["qdhcp-site", "site"]
        with subprocess.Popen(["sleep", "300"]) as mine, subprocess.Popen(["sleep", "300"]) as other:
            try:
                for name in ours + foreign:
                    # That of the router has no process.
                    number = {ours[0]: mine.pid, ours[1]: ""}.get(name, other.pid)
                    (tmp_path / "names" / name).write_text(f"{number}\n", encoding="utf-8")
                for changed in (int(removed), 0):
                    done = self.apply(tmp_path, units=(unit,), node_machine_state="stopped")
                    assert done.returncode == 0, done.stdout
                    assert f"changed={changed} " in done.stdout
                left = {path.name for path in (tmp_path / "names").iterdir()}
                assert left == set(foreign if removed else ours + foreign)
                assert (mine.poll() is not None) == removed
                assert other.poll() is None
            finally:
                mine.kill()
                other.kill()

    @pytest.mark.parametrize(
        ("state", "told"),
        [
            ("started", "unreachable=0 failed=0"),
            ("stopped", "m1: the lab's services are stopped, instances are shut off; the machines run on."),
            ("absent", "m1: left as they are, with all that the roles installed"),
        ],
    )
    def test_each_state_changes_nothing_where_nothing_runs(self, tmp_path: Path, state: str, told: str) -> None:
        done = self.apply(tmp_path, node_machine_state=state)
        assert done.returncode == 0, done.stdout
        assert told in " ".join(done.stdout.split())
        assert "changed=0" in done.stdout

    def test_a_purge_is_refused_with_the_names_of_the_machines(self, tmp_path: Path) -> None:
        done = self.apply(tmp_path, node_machine_state="absent", node_machine_purge=True)
        assert done.returncode == 2
        told = " ".join(done.stdout.split())
        assert "PURGE=yes is refused: what the roles installed on m1 can't be taken off again, and nothing was" in told
        assert "left as they are, with all" not in told

    def test_a_killed_snapshot_is_nothing_to_it(self, tmp_path: Path) -> None:
        assert self.apply(tmp_path, "recover").returncode == 0

    def test_snapshots_are_refused_with_the_reason(self, tmp_path: Path) -> None:
        done = self.apply(tmp_path, "snapshot", node_machine_snapshot=WANTED)
        assert done.returncode == 2
        assert "A lab with machines has no snapshots (make x): their disks are not Hoplab's" in done.stdout


class TestPlays:
    @pytest.mark.parametrize("playbook", ["stop", "destroy", "snapshot", "nodes"])
    def test_a_kind_without_a_role_is_refused(self, tmp_path: Path, playbook: str) -> None:
        """Each in its own way, and each before anything is done."""
        inventory = copied("local", tmp_path, "lab_nodes_kind: containers", "lab_nodes_kind: vms")
        done = play(f"playbooks/{playbook}.yml", "--inventory", inventory)
        assert done.returncode != 0
        assert "containers, machines" in done.stdout + done.stderr
        assert "changed=0" in done.stdout

    def test_without_nodes_what_a_lab_of_containers_left_is_removed(self, tmp_path: Path) -> None:
        inventory = copied("local", tmp_path, "lab_name: hoplab", "lab_name: nowhere")
        (inventory / "hosts.yml").write_text("all: {children: {control: {}}}\n", encoding="utf-8")
        done = play("playbooks/destroy.yml", "--inventory", inventory, "--check")
        removed = done.stdout.partition("hoplab.lab.node_container : Bring the nodes to the state absent")[2]
        assert removed.splitlines()[1] == "ok: [localhost]", done.stdout

    @pytest.mark.parametrize(("purge", "refused"), [("yes", True), ("no", False), ("", False)])
    def test_make_down_asks_for_what_purge_says(self, purge: str, refused: bool) -> None:
        argv = ["make", "--dry-run", "down", f"PURGE={purge}"]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert ("--extra-vars '{\"lab_nodes_purge\": true}'" in done.stdout) == refused

    def test_a_purge_of_machines_is_refused_and_of_containers_is_what_down_does_anyway(self, tmp_path: Path) -> None:
        purge = ("--extra-vars", '{"lab_nodes_purge": true}', "--check")
        done = play("playbooks/destroy.yml", "--inventory", copied("machines", tmp_path), *purge)
        assert done.returncode == 2
        assert "PURGE=yes is refused" in done.stdout
        (tmp_path / "local").mkdir()
        inventory = copied("local", tmp_path / "local", "lab_name: hoplab", "lab_name: nowhere")
        done = play("playbooks/destroy.yml", "--inventory", inventory, *purge)
        assert done.returncode == 0, done.stdout

    def test_a_lab_of_machines_has_no_snapshots(self, tmp_path: Path) -> None:
        done = play("playbooks/snapshot.yml", "--inventory", copied("machines", tmp_path))
        assert done.returncode == 2
        assert "A lab with machines has no snapshots (make x)" in done.stdout


def copied(name: str, directory: Path, before: str = "", after: str = "") -> Path:
    """Return a copy of an inventory below a clone that has nothing else, with something exchanged in its lab.yml."""
    place = directory / "inventories" / "copy"
    (directory / "roles").symlink_to(ROOT / "roles")
    place.parent.mkdir()
    subprocess.run(["cp", "-a", ROOT / "inventories" / name, place], check=True)
    (place.parent / "groups.yml").write_bytes((ROOT / "inventories" / "groups.yml").read_bytes())
    lab = place / "group_vars" / "all" / "lab.yml"
    text = lab.read_text(encoding="utf-8")
    assert before in text
    lab.write_text(text.replace(before, after) if before else text, encoding="utf-8")
    return place


@pytest.mark.parametrize("kind", ["machines", "containers"])
def test_clean_does_not_take_the_secrets_of_machines_away(tmp_path: Path, kind: str) -> None:
    before, after = "lab_nodes_kind: containers", f"lab_nodes_kind: {kind}"
    copied("local", tmp_path, before, after)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "clean").write_bytes((ROOT / "bin" / "clean").read_bytes())
    (tmp_path / ".lab" / "copy").mkdir(parents=True)
    (tmp_path / ".lab" / "copy" / "secrets.yml").write_text("x: y\n", encoding="utf-8")
    argv = ["sh", str(tmp_path / "bin" / "clean"), "--check"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    told = "The machines of inventories/copy run with the secrets in .lab/copy: move that directory away"
    assert (told in done.stderr) == (kind == "machines")
    assert kind != "machines" or done.returncode == 1
