"""The journey `volume-attach`: a volume is attached to a running instance, until its guest has used it."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar, Final

from openstack import exceptions
from openstack.connection import Connection

from hoplab.checks.guest import console_text
from hoplab.lab.connection import connect, new_request_id, translate_errors
from hoplab.lab.deployment import Deployment
from hoplab.launch.attachment import (
    ATTACHED,
    BOOT_SECONDS,
    LAUNCH_SECONDS,
    AttachmentFailedError,
    Target,
    attach,
    detach,
    prepare_attachment,
)
from hoplab.launch.instance import Begins
from hoplab.launch.plan import Plan
from hoplab.launch.waiting import Pending
from hoplab.model.errors import HoplabError
from hoplab.parse import guest as console
from hoplab.session.attempt import Attempt
from hoplab.session.journey import Say

CONSOLE_SECONDS: Final = 5.0
"""How long what the guest has said so far may be waited for: without it, it is only less well known when it spoke."""


class _GuestConsole:
    """Notes what the guest says from time to time, so that it is known when it did: over a connection of its own.

    The journey's own connection begins with a token of its own, which nobody is to have seen before. Where Nova does
    not answer, it is not asked again.
    """

    def __init__(self, deployment: Deployment, instance: str, attempt: Attempt) -> None:
        self._cloud: Connection | None = connect(deployment, new_request_id(), CONSOLE_SECONDS)
        self._instance = instance
        self._attempt = attempt

    def note(self) -> None:
        """Note what there is."""
        cloud, self._cloud = self._cloud, None
        if cloud is None:
            return
        with suppress(HoplabError), translate_errors("console"):
            began = time.time()
            text = console_text(cloud, self._instance)
            self._attempt.console.took(text, began=began, ended=time.time())
            self._cloud = cloud


class VolumeAttach:
    """See `hoplab.session.journey.Journey`."""

    name: ClassVar[str] = "volume-attach"
    doing: ClassVar[str] = "attaching a volume for"
    fresh_image: ClassVar[bool] = False
    several: ClassVar[bool] = False
    preparing: ClassVar[float] = LAUNCH_SECONDS + BOOT_SECONDS

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.target: Target | None = None
        self._deployment: Deployment | None = None

    def prepare(self, cloud: Connection, deployment: Deployment, say: Say, *, begins: Begins, note: Say) -> None:
        """Get a running instance and a free volume."""

        def booted(instance: str) -> bool | Pending:
            events = console.last_boot(console.parse(console_text(cloud, instance)))
            started = any(isinstance(event, console.MetadataOk) for event in events)
            return started or Pending("nothing yet of its metadata")

        self._deployment = deployment
        self.target = prepare_attachment(cloud, deployment, self.plan, say, begins=begins, note=note, booted=booted)
        say(f"volume {self.target.volume_id} is for {self.target.instance_name} {self.target.instance_id}")

    def known(self) -> Mapping[str, str]:
        """Return the ids of the instance and of the volume."""
        if self.target is None:
            return {}
        return {"instance": self.target.instance_id, "volume": self.target.volume_id}

    def run(self, cloud: Connection, attempt: Attempt) -> None:
        """Ask for the attachment, and wait until Cinder says that the volume is in use."""
        if self.target is None or self._deployment is None:
            raise RuntimeError("run before it is prepared")
        attempt.host, attempt.ids["instance"] = self.target.host, self.target.instance_id
        console_log = _GuestConsole(self._deployment, self.target.instance_id, attempt)
        console_log.note()
        try:
            timeout = self.plan.active_timeout
            attempt.seen = attach(cloud, self.target, timeout=timeout, meanwhile=console_log.note)
        except AttachmentFailedError as error:
            attempt.seen = error.states
            raise
        attempt.seconds_to_active = attempt.seen[-1].seconds

    def learn(self, cloud: Connection, attempt: Attempt) -> None:
        """Learn the volume's status, if its states do not tell that it is attached."""
        if self.target is None:
            return
        if attempt.seen and attempt.seen[-1].status == ATTACHED:
            attempt.status = ATTACHED
            return
        with suppress(exceptions.NotFoundException):
            attempt.status = str(cloud.block_storage.get_volume(self.target.volume_id).status)

    def may_tell(self, _attempt: Attempt, /) -> bool:
        """Tell whether there is a guest that may tell something: there is, whatever became of the volume."""
        return self.target is not None

    def untold(self, attempt: Attempt) -> Sequence[str]:
        """Return whether the guest has not told yet that it has used the volume, and may still do so."""
        if self.target is None or attempt.status not in {"", ATTACHED}:
            return []
        writes = console.disk_writes(console.parse(attempt.console.text))
        used = any(write.serial == console.disk_serial(self.target.volume_id) for write in writes)
        return [] if used else ["the volume"]

    def release(self, deployment: Deployment, seconds: float) -> None:
        """Take the volume from an instance that stays."""
        if self.target is None or self.target.own:
            return
        with translate_errors("detach"):
            detach(connect(deployment, new_request_id(), seconds), self.target, timeout=seconds)
