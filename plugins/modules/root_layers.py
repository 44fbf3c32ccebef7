#!/usr/bin/python3
"""Build the read-only root layers that a lab's nodes stand on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: root_layers
short_description: Debian root layers for containers, built once and shared
description:
  - Makes two layers in a cache. C(base) is a minimal Debian with systemd, Python and an SSH server; C(packages) holds,
    on top of it, all packages of the lab, installed once, with every unit disabled and stopped.
  - A layer's name carries a digest of what it was made from, so a change of packages makes a new one. A layer appears
    in one step when it is complete; an interrupted build leaves nothing that a later run would take for one.
options:
  cache:
    description: Directory of the cache.
    type: path
    required: true
  suite:
    description: Debian suite.
    type: str
    required: true
  sources:
    description: Lines for apt's sources.list in the nodes.
    type: list
    elements: str
    required: true
  base_packages:
    description: Packages of the base layer.
    type: list
    elements: str
    required: true
  packages:
    description: Packages of the second layer.
    type: list
    elements: str
    required: true
  hooks:
    description: Commands run in the second layer after the installation; words of an argv each.
    type: list
    elements: list
    default: []
  hook_files:
    description: Files of this machine that the hooks need, by path in the layer; removed again.
    type: dict
    default: {}
author: Hoplab
"""

EXAMPLES = r"""
- name: Build the root layers
  hoplab.lab.root_layers:
    cache: /var/cache/hoplab
    suite: trixie
    sources: ["deb http://mirror.example/debian trixie main"]
    base_packages: [systemd, python3, openssh-server]
    packages: [keystone]
"""

RETURN = r"""
layers:
  description: Directories of the layers, the uppermost first.
  type: list
  returned: always
seconds:
  description: Seconds that each layer took, of those that were built.
  type: dict
  returned: always
"""

import fcntl
import glob
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hoplab.lab.plugins.module_utils.lab_chroot import (
    BUILD_LIMIT,
    chroot,
    in_root,
    keep_mounts_private,
    mask_wanted,
    put,
    unit_links,
)
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import LabError, run

DPKG_OPTIONS = [
    "force-unsafe-io",
    "force-confdef",
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
]


