"""memcached alone: it keeps what it is given, within its memory, for the management network alone."""

import socket
from pathlib import Path

from collection import build, install, outside
from scenario import ROOT, Node, Scenario, eventually


def ask(node: Node, *lines: str) -> list[str]:
    """Return memcached's answers to lines of its text protocol, asked from this machine."""
    with socket.create_connection((node.address, 11211), timeout=5) as link:
        link.sendall("".join(f"{line}\r\n" for line in (*lines, "quit")).encode())
        said = b""
        while part := link.recv(65536):
            said += part
    return said.decode().splitlines()


def test_it_gives_back_what_it_was_given(ctl1: Node) -> None:
    eventually("memcached is up", lambda: ask(ctl1, "version"), seconds=30)
    assert ask(ctl1, "set token 0 60 5", "hops!", "get token", "delete token", "get token") == [
        "STORED",
        "VALUE token 0 5",
        "hops!",
        "END",
        "DELETED",
        "END",
    ]


def test_it_forgets_when_the_time_is_up(ctl1: Node) -> None:
    assert ask(ctl1, "set brief 0 1 1", "x") == ["STORED"]
    eventually("the item is gone", lambda: ask(ctl1, "get brief") == ["END"], seconds=5, interval=0.5)


def test_it_has_the_memory_and_connections_that_the_lab_gives_it(ctl1: Node) -> None:
    settings = ask(ctl1, "stats settings")
    assert f"STAT maxbytes {64 * 1024 * 1024}" in settings
    assert "STAT maxconns 1024" in settings
    # Over UDP, a forged sender would have it flood another machine.
    assert "STAT udpport 0" in settings


def test_it_listens_on_the_management_network_alone(ctl1: Node) -> None:
    rows = ctl1.output("ss --numeric --listening --tcp --udp --processes --no-header | grep memcached").splitlines()
    assert [row.split()[4] for row in rows] == [f"{ctl1.address}:11211"]


def test_it_comes_back_when_it_is_killed(ctl1: Node) -> None:
    ctl1.kill("memcached")
    eventually("memcached is back", lambda: ask(ctl1, "version"), seconds=30)


def test_a_service_that_does_not_start_is_named_with_its_log_and_healed(scenario: Scenario, ctl1: Node) -> None:
    refused = scenario.converge(memcached_address=scenario.subnet_address("management", 99))  # no node has it
    assert refused.returncode == 2
    assert "memcached on ctl1 is unhealthy." in refused.stdout
    assert "journalctl -u memcached.service -n 50" in refused.stdout
    # It fails five times within a second; for the next ten systemd starts it no more, until it is told to forget that.
    ctl1.run("systemctl reset-failed memcached; systemctl restart memcached")
    eventually("systemd gave it up", lambda: "failed" in ctl1.run("systemctl is-active memcached").stdout, seconds=10)
    healed = scenario.converge()
    assert healed.returncode == 0, healed.stdout[-2000:]
    assert ask(ctl1, "version")[0].startswith("VERSION")


PLAYBOOK = """
- hosts: cache
  gather_facts: false
  roles:
    - role: hoplab.lab.memcached
      memcached_address: {address}
      memcached_memory_mb: 48
      memcached_connections: 512
"""


def test_a_playbook_outside_this_repository_makes_it_with_the_installed_collection(
    scenario: Scenario, ctl1: Node, tmp_path: Path
) -> None:
    install(build(ROOT, tmp_path), tmp_path)
    login = f"ansible_ssh_common_args='-F {ctl1.ssh_config}' ansible_python_interpreter=/usr/bin/python3"
    (tmp_path / "hosts").write_text(f"[cache]\nctl1 {login}\n", encoding="utf-8")
    (tmp_path / "play.yml").write_text(PLAYBOOK.format(address=ctl1.address), encoding="utf-8")
    # As if it had never been there.
    ctl1.output("systemctl disable --now memcached && rm /etc/memcached.conf")
    made = outside(tmp_path, "ansible-playbook", "--inventory", "hosts", "play.yml")
    assert made.returncode == 0, made.stdout + made.stderr
    settings = ask(ctl1, "stats settings")
    assert f"STAT maxbytes {48 * 1024 * 1024}" in settings
    assert "STAT maxconns 512" in settings
    assert ctl1.output("systemctl is-enabled memcached").strip() == "enabled"
    again = outside(tmp_path, "ansible-playbook", "--inventory", "hosts", "play.yml")
    assert " changed=0 " in again.stdout, again.stdout + again.stderr
    assert str(ROOT) not in made.stdout + made.stderr + again.stdout + again.stderr
    # The lab's own run gives it back what the lab wants.
    healed = scenario.converge()
    assert healed.returncode == 0, healed.stdout[-2000:]
    assert f"STAT maxbytes {64 * 1024 * 1024}" in ask(ctl1, "stats settings")
