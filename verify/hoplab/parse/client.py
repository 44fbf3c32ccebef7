"""Our own requests to the cloud's APIs, as `hoplab.capture.client` notes them."""

import json
from collections.abc import Iterable, Iterator

from hoplab.model.events import GARBLED, Event, Origin
from hoplab.parse.access import ids_in_path, outcome, request_names

IDS = ("global-request", "request", "answer-request", "token", "instance")


def parse_client(lines: Iterable[str], *, node: str, source: str, who: str = "client") -> Iterator[Event]:
    """Yield an `http.sent` and, with an answer, an `http.answered` for each request.

    Fields: method, path (without the query), status, failed (see `outcome`) and, of an answer about an instance or a
    volume, state (its status). The server's id of the request stands for `request`, `poll-request` and
    `answer-request`: what it is, its use tells.
    """
    origin = Origin(node, source, who)
    for line in lines:
        try:
            record = json.loads(line)
            ids = {name: frozenset({str(record[name])}) for name in IDS if record.get(name)}
            ids |= {name: frozenset({value}) for name, value in ids_in_path(record["path"]).items()}
            if "request" in ids:
                ids["poll-request"] = ids["answer-request"] = ids["request"]
                ids |= dict.fromkeys(request_names(record["path"]), ids["request"])
            asked = {"method": record["method"], "path": record["path"]}
            yield origin.event(float(record["sent"]), "http.sent", asked, ids, line)
            if record.get("status"):
                answered = {**asked, "status": str(record["status"]), **outcome(str(record["status"]))}
                if record.get("state"):
                    answered["state"] = str(record["state"])
                yield origin.event(float(record["answered"]), "http.answered", answered, ids, line)
        except GARBLED:
            continue
