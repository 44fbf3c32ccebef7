"""What a launch is made of: names and sizes, in one place."""

import ipaddress
from dataclasses import dataclass
from typing import Final

OWN_PREFIX: Final = "hoplab-verify-"
"""How the names of instances, volumes and images begin that `hoplab verify` makes and deletes."""

GUEST_USER: Final = "root"
"""The guest image's only account."""


@dataclass(frozen=True, slots=True)
class FlavorSpec:
    """A size of instance. memory: MB; disk: GB (0 would be refused to members, who may boot from images too)."""

    name: str
    vcpus: int
    memory: int
    disk: int


TINY: Final = FlavorSpec("hoplab.tiny", 1, 128, 1)
SMALL: Final = FlavorSpec("hoplab.small", 1, 192, 1)
FLAVORS: Final = (TINY, SMALL)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a launch asks for.

    group: name of network, subnet, router, security group and keypair; server: name of instance and volume;
    tenant_cidr: the tenant network's addresses; volume_size: GB, 0 for none; zone: availability zone, which may name a
    host (`nova:cmp1`), empty for any; reuse: go on with an image or a volume that is there where none can be made;
    own_instance: launch one where a running one is needed, even if there is one; all timeouts: seconds.
    """

    group: str = "hoplab"
    server: str = "hoplab-1"
    image: str = "hoplab-guest"
    external_network: str = "hoplab-external"
    flavor: FlavorSpec = TINY
    tenant_cidr: str = "10.77.0.0/24"
    volume_size: int = 1
    zone: str = ""
    reuse: bool = True
    own_instance: bool = False
    active_timeout: float = 300
    delete_timeout: float = 120
    volume_timeout: float = 60
    console_timeout: float = 120
    ssh_timeout: float = 60

    @property
    def tenant_gateway(self) -> str:
        """The first address of the tenant network, for the router."""
        return str(next(ipaddress.ip_network(self.tenant_cidr).hosts()))