def digest(*parts: Any) -> str:
    """Return a short digest of what a layer is made from."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def read(path: str) -> str:
    """Return the text of a file."""
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def build_base(params: dict[str, Any], target: str) -> None:
    """Make the base layer in the directory target."""
    argv = [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=apt",
        "--include=" + ",".join(params["base_packages"]),
        '--aptopt=Apt::Install-Recommends "false"',
        "--skip=cleanup/apt",
    ]
    argv += [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
    # Debs are kept beside the layers, so that a new layer needs no download.
    archives = os.path.join(params["cache"], "archives")
    os.makedirs(os.path.join(archives, "partial"), exist_ok=True)
    argv += [
        "--skip=download/empty",
        "--skip=essential/unlink",
        '--setup-hook=mkdir -p "$1/var/cache/apt/archives"',
        f"--setup-hook=sync-in {archives} /var/cache/apt/archives",
        f"--customize-hook=sync-out /var/cache/apt/archives {archives}",
    ]
    argv.append('--customize-hook=systemctl --root "$1" enable systemd-networkd.service')
    for drop_in in glob.glob("/etc/apt/apt.conf.d/*prox*") + glob.glob("/etc/apt/auth.conf.d/*"):
        argv.append(f"--customize-hook=copy-in {drop_in} {os.path.dirname(drop_in)}")
    run(*argv, params["suite"], target, *params["sources"], timeout=BUILD_LIMIT)
    for pattern in ("etc/ssh/ssh_host_*", "var/cache/apt/archives/*.deb", "var/lib/systemd/random-seed"):
        for path in glob.glob(os.path.join(target, pattern)):
            os.unlink(path)


def build_packages(params: dict[str, Any], base: str, work: str) -> None:
    """Install all packages into work/upper on top of the base layer, with every unit disabled."""
    archives = os.path.join(params["cache"], "archives")
    os.makedirs(os.path.join(archives, "partial"), exist_ok=True)
    with chroot(base, work, archives) as root:
        with open("/etc/resolv.conf", encoding="utf-8") as stream:
            put(root, "/etc/resolv.conf", stream.read(), 0o644)
        put(root, "/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        before = unit_links(root)
        install = ["apt-get", "install", "-y", "--no-install-recommends"] + [
            f"-oDpkg::Options::=--{option}" for option in DPKG_OPTIONS
        ]
        in_root(root, "apt-get", "install", "-y", "--no-install-recommends", "--download-only", *params["packages"])
        # py3compile starts an interpreter for each of 500 packages; all are compiled at once, on all cores, afterwards.
        in_root(root, "dpkg-divert", "--local", "--rename", "--add", "/usr/bin/py3compile")
        os.symlink("/bin/true", root + "/usr/bin/py3compile")
        in_root(root, *install, *params["packages"])
        os.unlink(root + "/usr/bin/py3compile")
        in_root(root, "dpkg-divert", "--local", "--rename", "--remove", "/usr/bin/py3compile")
        # Some packages carry files for other Python versions, which do not compile and are never imported.
        compiling = ["chroot", root, "python3", "-m", "compileall", "-q", "-j0", "/usr/lib/python3/dist-packages"]
        subprocess.run(compiling, capture_output=True, timeout=BUILD_LIMIT, check=False)
        mask_wanted(root, {os.path.basename(link) for link in unit_links(root) - before})
        for link in unit_links(root) - before:
            directory, name = os.path.split(link)
            if name.startswith("S") and os.path.basename(directory).startswith("rc"):
                # As `update-rc.d NAME disable` leaves it; without any link a later enable fails.
                os.rename(link, os.path.join(directory, "K" + name[1:]))
            else:
                os.unlink(link)
        for path, source in params["hook_files"].items():
            shutil.copyfile(source, root + path)
            os.chmod(root + path, 0o755)
        for hook in params["hooks"]:
            in_root(root, *hook)
        for path in params["hook_files"]:
            os.unlink(root + path)
        os.unlink(root + "/usr/sbin/policy-rc.d")
        in_root(root, "apt-cache", "gencaches")
        for pattern in ("/var/lib/rabbitmq/.erlang.cookie", "/etc/ssh/ssh_host_*"):
            for path in glob.glob(root + pattern):
                os.unlink(path)


def ensure(cache: str, name: str, build: Callable[[str], str]) -> float | None:
    """Build a layer unless the cache has it; returns the seconds that it took, None when it was there."""
    final = os.path.join(cache, "layers", name)
    if os.path.isdir(final):
        return None
    began = time.monotonic()
    os.makedirs(os.path.dirname(final), exist_ok=True)
    keep_mounts_private()
    for left in glob.glob(os.path.join(cache, "layers", ".building-*")):  # by a build that was killed
        shutil.rmtree(left)
    work = tempfile.mkdtemp(prefix=".building-", dir=os.path.dirname(final))
    try:
        made = build(work)
        os.chmod(made, 0o755)
        os.rename(made, final)
    finally:
        # Of a build that failed its own error is told; what is left of it here, the next build removes.
        shutil.rmtree(work, ignore_errors=True)
    return round(time.monotonic() - began, 1)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "cache": {"type": "path", "required": True},
            "suite": {"type": "str", "required": True},
            "sources": {"type": "list", "elements": "str", "required": True},
            "base_packages": {"type": "list", "elements": "str", "required": True},
            "packages": {"type": "list", "elements": "str", "required": True},
            "hooks": {"type": "list", "elements": "list", "default": []},
            "hook_files": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    params = module.params
    base_name = f"base-{params['suite']}-{digest(params['sources'], sorted(params['base_packages']))}"
    scripts = {path: digest(read(source)) for path, source in params["hook_files"].items()}
    packages_name = f"packages-{digest(base_name, sorted(set(params['packages'])), params['hooks'], scripts)}"
    layers = [os.path.join(params["cache"], "layers", name) for name in (packages_name, base_name)]
    if module.check_mode:
        module.exit_json(changed=not all(map(os.path.isdir, layers)), layers=layers, seconds={})

    def base(work: str) -> str:
        build_base(params, work + "/root")
        return work + "/root"

    def packages(work: str) -> str:
        build_packages(params, layers[1], work)
        return work + "/upper"

    seconds = {}
    os.makedirs(params["cache"], mode=0o755, exist_ok=True)
    try:
        # Two labs that are built at the same time share one build.
        with open(os.path.join(params["cache"], "lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name, build in ((base_name, base), (packages_name, packages)):
                took = ensure(params["cache"], name, build)
                if took is not None:
                    seconds[name] = took
    except (LabError, OSError, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=f"building the root layers failed: {error}")
    module.exit_json(changed=bool(seconds), layers=layers, seconds=seconds)


if __name__ == "__main__":
    main()
