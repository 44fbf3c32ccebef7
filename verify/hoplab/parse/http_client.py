"""HTTP requests as the service that sends them notes them: keystoneauth's and swiftclient's lines at level DEBUG.

The forms: keystoneauth1/session.py (_http_log_request, _http_log_response, request) of 5.10 and swiftclient/client.py
(http_log) of 4.7. keystoneauth writes tokens as their SHA256 digest. Its line of the answer has the status and the
server's request id but no URL; a line after it has the URL and the same request id. Green threads of one request
may have several calls in flight, so those two lines are joined by process, context and the server's request id.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from hoplab.parse.access import UUID, ids_in_path, outcome
from hoplab.parse.log_records import REQUEST, LogFact, LogRecord, Recent, context_ids

PACKAGES: Final = frozenset(
    {
        "cinderclient",
        "glanceclient",
        "keystoneauth",
        "keystoneclient",
        "keystonemiddleware",
        "neutronclient",
        "novaclient",
        "openstack",
        "placementclient",
    }
)
"""First parts of the loggers that keystoneauth writes to: its own, or its caller's."""
SWIFT: Final = "swiftclient"

ASKED: Final = re.compile(r"^REQ: curl .*?-X (?P<method>[A-Z]+) '?(?P<url>https?://[^\s']+)")
ANSWERED: Final = re.compile(r"^RESP: \[(?P<status>\d+)\]")
USED: Final = re.compile(r"^(?P<method>[A-Z]+) call to \S+ for (?P<url>https?://\S+) used request id (?P<id>req-\S+)")
SUBJECT: Final = re.compile(r"X-Subject-Token: \{SHA256\}(?P<digest>[0-9a-f]{64})", re.IGNORECASE)
CARRIED: Final = re.compile(rf"X-OpenStack-Request-ID: (?P<id>{REQUEST.pattern})", re.IGNORECASE)
BODY: Final = " -d '"
MEMBER: Final = re.compile(r'"(?P<name>\w+)": "(?P<value>[^"]*)"')
MEMBERS: Final = {
    "device_id": "instance",
    "instance_uuid": "instance",
    "server_uuid": "instance",
    "tag": "port",
    "volume_uuid": "volume",
}
"""Members of a request's body that name a resource. An external event's tag is its port."""
EVENTS: Final = "/os-server-external-events"

SWIFT_ASKED: Final = re.compile(
    r"^REQ: curl -i (?P<url>https?://\S+)(?: -X (?P<method>[A-Z]+)| (?P<head>-I)\b| (?P<bare>[A-Z]+)\b)"
)
SWIFT_STATUS: Final = re.compile(r"^RESP STATUS: (?P<status>\d+)")
SWIFT_REQUEST: Final = re.compile(r"'X-Trans-Id': '(?P<id>[^']+)'", re.IGNORECASE)
NAMED: Final = re.compile(f"/(?P<image>{UUID})$")


def may_ask(said: str) -> bool:
    """Tell whether a client's record may be a part of a request or of its answer, and not the answer's body."""
    return said.startswith(("REQ: ", "RESP: ", "RESP STATUS: ", "RESP HEADERS: ")) or " used request id " in said


