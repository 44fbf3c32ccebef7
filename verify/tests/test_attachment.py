"""What is attached and detached, and what becomes of it where the cloud does not do its part."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hoplab.flow.loader import load_journey
from hoplab.launch.attachment import AttachmentFailedError, Target, attach, detach, prepare_attachment
from hoplab.launch.instance import PreparedResources, server_request
from hoplab.launch.networks import TenantNetwork
from hoplab.launch.plan import Plan
from hoplab.model.errors import WaitTimeoutError
from hoplab.session.attempt import Attempt, request_ids
from hoplab.session.launch_journey import Launch
from hoplab.session.options import Options
from hoplab.session.volume_attach_journey import VolumeAttach
from samples.clock import Clock

ATTACH = "volume-attach"
TARGET = Target("instance-1", "hoplab-1", "cmp1", "volume-1", own=False)


def cloud(states: Iterator[str], *, servers: tuple[SimpleNamespace, ...] = ()) -> Any:
    """Return a cloud whose volume has one state after the other."""
    asked: list[str] = []
    compute = SimpleNamespace(
        create_volume_attachment=lambda server, **what: asked.append(f"attach {what['volume_id']} to {server}"),
        delete_volume_attachment=lambda server, volume, **_how: asked.append(f"detach {volume} from {server}"),
        servers=lambda: servers,
    )
    volumes = SimpleNamespace(get_volume=lambda _id: SimpleNamespace(status=next(states)))
    return SimpleNamespace(compute=compute, block_storage=volumes, asked=asked)


class TestAttachment:
    def test_the_volume_s_states_are_told_until_it_is_in_use(self) -> None:
        made = cloud(iter(["reserved", "reserved", "attaching", "in-use"]))
        looks: list[int] = []
        states = attach(made, TARGET, timeout=30, meanwhile=lambda: looks.append(1), clock=Clock())
        assert made.asked == ["attach volume-1 to instance-1"]
        assert [(state.status, state.seconds) for state in states] == [
            ("reserved", 0.0),
            ("attaching", 1.0),
            ("in-use", 1.5),
        ]
        assert len(looks) == 3

    @pytest.mark.parametrize("end", ["available", "error_attaching"])
    def test_one_that_is_given_up_is_an_error_with_its_states(self, end: str) -> None:
        with pytest.raises(AttachmentFailedError, match=f"volume volume-1 is {end}: it was not attached") as caught:
            attach(cloud(iter(["reserved", end])), TARGET, timeout=30, clock=Clock())
        assert [state.status for state in caught.value.states] == ["reserved", end]

    def test_one_that_never_comes_is_waited_for_no_longer_than_asked(self) -> None:
        clock = Clock()
        with pytest.raises(WaitTimeoutError, match="volume-1 in-use: not within 30 s; last seen: status reserved"):
            attach(cloud(iter(["reserved"] * 100)), TARGET, timeout=30, clock=clock)
        assert clock.now == pytest.approx(30)

    def test_detached_it_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hoplab.launch.waiting.time.sleep", lambda _seconds: None)
        made = cloud(iter(["detaching", "available"]))
        detach(made, TARGET, timeout=30)
        assert made.asked == ["detach volume-1 from instance-1"]

    @pytest.mark.parametrize(
        ("status", "task", "own_instance", "launched"),
        [
            ("ACTIVE", None, False, False),
            ("ACTIVE", None, True, True),
            ("SHUTOFF", None, False, True),
            ("ACTIVE", "deleting", False, True),
        ],
    )
    def test_a_running_instance_is_taken_else_one_is_launched(
        self, monkeypatch: pytest.MonkeyPatch, status: str, task: str | None, *, own_instance: bool, launched: bool
    ) -> None:
        there = SimpleNamespace(id="old", name="hoplab-1", status=status, task_state=task, compute_host="cmp2")
        fresh = SimpleNamespace(id="new", name="hoplab-verify-1", compute_host="cmp1")
        plans: list[Plan] = []

        def create(_cloud: object, plan: Plan, _prepared: object, **_more: object) -> tuple[SimpleNamespace, tuple[()]]:
            plans.append(plan)
            return fresh, ()

        monkeypatch.setattr("hoplab.launch.attachment.prepare", lambda *_all, **_more: None)
        monkeypatch.setattr("hoplab.launch.attachment.create_instance", create)
        monkeypatch.setattr("hoplab.launch.attachment.ensure_volume", lambda *_all: SimpleNamespace(id="v"))
        steps: list[str] = []
        target = prepare_attachment(
            cloud(iter([]), servers=(there,)),
            SimpleNamespace(),  # type: ignore[arg-type]  # a stand-in
            Plan(server="hoplab-verify-1", own_instance=own_instance, active_timeout=20),
            lambda _line: None,
            begins=lambda step, _service: steps.append(step),
            note=lambda _line: None,
            booted=lambda _id: True,
        )
        assert target.own is launched
        assert (target.instance_id, target.host) == (("new", "cmp1") if launched else ("old", "cmp2"))
        assert steps == (["instance", "instance", "guest", "volume"] if launched else ["instance", "volume"])
        # An instance that is not judged has no volume, and time enough.
        assert [(plan.volume_size, plan.active_timeout) for plan in plans] == ([(0, 120.0)] if launched else [])

    def test_an_instance_without_a_volume_is_asked_for_without_one(self) -> None:
        tenant: Any = TenantNetwork("net", "subnet", "router")
        network: Any = None
        prepared = PreparedResources("image", 1, "md5", "flavor", "key", Path("/k"), "group", network, tenant, "")
        assert len(server_request(Plan(), prepared)["block_device_mapping"]) == 1

    def test_the_ids_are_those_of_the_post_and_of_the_poll_that_saw_it_in_use(self) -> None:
        def record(method: str, path: str, request: str, **more: str) -> Mapping[str, Any]:
            return {"method": method, "path": path, "request": request, **more}

        records = [
            record("POST", "/v3/auth/tokens", "r0"),
            record("POST", "/v2.1/servers/i/os-volume_attachments", "r1"),
            record("GET", "/v3/volumes/v", "r2", state="attaching"),
            record("POST", "/v2.1/servers/i/action", "r3"),
            record("GET", "/v3/volumes/v", "r4", state="in-use"),
            record("GET", "/v3/volumes/v", "r5", state="in-use"),
        ]
        journey = VolumeAttach(Plan())
        catalogue = load_journey("volume-attach")
        assert request_ids(records, catalogue) == {"request": "r1", "poll-request": "r4"}
        assert request_ids(records[:3], catalogue) == {"request": "r1", "poll-request": "r2"}
        attempt = Attempt(journey, global_request_id="req-g")
        attempt.recorder.records.extend(records)
        assert attempt.known(catalogue, frozenset())["auth-request"] == {"r0"}

    def test_the_guest_is_waited_for_only_while_it_may_tell(self) -> None:
        journey = VolumeAttach(Plan())
        attempt = Attempt(journey)
        journey.target = Target("i", "n", "h", "0f3c2b1a-1111-4222-8333-944444444444", own=True)
        attempt.status = "in-use"
        assert journey.untold(attempt) == ["the volume"]
        attempt.console.took(
            "LABGUEST disk seen dev=vdb sectors=1 serial=0f3c2b1a-1111-4222-8 up=9.0\n"
            "LABGUEST disk rw ok dev=vdb wrote=[x] previous=[] up=9.5\n",
            began=1.0,
            ended=2.0,
        )
        assert journey.untold(attempt) == []
        attempt.console.text = ""
        attempt.status = "available"
        assert journey.untold(attempt) == []

    def test_what_stays_is_detached_and_what_goes_need_not_be(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone: list[str] = []
        monkeypatch.setattr("hoplab.session.volume_attach_journey.connect", lambda *_all: None)
        monkeypatch.setattr(
            "hoplab.session.volume_attach_journey.detach", lambda _cloud, target, **_more: gone.append(target.volume_id)
        )
        journey = VolumeAttach(Plan())
        lab: Any = None
        journey.release(lab, 10)
        journey.target = Target("i", "n", "h", "v", own=True)
        journey.release(lab, 10)
        assert gone == []
        journey.target = TARGET
        journey.release(lab, 10)
        assert gone == ["volume-1"]


def test_an_attachment_takes_the_image_that_all_share() -> None:
    assert [plan.image for plan in Options(journey=ATTACH).plans(["1"])] == [Plan().image]
    assert [type(option) for option in Options().journeys(["1"])] == [Launch]
    assert Options(journey=ATTACH, hosts=("cmp1",)).plans(["1"])[0].own_instance
