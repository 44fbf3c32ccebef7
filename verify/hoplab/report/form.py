"""What report.json has to be, so that whoever shows a report can count on it: what `document.py` writes, checked."""

from pathlib import Path
from typing import Any, Final

import jsonschema

from hoplab.judge.verdicts import Result
from hoplab.model import files
from hoplab.report.looks import LOOKS
from hoplab.report.outline import moment

SCHEMA: Final = 1
ADVICE: Final = "judge the run again with `hoplab verify`, or show it with `hoplab replay`, which needs no report"
LIMIT: Final = 16 << 20
"""Bytes of a report at most; one of a launch of 73 hops has 0.2 MB."""
MOST_HOPS: Final = 200
"""Of a chain of hops each may be asked for its place from within the one before: more would be too deep."""

FORMATS: Final = jsonschema.FormatChecker(formats=())
"""Formats that are looked at here."""


@FORMATS.checks("moment", raises=ValueError)
def _is_moment(value: object) -> bool:
    """Tell whether a text is a time; ValueError for one of no calendar."""
    return not isinstance(value, str) or moment(value) >= 0


def _of(members: dict[str, dict[str, Any]], optional: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    # What is not known here does no harm: a later version of the same schema may have more.
    return {"type": "object", "required": list(members), "properties": {**members, **(optional or {})}}


def _list(items: dict[str, Any], **more: int) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def _or_null(form: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, form]}


TEXT: Final = {"type": "string"}
YES: Final = {"type": "boolean"}
SECONDS: Final = {"type": "number", "minimum": -1e12, "maximum": 1e12}
COUNT: Final = {"type": "integer", "minimum": 0}
TIME: Final = {
    "type": "string",
    "pattern": r"^(?:19[7-9][0-9]|20[0-9]{2})(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})$",
    "format": "moment",
}
NUMBER: Final = {"anyOf": [{"type": "null"}, {"type": "integer"}, {"type": "string", "pattern": "^[0-9]{1,6}[a-z]?$"}]}
"""A hop's number in a documented list; null for one that the list leaves out."""
WITNESS: Final = _of(dict.fromkeys(("who", "kind", "source", "node", "id", "line"), TEXT) | {"time": TIME})
HOP: Final = _of(
    {
        "hop": NUMBER,
        **dict.fromkeys(("name", "from", "to", "meaning", "today", "how", "reason", "why"), TEXT),
        "verdict": {"enum": list(LOOKS)},
        "at": _or_null(TIME),
        "end": _or_null(TIME),
        "after": _list(TEXT),
        "witnesses": _list(WITNESS),
        "hint": _of({"where": TEXT, "run": TEXT}),
    },
    {
        "one_witness": YES,
        "denials": _list(WITNESS),
        "lag_s": _or_null(SECONDS),
        "usual_s": _or_null(SECONDS),
        "waited_s": _or_null(SECONDS),
    },
)
LAUNCH: Final = _of(
    {
        **dict.fromkeys(("instance", "address", "volume", "image", "port", "request", "name", "host"), TEXT),
        **dict.fromkeys(("global_request", "status", "error"), TEXT),
        "seconds_to_active": _or_null(SECONDS),
        "states": _list(_of({"seconds": SECONDS, "status": TEXT, "task_state": _or_null(TEXT)})),
    }
)
SLOW: Final = _of(
    {"hop": NUMBER, "name": TEXT, "lag_s": SECONDS, "usual_s": SECONDS, "longest_s": SECONDS, "runs": COUNT}
)
WAIT: Final = _of(
    dict.fromkeys(("who", "node", "method", "call"), TEXT) | {"answered": TIME, "went_on": TIME, "waited_s": SECONDS}
)
WAITS: Final = _of({"waited_s": SECONDS, "calls": _list(WAIT)})
TROUBLE: Final = _of(
    dict.fromkeys(("who", "node", "source", "level", "id", "line", "cause"), TEXT) | {"time": TIME, "times": COUNT}
)
FAILURE: Final = _of(
    {
        "hop": NUMBER,
        **dict.fromkeys(("name", "actor", "node"), TEXT),
        "service": _or_null(_of({"unit": TEXT, "state": TEXT})),
        "last": _or_null(WITNESS),
        "log": _list(TEXT),
        "next": _list(TEXT),
    },
    {
        "errors": _list(TROUBLE),
        "guest": _list(TEXT),
        "error": TEXT,
        "down": _list(_of(dict.fromkeys(("node", "unit", "state"), TEXT))),
    },
)
LOGGED: Final = _of({"node": TEXT, "file": TEXT, "line": TEXT})
PREPARATION: Final = _of(
    {
        **dict.fromkeys(("step", "service", "request", "answer", "request_id"), TEXT),
        **{name: _list(TEXT) for name in ("nodes", "down", "next")},
        "log": _list(LOGGED),
    }
)
FORM: Final = _of(
    {
        "schema": {"const": SCHEMA},
        **dict.fromkeys(("flow", "title", "release", "run", "inventory"), TEXT),
        "result": {"enum": [str(result) for result in Result]},
        "first_unproven": _or_null(
            _of({"hop": NUMBER, "name": TEXT}, dict.fromkeys(("stage", "service", "request"), TEXT))
        ),
        "duration_s": SECONDS,
        "started": TIME,
        "warm": YES,
        "launch": LAUNCH,
        "clocks": {"type": "object", "additionalProperties": _of({"offset": SECONDS, "uncertainty": SECONDS})},
        "unread": _list(_of(dict.fromkeys(("source", "node", "problem"), TEXT))),
        "counts": {"type": "object", "additionalProperties": COUNT},
        "hops": _list(HOP, minItems=1, maxItems=MOST_HOPS),
        "failure": _or_null(FAILURE),
    },
    {"slow": _or_null(SLOW), "waits": _or_null(WAITS), "preparation": _or_null(PREPARATION)},
)
"""What report.json has to be (JSON Schema)."""
CHECK: Final = jsonschema.Draft202012Validator(FORM, format_checker=FORMATS)


def read_report(path: Path) -> dict[str, Any]:
    """Return a run's report as it was written. Raises ConfigurationError that names file and place if it is damaged."""
    return files.checked(path, files.read_json(path, advice=ADVICE, limit=LIMIT), CHECK, advice=ADVICE)