class Calls:
    """Reads keystoneauth's records of one file. images, all: how many requests each speaker sent, and for images."""

    def __init__(self) -> None:
        self.all: Recent[tuple[str, str], int] = Recent()
        self.images: Recent[tuple[str, str], int] = Recent()
        self._answers: Recent[tuple[str, str, str], list[tuple[str, str]]] = Recent()

    def read(self, record: LogRecord) -> LogFact | None:
        """Return the request or the answer that a record notes, None if it notes none or only a part of one.

        An answer without a request id of the server is no event: nothing says which request it is for.
        """
        said = record.said
        if said.startswith("REQ: "):
            return self._asked(record)
        if said.startswith("RESP: "):
            self._keep(record)
            return None
        return self._answered(record) if " used request id " in said else None

    def _asked(self, record: LogRecord) -> LogFact | None:
        found = ASKED.match(record.said)
        if found is None:
            return None
        path = _path(found["url"])
        fields = {"method": found["method"], "path": path}
        head, _, body = record.said.partition(BODY)
        ids = _ids(path, _subject(head))
        if carried := CARRIED.search(head):
            ids["global-request"] = frozenset({carried["id"]})
        if body:
            ids |= _named(body, path)
            if path.endswith(EVENTS):
                fields |= {"name": _only(body, "name"), "event_status": _only(body, "status")}
        self.all[record.speaker] = self.all.get(record.speaker, 0) + 1
        if "image" in ids:
            self.images[record.speaker] = self.images.get(record.speaker, 0) + 1
        return LogFact("http.sent", fields, ids, record.head.partition(BODY)[0])

    def _keep(self, record: LogRecord) -> None:
        found, request = ANSWERED.match(record.said), CARRIED.search(record.said)
        if found and request:
            token = _subject(record.said)
            key = (*record.speaker, request["id"])
            kept = self._answers.get(key, [])
            self._answers[key] = [*kept, (found["status"], token["digest"] if token else "")]

    def _answered(self, record: LogRecord) -> LogFact | None:
        found = USED.match(record.said)
        kept = self._answers.pop((*record.speaker, found["id"]), []) if found else []
        # Glance takes our id for its own, so two of its answers may wait under one id: then only what is the same in
        # both can be said of either.
        if found is None or not kept or len(set(kept)) > 1:
            return None
        ((status, token),) = set(kept)
        path = _path(found["url"])
        ids = _ids(path)
        if token:
            ids["token"] = frozenset({token})
        if found["id"] not in record.context:
            ids["answer-request"] = frozenset({found["id"]})
        fields = {"method": found["method"], "path": path, "status": status, **outcome(status)}
        return LogFact("http.answered", fields, ids)


class SwiftCalls:
    """Reads swiftclient's records of one file: it notes request, status and headers at once when the answer is there.

    So the request has the field `noted`: its time is that of the answer.

    It is Glance that uses it. Glance takes our request's id for its own, and names an object after its image: so the
    last part of the path stands for `image`, as in the gateway's log. The gateway's transaction is `answer-request`.
    """

    def __init__(self) -> None:
        self._open: Recent[tuple[str, str], tuple[dict[str, str], dict[str, frozenset[str]]]] = Recent()

    def read(self, record: LogRecord) -> LogFact | None:
        """Return the request or the answer that a record notes, None if it notes none or only a part of one."""
        said = record.said
        if found := SWIFT_ASKED.match(said):
            path = _path(found["url"])
            fields = {"method": found["method"] or found["bare"] or "HEAD", "path": path}
            named = NAMED.search(path)
            ids = {"image": frozenset({named["image"]})} if named else {}
            if own := context_ids(record.context, "http.served").get("global-request"):
                ids["global-request"] = own
            self._open[record.speaker] = (fields, ids)
            return LogFact("http.sent", {**fields, "noted": "answered"}, dict(ids), record.head.partition(" -H ")[0])
        if found := SWIFT_STATUS.match(said):
            if record.speaker in self._open:
                self._open[record.speaker][0].update(status=found["status"], **outcome(found["status"]))
            return None
        if said.startswith("RESP HEADERS: ") and record.speaker in self._open:
            fields, ids = self._open.pop(record.speaker)
            if request := SWIFT_REQUEST.search(said):
                ids["answer-request"] = frozenset({request["id"]})
            return LogFact("http.answered", fields, ids) if "status" in fields else None
        return None


def _subject(text: str) -> re.Match[str] | None:
    """Return the token of a header, which few have: looking for its mark first is quicker."""
    return SUBJECT.search(text) if "{sha256}" in text.lower() else None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return ""


def _ids(path: str, token: re.Match[str] | None = None) -> dict[str, frozenset[str]]:
    ids = {name: frozenset({value}) for name, value in ids_in_path(path).items()}
    if token:
        ids["token"] = frozenset({token["digest"]})
    return ids


def _named(body: str, path: str) -> dict[str, frozenset[str]]:
    """Return the ids of the resources that a request's body names."""
    found: dict[str, set[str]] = {}
    for member in MEMBER.finditer(body):
        kind = MEMBERS.get(member["name"])
        if kind and re.fullmatch(UUID, member["value"]) and (kind != "port" or path.endswith(EVENTS)):
            found.setdefault(kind, set()).add(member["value"])
    return {kind: frozenset(values) for kind, values in found.items()}


def _only(body: str, name: str) -> str:
    """Return what a member of the external events in a body is, nothing if they differ in it."""
    values = {member["value"] for member in MEMBER.finditer(body) if member["name"] == name}
    return values.pop() if len(values) == 1 else ""
