"""All drills one after the other: resumable, one file of results, and a page of them."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from hoplab.drill.model import Fault
from hoplab.errors import ConfigurationError
from hoplab.flow.model import Catalogue, Flow
from hoplab.record import PREPARATION, write_json

RESULTS: Final = "drills.json"
SCHEMA: Final = 1

Row = dict[str, Any]


def run_all(
    faults: Iterable[Fault],
    results: Path,
    release: str,
    *,
    one: Callable[[Fault], Row],
    launches_cleanly: Callable[[], bool],
    say: Callable[[str], None],
) -> list[Row]:
    """Carry out the drills that have no result in the file yet, and note each one's there; return all rows.

    one: carries out a drill; launches_cleanly: tells whether a launch after it is proved. What these raise passes
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
        row["clean_after"] = launches_cleanly()
        row["day"] = time.strftime("%Y-%m-%d", time.gmtime())
        rows.append(row)
        results.parent.mkdir(parents=True, exist_ok=True)
        write_json(results, {"schema": SCHEMA, "release": release, "drills": rows})
        say(line(row))
    return rows


def read_results(path: Path) -> list[Row]:
    """Return the rows of a file of results, none if there is no file; ConfigurationError for a damaged one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            raise ConfigurationError(f"{path}: schema: {found['schema']!r}, and this hoplab knows {SCHEMA}: remove it")
        return [dict(row) for row in found["drills"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: is no file of results ({error}): remove it") from None


def line(row: Mapping[str, Any]) -> str:
    """Return a drill's outcome in one line."""
    mark = "localised" if row["localised"] else "NOT localised"
    after = "" if row.get("clean_after", True) else "; the launch after it is NOT proved"
    name = _titled(row["fault"], before=row.get("before", False))
    return f"{name}: {mark}: {row['found']}, expected {row['expected']}; {row['verdict_seconds']:.0f} s{after}"


def _titled(name: str, *, before: bool) -> str:
    return f"{name} (before)" if before else name


def page(
    rows: Iterable[Mapping[str, Any]], faults: Mapping[str, Fault], flow: Flow, catalogue: Catalogue, release: str
) -> str:
    """Return all results as a page in Markdown, with the hops of the flow that no drill breaks, and why."""
    rows = list(rows)
    numbered = {name for step in flow.steps for name in step.hops}
    hops = {row["found"] for row in rows if row["localised"] and not row["slows"]} - {PREPARATION}
    days = sorted({row["day"] for row in rows}) or ["never"]
    spared = [(hop, why) for hop in numbered if (why := catalogue.hops[hop].not_alone)]
    environment = Environment(
        loader=PackageLoader("hoplab.report"), autoescape=False, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("drills.md.j2").render(
        rows=rows,
        faults=faults,
        flow=flow,
        exact=sum(bool(row["localised"]) for row in rows),
        listed=len(hops & numbered),
        others=len(hops - numbered),
        total=len(numbered),
        spared=sorted(spared, key=lambda pair: list(catalogue.hops).index(pair[0])),
        release=release,
        version=metadata.version("hoplab"),
        days=" to ".join(dict.fromkeys((days[0], days[-1]))),
        components=list(dict.fromkeys(row["component"] for row in rows)),
    )
