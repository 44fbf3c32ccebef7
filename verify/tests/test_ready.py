"""When a lab is ready: what still keeps one waiting, and who is said to have come last."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from hoplab.checks.findings import fails, holds
from hoplab.model.errors import SourceError, WaitTimeoutError
from hoplab.session import readiness as ready
from hoplab.session.readiness import ceph_unhealthy, wait_ready

BOOTED = 1_795_780_800  # 2026-11-27 12:00:00 UTC
FRESH = "2026-11-27T12:00:20.000000"
STALE = "2026-11-27T11:59:50.000000"


class Lab:
    """Stands for a deployment, its nodes and its cloud; each answer is what the test has set."""

    def __init__(self) -> None:
        self.units_active = True
        self.nova: dict[str, Any] = {"state": "up", "updated_at": FRESH}
        self.neutron: dict[str, Any] = {"is_alive": True, "last_heartbeat_at": "2026-11-27 12:00:20+00:00"}
        self.health: str = '{"status": "HEALTH_OK", "checks": {}}'
        self.identity: Exception | None = None
        self.nodes = (SimpleNamespace(name="ctl1"), SimpleNamespace(name="cmp1"))
        self.ssh = None

    def running(self, _service: str) -> tuple[Any, ...]:
        return ((self.nodes[0], None),)

    def read(self, _node: Any, argv: Any, **_: Any) -> str:
        return f"UserspaceTimestamp=@{BOOTED}\n" if argv == ready.START else self.health

    def finding(self, _nodes: Any, _deployment: Any) -> tuple[Any, ...]:
        if self.units_active:
            return (holds("node ctl1", "", "", ""),)
        return (fails("node ctl1", "", "mariadb.service is activating (start)", ""),)

    @property
    def cloud(self) -> Any:
        compute = SimpleNamespace(binary="nova-compute", host="cmp1", status="enabled", **self.nova)
        agent = SimpleNamespace(binary="neutron-l3-agent", host="net1", **self.neutron)
        return SimpleNamespace(
            current_project_id="p",
            compute=SimpleNamespace(services=lambda: [compute]),
            network=SimpleNamespace(agents=lambda: [agent]),
            block_storage=SimpleNamespace(services=list),
            image=SimpleNamespace(images=lambda **_: iter(())),
            placement=SimpleNamespace(resource_providers=lambda: iter(())),
        )


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab()

    class Nodes:
        def __init__(self, _ssh: Any) -> None: ...

        def __enter__(self) -> Lab:
            return made

        def __exit__(self, *_: object) -> None: ...

    def connected(*_: Any) -> Any:
        if made.identity:
            raise made.identity
        return made.cloud

    monkeypatch.setattr(ready, "NodeConnections", Nodes)
    monkeypatch.setattr(ready, "connect", connected)
    monkeypatch.setattr(ready, "check_nodes", made.finding)
    return made


def missing(lab: Lab) -> str:
    """What is still waited for."""
    with pytest.raises(WaitTimeoutError) as caught:
        wait_ready(lab, lambda _: None, timeout=0)  # type: ignore[arg-type]  # it stands for one
    return caught.value.last_seen


def test_a_lab_where_all_answers_is_ready(lab: Lab) -> None:
    said: list[str] = []
    wait_ready(lab, said.append, timeout=0)  # type: ignore[arg-type]  # it stands for one
    assert said == ["every service of the lab answers"]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"units_active": False}, "node ctl1: mariadb.service is activating (start)"),
        ({"identity": SourceError("ask Keystone: no answer")}, "ask Keystone: no answer"),
        ({"nova": {"state": "down", "updated_at": FRESH}}, "nova-compute@cmp1"),
        # Up by its word, but the word is of an earlier life.
        ({"nova": {"state": "up", "updated_at": STALE}}, "nova-compute@cmp1"),
        ({"nova": {"state": "up", "updated_at": None}}, "nova-compute@cmp1"),
        ({"neutron": {"is_alive": True, "last_heartbeat_at": "2026-11-27 11:00:00"}}, "neutron-l3-agent@net1"),
        ({"health": '{"checks": {"OSD_DOWN": {}, "POOL_APP_NOT_ENABLED": {}}}'}, "OSD_DOWN"),
    ],
)
def test_what_is_missing_is_named(lab: Lab, change: dict[str, Any], left: str) -> None:
    for name, value in change.items():
        setattr(lab, name, value)
    assert missing(lab) == left


def test_who_came_last_is_said(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.nova["state"] = "down"
    moments: Iterator[float] = iter((BOOTED + 20.0, BOOTED + 31.4))

    def now() -> float:
        moment = next(moments)
        if moment > BOOTED + 30:
            return moment
        lab.nova["state"] = "up"
        return moment

    monkeypatch.setattr(ready, "time", SimpleNamespace(time=now))
    said: list[str] = []
    wait_ready(lab, said.append, timeout=20)  # type: ignore[arg-type]  # it stands for one
    assert said == [
        "every service of the lab answers; the last were nova-compute@cmp1 (31 s after the first node's start)"
    ]


def test_only_what_a_fault_can_cause_counts_of_ceph(lab: Lab) -> None:
    lab.health = '{"checks": {"MON_DOWN": {}, "AUTH_INSECURE_GLOBAL_ID_RECLAIM_ALLOWED": {}}}'
    assert list(ceph_unhealthy(lab, lab)) == ["MON_DOWN"]  # type: ignore[arg-type]  # it stands for both
