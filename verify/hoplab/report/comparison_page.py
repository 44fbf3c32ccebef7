"""The comparison of two runs as one HTML file: both runs in the same picture, and a table of what differs."""

from typing import Any, Final

from hoplab.report.comparison import (
    SIDES,
    compare,
    comparison_sentence,
    difference_words,
    run_facts,
)
from hoplab.report.html import page_environment, page_shell
from hoplab.report.outline import Document
from hoplab.report.picture import LONGEST, Data, bent_times, picture

DIFFERS: Final = "differs"
"""What stands for the verdict of a hop that differs, where both runs are one list."""


def render_comparison(first: Document, second: Document) -> str:
    """Return two result documents (report.json) beside each other as an HTML page, which is well-formed XML, too.

    Raises ConfigurationError for two journeys, KeyError or jinja2.UndefinedError for a document without what the schema
    has, ValueError for a time that is none.
    """
    comparison = compare(first, second)
    environment = page_environment()
    environment.filters["difference"] = difference_words
    page = environment.get_template("comparison.html.j2").render(
        **page_shell(environment, comparison_picture(comparison, first, second)),
        comparison=comparison,
        sides=[comparison[side]["run"] for side in SIDES],
        sentence=comparison_sentence(comparison),
        runs=run_facts(comparison),
        journey=comparison["journey"],
        differing=[hop for hop in comparison["hops"] if hop["differs"]],
        alike=[hop for hop in comparison["hops"] if not hop["differs"]],
    )
    return page.rstrip() + "\n"


def comparison_picture(comparison: Document, first: Document, second: Document) -> Data:
    """Return the picture of two runs: the hops of both as one list, and the picture of each (`compared`).

    verify/page/src/data.ts tells what is in it. Hops are in the order of the first run's times; in both pictures they
    have the numbers that they have in the comparison. Raises as `hoplab.report.picture.picture`.
    """
    runs = [picture(document) for document in (first, second)]
    hops = {hop["name"]: hop for hop in comparison["hops"]}
    order = _merged(*([step["name"] for step in run["steps"]] for run in runs))
    for run in runs:
        played, others = run["steps"][: run["reached"]], run["steps"][run["reached"] :]
        steps = [*_sorted(played, order), *_sorted(others, order)]
        run["steps"] = [{**step, "number": _number(hops[step["name"]])} for step in steps]
    known = [{step["name"]: step for step in run["steps"]} for run in runs]
    merged = [next(steps[name] for steps in known if name in steps) for name in order]
    bent = bent_times([step["real"] for step in merged])
    whole = runs[0]
    return {
        **whole,
        "run": f"{whole['run']} and {runs[1]['run']}",
        "title": "Two runs compared",
        "sentence": comparison_sentence(comparison),
        "looks": {**whole["looks"], DIFFERS: {"sign": "≠", "kind": "v-differs", "short": "not the same in both runs"}},
        "worst": [DIFFERS, *whole["worst"]],
        "steps": [_step(step, hops[step["name"]], at) for step, at in zip(merged, bent, strict=True)],
        "reached": len(merged),
        "end": round((bent[-1] if bent else 0.0) + LONGEST, 3),
        "broken": None,
        "compared": runs,
    }


def _merged(first: list[str], second: list[str]) -> list[str]:
    """Return the names of both: as the first has them, and what only the second has behind what it has there."""
    names, place = [*first], 0
    for name in second:
        if name in first:
            place = names.index(name) + 1
        else:
            names.insert(place, name)
            place += 1
    return names


def _sorted(steps: list[Data], order: list[str]) -> list[Data]:
    return sorted(steps, key=lambda step: order.index(step["name"]))


def _number(hop: Document) -> str:
    return next(str(hop[side]["number"]) for side in SIDES if hop[side] is not None)


def _short(hop: Document) -> str:
    """Return the first difference of a hop in two words or three."""
    match next(iter(hop["differs"]), ""):
        case "only":
            return f"only in the {'first' if hop['second'] is None else 'second'}"
        case "verdict":
            return f"then {hop['second']['verdict']}"
        case "actors":
            return "other actors"
        case "time":
            return f"{hop['longer_s']:+.1f} s"
    return ""


def _step(step: Data, hop: Document, bent: float) -> dict[str, Any]:
    """Return a hop of both runs as the list has it: with what differs, and no evidence, which each run has."""
    words = difference_words(hop)
    return {
        **step,
        "bent": bent,
        "verdict": DIFFERS if words else step["verdict"],
        "why": words or step["why"],
        "when": _short(hop) or step["when"],
        "witnesses": [],
        "denials": [],
    }
