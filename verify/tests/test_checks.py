import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hoplab.checks import ceph, guest, instance
from hoplab.checks.findings import CheckResult, Finding
from hoplab.checks.nodes import UnitState, check_nodes, judge, parse_show
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import NodeConnections
from hoplab.launch.instance import LaunchedInstance
from hoplab.model.errors import SourceError
from hoplab.parse.guest import parse
from hoplab.session.checked_launch import guarded

ACTIVE = "LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n"
FAILED = "LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n"
MISSING = "LoadState=not-found\nActiveState=inactive\nSubState=dead\nResult=success\n"


def test_unit_states_are_read_in_order() -> None:
    states = parse_show(f"{ACTIVE}\n{FAILED}\n{MISSING}")
    assert [str(state) for state in states] == ["active (running)", "failed (failed), result exit-code", "not-found"]


def test_a_failed_unit_is_named_with_its_state_and_log_command(deployment: Deployment) -> None:
    finding = judge(deployment.nodes[0], parse_show(FAILED), ["journalctl -u nova-scheduler"])
    assert finding.verdict is CheckResult.FAILS
    assert finding.actual == "nova-scheduler.service is failed (failed), result exit-code"
    assert finding.next_commands == ("journalctl -u nova-scheduler",)


@pytest.mark.parametrize("states", [(), (UnitState("a.service", "loaded", "active", "running", ""),) * 2])
def test_units_that_systemd_does_not_tell_of_are_unknown(deployment: Deployment, states: Sequence[UnitState]) -> None:
    assert judge(deployment.nodes[0], states, ["x"]).verdict is CheckResult.UNKNOWN


def test_nodes_are_each_asked_once_and_told_in_order(deployment: Deployment) -> None:
    asked: list[str] = []

    def runner(argv: Sequence[str], _: float) -> "subprocess.CompletedProcess[str]":
        asked.append(argv[-3])
        if argv[-3] == "root@172.29.20.21":
            return subprocess.CompletedProcess(argv, 255, "", "Connection timed out")
        return subprocess.CompletedProcess(argv, 0, ACTIVE if "systemctl" in argv[-1] else "", "")

    with NodeConnections(deployment.ssh, runner=runner) as nodes:
        findings = check_nodes(nodes, deployment)
    assert sorted(asked) == ["root@172.29.20.11", "root@172.29.20.21", "root@172.29.20.31"]
    assert [(finding.subject, finding.verdict) for finding in findings] == [
        ("node ctl1", CheckResult.HOLDS),
        ("node cmp1", CheckResult.FAILS),
        ("node ceph1", CheckResult.HOLDS),
    ]
    assert "Connection timed out" in findings[1].actual


def guest_lines(journey: LaunchedInstance) -> str:
    return "\n".join(
        [
            "LABGUEST boot kernel=6 up=3.1",
            f"LABGUEST dhcp ok ip={journey.fixed_address}/24 mac=m server=s router=r lease=1 mtu=1450 routes=[] up=3.4",
            f"LABGUEST metadata ok uuid={journey.server_id} hostname=hoplab-1 up=3.7",
            f"LABGUEST disk seen dev=vdb sectors=2097152 serial={journey.volume_id[:20]} up=4.0",
            "LABGUEST disk rw ok dev=vdb wrote=[LABVOL vdb a] previous=[] up=4.1",
        ]
    )


def test_a_console_with_all_lines_of_this_launch_holds(journey: LaunchedInstance) -> None:
    findings = guest.judge_console(parse(guest_lines(journey)), journey)
    assert [finding.verdict for finding in findings] == [CheckResult.HOLDS] * 3
    assert journey.volume_id[:20] in findings[2].actual


@pytest.mark.parametrize(("field", "which"), [("fixed_address", 0), ("server_id", 1), ("volume_id", 2)])
def test_another_launch_s_line_proves_nothing(journey: LaunchedInstance, field: str, which: int) -> None:
    other = {"fixed_address": "10.77.0.1", "server_id": "other", "volume_id": "dddddddd-0000-0000-0000-000000000001"}
    events = parse(guest_lines(journey))
    changed = replace(journey, **{field: other[field]})  # type: ignore[arg-type]  # fields of text alone
    findings = guest.judge_console(events, changed)
    assert [finding.verdict is CheckResult.FAILS for finding in findings] == [which == index for index in range(3)]


def test_lines_from_before_the_last_start_prove_nothing(journey: LaunchedInstance) -> None:
    events = parse(f"{guest_lines(journey)}\nLABGUEST boot kernel=6 up=3.1\n")
    assert {finding.verdict for finding in guest.judge_console(events, journey)} == {CheckResult.FAILS}


def test_a_guest_that_failed_says_so_in_the_finding(journey: LaunchedInstance) -> None:
    events = parse("LABGUEST dhcp fail try=2 mac=m up=25.06\nLABGUEST metadata fail try=1 timed out up=37.3")
    dhcp, metadata, _ = guest.judge_console(events, journey)
    assert dhcp.actual.startswith("dhcp fail try=2")
    assert metadata.actual.startswith("metadata fail try=1")


@pytest.mark.parametrize("form", ["{}", '{{"uuid": "{}"}}'])
def test_the_guest_that_answers_has_to_be_this_instance(journey: LaunchedInstance, form: str) -> None:
    text = f"hoplab-1\nLinux 6.12\n{form.format(journey.server_id.upper())}\n"
    assert guest.judge_ssh(text, journey).verdict is CheckResult.HOLDS
    assert guest.judge_ssh("hoplab-1\nLinux 6.12\nanother-id\n", journey).verdict is CheckResult.FAILS
    assert guest.judge_ssh("", journey).verdict is CheckResult.FAILS


