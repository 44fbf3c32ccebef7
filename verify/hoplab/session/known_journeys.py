"""All journeys that a session can do, by name: for each of the directories of `hoplab.flow` a class."""

from collections.abc import Mapping
from typing import Final

from hoplab.session.launch_journey import Launch
from hoplab.session.volume_attach_journey import VolumeAttach

JOURNEYS: Final[Mapping[str, type[Launch] | type[VolumeAttach]]] = {kind.name: kind for kind in (Launch, VolumeAttach)}
