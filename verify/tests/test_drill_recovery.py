"""What says that a lab is not yet well again."""

from types import SimpleNamespace
from typing import Any

import pytest
from openstack.compute.v2.service import Service

from hoplab.session.daemons import down


def cloud(**compute: Any) -> Any:
    """Return a cloud with one nova-compute, and nothing else."""
    said: dict[str, Any] = {"state": "up", "status": "enabled", **compute}
    nova = Service(binary="nova-compute", host="cmp1", **said)
    nothing = SimpleNamespace(services=list, agents=list)
    return SimpleNamespace(compute=SimpleNamespace(services=lambda: [nova]), network=nothing, block_storage=nothing)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({}, []),
        ({"state": "down"}, ["nova-compute@cmp1"]),
        ({"status": "disabled", "disabled_reason": "AUTO: Connection to libvirt lost: 1"}, ["nova-compute@cmp1"]),
        ({"status": "disabled", "disabled_reason": "new disks on Monday"}, []),
        ({"status": "disabled"}, []),
    ],
    ids=["up", "down", "disabled by itself", "disabled by a person", "disabled without a word"],
)
def test_a_compute(said: dict[str, str], wrong: list[str]) -> None:
    assert list(down(cloud(**said))) == wrong
