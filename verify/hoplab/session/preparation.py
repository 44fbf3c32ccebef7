"""The stage before a journey: all that it needs is got, or it is told which service did not give it, and why."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from openstack.connection import Connection

from hoplab.capture.client import ClientRecorder
from hoplab.lab.connection import connect, new_request_id, translate_errors
from hoplab.lab.deployment import Deployment
from hoplab.model.errors import HoplabError, LaunchError, SourceError
from hoplab.parse.access import request_names
from hoplab.run.record import FailedPreparation, LogLine
from hoplab.session.attempt import GRACE_SECONDS, Attempt
from hoplab.session.daemons import known_down, troubles
from hoplab.session.journey import Say

ASK_SECONDS: Final = 5.0
"""How long an API may think about which daemons are up, when something is wrong already."""
LINES: Final = 24
"""Lines of logs that are kept."""
EACH: Final = 5
"""Lines of one log file that are kept, of those that carry no id of ours."""
EARLIER_SECONDS: Final = 600.0
"""How far back a cause may be: what was wrong beforehand is not said again when it is felt."""
REFUSED: Final = 400
"""The lowest HTTP status that says no."""
ABSENT: Final = 404
LOOKING: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""


class Preparation:
    """Gets what journeys need, over one connection whose requests are noted."""

    def __init__(self, deployment: Deployment, say: Say) -> None:
        self._deployment = deployment
        self._say = say
        self._request_id = new_request_id()
        self._recorder = ClientRecorder()
        self._step, self._service, self._from = "", "keystone", 0
        self.cloud: Connection = connect(deployment, self._request_id)
        self._recorder.watch(self.cloud, self._request_id)

    def get(self, attempt: Attempt, seconds: float) -> None:
        """Get what a journey needs, within so many seconds; where that can't be had, note in the attempt why.

        What is waited for longest is the volume, so that has its own time besides: what it waits for is told then.
        """
        began = time.time()
        longer = attempt.journey.plan.volume_timeout + attempt.journey.preparing
        self._recorder.until = time.monotonic() + seconds + longer + GRACE_SECONDS
        try:
            with translate_errors("prepare"):
                attempt.journey.prepare(
                    self.cloud, self._deployment, self._say, begins=self._begins, note=attempt.notes.append
                )
            attempt.ready = True
        except (LaunchError, SourceError) as error:
            attempt.error = f"before the {attempt.journey.name}: {' '.join(str(error).split())}"
            attempt.unprepared = self._why(error, began)
        for note in attempt.notes:
            self._say(note)

    def _begins(self, step: str, service: str) -> None:
        self._step, self._service, self._from = step, service, len(self._recorder.records)

    def _why(self, error: HoplabError, began: float) -> FailedPreparation:
        records = self._recorder.records[self._from :]
        request = _decisive_request(records)
        service = _service(self._deployment, request, self._service)
        ids = {
            self._request_id,
            *(str(record["request"]) for record in self._recorder.records if record.get("request")),
        }
        logged = troubles(self._deployment, began - EARLIER_SECONDS)
        return FailedPreparation(
            step=self._step,
            service=service,
            request=f"{request['method']} {request['path']}" if request else "",
            answer=" ".join(str(error).split()),
            request_id=str(request.get("request") or ""),
            down=tuple(known_down(connect(self._deployment, new_request_id(), ASK_SECONDS))),
            log=tuple(_chosen(logged, ids, service)),
        )


def _decisive_request(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the request that tells most of why a step failed: the last one that was refused or not answered.

    What was refused does not count if it was taken later, nor does a look-up of what is not there. Where all were
    answered, it is the last one that changed something, since what it began did not come about.
    """
    last: Mapping[str, Any] = records[-1] if records else {}
    taken: set[tuple[Any, Any]] = set()
    each_record: Mapping[str, Any]
    for number, each_record in enumerate(reversed(records)):
        status = each_record.get("status", REFUSED)
        wanted = each_record["method"], each_record.get("path")
        if status < REFUSED:
            taken.add(wanted)
        elif number == 0 or not (wanted in taken or (status == ABSENT and each_record["method"] in LOOKING)):
            return each_record
    return next((record for record in reversed(records) if record["method"] not in LOOKING), last)


def _service(deployment: Deployment, request: Mapping[str, Any], otherwise: str) -> str:
    """Return the program that a request was sent to, known by its port."""
    if "auth-request" in request_names(request.get("path", "")):
        return "keystone"
    for node in deployment.nodes:
        for service in node.services:
            if service.port is not None and service.port == request.get("port"):
                return service.name
    return otherwise


def _chosen(lines: Iterable[LogLine], ids: Iterable[str], service: str) -> Iterator[LogLine]:
    """Yield the lines to keep, in the order of time: those with an id of ours, then the last ones of other trouble.

    Of these, what the service's own daemons and those that all services need have said comes first.
    """
    lines, ids = list(lines), tuple(ids)
    own = [each_line for each_line in lines if any(known in each_line.line for known in ids)]
    project = service.partition("-")[0]
    rest: dict[str, list[LogLine]] = {}
    for one in reversed(lines):
        some = rest.setdefault(f"{one.node}:{one.file}", [])
        if one not in own and len(some) < EACH:
            some.append(one)
    files = sorted(rest, key=lambda name: (f"/{project}" not in name, "/rabbitmq/" not in name, "/mysql/" not in name))
    kept = [*own[-LINES:], *(one for name in files for one in rest[name])][:LINES]
    yield from (line for line in lines if line in kept)
