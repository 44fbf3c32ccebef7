"""Each hop's hint, run where it says, shows something: of the instance that `make lab` launched."""

import pytest
from openstack.connection import Connection

from hoplab.flow.loader import load as load_flows
from hoplab.flow.model import Hint
from hoplab.lab.connection import new_request_id
from hoplab.lab.deployment import Deployment, Node
from hoplab.lab.places import nodes_running
from hoplab.lab.ssh import NodeConnections
from hoplab.launch.adopt import adopt
from hoplab.launch.instance import LaunchedInstance
from hoplab.launch.plan import Plan

pytestmark = pytest.mark.lab

HINTS = {(hop.hint.at, hop.hint.run): hop.hint for hop in load_flows().hops.values() if hop.hint.at != "client"}


@pytest.fixture(scope="module")
def journey(admin: Connection, deployment: Deployment) -> LaunchedInstance:
    found = adopt(admin, deployment, Plan(), global_request_id=new_request_id())
    assert found is not None, "the instance of `make lab` does not run: make launch"
    return found


def places(deployment: Deployment, hint: Hint, journey: LaunchedInstance) -> tuple[Node, ...]:
    if hint.at != "host":
        return nodes_running(deployment, hint.at)
    host = deployment.find_node(journey.host)
    return (host,) if host else ()


@pytest.mark.parametrize("hint", HINTS.values(), ids=[run[:60] for _at, run in HINTS])
def test_a_hint_shows_something(hint: Hint, deployment: Deployment, journey: LaunchedInstance) -> None:
    line = hint.run
    ids = {
        "image": journey.image_id,
        "instance": journey.server_id,
        "network": journey.network_id,
        "port": journey.port_id,
        "volume": journey.volume_id,
    }
    for name, value in ids.items():
        line = line.replace(f"{{{name}}}", value)
    nodes = places(deployment, hint, journey)
    assert nodes, f"no node for {hint.at}"
    with NodeConnections(deployment.ssh) as shell:
        shown = [shell.run(node, ["sh", "-c", line]) for node in nodes]
    assert all(result.status == 0 and result.stdout.strip() for result in shown), shown
