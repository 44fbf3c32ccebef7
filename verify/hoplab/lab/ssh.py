"""SSH: the only module that knows how a node or a guest is reached, and how a key is made."""

import os
import selectors
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from hoplab.lab.deployment import Node, Ssh
from hoplab.model.errors import ConfigurationError, SourceError

CONNECT_SECONDS: Final = 5
SSH_FAILED: Final = 255
OUTPUT_BYTES: Final = 32_000_000
"""How much a command may say: what is asked of nodes is a state or the end of a log, well below a megabyte."""
CHUNK_BYTES: Final = 65_536
SUDO: Final = ("sudo", "-n", "--")
"""Before a command that needs root's rights. -n: where sudo wants a password, it fails and does not wait for one."""
SUDO_FAILED: Final = 1


class OutputError(Exception):
    """A command said more than it may."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to log in, and whether what is run there is run as root by sudo.

    proxy_command: ssh's command for the way there; changing_key: the host makes a new host key at each start (the
    guests do), so none is kept.
    """

    name: str
    address: str
    user: str
    port: int
    key: Path
    known_hosts: Path
    sudo: bool = False
    proxy_command: str = ""
    changing_key: bool = False


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command gave. status: its exit status; seconds: how long it took, login included."""

    target: str
    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    seconds: float


Runner = Callable[[Sequence[str], float], "subprocess.CompletedProcess[str]"]


def run_process(argv: Sequence[str], timeout: float) -> "subprocess.CompletedProcess[str]":
    """Run a local command with no input, for at most timeout seconds.

    Raises subprocess.TimeoutExpired if it takes longer, and OutputError if it says more than OUTPUT_BYTES.
    """
    end = time.monotonic() + timeout
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            said = _read_all(process, end)
            # One that has closed its outputs has only what is left of the time.
            status = process.wait(max(0.0, end - time.monotonic()))
        except BaseException as error:
            process.kill()
            if isinstance(error, TimeoutError):
                raise subprocess.TimeoutExpired(argv, timeout) from None
            raise
    out, err = (bytes(one).decode("utf-8", "replace") for one in said)
    # As subprocess has it where it is asked for text.
    out, err = (output.replace("\r\n", "\n").replace("\r", "\n") for output in (out, err))
    return subprocess.CompletedProcess(argv, status, out, err)


def _read_all(process: "subprocess.Popen[bytes]", end: float) -> tuple[bytearray, bytearray]:
    """Return what a process says on both outputs until it has closed them; TimeoutError after the end."""
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, said in ((process.stdout, out), (process.stderr, err)):
            selector.register(stream, selectors.EVENT_READ, said)  # type: ignore[arg-type]  # both are pipes
        while selector.get_map():
            ready = selector.select(max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _events in ready:
                part = os.read(key.fd, CHUNK_BYTES)
                if not part:
                    selector.unregister(key.fileobj)
                key.data.extend(part)
            if len(out) + len(err) > OUTPUT_BYTES:
                raise OutputError
    return out, err


def ssh_argv(target: Target, argv: Sequence[str], *, control: Path | None = None) -> list[str]:
    """Return the local command that runs argv on the target; control: directory for connections that are kept open."""
    options = [
        "BatchMode=yes",
        f"ConnectTimeout={CONNECT_SECONDS}",
        "IdentitiesOnly=yes",
        "LogLevel=ERROR",
        f"UserKnownHostsFile={target.known_hosts}",
        "GlobalKnownHostsFile=/dev/null",
        f"StrictHostKeyChecking={'accept-new' if target.changing_key else 'yes'}",
    ]
    if target.proxy_command:
        options.append(f"ProxyCommand={target.proxy_command}")
    if control is not None:
        options += ["ControlMaster=auto", f"ControlPath={control}/%C", "ControlPersist=60"]
    flags = [word for option in options for word in ("-o", option)]
    # No user's ssh_config: a ProxyJump or an agent there must not change what a proof rests on.
    return [
        *("ssh", "-F", "/dev/null", "-i", str(target.key), "-p", str(target.port), *flags),
        *(f"{target.user}@{target.address}", "--", shlex.join([*(SUDO if target.sudo else ()), *argv])),
    ]


def node_target(ssh: Ssh, node: Node) -> Target:
    """Return how a node of the lab is reached. ssh: how those are that have no way of their own."""
    way = node.ssh or ssh
    return Target(
        node.name,
        node.address,
        way.user,
        way.port,
        way.key,
        way.known_hosts,
        sudo=way.sudo,
        proxy_command=way.proxy_command,
    )


def command_for_person(ssh: Ssh, node: Node, argv: Sequence[str]) -> str:
    """Return the command by which a person runs argv on the node, to copy into a shell."""
    way = node.ssh or ssh
    short = ["ssh", "-i", str(way.key), "-o", f"UserKnownHostsFile={way.known_hosts}", "-p", str(way.port)]
    if way.proxy_command:
        short += ["-o", f"ProxyCommand={way.proxy_command}"]
    return shlex.join([*short, f"{way.user}@{node.address}", shlex.join([*(SUDO if way.sudo else ()), *argv])])


def execute(
    target: Target,
    argv: Sequence[str],
    *,
    timeout: float,
    control: Path | None = None,
    runner: Runner = run_process,
) -> CommandResult:
    """Run argv on a target, for at most timeout seconds; a status other than 0 is an answer, not an error.

    Raises SourceError if the target can't be logged in to, sudo wants a password, the time is up, or the command says
    too much.
    """
    if target.changing_key:
        target.known_hosts.unlink(missing_ok=True)
    started = time.monotonic()
    try:
        done = runner(ssh_argv(target, argv, control=control), timeout)
    except FileNotFoundError:
        raise ConfigurationError("the command `ssh` is missing: install the package openssh-client") from None
    except subprocess.TimeoutExpired:
        raise SourceError(f"{target.name}: `{shlex.join(argv)}` gave no answer within {timeout:g} s") from None
    except OutputError:
        most = OUTPUT_BYTES // 1_000_000
        raise SourceError(f"{target.name}: `{shlex.join(argv)}` said more than {most} MB") from None
    seconds = time.monotonic() - started
    if done.returncode == SSH_FAILED:
        said = " ".join(done.stderr.split()) or "no message"
        raise SourceError(f"{target.name}: SSH to {target.user}@{target.address}:{target.port} failed: {said}")
    # sudo's own failure has the status of many a command that answers "no".
    if target.sudo and done.returncode == SUDO_FAILED and done.stderr.startswith("sudo: "):
        said = " ".join(done.stderr.split())
        raise SourceError(
            f"{target.name}: {target.user} can't become root ({said}): give that user the right to run everything by "
            "sudo without a password"
        )
    return CommandResult(target.name, tuple(argv), done.returncode, done.stdout, done.stderr, seconds)


class NodeConnections:
    """Runs commands on the lab's nodes over connections that are kept open; use it in a with statement."""

    def __init__(self, ssh: Ssh, *, runner: Runner = run_process) -> None:
        self._ssh = ssh
        self._runner = runner
        # Short on purpose: a control socket's path has at most 104 characters, 41 of them for its name.
        self._control = Path(tempfile.mkdtemp(prefix="hoplab-", dir="/tmp"))

    def run(self, node: Node, argv: Sequence[str], *, timeout: float = 20) -> CommandResult:
        """Run argv on a node, for at most timeout seconds; SourceError if it can't be reached or is too slow."""
        target = node_target(self._ssh, node)
        return execute(target, argv, timeout=timeout, control=self._control, runner=self._runner)

    def read(self, node: Node, argv: Sequence[str], *, timeout: float = 20) -> str:
        """Return what argv prints on a node; SourceError also if its exit status is not 0."""
        result = self.run(node, argv, timeout=timeout)
        if result.status != 0:
            said = " ".join(result.stderr.split()) or "no message"
            raise SourceError(f"{node.name}: `{shlex.join(argv)}` ended with status {result.status}: {said}")
        return result.stdout

    def shown(self, node: Node, argv: Sequence[str]) -> str:
        """Return the command by which a person does the same."""
        return command_for_person(self._ssh, node, argv)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for socket in self._control.iterdir():
            with suppress(subprocess.TimeoutExpired, FileNotFoundError):
                self._runner(["ssh", "-F", "/dev/null", "-o", f"ControlPath={socket}", "-O", "exit", "hoplab"], 5)
        shutil.rmtree(self._control, ignore_errors=True)


def ensure_key(path: Path, comment: str, *, runner: Runner = run_process) -> str:
    """Return the public key (one line) that belongs to a private key file, made here (ed25519, mode 0600) if missing.

    Raises ConfigurationError if it can't be made.
    """
    public = path.with_suffix(".pub")
    if not (path.is_file() and public.is_file()):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        public.unlink(missing_ok=True)
        try:
            done = runner(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)], 30)
        except FileNotFoundError:
            raise ConfigurationError("the command `ssh-keygen` is missing: install openssh-client") from None
        if done.returncode != 0:
            raise ConfigurationError(f"{path}: no key could be made there: {done.stderr.strip()}")
    path.chmod(0o600)
    return public.read_text(encoding="utf-8").strip()
