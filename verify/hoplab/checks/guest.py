"""What the guest itself says: on its console, and over SSH through router and floating IP."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from openstack.connection import Connection

from hoplab.checks.findings import Finding, fails, holds
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import Target, execute
from hoplab.launch.instance import LaunchedInstance
from hoplab.launch.plan import GUEST_USER, Plan
from hoplab.launch.waiting import SYSTEM_CLOCK, Clock, Pending, wait_for
from hoplab.model.errors import SourceError, WaitTimeoutError
from hoplab.parse import guest as console

METADATA_URL = "http://169.254.169.254/openstack/latest/meta_data.json"
SSH_ARGV = (
    "sh",
    "-c",
    f"uname -n; uname -sr; cat /sys/class/dmi/id/product_uuid 2>/dev/null || wget -q -T 5 -O - {METADATA_URL}",
)
"""Name, kernel, and the machine's own id, which Nova sets to the instance's; without SMBIOS, what metadata tells."""


def console_text(cloud: Connection, server_id: str) -> str:
    """Return the instance's console output as Nova gives it; empty if there is none yet."""
    output = cloud.compute.get_server_console_output(server_id)
    return str(output.get("output") or "")


def judge_console(events: Sequence[console.GuestEvent], journey: LaunchedInstance) -> tuple[Finding, Finding, Finding]:
    """Judge the DHCP, metadata and volume lines since the guest's last start, each by this launch's ids."""
    recent = console.last_boot(events)
    command = f"openstack console log show {journey.server_id}"
    where = "console: "

    def finding(subject: str, expected: str, hits: Sequence[str], others: Sequence[str]) -> Finding:
        if hits:
            return holds(subject, expected, hits[-1], f"{where}{hits[-1]}")
        return fails(subject, expected, others[-1] if others else "no such line", f"{where}server output", command)

    leases = [event for event in recent if isinstance(event, console.DhcpOk)]
    told = [event for event in recent if isinstance(event, console.MetadataOk)]
    writes = console.disk_writes(recent)
    serial = console.disk_serial(journey.volume_id)
    return (
        finding(
            "guest DHCP",
            f"an address leased: {journey.fixed_address}",
            [event.line for event in leases if event.ip == journey.fixed_address],
            [event.line for event in recent if isinstance(event, console.DhcpOk | console.DhcpFail)],
        ),
        finding(
            "guest metadata",
            f"metadata of instance {journey.server_id}",
            [event.line for event in told if event.uuid == journey.server_id],
            [event.line for event in recent if isinstance(event, console.MetadataOk | console.MetadataFail)],
        ),
        finding(
            "guest volume",
            f"volume {journey.volume_id} written and read back",
            [f"{write.line} serial={write.serial}" for write in writes if write.serial == serial],
            [event.line for event in recent if isinstance(event, console.DiskSeen | console.DiskRwFail)],
        ),
    )


def check_console(
    cloud: Connection, journey: LaunchedInstance, plan: Plan, clock: Clock = SYSTEM_CLOCK
) -> tuple[Finding, ...]:
    """Read the console until all its lines are there or the time is up, and judge what it then says."""
    latest: list[tuple[Finding, ...]] = []

    def complete() -> bool | Pending:
        findings = judge_console(console.parse(console_text(cloud, journey.server_id)), journey)
        latest[:] = [findings]
        missing = [finding.subject for finding in findings if finding.next_commands]
        return Pending(f"missing: {', '.join(missing)}") if missing else True

    with suppress(WaitTimeoutError):  # What is missing is in the findings themselves.
        wait_for("the guest's lines", complete, timeout=plan.console_timeout, interval=1, clock=clock)
    return latest[0]


def guest_target(deployment: Deployment, address: str, key: Path) -> Target:
    """Return how a guest is reached; it makes new host keys at each start, so none are remembered."""
    known_hosts = deployment.directory / "guest" / f"known_hosts.{address}"
    return Target(f"guest {address}", address, GUEST_USER, 22, key, known_hosts, changing_key=True)


def judge_ssh(stdout: str, journey: LaunchedInstance) -> Finding:
    """Judge a guest's answer to SSH_ARGV: its machine id has to be the instance's, or else any guest could answer."""
    expected = f"the guest of instance {journey.server_id} answers"
    lines = [line.strip() for line in stdout.splitlines() if line.strip()]
    evidence = f"ssh {GUEST_USER}@{journey.floating_address} uname, product_uuid: {' | '.join(lines)}"
    command = f"ssh -i {journey.key_file} {GUEST_USER}@{journey.floating_address}"
    name = lines[0] if lines else "nothing"
    if any(journey.server_id.lower() in line.lower() for line in lines[2:]):
        return holds("guest SSH", expected, f"{name} ({lines[1]}) answers at {journey.floating_address}", evidence)
    return fails("guest SSH", expected, f"{name} answered, without this instance's id", evidence, command)


def check_ssh(
    deployment: Deployment,
    journey: LaunchedInstance,
    plan: Plan,
    namespace_command: str | None,
    clock: Clock = SYSTEM_CLOCK,
) -> Finding:
    """Log in to the guest through the router and the floating IP, again and again until it answers or time is up.

    namespace_command: what a person runs to look at the router, None if no node runs one.
    """
    target = guest_target(deployment, journey.floating_address, journey.key_file)

    def answered() -> Finding | Pending:
        try:
            result = execute(target, SSH_ARGV, timeout=15)
        except SourceError as error:
            return Pending(str(error))
        return judge_ssh(result.stdout, journey)

    try:
        return wait_for("SSH into the guest", answered, timeout=plan.ssh_timeout, interval=2, clock=clock)
    except WaitTimeoutError as error:
        look = (f"ping -c 3 {journey.floating_address}", *((namespace_command,) if namespace_command else ()))
        expected = f"the guest of instance {journey.server_id} answers"
        return fails("guest SSH", expected, str(error), f"ssh {GUEST_USER}@{journey.floating_address}", *look)
