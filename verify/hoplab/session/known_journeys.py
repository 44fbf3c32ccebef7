"""All journeys that a session can do, by name: for each of the directories of `hoplab.flow` a class."""

from collections.abc import Mapping
from typing import Final

from hoplab.session.volume_attach_journey import VolumeAttach
from hoplab.session.launch_journey import Launch

JOURNEYS: Final[Mapping[str, type[Launch] | type[VolumeAttach]]] = {kind.name: kind for kind in (Launch, VolumeAttach)}
