"""A neighbour of this machine in a lab's external network: a network namespace with a link in that network's bridge."""

import ipaddress
import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from neutron_help import SERVER

SECONDS = 240


def run(*argv: str, given: str = "") -> str:
    """Run a command on this machine as root, for at most SECONDS, and return what it prints; it has to succeed."""
    done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Neighbour:
    """A network namespace and its address in the external network."""

    name: str
    address: str
    link: str

    def run(self, *argv: str, given: str = "") -> str:
        """Run a command in the namespace and return what it prints."""
        return run("ip", "netns", "exec", self.name, *argv, given=given)

    def ip(self, *argv: str) -> str:
        """Run `ip` with these words on the namespace's links, addresses and routes."""
        return run("ip", "-netns", self.name, *argv)

    def serve(self, port: int) -> None:
        """Tell whoever connects to a TCP port its address, until the namespace goes."""
        argv = ["ip", "netns", "exec", self.name, "python3", "-", str(port)]
        # What goes on in the background would keep a pipe open.
        subprocess.run(argv, input=SERVER, text=True, timeout=SECONDS, check=True, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        """End what still runs in the namespace."""
        for process in run("ip", "netns", "pids", self.name).split():
            subprocess.run(["kill", "-KILL", process], check=False)


def bridge_of(address: str) -> str:
    """Return the link of this machine that has an IPv4 address."""
    links = json.loads(run("ip", "-json", "address", "show"))
    (name,) = [link["ifname"] for link in links if any(one["local"] == address for one in link["addr_info"])]
    return str(name)


@contextmanager
def neighbour(cidr: str, number: int) -> Iterator[Neighbour]:
    """Make a neighbour with address `number` of the external network, whose first address is this machine's."""
    network = ipaddress.IPv4Network(cidr)
    gateway, mark = str(network[1]), secrets.token_hex(3)
    made = Neighbour(f"hoplab-{mark}", str(network[number]), f"hop{mark}i")
    with ExitStack() as undo:
        run("ip", "netns", "add", made.name)
        undo.callback(run, "ip", "netns", "delete", made.name)
        undo.callback(made.stop)
        run("ip", "link", "add", f"hop{mark}o", "type", "veth", "peer", "name", made.link, "netns", made.name)
        run("ip", "link", "set", f"hop{mark}o", "master", bridge_of(gateway), "up")
        made.ip("address", "add", f"{made.address}/{network.prefixlen}", "dev", made.link)
        made.ip("link", "set", made.link, "up")
        made.ip("route", "add", "default", "via", gateway)
        yield made
