"""Failures that operators report, recorded on a real lab with the fault in place: each is named at its hop."""

import pytest

from hoplab.judge.verdicts import Result, Verdict
from hoplab.session.judge_run import judge_run
from samples.runs import CATALOGUE, FLOW, recorded, unpacked

CAUSE = {
    "cinder-no-write": ("guest", "LABGUEST disk rw FAIL dev=vdb"),
    "host-not-mapped": ("errors", "No host-to-cell mapping found for selected host"),
    "l2-host-wrong": ("errors", "Failed to bind port"),
    "mtu-small": ("guest", "LABGUEST metadata fail try=1"),
    "nova-caps-other-pool": ("errors", "RBD permission error"),
}
"""By the run's name: what leads to the cause, and where it stands in the report."""

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


@pytest.mark.parametrize("name", CAUSE)
def test_the_report_leads_to_the_cause(name: str) -> None:
    place, text = CAUSE[name]
    failure = judge_run(unpacked("reported")[run_of(name)], CATALOGUE, FLOW, write=False)["failure"]
    assert any(text in str(one) for one in failure[place])
    assert not any("{" in command for command in failure["next"])
    assert failure["down"] == []


def test_the_exception_is_named_beside_what_was_logged() -> None:
    run = unpacked("reported")[run_of("nova-caps-other-pool")]
    errors = judge_run(run, CATALOGUE, FLOW, write=False)["failure"]["errors"]
    assert [error["time"] for error in errors] == sorted(one["time"] for one in errors)
    (opened,) = (each_error for each_error in errors if "error opening rbd image" in each_error["line"])
    assert (opened["level"], opened["node"], opened["source"]) == ("ERROR", "cmp1", "var/log/nova/nova-compute.log")
    assert opened["cause"].startswith("rbd.PermissionError: [errno 1]")
    assert opened["id"].startswith("global-request=req-")


def test_a_port_that_the_last_host_got_says_nothing_of_the_first() -> None:
    # Each host that Nova tries gets a port of its own, and a client that asks late is told the last one's.
    one = recorded("rescheduled")
    asked = one.record.ids["port"]
    assert asked < one.ids["port"]
    port = next(hop for hop in one.whole.hops if hop.hop.name == "port-request")
    assert port.verdict is Verdict.PROVED
    assert {event.ids["port"] for event in port.witnesses if "port" in event.ids}.isdisjoint({asked})
    assert one.whole.first_unproven is not None
    assert one.whole.first_unproven.hop.name == "object-request"
