"""Failures that operators report, recorded on a real lab with the fault in place: each is named at its hop."""

import pytest

from hoplab.judge import Result
from samples.runs import recorded, unpacked

NAMED = {
    # Ceph's client of the volumes may not write their data objects.
    "cinder-no-write": ("volume-open", "object.written of ceph-osd (status EPERM)"),
    # No compute is mapped to a cell, and the instance is written to cell0.
    "host-not-mapped": ("cell-entry", "nova_cell0"),
    # The L2 agents have other hosts than Nova: Neutron answers 200, with a binding that failed.
    "l2-host-wrong": ("network-answer", "binding-failed"),
    # The tunnels carry smaller packets than tenants believe: the guest gets its address, and large packets are lost.
    "mtu-small": ("metadata-answer", "guest does not say"),
    # Ceph's client of Nova's disks has another pool in its capabilities.
    "nova-caps-other-pool": ("disk-map-answer", "object.read of ceph-osd (status EPERM)"),
}
"""By the run's name: the hop, and what its reason tells."""


def run_of(name: str) -> int:
    """Return the number of a run in the recording."""
    return [path.name for path in unpacked("reported")].index(name)


def test_each_run_is_expected() -> None:
    assert {path.name for path in unpacked("reported")} == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_the_hop_that_broke_is_named(name: str) -> None:
    hop, why = NAMED[name]
    judgement = recorded("reported", run_of(name)).whole
    assert judgement.result is Result.FAILED
    assert judgement.first_unproven is not None
    assert judgement.first_unproven.hop.name == hop
    assert why in judgement.first_unproven.why
