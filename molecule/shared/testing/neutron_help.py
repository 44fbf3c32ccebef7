"""Networks and ports for tests, and machines on them: namespaces plugged into a node's switch as Nova plugs guests."""

from __future__ import annotations

import secrets
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from openstack.connection import Connection
from scenario import Node, Scenario, eventually

# Debian's static busybox lies on every node, for the guest image; its udhcpc is what the lab's guests use.
BUSYBOX = "/run/busybox"
UNPACK = f"""test -x {BUSYBOX} || {{
dpkg-deb --fsys-tarfile /var/cache/hoplab/guest-image/busybox-static_*.deb |
tar --extract --to-stdout ./usr/bin/busybox > {BUSYBOX} && chmod 755 {BUSYBOX}; }}"""
# Prints what the lease says, and gives the interface its address, MTU and routes (-O 121: metadata's, for one).
LEASE = r"""#!/bin/sh
case $1 in bound|renew) ;; *) exit 0 ;; esac
printf '%s\n' "address=$ip" "prefix=$mask" "gateway=$router" "mtu=$mtu" "dns=$dns" "server=$serverid"
ip address replace "$ip/$mask" dev "$interface"
ip link set "$interface" mtu "${mtu:-1500}"
set -- $staticroutes
while [ $# -ge 2 ]; do ip route replace "$1" via "$2"; shift 2; done
"""
# Answers every connection with the address that it sees behind it. It listens when the command returns.
SERVER = """
import os, socket, sys
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
if os.fork():
    sys.exit()
os.setsid()
while True:
    link, peer = listener.accept()
    link.sendall(peer[0].encode())
    link.close()
"""
CLIENT = """
import socket, sys
try:
    link = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3]))
    print("heard", link.recv(64).decode())
except OSError as error:
    print("refused" if isinstance(error, ConnectionRefusedError) else "silence", error)
"""


