"""What Nova says of the instance, and where to look when a launch failed."""

from openstack.compute.v2.server import Server
from openstack.connection import Connection

from hoplab.checks.findings import Finding, fails, holds
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import command_for_person
from hoplab.launch.instance import LaunchedInstance, server_host


def addresses(server: Server) -> tuple[str, ...]:
    """Return the instance's addresses as Nova lists them, such as "10.77.0.5 (fixed)"."""
    found = server.addresses or {}
    return tuple(f"{item['addr']} ({item['OS-EXT-IPS:type']})" for items in found.values() for item in items)


def judge_instance(status: str, host: str, listed: tuple[str, ...], journey: LaunchedInstance) -> Finding:
    """Judge the instance by its status, host and addresses, read after the launch.

    Nova's list of addresses is its cache of Neutron, so the floating one may be missing for a moment: it is
    Neutron's word that counts for it (journey), Nova's for the rest.
    """
    expected = "ACTIVE on a compute host, with a fixed and a floating address"
    actual = f"{status} on {host or 'no host'}, {', '.join(listed) or 'no address'}"
    evidence = f"GET /servers/{journey.server_id}"
    fixed = any(entry.startswith(f"{journey.fixed_address} ") for entry in listed)
    floating = journey.floating_address
    if not any(entry.startswith(f"{floating} ") for entry in listed):
        actual += f", {floating} (floating, by Neutron)"
    if status == "ACTIVE" and host and fixed:
        return holds(f"instance {journey.server_name}", expected, actual, evidence)
    command = f"openstack server show {journey.server_id}"
    return fails(f"instance {journey.server_name}", expected, actual, evidence, command)


def judge_time(journey: LaunchedInstance) -> Finding:
    """Show how long the launch took and what the instance went through."""
    path = " -> ".join(
        f"{state.status}{'/' + state.task_state if state.task_state else ''} {state.seconds:.1f}"
        for state in journey.states
    )
    actual = f"{journey.seconds_to_active:.1f} s from POST to ACTIVE"
    return holds("launch time", "measured", actual, f"polled each 0.5 s: {path}; Nova request {journey.request_id}")


def check_instance(cloud: Connection, journey: LaunchedInstance) -> Finding:
    """Read the instance anew and judge it."""
    server = cloud.compute.get_server(journey.server_id)
    return judge_instance(str(server.status), server_host(server), addresses(server), journey)


NOVA = ("nova-scheduler", "nova-conductor", "nova-compute")


def failure_commands(deployment: Deployment, needle: str, services: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the commands that show what the services (scheduler, conductor and computes if none) logged of a launch.

    needle: the instance's id or the global request id, whichever is known.
    """
    commands = []
    for name in services or NOVA:
        for node, service in deployment.running(name):
            argv = ["journalctl", "--no-pager", "--since=-15min", "-u", service.unit]
            if service.logs:
                argv = ["grep", "-h", "-e", needle, "-e", "ERROR", *service.logs]
            commands.append(command_for_person(deployment.ssh, node, argv))
    return tuple(commands)
