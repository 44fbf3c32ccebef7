"""The access lines of the API servers: one per request, written by uWSGI when the answer is out.

The form is the lab's own (`log-format` in roles/service/templates/uwsgi-common.ini.j2).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from hoplab.flow.vocabulary import IDS
from hoplab.model.events import Event, Origin

LINE: Final = re.compile(
    r'^ACCESS t=(?P<ms>\d{1,16}) pid=\d+ peer=(?P<peer>\S+) "(?P<method>[A-Z]+) (?P<uri>\S+)" (?P<status>\d+) '
    r'\d+B (?P<took>\d{1,9})ms grid=(?P<grid>\S+) rid=(?P<rid>\S+) ua="(?P<agent>[^"]*)"'
    r"(?: inst=(?P<instance>\S+) xff=(?P<address>\S+))?$",
    re.ASCII,
)
NONE: Final = "-"
REFUSED: Final = re.compile(r"[45][0-9]{2}", re.ASCII)
"""The statuses by which a server says that it did not do what it was asked for (RFC 9110, 15.5 and 15.6)."""
UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SHORTEST: Final = 36
"""A path that is shorter has no UUID."""
IN_PATH: Final = tuple(
    (name, re.compile(rf"/(?:{'|'.join(map(re.escape, kind.found_in['paths']))})/({UUID})(?:/|$)"))
    for name, kind in IDS.items()
    if "paths" in kind.found_in
)
OF_REQUESTS: Final = tuple(
    (name, kind.found_in["requests"]) for name, kind in IDS.items() if "requests" in kind.found_in
)
"""How the paths of requests end whose ids have a name of their own."""


def request_names(path: str) -> tuple[str, ...]:
    """Return the names that the server's id of a request has by the path alone, such as `auth-request`."""
    return tuple(name for name, ends in OF_REQUESTS if path.endswith(ends))


def ids_in_path(path: str) -> dict[str, str]:
    """Return the ids of resources in a URL's path, by their kind."""
    if len(path) < SHORTEST:
        return {}
    found = ((name, place.search(path)) for name, place in IN_PATH)
    return {name: inside[1] for name, inside in found if inside}


def outcome(status: str) -> dict[str, str]:
    """Return the field `failed` of an answer with this HTTP status, nothing for one that is none of 4xx and 5xx."""
    return {"failed": "yes"} if REFUSED.fullmatch(status) else {}


def parse_access(lines: Iterable[str], *, node: str, source: str, who: str) -> Iterator[Event]:
    """Yield an `http.served` for each access line. node and source: where the lines are from; who: the server."""
    for line in lines:
        event = read_access(line, Origin(node, source, who))
        if event is not None:
            yield event


def read_access(line: str, origin: Origin) -> Event | None:
    """Return the `http.served` of an access line, None for another line.

    The time is that of the request's start. Its query is left out of `path`, and Nova's id of the request stands for
    `request` and for `poll-request`: which it is, only the client can say. It is `answer-request`, too: what the sender
    of the request finds in the answer.
    """
    text = line.rstrip("\n")
    found = LINE.match(text)
    if not found:
        return None
    path = found["uri"].partition("?")[0]
    ids = {"global-request": found["grid"], "request": found["rid"], "poll-request": found["rid"]}
    ids["answer-request"] = ids["serving"] = found["rid"]
    ids |= dict.fromkeys(request_names(path), found["rid"])
    ids |= {"instance": found["instance"] or NONE, "address": found["address"] or NONE}
    ids |= ids_in_path(path)
    return Event(
        time=int(found["ms"]) / 1000,
        node=origin.node,
        source=origin.source,
        who=origin.who,
        kind="http.served",
        fields={
            "method": found["method"],
            "path": path,
            "status": found["status"],
            "address": found["peer"],
            "agent": found["agent"],
            "milliseconds": found["took"],
        },
        ids={name: frozenset({value}) for name, value in ids.items() if value != NONE},
        line=text,
    )
