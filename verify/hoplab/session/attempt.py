"""One launch as its client sees it: what it asks for, how far it came, and the ids that it learns on the way."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from openstack.connection import Connection

from hoplab.capture.client import ClientRecorder
from hoplab.capture.console_log import ConsoleLog
from hoplab.capture.redact import digest
from hoplab.checks.guest import console_text
from hoplab.lab.connection import ANSWER_SECONDS, connect, new_request_id, translate_errors
from hoplab.lab.deployment import Deployment, TokenCache
from hoplab.lab.tokens import cache_key, protected_key
from hoplab.launch.instance import Prepared, create_instance, host_of
from hoplab.launch.plan import Plan
from hoplab.launch.resources import InstanceFailedError
from hoplab.launch.waiting import Pending, wait_for
from hoplab.model.errors import HoplabError, WaitTimeoutError
from hoplab.model.events import Ids
from hoplab.model.states import StateSeen
from hoplab.parse import guest as console
from hoplab.run.record import Unprepared

SERVERS: Final = "/v2.1/servers"
TOKENS: Final = "/v3/auth/tokens"
GRACE_SECONDS: Final = 5.0
"""How long the last answer may be waited for when the time for an instance, or for its guest, is up."""
LEARN_SECONDS: Final = 20.0
"""How long it may take to learn where the instance is."""


@dataclass(slots=True)
class Attempt:
    """A launch, as far as it came.

    prepared: None if what it needs could not be had, and then unprepared says why; error: what went wrong, in words,
    empty if nothing did; notes: what was got in another way than it was meant.
    """

    plan: Plan
    prepared: Prepared | None = None
    unprepared: Unprepared | None = None
    global_request_id: str = field(default_factory=new_request_id)
    recorder: ClientRecorder = field(default_factory=ClientRecorder, repr=False)
    ids: dict[str, str] = field(default_factory=dict)
    host: str = ""
    status: str = ""
    seconds_to_active: float | None = None
    error: str = ""
    seen: tuple[StateSeen, ...] = ()
    notes: list[str] = field(default_factory=list)
    console: ConsoleLog = field(default_factory=ConsoleLog, repr=False)

    @property
    def short(self) -> str:
        """The part of the global request id by which its run is called."""
        return short(self.global_request_id)

    @property
    def beforehand(self) -> dict[str, str]:
        """The ids that are known before anything is asked for."""
        ids = {"global-request": self.global_request_id}
        if self.prepared is not None:
            ids["image"] = self.prepared.image_id
            ids["volume"] = self.prepared.volume_id
            ids["network"] = self.prepared.tenant.network_id
        return ids

    @property
    def may_run(self) -> bool:
        """Whether there may be a guest that tells something: nova-api says so, or does not answer any more."""
        return self.status == "ACTIVE" or (not self.status and "instance" in self.ids)

    def known(self, regions: frozenset[str], cache: TokenCache | None = None) -> Ids:
        """Return all ids that the client knows by now.

        regions: ids of Keystone's cache region, and cache: how the services protect tokens, for the token's keys.
        """
        ids = {**self.beforehand, **answered(self.recorder.records), **self.ids}
        found = {name: frozenset({value}) for name, value in ids.items() if value}
        if self.recorder.token:
            found["token"] = frozenset({digest(self.recorder.token)})
            keys = {cache_key(self.recorder.token, region) for region in regions}
            if cache is not None:
                keys.add(protected_key(self.recorder.token, cache.secret, cache.strategy))
            found["cache-key"] = frozenset(keys)
        return found


def carry_out(deployment: Deployment, attempt: Attempt, prepared: Prepared) -> None:
    """Launch, and note in the attempt how far it came.

    Only ConfigurationError is raised.
    """
    # A connection of its own, so that the launch begins with a token of its own.
    # An API that keeps silent for longer than an instance is waited for has nothing to say any more.
    answer_seconds = min(ANSWER_SECONDS, attempt.plan.active_timeout)
    cloud = connect(deployment, attempt.global_request_id, answer_seconds)
    attempt.recorder.watch(cloud, attempt.global_request_id)
    attempt.recorder.until = time.monotonic() + attempt.plan.active_timeout + GRACE_SECONDS
    try:
        with translate_errors("launch"):
            _boot(cloud, attempt, prepared)
    except HoplabError as error:
        attempt.error = attempt.error or " ".join(str(error).split())
        if isinstance(error, InstanceFailedError):
            attempt.seen = error.states
    attempt.recorder.until = time.monotonic() + LEARN_SECONDS
    with suppress(HoplabError), translate_errors("launch"):
        _learn_from_cloud(cloud, attempt)
    attempt.recorder.until = time.monotonic() + attempt.plan.console_timeout + GRACE_SECONDS
    if attempt.may_run:
        try:
            with translate_errors("console"):
                _read_console(cloud, attempt)
        except HoplabError as error:
            attempt.error = " ".join(str(error).split())


def _boot(cloud: Connection, attempt: Attempt, prepared: Prepared) -> None:
    def posted(instance: str) -> None:
        attempt.ids["instance"] = instance

    _server, attempt.seen = create_instance(cloud, attempt.plan, prepared, posted=posted)
    attempt.seconds_to_active = attempt.seen[-1].seconds


def short(global_request_id: str) -> str:
    """Return the part of a global request id by which a launch's run and what it makes are called."""
    return global_request_id.removeprefix("req-")[:8]


def answered(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the ids that the services gave to our requests: for a token, the POST, and one poll.

    That is the first poll that saw ACTIVE, or else the last one.
    """
    active = False
    ids: dict[str, str] = {}
    for record in records:
        request, path = record.get("request"), record["path"]
        if not request:
            continue
        if record["method"] == "POST" and path.endswith(TOKENS):
            ids.setdefault("auth-request", request)
        if record["method"] == "POST" and path.endswith(SERVERS):
            ids["request"] = request
            ids["instance"] = record.get("instance", "")
        if record["method"] == "GET" and record.get("state") and not active:
            ids["poll-request"] = request
            active = record["state"] == "ACTIVE"
    return ids


def _learn_from_cloud(cloud: Connection, attempt: Attempt) -> None:
    """Learn where the instance is and which port it has, also of one that did not become ACTIVE."""
    instance = attempt.ids.get("instance")
    if not instance:
        return
    server = cloud.compute.get_server(instance)
    attempt.host, attempt.status = host_of(server), str(server.status)
    for port in cloud.network.ports(device_id=instance):
        attempt.ids |= {"port": str(port.id), "mac": str(port.mac_address)}
        if port.fixed_ips:
            attempt.ids["address"] = str(port.fixed_ips[0]["ip_address"])


def _read_console(cloud: Connection, attempt: Attempt) -> None:
    """Read the guest's console until it has told of its address, its metadata and its volume, or the time is up."""
    instance = attempt.ids["instance"]

    def told() -> bool | Pending:
        began = time.time()
        attempt.console.took(console_text(cloud, instance), began=began, ended=time.time())
        events = console.parse(attempt.console.text)
        missing = [
            name
            for name, kind in (
                ("DHCP", console.DhcpOk),
                ("metadata", console.MetadataOk),
                ("the volume", console.DiskRwOk),
            )
            if not any(isinstance(event, kind) for event in events)
        ]
        return Pending(f"nothing yet of {', '.join(missing)}") if missing else True

    with suppress(WaitTimeoutError):  # What the guest did not say, the hops show.
        wait_for("the guest's console", told, timeout=attempt.plan.console_timeout, interval=1.0)
