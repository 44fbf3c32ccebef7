"""The lab as Ansible describes it in lab.json: read, checked and frozen. The pack knows a lab only from here."""

import dataclasses
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hoplab.lab.fields import Fields
from hoplab.model import files
from hoplab.model.errors import ConfigurationError

SCHEMA: Final = 1
LAB_FILE: Final = "lab.json"
DEFAULT_LAB: Final = Path(".lab") / "local" / LAB_FILE
ENVIRONMENT: Final = "HOPLAB_LAB"


@dataclass(frozen=True, slots=True)
class Service:
    """One daemon on one node: its systemd unit, TCP port (None: it has none) and log files on the node."""

    name: str
    unit: str
    port: int | None
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the lab; address: where it is managed."""

    name: str
    address: str
    groups: frozenset[str]
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Ssh:
    """How every node is reached."""

    user: str
    port: int
    key: Path
    known_hosts: Path


@dataclass(frozen=True, slots=True)
class ExternalNetwork:
    """The network on which this machine reaches floating IPs. pool: first and last address for the cloud."""

    physical_network: str
    cidr: str
    gateway: str
    pool: tuple[str, str]


@dataclass(frozen=True, slots=True)
class TokenCache:
    """How the services protect validated tokens in memcached: keystonemiddleware's strategy and its secret."""

    strategy: str
    secret: str = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A lab. directory: where lab.json lies and where hoplab keeps its own files (the guests' key)."""

    directory: Path
    inventory: str
    release: str
    nodes: tuple[Node, ...]
    ssh: Ssh
    clouds_file: Path
    cloud: str
    region: str
    guest_image: Path
    external_network: ExternalNetwork
    token_cache: TokenCache | None = None

    def node_of_host(self, host: str) -> Node | None:
        """Return the node that the cloud calls by this host name (with or without a domain), None if none is."""
        short = host.partition(".")[0]
        return next((node for node in self.nodes if node.name in {host, short}), None)

    def first_in_group(self, group: str) -> Node:
        """Return the first node of a group; ConfigurationError if the lab has none."""
        for node in self.nodes:
            if group in node.groups:
                return node
        raise ConfigurationError(
            f"{self.directory / LAB_FILE}: no node is in group {group!r}: add one to the inventory, then run `make lab`"
        )

    def running(self, service: str) -> tuple[tuple[Node, Service], ...]:
        """Return where a service (by its name) runs."""
        return tuple((node, found) for node in self.nodes for found in node.services if found.name == service)


def find_lab(argument: str | None, *, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Path:
    """Return the path of lab.json.

    argument: a file or directory (--lab), else HOPLAB_LAB, else .lab/local/lab.json here or in a directory above.
    Raises ConfigurationError, with what to do, if there is none.
    """
    if argument == "":
        raise ConfigurationError("--lab is empty: name the lab's directory or its lab.json")
    named = argument or (os.environ if environ is None else environ).get(ENVIRONMENT)
    start = (cwd or Path.cwd()).absolute()
    if named:
        place = start / Path(named).expanduser()
        candidates = [place / LAB_FILE, place / DEFAULT_LAB] if place.is_dir() else [place]
        origin = "--lab" if argument else ENVIRONMENT
        advice = f"check {origin}, or run `make lab`"
    else:
        candidates = [directory / DEFAULT_LAB for directory in (start, *start.parents)]
        place, advice = candidates[0], "run `make lab` first, or name a lab with --lab"
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise ConfigurationError(f"no lab found at {place}: {advice}")


def load(path: Path) -> Deployment:
    """Read and check a lab's description.

    Raises ConfigurationError that names the file, the field, its value and what to do.
    """
    lab = Fields(files.read_json(path, advice="check it, or run `make lab` to write it anew"), path)
    if lab.number("schema", low=0) != SCHEMA:
        lab.refuse("schema", f"{SCHEMA}, which this hoplab knows")
    clouds_file = lab.file("clouds_file")
    return Deployment(
        directory=path.absolute().parent,
        inventory=lab.text("inventory"),
        release=lab.text("release"),
        nodes=_nodes(lab),
        ssh=_ssh(lab.inner("ssh")),
        clouds_file=clouds_file,
        cloud=lab.text("cloud"),
        region=lab.text("region"),
        guest_image=lab.file("guest_image"),
        external_network=_external(lab.inner("external_network")),
        token_cache=_token_cache(lab.inner("token_cache")) if lab.has("token_cache") else None,
    )


def _token_cache(item: Fields) -> TokenCache:
    strategy = item.text("strategy")
    if strategy not in ("MAC", "ENCRYPT"):
        item.refuse("strategy", "MAC or ENCRYPT")
    path = item.file("secret_file")
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error}): check it, or run `make lab`") from None
    if not secret:
        raise ConfigurationError(f"{path}: is empty: run `make lab` to write it anew")
    return TokenCache(strategy, secret)


def _nodes(lab: Fields) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for item in lab.items("nodes"):
        node = Node(
            name=item.text("name"),
            address=item.address("address"),
            groups=frozenset(item.texts("groups")),
            services=tuple(_service(service) for service in item.items("services")),
        )
        for field in ("name", "address"):
            if any(getattr(other, field) == getattr(node, field) for other in nodes):
                item.refuse(field, "one that no other node has")
        nodes.append(node)
    if not nodes:
        lab.refuse("nodes", "at least one node")
    return tuple(nodes)


def _service(item: Fields) -> Service:
    return Service(
        name=item.text("name"),
        unit=item.text("unit"),
        port=item.optional_number("port", low=1, high=65535),
        logs=item.texts("logs"),
    )


def _ssh(item: Fields) -> Ssh:
    return Ssh(
        user=item.text("user"),
        port=item.number("port", low=1, high=65535),
        key=item.file("key"),
        known_hosts=item.file("known_hosts"),
    )


def _external(item: Fields) -> ExternalNetwork:
    cidr = item.network("cidr")
    network = ipaddress.ip_network(cidr)
    pool = item.texts("pool")
    try:
        first, last = (ipaddress.ip_address(end) for end in pool)
        inside = first in network and last in network and int(first) <= int(last)
    except ValueError:
        inside = False
    if not inside:
        item.refuse("pool", f"two addresses of {cidr}, the first not above the last")
    gateway = item.address("gateway")
    if ipaddress.ip_address(gateway) not in network:
        item.refuse("gateway", f"an address of {cidr}")
    return ExternalNetwork(
        physical_network=item.text("physical_network"), cidr=cidr, gateway=gateway, pool=(pool[0], pool[1])
    )
