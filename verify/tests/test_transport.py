import dataclasses
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from hoplab.capture.channel import Channel
from hoplab.lab.deployment import Deployment, Ssh
from hoplab.lab.ssh import (
    OUTPUT_BYTES,
    NodeConnections,
    Target,
    command_for_person,
    ensure_key,
    execute,
    node_target,
    run_process,
    ssh_argv,
)
from hoplab.model.errors import ConfigurationError, SourceError

GUEST = Target("guest", "172.29.22.107", "root", 22, Path("/k"), Path("/tmp/none/known"), changing_key=True)


def answer(status: int, stdout: str = "", stderr: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.CompletedProcess([], status, stdout, stderr)


def options(argv: Sequence[str]) -> list[str]:
    return [argv[index + 1] for index, word in enumerate(argv) if word == "-o"]


def test_a_node_is_reached_as_the_description_says(deployment: Deployment) -> None:
    argv = ssh_argv(node_target(deployment.ssh, deployment.nodes[0]), ["systemctl", "show"])
    assert argv[:3] == ["ssh", "-F", "/dev/null"]
    assert argv[argv.index("-i") + 1] == str(deployment.ssh.key)
    assert argv[argv.index("-p") + 1] == "22"
    assert argv[-3:] == ["root@172.29.20.11", "--", "systemctl show"]
    assert "StrictHostKeyChecking=yes" in options(argv)
    assert f"UserKnownHostsFile={deployment.ssh.known_hosts}" in options(argv)
    assert "BatchMode=yes" in options(argv)
    assert not any(option.startswith("Control") for option in options(argv))


def test_a_connection_is_kept_open_where_a_directory_is_given() -> None:
    found = options(ssh_argv(GUEST, ["true"], control=Path("/tmp/c")))
    assert {"ControlMaster=auto", "ControlPath=/tmp/c/%C", "ControlPersist=60"} <= set(found)


def test_a_guest_may_have_a_new_host_key() -> None:
    assert "StrictHostKeyChecking=accept-new" in options(ssh_argv(GUEST, ["true"]))


@pytest.mark.parametrize("argv", [["echo", "a b", "$HOME", "'"], ["sh", "-c", "a; b | c"], ["-n"]])
def test_the_remote_shell_gets_exactly_the_arguments(argv: list[str]) -> None:
    assert shlex.split(ssh_argv(GUEST, argv)[-1]) == argv


def test_the_command_for_a_person_can_be_copied(deployment: Deployment) -> None:
    words = shlex.split(command_for_person(deployment.ssh, deployment.nodes[1], ["journalctl", "-u", "a b"]))
    assert words[0] == "ssh"
    assert words[-2] == "root@172.29.20.21"
    assert shlex.split(words[-1]) == ["journalctl", "-u", "a b"]


BY_SUDO = Target("cmp1", "192.0.2.21", "ops", 22, Path("/k"), Path("/known"), sudo=True)
PROXY = "ssh -F /dev/null -i /k -p 22 -W [%h]:%p ops@jump.example.org"


def operated(deployment: Deployment) -> Ssh:
    """Return the way to the lab's nodes for a user that is not root, by way of another machine."""
    return dataclasses.replace(deployment.ssh, user="ops", sudo=True, proxy_command=PROXY)


def test_a_user_that_is_not_root_becomes_root_without_a_password(deployment: Deployment) -> None:
    argv = ssh_argv(node_target(operated(deployment), deployment.nodes[0]), ["ceph", "osd tree"])
    assert argv[-3] == "ops@172.29.20.11"
    assert shlex.split(argv[-1]) == ["sudo", "-n", "--", "ceph", "osd tree"]


def test_another_machine_may_lie_between(deployment: Deployment) -> None:
    argv = ssh_argv(node_target(operated(deployment), deployment.nodes[0]), ["true"])
    assert f"ProxyCommand={PROXY}" in options(argv)
    assert not any(option.startswith("Proxy") for option in options(ssh_argv(GUEST, ["true"])))


def test_the_agent_is_started_with_the_same_rights(deployment: Deployment) -> None:
    channel = Channel(operated(deployment), deployment.nodes[0], {}, lambda *_: None)
    assert shlex.split(channel._argv[-1])[:5] == ["sudo", "-n", "--", "python3", "-c"]


def test_a_node_may_have_a_way_of_its_own(deployment: Deployment) -> None:
    own = dataclasses.replace(deployment.nodes[1], ssh=operated(deployment))
    assert ssh_argv(node_target(deployment.ssh, own), ["true"])[-3] == "ops@172.29.20.21"
    assert ssh_argv(node_target(deployment.ssh, deployment.nodes[0]), ["true"])[-3:] == [
        "root@172.29.20.11",
        "--",
        "true",
    ]


def test_a_person_is_shown_the_whole_way(deployment: Deployment) -> None:
    words = shlex.split(command_for_person(operated(deployment), deployment.nodes[1], ["tail", "/var/log/a b"]))
    assert f"ProxyCommand={PROXY}" in options(words)
    assert shlex.split(words[-1]) == ["sudo", "-n", "--", "tail", "/var/log/a b"]


def test_a_sudo_that_wants_a_password_is_no_answer_of_the_command() -> None:
    said = "cmp1: ops can't become root (sudo: a password is required): give that user the right"
    with pytest.raises(SourceError, match=re.escape(said)):
        execute(BY_SUDO, ["true"], timeout=1, runner=lambda *_: answer(1, "", "sudo: a password is required\n"))


def test_a_command_that_fails_under_sudo_is_an_answer() -> None:
    result = execute(BY_SUDO, ["false"], timeout=1, runner=lambda *_: answer(1, "", "grep: no such file"))
    assert result.status == 1


def test_a_command_that_fails_is_an_answer() -> None:
    result = execute(GUEST, ["false"], timeout=1, runner=lambda *_: answer(1, "out", "err"))
    assert (result.status, result.stdout, result.stderr) == (1, "out", "err")


def test_a_login_that_fails_is_an_unreadable_source() -> None:
    with pytest.raises(SourceError, match=r"SSH to root@172.29.22.107:22 failed: Connection refused"):
        execute(GUEST, ["true"], timeout=1, runner=lambda *_: answer(255, "", "Connection\n refused\n"))


def test_an_answer_that_comes_too_late_is_an_unreadable_source() -> None:
    def late(argv: Sequence[str], timeout: float) -> "subprocess.CompletedProcess[str]":
        raise subprocess.TimeoutExpired(list(argv), timeout)

    with pytest.raises(SourceError, match=r"guest: `sleep 9` gave no answer within 2 s"):
        execute(GUEST, ["sleep", "9"], timeout=2, runner=late)


def test_a_missing_ssh_is_told_with_the_package() -> None:
    def missing(argv: Sequence[str], timeout: float) -> "subprocess.CompletedProcess[str]":
        raise FileNotFoundError(argv[0], timeout)

    with pytest.raises(ConfigurationError, match="openssh-client"):
        execute(GUEST, ["true"], timeout=1, runner=missing)


def test_an_old_host_key_of_a_guest_is_forgotten(tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text("old")
    target = Target("g", "a", "root", 22, tmp_path / "k", known, changing_key=True)
    execute(target, ["true"], timeout=1, runner=lambda *_: answer(0))
    assert not known.exists()


def test_reading_needs_status_0(deployment: Deployment) -> None:
    said = r"ceph1: `radosgw-admin x` ended with status 2: no such bucket"
    with (
        NodeConnections(deployment.ssh, runner=lambda *_: answer(2, "", "no such bucket")) as nodes,
        pytest.raises(SourceError, match=said),
    ):
        nodes.read(deployment.nodes[2], ["radosgw-admin", "x"])


def test_a_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "guest" / "id_ed25519"
    public = ensure_key(path, "hoplab")
    assert public.startswith("ssh-ed25519 ")
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_key(path, "hoplab") == public


def test_a_process_is_run_and_both_its_outputs_are_told() -> None:
    done = run_process(["sh", "-c", "printf 'a\\r\\nb\\377'; echo c >&2; exit 3"], 10)
    assert (done.returncode, done.stdout, done.stderr) == (3, "a\nb\ufffd", "c\n")


@pytest.mark.parametrize("command", ["exec sleep 60", "exec >&- 2>&-; exec sleep 60", "echo a; exec sleep 60"])
def test_a_process_that_does_not_end_is_ended(command: str) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_process(["sh", "-c", command], 0.3)


def test_a_node_that_says_too_much_is_not_listened_to_any_longer() -> None:
    def endless(_argv: Sequence[str], timeout: float) -> "subprocess.CompletedProcess[str]":
        return run_process(["cat", "/dev/zero"], timeout)

    with pytest.raises(SourceError, match=f"guest: `journalctl` said more than {OUTPUT_BYTES // 1_000_000} MB"):
        execute(GUEST, ["journalctl"], timeout=60, runner=endless)
