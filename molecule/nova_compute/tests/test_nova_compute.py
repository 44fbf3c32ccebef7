"""A compute with Nova's core and Ceph: it offers what it has, boots guests from RBD, and they outlive its daemons."""

from collections.abc import Iterator
from uuid import UUID, uuid5

import pytest
from nova_help import ask, daemons, wait_for_daemons
from openstack.connection import Connection
from scenario import Node, Scenario, eventually

from hoplab.parse import guest as console

NOVA = "compute 2.96"
PLACEMENT = "placement 1.38"
IMAGE = "/var/lib/hoplab/guest.raw"
DISK = "--id nova --pool vms"
# As Nova describes a guest: run in the way that the role found, its disk by the key that libvirt has, its console kept
# by virtlogd.
GUEST = """
<domain type='{way}'>
  <name>probe</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='writeback'/>
      <auth username='nova'><secret type='ceph' uuid='{secret}'/></auth>
      <source protocol='rbd' name='vms/probe'><host name='{monitor}' port='6789'/></source>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='pty'><log file='/var/lib/nova/instances/probe.log' append='off'/></serial>
  </devices>
</domain>
"""


def secret_of(scenario: Scenario, client: str) -> str:
    """Return the UUID under which libvirt has a client's key: it comes from the cluster's."""
    return str(uuid5(UUID(scenario.secret("ceph_fsid")), client))


@pytest.fixture(scope="module")
def cloud(scenario: Scenario, ctl1: Node) -> Connection:
    """Return the cloud as its administrator sees it, as soon as all daemons have reported since the node's boot."""
    wait_for_daemons(scenario.cloud, ctl1, "nova-scheduler", "nova-conductor", "nova-compute")
    return scenario.cloud


def real_memory(node: Node) -> int:
    """Return the memory of the node that is plugged in, in MiB: a virtual machine may be given its own bit by bit."""
    told = node.output("cat /sys/devices/system/node/node*/meminfo")
    return sum(int(line.split()[3]) for line in told.splitlines() if " MemTotal:" in line) // 1024


def process(node: Node) -> str:
    """Return the process of the guest; empty when it does not run."""
    return node.output("pgrep --exact qemu-system-x86 || [ $? = 1 ]").strip()


@pytest.fixture(scope="module")
def guest(scenario: Scenario, cloud: Connection, ctl1: Node) -> Iterator[Node]:  # noqa: ARG001 Nova is at work
    """Put the guest image into Nova's pool and let libvirt run it from there; return its node."""
    way = ctl1.output("sed -n 's/^virt_type = //p' /etc/nova/nova-compute.conf").strip()
    described = GUEST.format(way=way, secret=secret_of(scenario, "nova"), monitor=ctl1.address)
    try:
        ctl1.output(f"qemu-img convert -f raw -O raw {IMAGE} rbd:vms/probe:id=nova", timeout=300)
        ctl1.output("virsh create /dev/stdin", described)
        yield ctl1
    finally:
        ctl1.run("virsh destroy probe")
        ctl1.run(f"rbd {DISK} remove --no-progress probe")


def test_the_compute_is_up_and_placement_knows_what_it_has(cloud: Connection, ctl1: Node) -> None:
    hypervisor = next(iter(cloud.compute.hypervisors(details=True)))
    assert (hypervisor.name, hypervisor.state, hypervisor.status) == ("ctl1", "up", "enabled")
    assert hypervisor.host_ip == ctl1.address
    before = real_memory(ctl1)

    def counted() -> dict[str, dict[str, float]]:
        """Return what Placement has, once it has the node's memory: nova-compute reports it each minute."""
        answer = ask(cloud, PLACEMENT, "GET", f"/resource_providers/{hypervisor.id}/inventories").json()["inventories"]
        inventories: dict[str, dict[str, float]] = answer
        least, most = sorted([before, real_memory(ctl1)])
        assert least - 1 <= inventories["MEMORY_MB"]["total"] <= most + 1
        return inventories

    found = eventually("Placement has the node's memory", counted, seconds=150)
    assert (found["VCPU"]["total"], found["VCPU"]["allocation_ratio"]) == (int(ctl1.output("nproc")), 16.0)
    assert (found["MEMORY_MB"]["reserved"], found["MEMORY_MB"]["allocation_ratio"]) == (64, 1.5)
    assert found["DISK_GB"]["total"] >= 1


def test_libvirt_has_the_keys_of_both_clients_of_ceph(scenario: Scenario, ctl1: Node) -> None:
    for client in ["nova", "cinder"]:
        value = ctl1.output(f"virsh secret-get-value {secret_of(scenario, client)}").strip()
        assert value == scenario.secret(f"ceph_key_client.{client}")


def test_libvirt_boots_the_guest_image_from_ceph(guest: Node) -> None:
    def booted() -> list[str]:
        events = console.parse(guest.output("cat /var/lib/nova/instances/probe.log"))
        return [event.kernel for event in events if isinstance(event, console.Boot)]

    assert eventually("the guest says that it has booted", booted, seconds=120)[0].endswith("-cloud-amd64")
    assert "vms/probe" in guest.output("virsh domblklist probe")
    watchers = guest.output(f"rbd {DISK} status probe")
    assert f"watcher={guest.address}:" in watchers


def test_a_guest_outlives_a_killed_libvirt(guest: Node) -> None:
    before = process(guest)
    assert before
    daemon = guest.kill("libvirtd")
    eventually(
        "libvirt is back and knows the guest", lambda: guest.output("virsh domstate probe").strip() == "running", 30
    )
    assert guest.main_process("libvirtd") != daemon
    assert process(guest) == before


def test_a_killed_nova_compute_comes_back_and_leaves_guests_alone(cloud: Connection, guest: Node) -> None:
    before, reported = process(guest), daemons(cloud)["nova-compute"]["updated_at"]
    assert before
    main = guest.main_process("nova-compute")
    guest.output("systemctl kill --signal=KILL nova-compute")

    def restarted() -> bool:
        return guest.main_process("nova-compute") != main

    def reports() -> bool:
        now = daemons(cloud)["nova-compute"]
        return bool(now["state"] == "up" and now["updated_at"] > reported)

    eventually("systemd has started nova-compute again", restarted, seconds=60)
    eventually("nova-compute reports again", reports, seconds=90)
    assert process(guest) == before
    guest.output("virsh destroy probe")
    assert guest.output("virsh list --all --name").strip() == ""
    assert not process(guest)


def test_a_disabled_compute_is_no_candidate_until_it_is_enabled(cloud: Connection) -> None:
    service = f"/os-services/{daemons(cloud)['nova-compute']['id']}"
    # What the scheduler asks Placement. The API tells nova-compute, which marks its host there.
    options = "/allocation_candidates?resources=VCPU:1,MEMORY_MB:128,DISK_GB:1&required=!COMPUTE_STATUS_DISABLED"

    def candidates() -> int:
        return len(ask(cloud, PLACEMENT, "GET", options).json()["allocation_requests"])

    eventually("the compute is a candidate", lambda: candidates() == 1)
    try:
        assert ask(cloud, NOVA, "PUT", service, {"status": "disabled"}).status_code == 200
        assert daemons(cloud)["nova-compute"]["status"] == "disabled"
        eventually("the compute is no candidate", lambda: candidates() == 0)
    finally:
        assert ask(cloud, NOVA, "PUT", service, {"status": "enabled"}).status_code == 200
    eventually("the compute is a candidate again", lambda: candidates() == 1)
    assert daemons(cloud)["nova-compute"]["status"] == "enabled"
