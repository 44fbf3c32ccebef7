"""The object gateway's ops log: one JSON object for each request (`rgw_ops_log_file_path`; src/rgw/rgw_log.cc)."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from hoplab.model.events import GARBLED, Event


def parse_rgw(lines: Iterable[str], *, node: str, source: str, who: str = "ceph-rgw") -> Iterator[Event]:
    """Yield an `http.served` for each request. node and source: where the lines are from.

    Glance names an object after its image, so the last part of the path stands for `image`: it joins only if it is the
    launch's. `whole` says that as many bytes went out as the object has.
    """
    for line in lines:
        text = line.strip().strip(",")
        try:
            entry = json.loads(text)
            yield _event(entry, text, node, source, who)
        except GARBLED:
            continue


def _event(entry: dict[str, Any], line: str, node: str, source: str, who: str) -> Event:
    method, uri = entry["uri"].split()[:2]
    path = uri.partition("?")[0]
    name = path.rpartition("/")[2]
    size = int(entry["object_size"])
    return Event(
        time=datetime.fromisoformat(entry["time"]).timestamp(),
        node=node,
        source=source,
        who=who,
        kind="http.served",
        fields={
            "method": method,
            "path": path,
            "status": str(entry["http_status"]),
            "address": str(entry["remote_addr"]),
            "agent": str(entry["user_agent"]),
            "bucket": str(entry["bucket"]),
            "operation": str(entry["operation"]),
            "milliseconds": str(int(entry["total_time"])),
            "whole": "yes" if size > 0 and int(entry["bytes_sent"]) >= size else "no",
        },
        ids={"image": frozenset({name})} if entry["bucket"] and name else {},
        line=line,
    )
