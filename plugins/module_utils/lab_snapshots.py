"""Snapshots: the state of all nodes of a lab, and what the controller keeps of it, under a name.

A node's root is an overlay of layers. To keep its state, its upper layer is moved to where snapshots are and becomes a
layer that nobody writes to any more, and the node gets an empty upper layer on top of it. To put a state back, the
nodes get empty upper layers on top of the layers that the snapshot names. So a snapshot takes the room of what changed
since the one before it.

    /var/lib/hoplab/snapshots/<lab>/<name>/manifest.json    what it was made from, and the layers of each node
    /var/lib/hoplab/snapshots/<lab>/<name>/controller/      a copy of .lab/<inventory>: secrets, keys, the guest image
    /var/lib/hoplab/snapshots/<lab>/layers/<id>/<node>/     layers, kept as long as a snapshot or a node stands on them

All nodes change in one step: their directories are made beside the present ones and exchanged with them. A process
that is killed before that leaves the old lab, and one that is killed after it the new one; `finish` does what is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.hoplab.lab.plugins.module_utils.lab_copies import (
    allocated,
    copy_tree,
    put_in_place,
    remove_tree,
)
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import Lab, LabError
from ansible_collections.hoplab.lab.plugins.module_utils.lab_manifest import (
    SCHEMA,
    differences,
    read_manifest,
    write_json,
)
from ansible_collections.hoplab.lab.plugins.module_utils.lab_nodestate import NodeState

SNAPSHOTS = "/var/lib/hoplab/snapshots"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
RESERVED = ("layers",)
MOST_LAYERS = 40  # what the kernel takes for a mount's options is one page, about 50 layers
SPARE = 512 * 1024**2  # bytes that have to stay free


def check_name(name: str) -> None:
    """Raise LabError unless this can be a snapshot's name."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise LabError(
            f"NAME is {name!r}: a snapshot's name has 1 to 40 letters, digits, dots, hyphens or underscores, begins "
            "with a letter or a digit, and is not 'layers'. Say for example NAME=before-lesson."
        )


