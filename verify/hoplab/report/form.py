"""What report.json has to be, so that whoever shows a report can count on it: what `document.py` writes, checked."""

from pathlib import Path
from typing import Any, Final

from hoplab.judge.verdicts import Result
from hoplab.model.schemas import COUNT, TEXT, YES, SchemaReader, list_schema, map_schema, nullable, object_schema
from hoplab.report.looks import LOOKS
from hoplab.report.outline import moment

SCHEMA: Final = 1
ADVICE: Final = "judge the run again with `hoplab verify`, or show it with `hoplab replay`, which needs no report"
LIMIT: Final = 16 << 20
"""Bytes of a report at most; one of a launch of 73 hops has 0.2 MB."""
MOST_HOPS: Final = 200
"""Of a chain of hops each may be asked for its place from within the one before: more would be too deep."""


def _is_moment(text: str) -> bool:
    """Tell whether a text is a time, and one of the calendar."""
    try:
        return moment(text) >= 0
    except ValueError:
        return False


SECONDS: Final = {"type": "number", "minimum": -1e12, "maximum": 1e12}
TIME: Final = {
    "type": "string",
    "pattern": r"^(?:19[7-9][0-9]|20[0-9]{2})(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})$",
    "format": "moment",
}
NUMBER: Final = {"anyOf": [{"type": "null"}, {"type": "integer"}, {"type": "string", "pattern": "^[0-9]{1,6}[a-z]?$"}]}
"""A hop's number in a documented list; null for one that the list leaves out."""
WITNESS: Final = object_schema(dict.fromkeys(("who", "kind", "source", "node", "id", "line"), TEXT) | {"time": TIME})
HOP: Final = object_schema(
    {
        "hop": NUMBER,
        **dict.fromkeys(("name", "from", "to", "meaning", "today", "how", "reason", "why"), TEXT),
        "verdict": {"enum": list(LOOKS)},
        "at": nullable(TIME),
        "end": nullable(TIME),
        "after": list_schema(TEXT),
        "witnesses": list_schema(WITNESS),
        "hint": object_schema({"where": TEXT, "run": TEXT}),
    },
    {
        "one_witness": YES,
        "told": {"enum": list(LOOKS)},
        "denials": list_schema(WITNESS),
        "lag_s": nullable(SECONDS),
        "usual_s": nullable(SECONDS),
        "waited_s": nullable(SECONDS),
    },
)
LAUNCH: Final = object_schema(
    {
        **dict.fromkeys(("instance", "address", "volume", "image", "port", "request", "name", "host"), TEXT),
        **dict.fromkeys(("global_request", "status", "error"), TEXT),
        "seconds_to_active": nullable(SECONDS),
        "states": list_schema(object_schema({"seconds": SECONDS, "status": TEXT, "task_state": nullable(TEXT)})),
    }
)
SLOW: Final = object_schema(
    {"hop": NUMBER, "name": TEXT, "lag_s": SECONDS, "usual_s": SECONDS, "longest_s": SECONDS, "runs": COUNT}
)
WAIT: Final = object_schema(
    dict.fromkeys(("who", "node", "method", "call"), TEXT) | {"answered": TIME, "went_on": TIME, "waited_s": SECONDS}
)
WAITS: Final = object_schema({"waited_s": SECONDS, "calls": list_schema(WAIT)})
TROUBLE: Final = object_schema(
    dict.fromkeys(("who", "node", "source", "level", "id", "line", "cause"), TEXT) | {"time": TIME, "times": COUNT}
)
INTERVAL: Final = object_schema({"after": list_schema(TEXT), "missing": TEXT, "candidates": list_schema(TEXT)})
"""Between which hops a launch broke, by their names: the last ones that are seen, and the first that is missing."""
FAILURE: Final = object_schema(
    {
        "hop": NUMBER,
        **dict.fromkeys(("name", "actor", "node"), TEXT),
        "service": nullable(object_schema({"unit": TEXT, "state": TEXT})),
        "last": nullable(WITNESS),
        "log": list_schema(TEXT),
        "next": list_schema(TEXT),
    },
    {
        "errors": list_schema(TROUBLE),
        "guest": list_schema(TEXT),
        "error": TEXT,
        "interval": nullable(INTERVAL),
        "down": list_schema(object_schema(dict.fromkeys(("node", "unit", "state"), TEXT))),
    },
)
TOLD: Final = object_schema({"profile": TEXT, "level": COUNT, "sources": list_schema(TEXT)})
"""What was told before a launch of the cloud: its kinds of sources up to a level."""
LOGGED: Final = object_schema({"node": TEXT, "file": TEXT, "line": TEXT})
PREPARATION: Final = object_schema(
    {
        **dict.fromkeys(("step", "service", "request", "answer", "request_id"), TEXT),
        **{name: list_schema(TEXT) for name in ("nodes", "down", "next")},
        "log": list_schema(LOGGED),
    }
)
FORM: Final = object_schema(
    {
        "schema": {"const": SCHEMA},
        **dict.fromkeys(("flow", "title", "release", "run", "inventory"), TEXT),
        "result": {"enum": [str(result) for result in Result]},
        "first_unproven": nullable(
            object_schema({"hop": NUMBER, "name": TEXT}, dict.fromkeys(("stage", "service", "request"), TEXT))
        ),
        "duration_s": SECONDS,
        "started": TIME,
        "warm": YES,
        "launch": LAUNCH,
        "clocks": map_schema(object_schema({"offset": SECONDS, "uncertainty": SECONDS})),
        "unread": list_schema(object_schema(dict.fromkeys(("source", "node", "problem"), TEXT))),
        "counts": map_schema(COUNT),
        "hops": list_schema(HOP, minItems=1, maxItems=MOST_HOPS),
        "failure": nullable(FAILURE),
    },
    {
        "told": nullable(TOLD),
        "slow": nullable(SLOW),
        "waits": nullable(WAITS),
        "preparation": nullable(PREPARATION),
        "journey": TEXT,
        # Older reports do not say where who runs.
        "nodes": list_schema(object_schema({"name": TEXT, "actors": list_schema(TEXT)})),
    },
)
"""What report.json has to be (JSON Schema)."""
READER: Final = SchemaReader(FORM, formats={"moment": _is_moment}, limit=LIMIT)


def read_report(path: Path) -> dict[str, Any]:
    """Return a run's report as it was written. Raises ConfigurationError that names file and place if it is damaged."""
    return READER.read(path, advice=ADVICE)
