"""Asking a Ceph cluster with its own commands, each bounded in time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from subprocess import PIPE
from typing import Any

CONF = "/etc/ceph/ceph.conf"
CONNECT = 30  # seconds for monitors that answer
REFUSED = 13  # how the commands end when the monitors don't know the entity, or not with this key


class CephError(Exception):
    """The cluster didn't do what it was asked to; the text says what that was and what came back."""


class CephRefusedError(CephError):
    """The monitors don't let this client in."""


def run(argv: Sequence[str], timeout: float, *, name: str = "", send: str = "") -> str:
    """Run a command for at most timeout seconds and return its output; name: what to call it in a message.

    What is sent goes to its standard input, where no list of processes shows it. Raises CephError with its last words.
    """
    called = f"`{name or ' '.join(argv)}`"
    try:
        # A session of its own, so that it can be ended with all its children.
        process = subprocess.Popen(
            argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True, errors="replace", start_new_session=True
        )
    except FileNotFoundError as error:
        raise CephError(f"{argv[0]} is not on this node: is the package that brings it installed?") from error
    with process:
        try:
            out, err = process.communicate(send, timeout=max(timeout, 1))
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise CephError(f"{called} did not end within {error.timeout:.0f} s") from error
    if process.returncode == 0:
        return out
    words = " ".join((err or out).strip().splitlines()[-3:])
    kind = CephRefusedError if process.returncode == REFUSED else CephError
    raise kind(f"{called} ended with {process.returncode}: {words}")


def run_together(commands: Mapping[str, Sequence[str]], timeout: float) -> None:
    """Run commands, by the names to call them in a message, side by side for at most timeout seconds.

    Waits for all of them. Raises CephError with what each failed one said.
    """
    if not commands:
        return
    with ThreadPoolExecutor(max_workers=len(commands)) as pool:
        ends = [pool.submit(run, argv, timeout, name=name) for name, argv in commands.items()]
    errors = [error for error in (end.exception() for end in ends) if error is not None]
    if errors:
        raise CephError("; ".join(str(error) for error in errors))


@dataclass(frozen=True)
class Client:
    """Who asks, with which files of this node."""

    entity: str = "client.admin"
    conf: str = CONF
    keyring: str = ""

    @property
    def keyring_path(self) -> str:
        """Where its key is: beside ceph.conf under its name, where it isn't told."""
        return self.keyring or os.path.join(os.path.dirname(self.conf), f"ceph.{self.entity}.keyring")

    def missing(self) -> list[str]:
        """Return what this node lacks for asking: the command, the configuration, the keyring."""
        files = [path for path in (self.conf, self.keyring_path) if not os.path.isfile(path)]
        return files if shutil.which("ceph") else ["command ceph", *files]

    def argv(self, program: str, *words: str) -> list[str]:
        """Return a call of one of Ceph's programs as this client."""
        return [program, f"--conf={self.conf}", f"--name={self.entity}", f"--keyring={self.keyring_path}", *words]

    def ask(self, *words: str, timeout: float = 2 * CONNECT, connect: float = CONNECT, send: str = "") -> Any:
        """Return the answer to a command of `ceph`, as its JSON says it (None when it says nothing).

        Without monitors that answer it ends after connect seconds, in any case after timeout seconds. Raises CephError.
        """
        argv = self.argv("ceph", f"--connect-timeout={max(round(connect), 1)}", *words, "--format=json")
        text = run(argv, timeout, name=" ".join(["ceph", f"--name={self.entity}", *words]), send=send)
        try:
            return json.loads(text) if text.strip() else None
        except ValueError as error:
            raise CephError(f"`ceph {' '.join(words)}` answered no JSON: {text.strip()[:200]}") from error
