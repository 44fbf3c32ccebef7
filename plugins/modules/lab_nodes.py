#!/usr/bin/python3
"""Make, start, stop and remove the containers of a lab on this machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_nodes
short_description: The nodes of a lab as systemd-nspawn containers
description:
  - Makes, starts, stops and removes all containers of a lab with their overlay mounts and network links, in one step.
  - A lab of the same name that another clone owns is refused while it is alive; what a dead one left is removed.
options:
  lab:
    description: Name of the lab; prefix of its containers and links.
    type: str
    required: true
  owner:
    description: Directory of the clone that this lab belongs to.
    type: path
    required: true
  state:
    description: What to bring the nodes to.
    type: str
    choices: [started, stopped, absent]
    required: true
  take:
    description: Take a living lab of another clone as if it were one's own.
    type: bool
    default: false
  layers:
    description: Read-only root layers, the uppermost first.
    type: list
    elements: path
    default: []
  networks:
    description:
      - C(name), C(subnet), C(mtu), C(interface) (name of the link in a node) and C(host_address) (whether this machine
        takes the first address). Nodes have their own address in the first one.
    type: list
    elements: dict
    default: []
  guest_endpoints:
    description: C(address) and C(port) (TCP) of what guests may reach in the nodes' networks.
    type: list
    elements: dict
    default: []
  nodes:
    description: C(name), C(address), C(networks) (names), C(host_key) and C(host_key_public) (SSH, ed25519).
    type: list
    elements: dict
    default: []
  authorized_key:
    description: Public SSH key by which the nodes are reached.
    type: str
    default: ""
author: Hoplab
"""

EXAMPLES = r"""
- name: Start the nodes
  hoplab.lab.lab_nodes:
    lab: hoplab
    owner: /home/me/hoplab
    state: started
    layers: [/var/cache/hoplab/layers/packages, /var/cache/hoplab/layers/base]
    networks: [{name: management, subnet: 172.29.20.0/24, mtu: 1500, interface: mgmt0, host_address: true}]
    nodes: [{name: ctl1, address: 172.29.20.11, networks: [management], host_key: "...", host_key_public: "..."}]
"""

RETURN = r"""
done:
  description: What was made, started, stopped or removed.
  type: list
  returned: always
"""

import os
import subprocess
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.lab_firstboot import first_boot_files, offer_kvm
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import (
    NSPAWN,
    Lab,
    LabError,
    alive,
    host_lock,
    refuse_foreign,
    remove_link,
    run,
)
from ansible_collections.hoplab.lab.plugins.module_utils.lab_network import (
    bridge_name,
    ensure_networks,
    host_link,
    links_of,
    remove_lab,
)
from ansible_collections.hoplab.lab.plugins.module_utils.lab_snapshots import Snapshots


