"""All drills one after the other: resumable, one file of results, and a page of them."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from hoplab.drill.model import Fault
from hoplab.flow.model import LAUNCH, Catalogue, Flow
from hoplab.model.schemas import TEXT, YES, SchemaReader, list_schema, nullable, object_schema
from hoplab.run.record import PREPARATION, write_json

UNTOLD: Final = "0.1.0"
"""The version that made results which name none."""
RESULTS: Final = "drills.json"
SCHEMA: Final = 1
ADVICE: Final = "remove it, and all drills are carried out again"
_SECONDS: Final = {"type": "number", "minimum": 0}
_ROW: Final = object_schema(
    {
        **dict.fromkeys(("fault", "component", "expected", "status"), TEXT),
        "found": nullable(TEXT),
        **dict.fromkeys(("slows", "localised", "clean_after"), YES),
        **dict.fromkeys(("verdict_seconds", "healed_seconds"), _SECONDS),
        "day": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
        "launches": list_schema(object_schema({"touched": YES, "host": TEXT, "result": TEXT})),
    }
)
"""What the page of all results needs of each."""
READER: Final = SchemaReader(
    object_schema({"schema": {"const": SCHEMA}, "drills": list_schema(_ROW)}, {"release": TEXT})
)

Row = dict[str, Any]


def run_all(
    faults: Iterable[Fault],
    results: Path,
    release: str,
    *,
    one: Callable[[Fault], Row],
    is_clean: Callable[[str], bool],
    say: Callable[[str], None],
) -> list[Row]:
    """Carry out the drills that have no result in the file yet, and note each one's there; return all rows.

    one: carries out a drill; is_clean: tells whether its journey is proved after it. What these raise passes
    through: what was done so far stays in the file. Raises ConfigurationError for a file that is damaged.
    """
    rows = read_results(results)
    for fault in faults:
        if any((row["fault"], row.get("before", False)) == (fault.name, fault.early) for row in rows):
            say(
                f"{_titled(fault.name, before=fault.early)} has a result already: remove {results} to carry out all of "
                "them again"
            )
            continue
        row = one(fault)
        row["clean_after"] = is_clean(fault.journey)
        row["version"] = metadata.version("hoplab")
        row["day"] = time.strftime("%Y-%m-%d", time.gmtime())
        rows.append(row)
        results.parent.mkdir(parents=True, exist_ok=True)
        write_json(results, {"schema": SCHEMA, "release": release, "drills": rows})
        say(line(row))
    return rows


def read_results(path: Path) -> list[Row]:
    """Return the rows of a file of results, none if there is no file; ConfigurationError for a damaged one."""
    if not os.path.lexists(path):
        return []
    found = READER.read(path, advice=ADVICE)
    return [dict(row) for row in found["drills"]]


def line(row: Mapping[str, Any]) -> str:
    """Return a drill's outcome in one line."""
    mark = "localised" if row["localised"] else "NOT localised"
    after = "" if row.get("clean_after", True) else f"; the {row.get('journey', LAUNCH)} after it is NOT proved"
    name = _titled(row["fault"], before=row.get("before", False))
    return f"{name}: {mark}: {row['found']}, expected {row['expected']}; {row['verdict_seconds']:.0f} s{after}"


def _titled(name: str, *, before: bool) -> str:
    return f"{name} (before)" if before else name


def page(
    rows: Iterable[Mapping[str, Any]],
    faults: Mapping[str, Fault],
    journeys: Iterable[tuple[Catalogue, Flow]],
    release: str,
) -> str:
    """Return all results as a page in Markdown, with the hops of the flows that no drill breaks, and why.

    journeys: each with its list, the first one before others.
    """
    told: list[Row] = [{"journey": LAUNCH, **row} for row in rows]
    parts = [_part(catalogue, flow, told) for catalogue, flow in journeys]
    days = sorted({row["day"] for row in told}) or ["never"]
    environment = Environment(
        loader=PackageLoader("hoplab.report"), autoescape=False, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("drills.md.j2").render(
        rows=told,
        faults=faults,
        parts=[part for number, part in enumerate(parts) if part["rows"] or not number],
        exact=sum(bool(row["localised"]) for row in told),
        release=release,
        version=" and ".join(sorted({row.get("version", UNTOLD) for row in told}) or [metadata.version("hoplab")]),
        days=" to ".join(dict.fromkeys((days[0], days[-1]))),
        components=list(dict.fromkeys(row["component"] for row in told)),
    )


def _part(catalogue: Catalogue, flow: Flow, rows: Iterable[Row]) -> dict[str, Any]:
    """Return what the page says of one journey."""
    own = [row for row in rows if row["journey"] == catalogue.name]
    numbered = {name for step in flow.steps for name in step.hops}
    hops = {row["found"] for row in own if row["localised"] and not row["slows"]} - {PREPARATION}
    return {
        "journey": catalogue.name,
        "flow": flow,
        "rows": own,
        "listed": len(hops & numbered),
        "others": len(hops - numbered),
        "total": len(numbered),
        "spared": [(name, hop.not_alone) for name, hop in catalogue.hops.items() if name in numbered and hop.not_alone],
    }
