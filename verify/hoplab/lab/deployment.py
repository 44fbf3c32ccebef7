"""The lab as Ansible describes it in lab.json: read, checked and frozen. The pack knows a lab only from here."""

import dataclasses
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hoplab.model import files
from hoplab.model.errors import ConfigurationError
from hoplab.model.schemas import WORD, SchemaReader, list_schema, nullable, object_schema, refuse

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
class Ssh:
    """How nodes are reached.

    sudo: whether the user becomes root by sudo, which must not ask for a password; proxy_command: ssh's command for the
    way there (ProxyCommand), empty where there is nothing in between.
    """

    user: str
    port: int
    key: Path
    known_hosts: Path
    sudo: bool = False
    proxy_command: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the lab. address: where it is managed; ssh: how it is reached, None: as the lab says of all."""

    name: str
    address: str
    groups: frozenset[str]
    services: tuple[Service, ...]
    ssh: Ssh | None = None


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

    def find_node(self, host: str) -> Node | None:
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


ADVICE: Final = "run `make lab` to write the file anew"
PORT: Final = {"type": "integer", "minimum": 1, "maximum": 65535}
SERVICE: Final = object_schema({"name": WORD, "unit": WORD, "port": nullable(PORT), "logs": list_schema(WORD)})
SSH: Final = object_schema(
    {"user": WORD, "port": PORT, "key": WORD, "known_hosts": WORD}, {"sudo": {"type": "boolean"}, "proxy_command": WORD}
)
NODE: Final = object_schema(
    {"name": WORD, "address": WORD, "groups": list_schema(WORD), "services": list_schema(SERVICE)},
    # Where it is reached in another way than the first node.
    {"ssh": SSH},
)
FORM: Final = object_schema(
    {
        "schema": {"const": SCHEMA},
        **dict.fromkeys(("inventory", "release", "clouds_file", "cloud", "region", "guest_image"), WORD),
        "nodes": list_schema(NODE, minItems=1),
        "ssh": SSH,
        "external_network": object_schema(
            {
                **dict.fromkeys(("physical_network", "cidr", "gateway"), WORD),
                "pool": list_schema(WORD, minItems=2, maxItems=2),
            }
        ),
    },
    # What protects tokens in memcached, where something does.
    {"token_cache": object_schema({"strategy": {"enum": ["MAC", "ENCRYPT"]}, "secret_file": WORD})},
)
"""What lab.json has to be (JSON Schema)."""
READER: Final = SchemaReader(FORM)


def load(path: Path) -> Deployment:
    """Read and check a lab's description.

    Raises ConfigurationError that names the file, the field, its value and what to do.
    """
    found = READER.read(path, advice=ADVICE)
    network = found["external_network"]
    _check_network(path, network)
    return Deployment(
        directory=path.absolute().parent,
        inventory=found["inventory"],
        release=found["release"],
        nodes=_nodes(path, found["nodes"]),
        ssh=_ssh(path, "ssh", found["ssh"]),
        clouds_file=_file(path, "clouds_file", found["clouds_file"]),
        cloud=found["cloud"],
        region=found["region"],
        guest_image=_file(path, "guest_image", found["guest_image"]),
        external_network=ExternalNetwork(
            network["physical_network"], network["cidr"], network["gateway"], (network["pool"][0], network["pool"][1])
        ),
        token_cache=_token_cache(path, found["token_cache"]) if "token_cache" in found else None,
    )


def _file(path: Path, place: str, named: str) -> Path:
    file = Path(named)
    if not file.is_absolute():
        refuse(path, place, named, "an absolute path", ADVICE)
    if not file.is_file():
        refuse(path, place, named, "a file that exists", ADVICE)
    return file


def _ssh(path: Path, place: str, found: Mapping[str, Any]) -> Ssh:
    return Ssh(
        user=found["user"],
        port=found["port"],
        key=_file(path, f"{place}.key", found["key"]),
        known_hosts=_file(path, f"{place}.known_hosts", found["known_hosts"]),
        sudo=found.get("sudo", False),
        proxy_command=found.get("proxy_command", ""),
    )


def _token_cache(path: Path, found: Mapping[str, str]) -> TokenCache:
    file = _file(path, "token_cache.secret_file", found["secret_file"])
    secret = files.read_text(file, advice=ADVICE).strip()
    if not secret:
        raise ConfigurationError(f"{file}: is empty: {ADVICE}")
    return TokenCache(found["strategy"], secret)


def _nodes(path: Path, found: Sequence[Mapping[str, Any]]) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for number, one in enumerate(found):
        if _address(one["address"]) is None:
            refuse(path, f"nodes.{number}.address", one["address"], "an IP address", ADVICE)
        services = tuple(
            Service(some["name"], some["unit"], some["port"], tuple(some["logs"])) for some in one["services"]
        )
        ssh = _ssh(path, f"nodes.{number}.ssh", one["ssh"]) if "ssh" in one else None
        node = Node(one["name"], one["address"], frozenset(one["groups"]), services, ssh)
        for field in ("name", "address"):
            if any(getattr(other, field) == getattr(node, field) for other in nodes):
                refuse(path, f"nodes.{number}.{field}", one[field], "one that no other node has", ADVICE)
        nodes.append(node)
    return tuple(nodes)


def _check_network(path: Path, found: Mapping[str, Any]) -> None:
    """Refuse an external network whose gateway or addresses are not in it."""
    cidr = found["cidr"]
    try:
        network = ipaddress.ip_network(cidr)
    except ValueError:
        refuse(path, "external_network.cidr", cidr, "an IP network such as 172.29.22.0/24", ADVICE)
    first, last = map(_address, found["pool"])
    if first is None or last is None or not (first in network and last in network and int(first) <= int(last)):
        wanted = f"two addresses of {cidr}, the first not above the last"
        refuse(path, "external_network.pool", found["pool"], wanted, ADVICE)
    gateway = _address(found["gateway"])
    if gateway is None or gateway not in network:
        refuse(path, "external_network.gateway", found["gateway"], f"an address of {cidr}", ADVICE)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
