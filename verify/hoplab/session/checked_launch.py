"""The verb `launch`: prepare, boot, and read from the running system what became of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from openstack.connection import Connection

from hoplab.checks.ceph import check_object, check_watcher
from hoplab.checks.findings import Finding, fails, unknown
from hoplab.checks.guest import check_console, check_ssh
from hoplab.checks.instance import check_instance, failure_commands, judge_time
from hoplab.checks.nodes import check_nodes
from hoplab.checks.outcome import LaunchOutcome
from hoplab.lab.connection import translate_errors
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import NodeConnections, command_for_person
from hoplab.launch.adopt import adopt
from hoplab.launch.instance import LaunchedInstance, boot, prepare
from hoplab.launch.plan import Plan
from hoplab.launch.resources import InstanceFailedError
from hoplab.model.errors import HoplabError, LaunchError, SourceError

Say = Callable[[str], None]


@dataclass(slots=True)
class Progress:
    """How far a launch came, for its error messages."""

    server_id: str | None = field(default=None)

    def posted(self, server_id: str) -> None:
        """Note the instance's id."""
        self.server_id = server_id


def launch(
    cloud: Connection,
    deployment: Deployment,
    plan: Plan,
    *,
    global_request_id: str,
    say: Say,
    existing: bool = False,
    active: Callable[[], None] = lambda: None,
) -> LaunchOutcome:
    """Launch an instance and check everything about it.

    existing: take the instance of an earlier launch if it still runs. say: told each thing that is done; active: called
    when the instance is ACTIVE, before its guest has booted, so that something can be done meanwhile. What goes wrong
    becomes a finding; only ConfigurationError is raised.
    """
    for group in ("ceph_rgw", "ceph_mon"):
        deployment.first_in_group(group)  # A description that lacks them is refused before anything is made.
    with NodeConnections(deployment.ssh) as nodes:
        findings = list(check_nodes(nodes, deployment))
        progress = Progress()
        try:
            with translate_errors("launch"):
                found = adopt(cloud, deployment, plan, global_request_id=global_request_id) if existing else None
            if found is not None:
                active()
                say("reading the guest's console")
                findings += check_journey(cloud, nodes, deployment, plan, found)
                return LaunchOutcome(global_request_id, tuple(findings), found, booted=False)
            with translate_errors("launch"):
                prepared = prepare(cloud, deployment, plan, say)
                journey = boot(
                    cloud, plan, prepared, global_request_id=global_request_id, say=say, posted=progress.posted
                )
        except LaunchError as error:
            findings.append(failed_launch(deployment, error, global_request_id, progress.server_id))
            return LaunchOutcome(global_request_id, tuple(findings))
        except SourceError as error:
            findings.append(unknown("launch", "the cloud's APIs answer", str(error), str(deployment.clouds_file)))
            return LaunchOutcome(global_request_id, tuple(findings))
        active()
        say("reading the guest's console")
        findings += check_journey(cloud, nodes, deployment, plan, journey)
    return LaunchOutcome(global_request_id, tuple(findings), journey)


def check_journey(
    cloud: Connection, nodes: NodeConnections, deployment: Deployment, plan: Plan, journey: LaunchedInstance
) -> list[Finding]:
    """Read all that a launch left: from Nova, the guest and Ceph. What can't be read becomes an unknown finding."""
    router = router_command(deployment, journey)
    return [
        *guarded(f"instance {journey.server_name}", lambda: [check_instance(cloud, journey)]),
        judge_time(journey),
        *guarded("guest console", lambda: check_console(cloud, journey, plan)),
        *guarded("guest SSH", lambda: [check_ssh(deployment, journey, plan, router)]),
        *guarded("image in RGW", lambda: [check_object(nodes, deployment, journey)]),
        *guarded("volume's RBD watcher", lambda: [check_watcher(nodes, deployment, journey)]),
    ]


def guarded(subject: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Run a check; if it can't read its source, or breaks, that is an unknown finding and never a pass."""
    expected = "the source can be read"
    try:
        with translate_errors(subject):
            return list(check())
    except HoplabError as error:
        return [unknown(subject, expected, str(error), "the cloud's APIs")]
    except Exception as error:  # noqa: BLE001 a broken check must not take the others' findings with it
        return [unknown(subject, expected, f"the check itself broke: {type(error).__name__}: {error}", "hoplab")]


def router_command(deployment: Deployment, journey: LaunchedInstance) -> str | None:
    """Return the command that shows the router's address translation on the node that runs it."""
    for node, _ in deployment.running("neutron-l3-agent"):
        argv = ["ip", "netns", "exec", f"qrouter-{journey.router_id}", "iptables", "-t", "nat", "-S"]
        return command_for_person(deployment.ssh, node, argv)
    return None


def failed_launch(deployment: Deployment, error: LaunchError, global_request_id: str, server_id: str | None) -> Finding:
    """Return the finding for a launch that the cloud did not carry out, with the commands that show why."""
    seen = ""
    if isinstance(error, InstanceFailedError):
        path = " -> ".join(f"{state.status}/{state.task_state} {state.seconds:.1f}s" for state in error.states)
        seen = f"; states seen: {path}"
    needle = server_id or global_request_id
    commands = failure_commands(deployment, needle, error.services)
    if server_id:
        commands = (f"openstack server event list {server_id}", *commands)
    evidence = f"instance {server_id or 'not created'}, request {global_request_id}{seen}"
    return fails("launch", "the instance becomes ACTIVE", str(error), evidence, *commands)
