"""An instance's whole life, step by step on one instance. The network and the volume's data are there after each."""

from collections.abc import Iterator

import pytest
from labhelp import BOOT_SECONDS, LIFE, STATE_SECONDS, Guest, allocations, clean, copy_of, say, wait_usage
from openstack.connection import Connection
from patience import patient

from hoplab.lab.connection import image_api, volume_api
from hoplab.launch.plan import SMALL, TINY
from hoplab.launch.resources import own_volumes, wait_deleted, wait_server, wait_volume
from hoplab.launch.waiting import Pending, wait_for
from hoplab.parse import guest as console

pytestmark = pytest.mark.lab

SNAPSHOT = "hoplab-life-snapshot"
COPY = "hoplab-life-copy"
SECOND = "hoplab-life-second"


def flavor_id(cloud: Connection, name: str) -> str:
    return str(next(flavor.id for flavor in cloud.compute.flavors() if flavor.name == name))


@pytest.fixture
def snapshot_removed(admin: Connection) -> Iterator[None]:
    """Take the snapshot and its copy away, whatever happened."""
    try:
        yield
    finally:
        for server in [server for server in admin.compute.servers() if server.name == COPY]:
            admin.compute.delete_server(server.id)
            wait_deleted(admin, str(server.id), timeout=patient(STATE_SECONDS))
        for image in list(image_api(admin).images(name=SNAPSHOT)):
            image_api(admin).delete_image(image.id)


@pytest.fixture
def second_volume(admin: Connection, guest: Guest) -> Iterator[str]:
    """A further volume, taken from the instance and deleted, whatever happened."""
    volume = volume_api(admin).create_volume(name=SECOND, size=1)
    try:
        wait_volume(admin, str(volume.id), "available", timeout=patient(60))
        yield str(volume.id)
    finally:
        if volume_api(admin).get_volume(volume.id).status == "in-use":
            admin.compute.delete_volume_attachment(guest.id, volume.id)
            wait_volume(admin, str(volume.id), "available", timeout=patient(60))
        volume_api(admin).delete_volume(volume.id)
        wait_for(
            "the second volume deleted",
            lambda: Pending("still there") if own_volumes(admin, SECOND) else True,
            timeout=patient(60),
        )


