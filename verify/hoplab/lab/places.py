"""Where the actors of the flows are in a lab."""

from hoplab.flow.actors import SERVICES
from hoplab.lab.deployment import Deployment, Node


def nodes_running(deployment: Deployment, actor: str) -> tuple[Node, ...]:
    """Return the nodes on which an actor runs; none for an actor that is no service."""
    service = SERVICES.get(actor)
    return tuple(node for node, _service in deployment.running(service)) if service else ()
