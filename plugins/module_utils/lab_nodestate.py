"""The directories of a lab's nodes as one thing, which is replaced in one step.

A node's root is an overlay: an empty or written upper layer on top of read-only ones, whose paths stand in the file
`ready`. New directories are made beside the present ones and exchanged with them.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from dataclasses import dataclass

from ansible_collections.hoplab.lab.plugins.module_utils.lab_copies import remove_tree
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import Lab, LabError

_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h
_HERE = -100  # AT_FDCWD of fcntl.h
_PARTS = (("upper", 0o755), ("work", 0o700), ("root", 0o755))


def exchange(one: str, other: str) -> None:
    """Let two directories of one file system change their names, in one step; raises LabError where that fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
        raise LabError(f"exchanging {one} and {other} failed: {os.strerror(ctypes.get_errno())}")


@dataclass(frozen=True)
class NodeState:
    """The state of all nodes of a lab."""

    lab: Lab

    @property
    def present(self) -> str:
        """The nodes' directories."""
        return os.path.join(self.lab.directory, "nodes")

    @property
    def other(self) -> str:
        """Those that are made anew; after the exchange, what was there before."""
        return os.path.join(self.lab.directory, "nodes.next")

    def uppers(self) -> list[str]:
        """Return what the nodes have written: their upper layers."""
        return [os.path.join(self.present, node, "upper") for node in self.lowers()]

    def lowers(self, directory: str = "") -> dict[str, list[str]]:
        """Return the read-only layers that each node stands on, the uppermost first."""
        found = {}
        place = directory or self.present
        for node in sorted(os.listdir(place)) if os.path.isdir(place) else []:
            path = os.path.join(place, node, "ready")
            if os.path.isfile(path):
                with open(path, encoding="utf-8") as stream:
                    found[node] = stream.read().splitlines()
        return found

    def prepare(self, lowers: dict[str, list[str]], mark: str = "") -> None:
        """Make directories of nodes with empty upper layers beside the present ones; mark: kept with them."""
        remove_tree(self.other)
        for node, lower in lowers.items():
            place = os.path.join(self.other, node)
            for part, mode in _PARTS:
                os.makedirs(os.path.join(place, part), mode=0o755)
                os.chmod(os.path.join(place, part), mode)
            with open(os.path.join(place, "ready"), "w", encoding="utf-8") as stream:
                stream.write("\n".join(lower))
        with open(os.path.join(self.other, ".mark"), "w", encoding="utf-8") as stream:
            stream.write(mark)

    @staticmethod
    def mark(directory: str) -> str | None:
        """Return what directories of nodes were marked with, None if they are not there."""
        try:
            with open(os.path.join(directory, ".mark"), encoding="utf-8") as stream:
                return stream.read()
        except FileNotFoundError:
            return None

    def switch(self) -> None:
        """Exchange the present directories and the others, in one step."""
        os.makedirs(self.present, mode=0o755, exist_ok=True)
        exchange(self.other, self.present)

    def strip(self) -> None:
        """Leave nothing but the upper layers of what was there before."""
        for node in os.listdir(self.other):
            place = os.path.join(self.other, node)
            if not os.path.isdir(place):
                os.unlink(place)
                continue
            for part in set(os.listdir(place)) - {"upper"}:
                path = os.path.join(place, part)
                if os.path.isdir(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)

    def drop(self) -> bool:
        """Remove the others; returns whether there were any."""
        there = os.path.isdir(self.other)
        if there:
            shutil.rmtree(self.other)
        return there
