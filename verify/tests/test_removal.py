"""What launches made is removed within a time; what can't be is named with what helps, and is in nobody's way."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openstack import exceptions

from hoplab.capture.session import CaptureSession
from hoplab.launch.removal import INSTANCES, VOLUMES, Budget, ResourceKind, remove
from hoplab.model.errors import ConfigurationError
from hoplab.run.record import make_directory, write_json
from hoplab.session.options import Options


class Things:
    """A cloud with things that go when they are asked to, in the ordinary way or by force, or that stay."""

    def __init__(self, **stubborn: str) -> None:
        self.there = {
            name: SimpleNamespace(id=name, name=f"hoplab-verify-{name}", status="error_deleting") for name in stubborn
        }
        self.stubborn = stubborn
        self.asked: list[str] = []

    def kind(self) -> ResourceKind:
        """Return how they are removed."""
        return ResourceKind(
            "volume",
            lambda _cloud, mine: [one for one in self.there.values() if mine(one.name)],
            lambda _cloud, one: self._ask(one, "deleted"),
            lambda _cloud, one: self._ask(one, "forced"),
            "openstack volume delete --force {id}",
        )

    def _ask(self, thing: Any, how: str) -> None:
        self.asked.append(f"{thing.id} {how}")
        if self.stubborn[thing.id] == "refused":
            raise exceptions.ConflictException("in use")
        if self.stubborn[thing.id] == how:
            del self.there[thing.id]


def mine(name: str) -> bool:
    """Tell whether a thing is a run's."""
    return name.startswith("hoplab-verify-")


def test_what_goes_goes_and_what_stays_is_named_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hoplab.launch.waiting.time.sleep", lambda _seconds: None)
    things = Things(a="deleted", b="forced", c="never", d="refused")
    removal = remove(SimpleNamespace(), things.kind(), mine, Budget(2))  # type: ignore[arg-type]  # a stand-in
    assert removal.removed == ("hoplab-verify-a", "hoplab-verify-b")
    assert removal.problem == (
        "c is error_deleting: `openstack volume delete --force c`; "
        "d is error_deleting (in use): `openstack volume delete --force d`"
    )
    assert [one for one in things.asked if one.startswith("a")] == ["a deleted"]


def test_things_of_others_are_left_alone() -> None:
    things = Things(a="deleted")
    things.there["x"] = SimpleNamespace(id="x", name="theirs", status="error")
    assert remove(SimpleNamespace(), things.kind(), mine, Budget(2)).problem is None  # type: ignore[arg-type]  # a stand-in
    assert list(things.there) == ["x"]


def test_a_budget_leaves_something_for_the_others() -> None:
    budget = Budget(30)
    assert 18 < budget.share(40) <= 20
    assert budget.share(5) == 5
    assert Budget(0).share(40) == 1


def test_an_instance_that_waits_for_its_port_is_told_not_to() -> None:
    events: list[Any] = []
    ports = [SimpleNamespace(id="p1", status="DOWN"), SimpleNamespace(id="p2", status="ACTIVE")]
    cloud: Any = SimpleNamespace(
        compute=SimpleNamespace(delete_server=lambda *_all, **_more: None, create_server_external_events=events.extend),
        network=SimpleNamespace(ports=lambda **_wanted: ports),
    )
    INSTANCES.delete(cloud, SimpleNamespace(id="i1", status="ACTIVE"))
    assert events == []
    INSTANCES.delete(cloud, SimpleNamespace(id="i1", status="BUILD"))
    assert events == [{"name": "network-vif-plugged", "server_uuid": "i1", "tag": "p1", "status": "failed"}]


def test_a_volume_s_state_is_no_obstacle() -> None:
    told: list[str] = []
    api = SimpleNamespace(
        reset_volume_status=lambda _id, **to: told.append(f"{to['status']} {to['attach_status']}"),
        delete_volume=lambda _id, **how: told.append(f"force {how['force']}"),
    )
    VOLUMES.force(SimpleNamespace(block_storage=api), SimpleNamespace(id="v1"))  # type: ignore[arg-type]  # a stand-in
    assert told == ["error detached", "force True"]


def test_names_are_each_run_s_own() -> None:
    plans = [*Options().plans(["1f2e3d4c"]), *Options().plans(["5a6b7c8d"])]
    assert [plan.server for plan in plans] == ["hoplab-verify-1f2e3d4c", "hoplab-verify-5a6b7c8d"]
    assert [plan.image for plan in plans] == [plan.server for plan in plans]


class TestFullDisk:
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
    def test_a_run_s_directory_without_room_is_named_before_anything_is_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        def full(*_all: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "posix_fallocate", full)
        with pytest.raises(ConfigurationError, match=rf"{tmp_path}/r1: cannot be written \(.*\): free space there, or"):
            make_directory(tmp_path / "r1")

    def test_room_is_given_back(self, tmp_path: Path) -> None:
        make_directory(tmp_path / "runs" / "r1")
        assert list((tmp_path / "runs" / "r1").iterdir()) == []

    def test_a_file_in_the_way_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "runs").write_text("")
        with pytest.raises(ConfigurationError, match="runs/r1: cannot be written"):
            make_directory(tmp_path / "runs" / "r1")

    def test_a_recording_goes_on_and_says_so_at_its_end(self, tmp_path: Path) -> None:
        recording = CaptureSession(tmp_path)
        (tmp_path / "ctl1").mkdir()
        (tmp_path / "ctl1" / "log").symlink_to("/dev/full")
        for _ in range(3):
            recording.write("ctl1", "log", "x" * 100_000 + "\n")
        recording.flush()
        recording.write("ctl1", "other", "y\n")
        recording.close()
        with pytest.raises(OSError, match="No space left on device"):
            recording.check()
        assert (tmp_path / "ctl1" / "other").read_text() == "y\n"

    def test_a_directory_that_is_gone_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"gone/journey.json: cannot be written \(No such file"):
            write_json(tmp_path / "gone" / "journey.json", {})