@pytest.mark.parametrize(
    ("status", "host", "listed", "verdict"),
    [
        ("ACTIVE", "cmp1", ("10.77.0.11 (fixed)", "172.29.22.107 (floating)"), CheckResult.HOLDS),
        ("ACTIVE", "cmp1", ("10.77.0.11 (fixed)",), CheckResult.HOLDS),
        ("ACTIVE", "cmp1", ("10.77.0.110 (fixed)",), CheckResult.FAILS),
        ("ACTIVE", "", ("10.77.0.11 (fixed)",), CheckResult.FAILS),
        ("ERROR", "cmp1", ("10.77.0.11 (fixed)",), CheckResult.FAILS),
    ],
)
def test_the_instance_is_judged(
    journey: LaunchedInstance, status: str, host: str, listed: tuple[str, ...], verdict: CheckResult
) -> None:
    finding = instance.judge_instance(status, host, listed, journey)
    assert finding.verdict is verdict
    assert "172.29.22.107 (floating" in finding.actual


def test_the_launch_time_is_told_to_a_tenth_of_a_second(journey: LaunchedInstance) -> None:
    finding = instance.judge_time(journey)
    assert finding.actual == "14.3 s from POST to ACTIVE"
    assert "BUILD/spawning 0.5 -> ACTIVE 14.3" in finding.evidence


def test_a_failed_launch_names_the_logs_of_scheduler_and_compute(deployment: Deployment) -> None:
    commands = instance.failure_commands(deployment, "the-id")
    assert len(commands) == 2
    assert "grep -h -e the-id -e ERROR /var/log/nova/s.log" in commands[0]
    assert "journalctl --no-pager --since=-15min -u nova-compute.service" in commands[1]


def entry(name: str, size: int, etag: str = "") -> dict[str, object]:
    return {"name": name, "instance": "", "meta": {"size": size, "etag": etag}}


def bucket(*entries: dict[str, object]) -> tuple[ceph.StoredObject, ...]:
    return ceph.parse_bucket(json.dumps(list(entries)))


def test_the_image_s_object_needs_its_id_size_and_checksum(journey: LaunchedInstance) -> None:
    good = entry(journey.image_id, 1000, journey.image_checksum)
    assert ceph.judge_object(bucket(good, entry("x", 5)), journey, "c").verdict is CheckResult.HOLDS
    for bad in (entry("x", 1000), entry(journey.image_id, 999), entry(journey.image_id, 1000, "other")):
        assert ceph.judge_object(bucket(bad), journey, "c").verdict is CheckResult.FAILS
    assert ceph.judge_object((), journey, "c").actual == "no such object"


def test_an_image_in_segments_is_added_up(journey: LaunchedInstance) -> None:
    parts = (entry(f"{journey.image_id}-0000{number}", 500) for number in (1, 2))
    assert ceph.judge_object(bucket(entry(journey.image_id, 0), *parts), journey, "c").verdict is CheckResult.HOLDS


@pytest.mark.parametrize("text", ["", "{}x", '{"a": 1}', "[1]", '[{"name": "a"}]', "null", "7"])
def test_a_bucket_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the JSON parser's own words differ
        ceph.parse_bucket(text)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ('{"watchers":[{"address":"172.29.20.21:0/301","client":4567,"cookie":1}]}', ("172.29.20.21:0/301",)),
        ('{"watchers":{"watcher1":{"address":"172.29.20.21:0/301"}}}', ("172.29.20.21:0/301",)),
        ('{"watchers":[]}', ()),
    ],
)
def test_watchers_are_read(text: str, addresses: tuple[str, ...]) -> None:
    assert ceph.parse_watchers(text) == addresses


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"watchers":[1]}', "null"])
def test_a_status_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the JSON parser's own words differ
        ceph.parse_watchers(text)


@pytest.mark.parametrize(
    ("address", "ip"),
    [
        ("172.29.20.21:0/301", "172.29.20.21"),
        ("v1:172.29.20.21:0/301", "172.29.20.21"),
        ("[fd00::21]:0/301", "fd00::21"),
        ("-", ""),
    ],
)
def test_a_watcher_s_address(address: str, ip: str) -> None:
    assert ceph.watcher_ip(address) == ip


def test_only_the_instance_s_own_host_counts_as_watcher(journey: LaunchedInstance) -> None:
    ours, other = "172.29.20.21:0/301", "172.29.20.22:0/302"
    assert ceph.judge_watchers((other, ours), "172.29.20.21", journey, "c").verdict is CheckResult.HOLDS
    assert ceph.judge_watchers((other,), "172.29.20.21", journey, "c").verdict is CheckResult.FAILS
    assert ceph.judge_watchers(("172.29.20.211:0/1",), "172.29.20.21", journey, "c").verdict is CheckResult.FAILS
    assert ceph.judge_watchers((), "172.29.20.21", journey, "c").actual == "no watcher"


def test_a_host_that_is_no_node_of_the_lab_is_unknown(deployment: Deployment, journey: LaunchedInstance) -> None:
    with NodeConnections(deployment.ssh, runner=lambda *_: pytest.fail("nothing to ask")) as nodes:
        finding = ceph.check_watcher(nodes, deployment, replace(journey, host="elsewhere"))
    assert finding.verdict is CheckResult.UNKNOWN


def test_a_check_that_breaks_is_unknown_and_never_a_pass() -> None:
    def broken() -> list[Finding]:
        raise KeyError("addr")

    def unreadable() -> list[Finding]:
        raise SourceError("no answer")

    assert [finding.verdict for finding in guarded("x", broken)] == [CheckResult.UNKNOWN]
    assert "KeyError" in guarded("x", broken)[0].actual
    assert guarded("x", unreadable)[0].actual == "no answer"