class TestLife:
    """The steps run in this order; each starts from an instance that runs."""

    chained = True

    def test_01_it_runs_with_network_and_volume(self, guest: Guest) -> None:
        guest.wait_state("ACTIVE")
        guest.assert_reachable()
        assert allocations(guest.cloud, guest.id), "Placement has no allocation for a running instance"

    def test_02_soft_reboot(self, guest: Guest) -> None:
        mark = guest.mark()
        guest.cloud.compute.reboot_server(guest.id, "SOFT")
        guest.wait_state("ACTIVE")
        guest.wait_new_start(mark)
        guest.assert_reachable()

    def test_03_hard_reboot(self, guest: Guest) -> None:
        mark = guest.mark()
        guest.cloud.compute.reboot_server(guest.id, "HARD")
        guest.wait_state("ACTIVE")
        guest.wait_new_start(mark)
        guest.assert_reachable()

    def test_04_stop_and_start(self, guest: Guest) -> None:
        mark = guest.mark()
        guest.cloud.compute.stop_server(guest.id)
        guest.wait_state("SHUTOFF")
        assert not guest.answers_now(), "a stopped guest answers"
        guest.cloud.compute.start_server(guest.id)
        guest.wait_state("ACTIVE")
        guest.wait_new_start(mark)
        guest.assert_reachable()

    def test_05_pause_and_unpause(self, guest: Guest) -> None:
        mark = guest.mark()
        guest.cloud.compute.pause_server(guest.id)
        guest.wait_state("PAUSED")
        assert not guest.answers_now(), "a paused guest answers"
        guest.cloud.compute.unpause_server(guest.id)
        guest.wait_state("ACTIVE")
        guest.assert_reachable()
        assert guest.mark() == mark, "the guest started anew, which unpausing must not do"

    @pytest.mark.usefixtures("snapshot_removed")
    def test_06_snapshot_and_boot_from_it(self, guest: Guest) -> None:
        cloud = guest.cloud
        image = cloud.compute.create_server_image(guest.id, SNAPSHOT)

        def uploaded() -> bool | Pending:
            seen = image_api(cloud).get_image(image.id)
            assert seen.status not in {"killed", "deleted", "error"}, f"the snapshot is {seen.status}"
            return True if seen.status == "active" and seen.size else Pending(f"{seen.status}, {seen.size} bytes")

        wait_for("the snapshot uploaded", uploaded, timeout=patient(300), interval=1)
        guest.wait_state("ACTIVE")
        guest.assert_reachable()
        created = cloud.compute.create_server(
            name=COPY,
            image_id=image.id,
            flavor_id=guest.journey.flavor_id,
            networks=[{"uuid": guest.journey.network_id}],
        )
        wait_server(cloud, str(created.id), "ACTIVE", timeout=patient(LIFE.active_timeout))
        copy = copy_of(guest, str(created.id))

        def told() -> bool | Pending:
            metadata = [event for event in copy.events() if isinstance(event, console.MetadataOk)]
            return True if any(event.uuid == copy.id for event in metadata) else Pending(copy.last_line())

        wait_for("the copy's metadata line", told, timeout=patient(BOOT_SECONDS), interval=1)
        assert any(isinstance(event, console.DhcpOk) for event in copy.events())

    def test_07_attach_and_detach_a_second_volume(self, guest: Guest, second_volume: str) -> None:
        first = self.attach(guest, second_volume)
        assert first.previous == "", "a new volume is not empty"
        self.detach(guest, second_volume, first.device)
        again = self.attach(guest, second_volume)
        assert again.previous == first.wrote, "the data did not survive"
        self.detach(guest, second_volume, again.device)
        guest.assert_reachable()

    def attach(self, guest: Guest, volume_id: str) -> console.DiskWrite:
        """Attach a volume and return what the guest then wrote to it."""
        before = len(guest.writes(volume_id))
        guest.cloud.compute.create_volume_attachment(guest.id, volume_id)
        wait_volume(guest.cloud, volume_id, "in-use", timeout=patient(60))

        def written() -> console.DiskWrite | Pending:
            writes = guest.writes(volume_id)
            return writes[-1] if len(writes) > before else Pending(guest.last_line())

        return wait_for("the guest's write to the volume", written, timeout=patient(60), interval=1)

    def detach(self, guest: Guest, volume_id: str, device: str) -> None:
        """Detach a volume and wait until the guest says so."""

        def count() -> int:
            events = guest.events()
            return sum(isinstance(event, console.DiskGone) and event.device == device for event in events)

        before = count()
        guest.cloud.compute.delete_volume_attachment(guest.id, volume_id)
        wait_volume(guest.cloud, volume_id, "available", timeout=patient(60))

        def gone() -> bool | Pending:
            return True if count() > before else Pending(guest.last_line())

        wait_for(f"the guest sees that {device} is gone", gone, timeout=patient(60), interval=1)

    def test_08_resize_and_confirm(self, guest: Guest) -> None:
        mark = guest.mark()
        guest.cloud.compute.resize_server(guest.id, flavor_id(guest.cloud, SMALL.name))
        guest.wait_state("VERIFY_RESIZE")
        guest.cloud.compute.confirm_server_resize(guest.id)
        guest.wait_state("ACTIVE")
        assert guest.flavor() == SMALL.name
        guest.wait_new_start(mark)
        guest.assert_reachable()
        total = int(guest.output("grep", "MemTotal", "/proc/meminfo").split()[1])
        assert total > TINY.memory * 1024, f"the guest sees {total} kB of memory"

    def test_09_resize_and_revert(self, guest: Guest) -> None:
        mark = guest.mark()
        guest.cloud.compute.resize_server(guest.id, flavor_id(guest.cloud, TINY.name))
        guest.wait_state("VERIFY_RESIZE")
        guest.wait_new_start(mark)
        mark = guest.mark()
        guest.cloud.compute.revert_server_resize(guest.id)
        guest.wait_state("ACTIVE")
        assert guest.flavor() == SMALL.name
        guest.wait_new_start(mark)
        guest.assert_reachable()

    def test_10_delete_leaves_no_allocation_and_no_quota_used(
        self, guest: Guest, admin: Connection, usage_before: dict[str, int]
    ) -> None:
        admin.compute.delete_server(guest.id)
        wait_deleted(admin, guest.id, timeout=patient(LIFE.delete_timeout))
        assert allocations(admin, guest.id) == {}
        wait_volume(admin, guest.journey.volume_id, "available", timeout=patient(60))
        clean(admin, LIFE)
        say("all of it is gone; counting")
        wait_usage(admin, usage_before)
