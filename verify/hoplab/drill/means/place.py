"""What a kind of means is told, and what it has to be able to do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hoplab.lab.deployment import Deployment, Node, Service
from hoplab.lab.ssh import NodeConnections

SECONDS: Final = 120.0
"""For one command on a node: to stop a daemon may last as long as systemd lets it."""
MARK: Final = "hoplab-drill"
"""How what a drill leaves on a node is called: units, rules, files."""


@dataclass(frozen=True, slots=True)
class Place:
    """A service on one node, where something is done to it.

    options: what the means says, by name; launches: the ids of the launches that it is for, empty if for all.
    """

    nodes: NodeConnections
    deployment: Deployment
    node: Node
    service: Service
    options: Mapping[str, str]
    launches: Sequence[Mapping[str, str]] = ()

    def ask(self, *argv: str) -> str:
        """Return what a command prints on the node; SourceError if it fails."""
        return self.nodes.read(self.node, argv, timeout=SECONDS)

    def holds(self, *argv: str) -> bool:
        """Tell whether a command on the node ends with status 0; SourceError if the node can't be reached."""
        return self.nodes.run(self.node, argv, timeout=SECONDS).status == 0

    def write(self, path: str, text: str) -> None:
        """Write a file on the node that everybody may read, with the directories in which it is."""
        self.ask("install", "-D", "--mode=0644", "/dev/null", path)
        self.ask("sh", "-c", 'printf %s "$1" > "$2"', MARK, text, path)


Kept = dict[str, str]
"""What has to be known to undo it, as it was before."""


def keep_nothing(_place: Place) -> Kept:
    """Keep nothing: it is undone in the same way whatever was there."""
    return {}


@dataclass(frozen=True, slots=True)
class MeansKind:
    """One kind of means.

    do: puts the fault in; undo: takes it out again, given what was kept; keep: reads what undoing will need, and
    changes nothing; options: what it has to be told; choices: what it may be told. What is undone twice, or was never
    done, does no harm.
    """

    do: Callable[[Place], None]
    undo: Callable[[Place, Kept], None]
    keep: Callable[[Place], Kept] = keep_nothing
    options: frozenset[str] = field(default=frozenset())
    choices: frozenset[str] = field(default=frozenset())
