"""All drills one after the other: resumable, one file of results, and a page of them."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from hoplab.drill.model import Fault
from hoplab.errors import ConfigurationError
from hoplab.record import write_json

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
        if any(row["fault"] == fault.name for row in rows):
            say(f"{fault.name} has a result already: remove {results} to carry out all of them again")
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
    return f"{row['fault']}: {mark}: {row['found']}, expected {row['expected']}; {row['verdict_seconds']:.0f} s{after}"


def page(rows: Iterable[Mapping[str, Any]], titles: Mapping[str, str], release: str) -> str:
    """Return all results as a page in Markdown. titles: of the faults, by name."""
    rows = list(rows)
    exact = sum(bool(row["localised"]) for row in rows)
    hops = {row["found"] for row in rows if row["localised"]}
    days = sorted({row["day"] for row in rows})
    head = [
        "# Drills",
        "",
        "<!-- Made by `hoplab drill --all --page FILE`: don't edit. -->",
        "",
        "Each drill puts one fault into the running lab, launches an instance and judges the launch: the first hop",
        "that is not proved must be the one that the fault breaks. `hoplab drill FAULT` does one of them.",
        "",
        f"{exact} of {len(rows)} faults were localised, at {len(hops)} different hops. OpenStack {release}; "
        f"{' to '.join(dict.fromkeys((days[0], days[-1]))) if days else 'never'}.",
        "",
        "| Fault | What is wrong | Expected hop | Found hop | Seconds | Then |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *(_cells(row, titles) for row in rows), ""])


def _cells(row: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    found = row["found"] if row["localised"] else f"**{row['found']}**"
    after = "launches cleanly" if row.get("clean_after") else "**does not launch cleanly**"
    cells = [row["fault"], titles.get(row["fault"], ""), row["expected"], found, f"{row['verdict_seconds']:.0f}", after]
    return f"| {' | '.join(cells)} |"
