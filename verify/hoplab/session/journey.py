"""What a session has to know of a journey: the one place where each of them is Python. All else of it is data.

Its hops, documented lists, id rules and the status by which it succeeded are in its directory of `hoplab.flow`, since
they are needed where no cloud is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from openstack.connection import Connection

from hoplab.lab.deployment import Deployment
from hoplab.launch.instance import Begins
from hoplab.launch.plan import Plan

if TYPE_CHECKING:
    from hoplab.session.attempt import Attempt

Say = Callable[[str], None]
Records = Sequence[Mapping[str, Any]]
"""Requests as `hoplab.capture.client` notes them."""


class Journey(Protocol):
    """A journey, to be done once.

    name: as its directory is called; doing: what is done, for a message; fresh_image: it launches what is judged, from
    an image of its own if wanted; several: it can be done several times at once; preparing: seconds that preparing it
    may take longer than what is asked for; plan: names, sizes and times.
    """

    name: ClassVar[str]
    doing: ClassVar[str]
    fresh_image: ClassVar[bool]
    several: ClassVar[bool]
    preparing: ClassVar[float]
    plan: Plan

    def prepare(self, cloud: Connection, deployment: Deployment, say: Say, *, begins: Begins, note: Say) -> None:
        """Get what it needs; none of that is judged.

        say: told what is really done; begins: told of each step before it is done, with the service that it asks first;
        note: told what is got in another way than it was meant. Raises LaunchError, ConfigurationError, SourceError and
        what openstacksdk raises.
        """
        ...

    def known(self) -> Mapping[str, str]:
        """Return the ids that are known before anything is asked for, as far as it is prepared."""
        ...

    def run(self, cloud: Connection, attempt: "Attempt") -> None:
        """Do it, and note in the attempt how far it came. Raises LaunchError and what openstacksdk raises."""
        ...

    def learn(self, cloud: Connection, attempt: "Attempt") -> None:
        """Learn what the cloud can still tell of it, also where it failed. Raises what openstacksdk raises."""
        ...

    def may_tell(self, attempt: "Attempt", /) -> bool:
        """Tell whether there may be a guest that tells something of it."""
        ...

    def untold(self, attempt: "Attempt") -> Sequence[str]:
        """Return what the guest has not told yet and should, in words, by its console as it was read last."""
        ...

    def release(self, deployment: Deployment, seconds: float) -> None:
        """Undo, within so many seconds, what is in the way of deleting what was made.

        Raises LaunchError, SourceError.
        """
        ...