@dataclass(frozen=True)
class Snapshots:
    """All snapshots of a lab."""

    lab: Lab

    @property
    def directory(self) -> str:
        """Where they are."""
        return os.path.join(SNAPSHOTS, self.lab.name)

    @property
    def layers(self) -> str:
        """Where the layers are."""
        return os.path.join(self.directory, "layers")

    @property
    def state(self) -> NodeState:
        """The nodes' present state."""
        return NodeState(self.lab)

    @property
    def _intent(self) -> str:
        """A note of a restore that has begun, with all that is needed to finish it."""
        return os.path.join(self.lab.directory, "restore.json")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing this lab's snapshots meanwhile."""
        with open(f"/run/lock/hoplab-{self.lab.name}", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # -- what there is ----------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of the snapshots."""
        if not os.path.isdir(self.directory):
            return []
        return sorted(name for name in os.listdir(self.directory) if NAME.fullmatch(name) and name not in RESERVED)

    def manifest(self, name: str) -> dict[str, Any]:
        """Return what a snapshot says of itself; raises LabError when there is none, or it is damaged."""
        self.check_known(name)
        try:
            return read_manifest(os.path.join(self.directory, name, "manifest.json"))
        except LabError as error:
            raise LabError(f"{error}. Remove the snapshot with `make snapshot-delete NAME={name}`.") from error

    # -- making one -------------------------------------------------------------------------------------------------

    def check_make(self, name: str, controller: str) -> None:
        """Raise LabError when a snapshot of the lab can't be made under this name."""
        check_name(name)
        if name in self.names():
            raise LabError(
                f"the lab {self.lab.name} has a snapshot {name} already: take another name, or remove it with "
                f"`make snapshot-delete NAME={name}`"
            )
        lowers = self.state.lowers()
        if not lowers:
            raise LabError(f"there is no lab {self.lab.name} to keep: build it with `make lab`")
        most = max(len(lower) for lower in lowers.values())
        if most > MOST_LAYERS:
            raise LabError(
                f"the lab {self.lab.name} stands on {most} layers already, one for each snapshot since it was built, "
                "and cannot have more: go back to an early one with `make restore`, or build the lab anew with "
                "`make down` and `make lab`"
            )
        # What nodes change of it later is written anew beside it.
        needed = sum(map(allocated, self.state.uppers())) + allocated(controller)
        self._check_room(needed, "keep the lab, and let it write anew what it changes later")

    def _check_room(self, needed: int, what: str) -> None:
        there = self.lab.directory
        while not os.path.isdir(there):
            there = os.path.dirname(there)
        free = shutil.disk_usage(there).free
        if free < needed + SPARE:
            raise LabError(
                f"{there} has {free // 1024**2} MiB free, and {(needed + SPARE) // 1024**2} MiB are needed to {what}: "
                "make room, for example with `make snapshot-delete` for a snapshot that is no longer wanted"
            )

    def make(self, name: str, controller: str, about: dict[str, Any]) -> dict[str, Any]:
        """Keep the state of the nodes, which are stopped; returns the manifest.

        controller: the directory of what the controller keeps of the lab; about: what the lab was made from (version,
        inventory), for the manifest.
        """
        layer = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:6]}"
        target = os.path.join(self.layers, layer)
        lowers = {node: [os.path.join(target, node, "upper"), *lower] for node, lower in self.state.lowers().items()}
        os.makedirs(SNAPSHOTS, mode=0o755, exist_ok=True)
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        os.makedirs(self.layers, mode=0o700, exist_ok=True)
        if os.stat(self.layers).st_dev != os.stat(self.state.present).st_dev:
            raise LabError(f"{self.layers} and {self.state.present} have to be on one file system")
        self.state.prepare(lowers)
        self.state.switch()
        self._move_layer()
        beside = os.path.join(self.directory, f".{name}")
        remove_tree(beside)
        os.mkdir(beside, mode=0o700)
        known = [os.path.join(self.directory, other, "controller") for other in self.names()]
        copy_tree(controller, os.path.join(beside, "controller"), known)
        size = allocated(target) + allocated(os.path.join(beside, "controller"))
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        manifest = {"schema": SCHEMA, "made": made, "bytes": size, **about, "nodes": lowers}
        write_json(os.path.join(beside, "manifest.json"), manifest)
        os.rename(beside, os.path.join(self.directory, name))
        return manifest

    def _move_layer(self) -> None:
        """Move what the nodes wrote until now to where their new directories say that it is."""
        for lower in self.state.lowers().values():
            target = os.path.dirname(os.path.dirname(lower[0]))
            if os.path.dirname(target) == self.layers and not os.path.exists(target):
                self.state.strip()
                os.rename(self.state.other, target)
                return

    # -- putting one back -------------------------------------------------------------------------------------------

    def check_restore(self, name: str, about: dict[str, Any]) -> None:
        """Raise LabError when a snapshot can't be put back: what it was made from has changed, or the disk is full."""
        manifest = self.manifest(name)
        reasons = [*differences(manifest, about)]
        missing = sorted({path for lower in manifest["nodes"].values() for path in lower if not os.path.isdir(path)})
        reasons += [f"its layer {path} is gone" for path in missing]
        if reasons:
            raise LabError(
                f"the snapshot {name} of {manifest['made']} does not fit: {'; '.join(reasons)}. It was made with "
                f"Hoplab {manifest['version']}. Put back what it was made from, or build the lab anew with `make lab`."
            )
        kept = {path for lower in manifest["nodes"].values() for path in lower if path.startswith(self.layers + "/")}
        gone = sum(map(allocated, self.state.uppers()))
        copy = allocated(os.path.join(self.directory, name, "controller"))
        self._check_room(
            max(0, sum(map(allocated, kept)) + copy - gone), "put it back, and let it write anew what it changes"
        )

    def restore(self, name: str, controller: str, owner: str) -> None:
        """Put a snapshot in place of what is there; the nodes are stopped. See check_restore and `finish`."""
        token = uuid.uuid4().hex
        manifest = self.manifest(name)
        os.makedirs(self.lab.directory, mode=0o755, exist_ok=True)
        self.state.prepare(manifest["nodes"], token)
        self.lab.write_record(owner, "stopped")
        write_json(self._intent, {"name": name, "token": token, "controller": controller})
        self.finish()

    def finish(self) -> list[str]:
        """Do what is left of a snapshot or a restore that was cut off; returns what was done.

        A restore whose intent stands is carried on; before that, the lab is the old one.
        """
        done = []
        with contextlib.suppress(FileNotFoundError):
            with open(self._intent, encoding="utf-8") as stream:
                intent = json.load(stream)
            if self.state.mark(self.state.other) == intent["token"]:
                self.state.switch()
            if self.state.mark(self.state.present) == intent["token"]:
                put_in_place(os.path.join(self.directory, intent["name"], "controller"), intent["controller"])
                done.append(f"restored {intent['name']}")
            os.unlink(self._intent)
        if os.path.isdir(self.state.other):
            self._move_layer()
            self.state.drop()
            done.append("removed what was left")
        return done

    # -- removing ---------------------------------------------------------------------------------------------------

    def check_known(self, name: str) -> None:
        """Raise LabError when there is no such snapshot."""
        check_name(name)
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            raise LabError(f"the lab {self.lab.name} has no snapshot {name}; there are: {known}")

    def delete(self, name: str) -> None:
        """Remove a snapshot; layers that others or the nodes stand on stay."""
        self.check_known(name)
        beside = os.path.join(self.directory, f".{name}")
        remove_tree(beside)
        os.rename(os.path.join(self.directory, name), beside)
        shutil.rmtree(beside)
        self.sweep()

    def sweep(self) -> list[str]:
        """Remove layers that neither a snapshot nor a node stands on; returns what was removed."""
        if not os.path.isdir(self.directory):
            return []
        try:
            lowers = [lower for name in self.names() for lower in self.manifest(name)["nodes"].values()]
        except LabError:
            return []  # What a damaged one stands on is not known.
        lowers += [*self.state.lowers().values(), *self.state.lowers(self.state.other).values()]
        used = {path for lower in lowers for path in lower}
        removed = []
        for layer in os.listdir(self.layers) if os.path.isdir(self.layers) else []:
            place = os.path.join(self.layers, layer)
            if not any(path.startswith(place + "/") for path in used):
                shutil.rmtree(place)
                removed.append(place)
        if not self.names():
            with contextlib.suppress(OSError):
                os.rmdir(self.layers)
                os.rmdir(self.directory)
        return removed
