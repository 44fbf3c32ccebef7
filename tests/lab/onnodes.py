"""Commands on nodes that get something on their standard input."""

import subprocess
from collections.abc import Sequence

from hoplab.lab.deployment import Deployment, Node
from hoplab.lab.ssh import node_target, ssh_argv

SECONDS = 240


def on_node(deployment: Deployment, node: Node, argv: Sequence[str], given: str = "") -> str:
    """Run a command on a node and return what it prints. given: its standard input."""
    done = subprocess.run(
        ssh_argv(node_target(deployment.ssh, node), argv),
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{node.name}: {' '.join(argv)[:100]}: {done.stderr}"
    return done.stdout