@dataclass(frozen=True)
class Machine:
    """A network namespace on a node, with one interface in the integration bridge."""

    node: Node
    name: str  # of namespace and interface
    port: Any  # Neutron's port, as it was when it was made

    @property
    def address(self) -> str:
        """The address that Neutron gave to the port."""
        return str(self.port.fixed_ips[0]["ip_address"])

    def run(self, command: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a shell command on the machine."""
        return self.node.run(f"ip netns exec {self.name} sh -c {shlex.quote(command)}", stdin, timeout)

    def output(self, command: str, stdin: str = "", timeout: float = 60) -> str:
        """Return what a command on the machine prints; it has to succeed."""
        return self.node.output(f"ip netns exec {self.name} sh -c {shlex.quote(command)}", stdin, timeout)

    def lease(self, tries: int = 5) -> dict[str, str]:
        """Ask for an address with udhcpc and take it; return what the lease says, or nothing if nobody answers."""
        self.node.output(f"{UNPACK}; cat > /run/lease && chmod 755 /run/lease", LEASE)
        done = self.run(f"{BUSYBOX} udhcpc -i {self.name} -f -q -n -t {tries} -T 2 -A 1 -O 121 -O 26 -s /run/lease")
        return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    def settle(self, prefix: int, gateway: str = "", mtu: int = 1450) -> None:
        """Take the port's address without asking for it."""
        self.output(f"ip link set {self.name} mtu {mtu} && ip address replace {self.address}/{prefix} dev {self.name}")
        if gateway:
            self.output(f"ip route replace default via {gateway}")

    def pings(self, address: str, size: int = 56, count: int = 1) -> bool:
        """Tell whether an address answers a packet with so many bytes of data that may not be cut in pieces."""
        return self.run(f"ping -q -c {count} -W 2 -M do -s {size} {address}").returncode == 0

    def serve(self, port: int) -> None:
        """Answer TCP connections until the machine is unplugged."""
        self.output(f"python3 - {port} >/dev/null 2>&1", SERVER)

    def connect(self, address: str, port: int, seconds: float = 3) -> str:
        """Connect to a machine that serves; return the address that it saw, or `refused` or `silence`."""
        said = self.output(f"python3 - {address} {port} {seconds:g}", CLIENT)
        return said.split()[1] if said.startswith("heard") else said.split()[0]

    def receives(self, address: str, port: int, expected: str, seconds: float = 60) -> None:
        """Connect until the answer is the expected one: Neutron takes a while to do what it is asked."""
        what = f"{expected} is what {self.address} receives at {address}:{port}"
        eventually(what, lambda: self.connect(address, port) == expected, seconds)


class Bench(ExitStack):
    """Makes things in Neutron and on nodes; removes them, the last one first."""

    def __init__(self, cloud: Connection) -> None:
        super().__init__()
        self.api: Any = cloud.network
        self.name = f"test-{secrets.token_hex(3)}"

    def network(self, cidr: str, *, dhcp: bool = False, external: bool = False, **subnet: Any) -> Any:
        """Make a network with one subnet of IPv4; return the network. The external one is flat."""
        outside = {"router:external": True, "provider:network_type": "flat", "provider:physical_network": "physnet1"}
        network = self.api.create_network(name=self.name, **(outside if external else {}))
        self.callback(self.api.delete_network, network)
        self.api.create_subnet(
            name=self.name, network_id=network.id, ip_version=4, cidr=cidr, enable_dhcp=dhcp, **subnet
        )
        return network

    def security_group(self, *rules: dict[str, Any]) -> Any:
        """Make a security group that lets all out, and in only what the rules say."""
        group = self.api.create_security_group(name=self.name)
        self.callback(self.api.delete_security_group, group)
        for rule in rules:
            self.admit(group, **rule)
        return group

    def admit(self, group: Any, **rule: Any) -> Any:
        """Let something in."""
        return self.api.create_security_group_rule(security_group_id=group.id, direction="ingress", **rule)

    def port(self, network: Any, node: Node | None = None, **attributes: Any) -> Any:
        """Make a port; with a node it is bound there, as Nova binds an instance's."""
        bound = {"binding_host_id": node.name, "device_owner": "compute:nova"} if node else {}
        port = self.api.create_port(name=self.name, network_id=network.id, **bound, **attributes)
        self.callback(self.api.delete_port, port)
        return port

    def router(self, *inside: Any, outside: Any = None) -> Any:
        """Make a router between networks."""
        gateway = {"external_gateway_info": {"network_id": outside.id}} if outside else {}
        router = self.api.create_router(name=self.name, **gateway)
        self.callback(self.api.delete_router, router)
        for network in inside:
            subnet = next(iter(self.api.subnets(network_id=network.id)))
            self.api.add_interface_to_router(router, subnet_id=subnet.id)
            self.callback(self.api.remove_interface_from_router, router, subnet_id=subnet.id)
        return router

    def plug(self, node: Node, port: Any, mac: str = "") -> Machine:
        """Plug a namespace into the node's integration bridge, as Nova plugs an instance; mac only to deceive."""
        machine = Machine(node, f"m{secrets.token_hex(4)}", port)
        self.callback(self.unplug, machine)
        node.output(
            f"ip netns add {machine.name} && "
            f"ovs-vsctl --timeout=30 add-port br-int {machine.name} -- set Interface {machine.name} type=internal "
            f"external_ids:iface-id={port.id} external_ids:attached-mac={port.mac_address} "
            "external_ids:iface-status=active && "
            f"ip link set {machine.name} netns {machine.name} && "
            f"ip -n {machine.name} link set lo up && "
            f"ip -n {machine.name} link set {machine.name} address {mac or port.mac_address} up"
        )
        return machine

    def unplug(self, machine: Machine) -> None:
        """Remove a machine with all that runs on it."""
        machine.node.output(
            f"ip netns pids {machine.name} | xargs -r kill -KILL; ovs-vsctl --timeout=30 --if-exists del-port "
            f"{machine.name}; ip netns delete {machine.name}"
        )

    def machine(self, node: Node, network: Any, **attributes: Any) -> Machine:
        """Make a port, plug it, and wait until Neutron calls it ACTIVE."""
        machine = self.plug(node, self.port(network, node, **attributes))
        try:
            self.active(machine.port)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._pending(machine)}") from None
        return machine

    def _pending(self, machine: Machine) -> str:
        """Return whom Neutron still waits for before it calls a port ACTIVE, and what its node's logs say of it."""
        port = machine.port.id
        blocks = (
            "select entity from provisioningblocks as b join ports as p on p.standard_attr_id = b.standard_attr_id "
            f"where p.id = '{port}'"
        )
        asked = (
            f'mariadb neutron -N -e "{blocks}"; ovs-vsctl --columns=name,ofport,error,external_ids list Interface '
            f"{machine.name}; grep -h {port} /var/log/neutron/*.log | tail -n 15; "
            "grep -hE ' (ERROR|WARNING) ' /var/log/neutron/*.log | tail -n 10"
        )
        return machine.node.run(asked).stdout

    def active(self, port: Any, seconds: float = 60) -> None:
        """Wait until Neutron calls a port ACTIVE."""
        eventually(
            f"port {port.id} is ACTIVE", lambda: self.api.get_port(port.id).status == "ACTIVE", seconds, interval=0.5
        )


@contextmanager
def bench(scenario: Scenario, *binaries: str) -> Iterator[Bench]:
    """Yield a bench when Neutron answers and calls agents of these binaries alive (nodes have just booted)."""
    wanted = set(binaries)

    def ready() -> bool:
        agents = list(scenario.cloud.network.agents())
        return wanted <= {agent.binary for agent in agents if agent.is_alive}

    eventually(f"Neutron answers and calls {wanted or 'no agent'} alive", ready, seconds=120)
    with Bench(scenario.cloud) as made:
        yield made