def write_files(lab: Lab, node: dict[str, Any], params: dict[str, Any]) -> None:
    """Write what a node needs for its first boot into its upper layer."""
    upper = os.path.join(lab.node_directory(node["name"]), "upper")
    for path, content, mode in first_boot_files(lab.name, node, params["networks"][0], params["authorized_key"]):
        os.makedirs(os.path.dirname(upper + path), mode=0o755, exist_ok=True)
        with os.fdopen(
            os.open(upper + path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as stream:
            stream.write(content)
        os.chmod(upper + path, mode)
    os.chmod(upper + "/root", 0o700)
    os.chmod(upper + "/root/.ssh", 0o700)


def make(lab: Lab, node: dict[str, Any], params: dict[str, Any]) -> bool:
    """Make a node's directories and first files where missing and mount its root; returns whether it was made."""
    place = lab.node_directory(node["name"])
    ready = os.path.join(place, "ready")
    new = not os.path.exists(ready)
    if new:
        for part in ("upper", "work", "root"):
            os.makedirs(os.path.join(place, part), mode=0o755, exist_ok=True)
        os.chmod(os.path.join(place, "work"), 0o700)
        write_files(lab, node, params)
        with open(ready, "w", encoding="utf-8") as stream:
            stream.write("\n".join(params["layers"]))
    with open(ready, encoding="utf-8") as stream:
        # A node stays on the layers that it was made from, also when the cache has newer ones.
        lower = ":".join(stream.read().splitlines())
    if lab.root(node["name"]) not in lab.mounts():
        offer_kvm(os.path.join(place, "upper"))
        options = f"lowerdir={lower},upperdir={place}/upper,workdir={place}/work"
        run("mount", "-t", "overlay", f"hoplab-{node['name']}", "-o", options, lab.root(node["name"]))
    return new


def start(lab: Lab, node: dict[str, Any], links: list[dict[str, Any]]) -> int:
    """Boot a node's container and return its process id."""
    place = lab.node_directory(node["name"])
    argv = [
        NSPAWN,
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        f"--directory={lab.root(node['name'])}",
        f"--machine={lab.name}-{node['name']}",
        f"--hostname={node['name']}",
        "--capability=all",
        # systemd-nspawn forbids it although a real machine's root may: it tells who reads a file, which proves a hop.
        "--system-call-filter=fanotify_init fanotify_mark",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=pipe",
    ]
    argv += [
        f"--network-veth-extra={host_link(lab, node['name'], link['interface'])}:{link['interface']}" for link in links
    ]
    for link in links:
        # What a killed container left under this name would keep the new one from starting.
        name = host_link(lab, node["name"], link["interface"])
        if os.path.exists(f"/sys/class/net/{name}"):
            remove_link(name)
    # In a control group of its own: in a common one, the nodes' systemds would stop each other's services.
    group = lab.control_group(node["name"])
    os.makedirs(group, exist_ok=True)

    def join_group() -> None:
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="utf-8") as stream:
            stream.write("0")

    with open(os.path.join(place, "console.log"), "ab") as console:
        process = subprocess.Popen(
            argv,
            preexec_fn=join_group,  # noqa: PLW1509 a module has one thread
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
            close_fds=True,
            cwd="/",
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
    return process.pid


def connect(lab: Lab, node: dict[str, Any], links: list[dict[str, Any]], pid: int, timeout: float = 30) -> None:
    """Put the host's ends of a node's links on their bridges; raises LabError when they do not appear."""
    end = time.monotonic() + timeout
    for link in links:
        name = host_link(lab, node["name"], link["interface"])
        while not os.path.exists(f"/sys/class/net/{name}"):
            if not alive(pid) or time.monotonic() > end:
                console = os.path.join(lab.node_directory(node["name"]), "console.log")
                with open(console, encoding="utf-8", errors="replace") as stream:
                    tail = "".join(stream.readlines()[-5:]).strip()
                raise LabError(f"node {node['name']} did not start; the end of {console}: {tail}")
            time.sleep(0.02)
        settings = {"mtu": str(link["mtu"]), "master": bridge_name(lab, link), "alias": f"hoplab:{lab.name}"}
        run("ip", "link", "set", name, *(word for setting in settings.items() for word in setting), "up")


def ensure_started(lab: Lab, params: dict[str, Any], check: bool) -> list[str]:
    """Make and start what does not run yet; returns what was done."""
    running = lab.running()
    done = []
    foreign = lab.record().get("owner") not in (None, params["owner"])
    if foreign and not check:
        # Allowed by refuse_foreign: it is dead, or its clone is gone.
        done += remove_lab(lab)
        running = {}
    wanted = [node for node in params["nodes"] if node["name"] not in running]
    if check:
        return ensure_networks(lab, params["networks"], params["guest_endpoints"], check) + [
            f"would start {node['name']}" for node in wanted
        ]
    if wanted and not running:
        # Processes of a lab whose container managers were killed would hold its files and addresses.
        lab.stop([])
    with host_lock():
        done += ensure_networks(lab, params["networks"], params["guest_endpoints"], check)
        done += ["record"] if lab.write_record(params["owner"], "running") else []
    for node in wanted:
        if make(lab, node, params):
            done.append(f"made {node['name']}")
    pids = {node["name"]: start(lab, node, links_of(node, params["networks"])) for node in wanted}
    for node in wanted:
        connect(lab, node, links_of(node, params["networks"]), pids[node["name"]])
        done.append(f"started {node['name']}")
    return done


def ensure_stopped(lab: Lab, owner: str, check: bool) -> list[str]:
    """Shut all nodes down and unmount their roots; returns what was done."""
    if check:
        return [f"would stop {node}" for node in sorted(lab.running())]
    done = [f"stopped {node}" for node in lab.shut_down()]
    if lab.record() and lab.write_record(owner, "stopped"):
        done.append("record")
    return done


def main() -> None:
    """Run the module."""
    text = {"type": "str", "required": True}
    network = {
        "name": text,
        "subnet": text,
        "interface": text,
        "mtu": {"type": "int", "required": True},
        "host_address": {"type": "bool", "required": True},
    }
    endpoint = {"address": text, "port": {"type": "int", "required": True}}
    node = {
        "name": text,
        "address": text,
        "networks": {"type": "list", "elements": "str", "required": True},
        "host_key": text | {"no_log": True},
        "host_key_public": text,
    }
    module = AnsibleModule(
        argument_spec={
            "lab": {"type": "str", "required": True},
            "owner": {"type": "path", "required": True},
            "state": {"type": "str", "required": True, "choices": ["started", "stopped", "absent"]},
            "take": {"type": "bool", "default": False},
            "layers": {"type": "list", "elements": "path", "default": []},
            "networks": {"type": "list", "elements": "dict", "options": network, "default": []},
            "guest_endpoints": {"type": "list", "elements": "dict", "options": endpoint, "default": []},
            "nodes": {"type": "list", "elements": "dict", "options": node, "default": []},
            "authorized_key": {"type": "str", "default": "", "no_log": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    lab = Lab(params["lab"])
    try:
        if not params["take"]:
            refuse_foreign(lab, params["owner"])
        if params["state"] == "started":
            done = ensure_started(lab, params, module.check_mode)
        elif params["state"] == "stopped":
            done = ensure_stopped(lab, params["owner"], module.check_mode)
        elif module.check_mode:
            done = [f"would remove {lab.directory}"] if os.path.isdir(lab.directory) else []
        else:
            done = remove_lab(lab) + Snapshots(lab).sweep()
    except (LabError, OSError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
