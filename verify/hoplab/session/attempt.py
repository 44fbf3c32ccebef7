"""A journey as its client sees it: what it asks for, how far it came, and the ids that it learns on the way."""

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
from hoplab.flow.model import Catalogue
from hoplab.lab.connection import ANSWER_SECONDS, connect, new_request_id, translate_errors
from hoplab.lab.deployment import Deployment, TokenCache
from hoplab.lab.tokens import cache_key, protected_key
from hoplab.launch.waiting import Pending, wait_for
from hoplab.model.errors import HoplabError, WaitTimeoutError
from hoplab.model.events import Ids
from hoplab.model.states import StateSeen
from hoplab.parse.access import request_names
from hoplab.run.record import FailedPreparation
from hoplab.session.journey import Journey, Records

GRACE_SECONDS: Final = 5.0
"""How long the last answer may be waited for when the time for what is asked for, or for its guest, is up."""
LEARN_SECONDS: Final = 20.0
"""How long it may take to learn what the cloud can tell in the end."""


@dataclass(slots=True)
class Attempt:
    """A journey, as far as it came.

    ready: what it needs is there; if that could not be had, unprepared says why; error: what went wrong, in words,
    empty if nothing did; host: the compute node, as Nova calls it; status: what the client saw last;
    seconds_to_active: until what was asked for was there, None if it never was; notes: what was got in another way than
    it was meant.
    """

    journey: Journey
    ready: bool = False
    unprepared: FailedPreparation | None = None
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
        return {"global-request": self.global_request_id, **self.journey.known()}

    @property
    def may_tell(self) -> bool:
        """Whether there may be a guest that tells something."""
        return self.journey.may_tell(self)

    def known(self, catalogue: Catalogue, regions: frozenset[str], cache: TokenCache | None = None) -> Ids:
        """Return all ids that the client knows by now.

        catalogue: what is known of the journey; regions: ids of Keystone's cache region, and cache: how the services
        protect tokens, for the token's keys.
        """
        records = self.recorder.records
        ids = {**self.beforehand, **token_request(records), **request_ids(records, catalogue), **self.ids}
        found = {name: frozenset({value}) for name, value in ids.items() if value}
        if self.recorder.token:
            found["token"] = frozenset({digest(self.recorder.token)})
            keys = {cache_key(self.recorder.token, region) for region in regions}
            if cache is not None:
                keys.add(protected_key(self.recorder.token, cache.secret, cache.strategy))
            found["cache-key"] = frozenset(keys)
        return found


def carry_out(deployment: Deployment, attempt: Attempt) -> None:
    """Do what the journey is, and note in the attempt how far it came.

    Only ConfigurationError is raised.
    """
    journey, plan = attempt.journey, attempt.journey.plan
    # A connection of its own, so that it begins with a token of its own.
    # An API that keeps silent for longer than an instance is waited for has nothing to say any more.
    answer_seconds = min(ANSWER_SECONDS, plan.active_timeout)
    cloud = connect(deployment, attempt.global_request_id, answer_seconds)
    attempt.recorder.watch(cloud, attempt.global_request_id)
    attempt.recorder.until = time.monotonic() + plan.active_timeout + GRACE_SECONDS
    try:
        with translate_errors(journey.name):
            journey.run(cloud, attempt)
    except HoplabError as error:
        attempt.error = attempt.error or " ".join(str(error).split())
    attempt.recorder.until = time.monotonic() + LEARN_SECONDS
    with suppress(HoplabError), translate_errors(journey.name):
        journey.learn(cloud, attempt)
    attempt.recorder.until = time.monotonic() + plan.console_timeout + GRACE_SECONDS
    if attempt.may_tell:
        try:
            with translate_errors("console"):
                _read_console(cloud, attempt)
        except HoplabError as error:
            attempt.error = " ".join(str(error).split())


def short(global_request_id: str) -> str:
    """Return the part of a global request id by which a run and what it makes are called."""
    return global_request_id.removeprefix("req-")[:8]


def token_request(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return Keystone's id of the first request for a token that it answered."""
    for record in records:
        if record.get("request") and record["method"] == "POST" and "auth-request" in request_names(record["path"]):
            return {"auth-request": record["request"]}
    return {}


def request_ids(records: Records, catalogue: Catalogue) -> dict[str, str]:
    """Return the services' ids of the POST, and of one poll: the first that saw it done, or else the last one.

    catalogue: of the journey, which says what these are. An answer that names the instance tells its id, too.
    """
    requests = catalogue.requests
    seen = False
    ids: dict[str, str] = {}
    for record in records:
        request, path = record.get("request"), record["path"]
        if not request:
            continue
        if record["method"] == "POST" and path.endswith(requests.asked):
            ids["request"] = request
            if "instance" in record:
                ids["instance"] = record["instance"]
        if record["method"] == "GET" and requests.polled in path.split("/") and record.get("state") and not seen:
            ids["poll-request"] = request
            seen = catalogue.succeeded(record["state"])
    return ids


def _read_console(cloud: Connection, attempt: Attempt) -> None:
    """Read the guest's console until it has told all that is wanted of it, or the time is up."""
    instance = attempt.ids["instance"]

    def told() -> bool | Pending:
        began = time.time()
        attempt.console.took(console_text(cloud, instance), began=began, ended=time.time())
        missing = attempt.journey.untold(attempt)
        return Pending(f"nothing yet of {', '.join(missing)}") if missing else True

    with suppress(WaitTimeoutError):  # What the guest did not say, the hops show.
        wait_for("the guest's console", told, timeout=attempt.journey.plan.console_timeout, interval=1.0)
