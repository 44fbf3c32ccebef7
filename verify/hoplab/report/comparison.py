"""Two runs of one journey beside each other: which hops differ, and in what. The contract of `report --compare --json`.

Hops are the same by their names, so runs judged by other lists, or of other releases, can be compared, too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hoplab.flow.model import LAUNCH
from hoplab.judge.verdicts import Result
from hoplab.model.errors import ConfigurationError
from hoplab.model.schemas import COUNT, TEXT, YES, list_schema, nullable, object_schema
from hoplab.report.form import NUMBER, SECONDS, TIME
from hoplab.report.looks import LOOKS
from hoplab.report.outline import Document, Entry, began, journey, moment, number, ordered, read, sentence, start

SCHEMA: Final = 1
LONGER: Final = 3.0
TIMES: Final = 2.0
"""A hop differs in time if one run waited for it so many seconds longer than the other, and so many times as long.

Of recorded runs of one kind (two launches at once, two launches alone, two attachments) no hop does; 2.6 s is the most
that one was waited for longer by a factor of two. Seconds alone would name what takes long anyway, such as the guest's
boot; a factor alone, what takes milliseconds.
"""
SIDES: Final = ("first", "second")
DIFFERENCES: Final = {
    "only": "in one of the runs only",
    "verdict": "with another verdict",
    "actors": "between other actors",
    "time": "with another time than usual",
}
"""In what a hop may differ, and how that is called where hops are counted."""

SIDE: Final = object_schema(
    {
        **dict.fromkeys(("number", "from", "to", "why"), TEXT),
        "verdict": {"enum": list(LOOKS)},
        "since_start_s": nullable(SECONDS),
        "lag_s": nullable(SECONDS),
    }
)
HOP: Final = object_schema(
    {
        "name": TEXT,
        "meaning": TEXT,
        "differs": list_schema({"enum": list(DIFFERENCES)}),
        "longer_s": nullable(SECONDS),
        **dict.fromkeys(SIDES, nullable(SIDE)),
    }
)
RUN: Final = object_schema(
    {
        **dict.fromkeys(("run", "flow", "release", "inventory", "sentence"), TEXT),
        "result": {"enum": [str(result) for result in Result]},
        "first_unproven": nullable(object_schema({"hop": NUMBER, "name": TEXT})),
        "warm": YES,
        "started": TIME,
        "seconds": nullable(SECONDS),
        "hops": COUNT,
    }
)
FORM: Final = object_schema(
    {
        "schema": {"const": SCHEMA},
        "journey": TEXT,
        **dict.fromkeys(SIDES, RUN),
        "usual": object_schema({"longer_s": SECONDS, "times": SECONDS}),
        "counts": object_schema({"hops": COUNT, "same": COUNT, **dict.fromkeys(DIFFERENCES, COUNT)}),
        "hops": list_schema(HOP, minItems=1),
    }
)
"""What a comparison is as JSON (JSON Schema)."""


def compare(first: Document, second: Document) -> dict[str, Any]:
    """Return the comparison of two result documents (report.json), as `FORM` says.

    All hops of both are in it, in the documented order of the first. Raises ConfigurationError for two journeys,
    KeyError for a document without what the schema has, ValueError for a time that is none.
    """
    if journey(first) != journey(second):
        raise ConfigurationError(
            f"{first['run']} is a {journey(first)}, {second['run']} a {journey(second)}: name two runs of one journey"
        )
    documents = [read(document) for document in (first, second)]
    hops = list(_hops(*documents))
    counts = Counter(difference for hop in hops for difference in hop["differs"])
    return {
        "schema": SCHEMA,
        "journey": journey(documents[0]),
        **{side: _run(document) for side, document in zip(SIDES, documents, strict=True)},
        "usual": {"longer_s": LONGER, "times": TIMES},
        "counts": {
            "hops": len(hops),
            "same": sum(not hop["differs"] for hop in hops),
            **{difference: counts[difference] for difference in DIFFERENCES},
        },
        "hops": hops,
    }


def _run(document: Document) -> dict[str, Any]:
    unproven = document["first_unproven"]
    return {
        **{name: document[name] for name in ("run", "flow", "release", "inventory", "result", "warm", "started")},
        "sentence": sentence(document),
        "first_unproven": None if unproven is None else {"hop": unproven["hop"], "name": unproven["name"]},
        "seconds": _seconds(document),
        "hops": len(document["hops"]),
    }


def _seconds(document: Document) -> float | None:
    """Return the seconds from the first hop to the end of the last one; None if no hop was seen."""
    first = start(document)
    ends = [moment(hop["end"] or hop["at"]) for hop in document["hops"] if hop["at"]]
    return None if first is None else round(max(ends) - first, 3)


def _hops(first: Document, second: Document) -> Iterator[dict[str, Any]]:
    known = [{hop["name"]: hop for hop in document["hops"]} for document in (first, second)]
    starts = [start(document) for document in (first, second)]
    for name in _names(first, second):
        pair = [hops.get(name) for hops in known]
        sides = [None if hop is None else _side(hop, begin) for hop, begin in zip(pair, starts, strict=True)]
        # How long a hop was waited for is told from those before it: from the same ones, or it can't be compared.
        before = [_seen_before(hop, hops) for hop, hops in zip(pair, known, strict=True)]
        longer = _longer(sides[0], sides[1]) if before[0] == before[1] else None
        yield {
            "name": name,
            "meaning": next(hop["meaning"] for hop in pair if hop is not None),
            "differs": list(_differences(sides[0], sides[1], longer)),
            "longer_s": longer,
            **dict(zip(SIDES, sides, strict=True)),
        }


def _seen_before(hop: Entry | None, hops: Mapping[str, Entry]) -> set[str]:
    """Return which hops that a hop must follow were seen."""
    return {name for name in (hop["after"] if hop else ()) if name in hops and hops[name]["at"]}


def _names(first: Document, second: Document) -> list[str]:
    """Return the names of all hops: as the first list has them, and what only the second has behind its predecessor."""
    names = [str(hop["name"]) for hop in ordered(first["hops"])]
    place = 0
    for hop in ordered(second["hops"]):
        if hop["name"] in names:
            place = names.index(hop["name"]) + 1
        else:
            names.insert(place, hop["name"])
            place += 1
    return names


def _side(hop: Entry, first: float | None) -> dict[str, Any]:
    at = began(hop)
    return {
        "number": number(hop),
        **{name: hop[name] for name in ("from", "to", "verdict", "why")},
        "since_start_s": None if at is None or first is None else round(at - first, 3),
        "lag_s": hop.get("lag_s"),
    }


def _longer(first: Entry | None, second: Entry | None) -> float | None:
    """Return how much longer the second run waited for a hop, in seconds; None where it can't be told of both."""
    if first is None or second is None or first["lag_s"] is None or second["lag_s"] is None:
        return None
    return round(float(second["lag_s"] - first["lag_s"]), 3)


def _differences(first: Entry | None, second: Entry | None, longer: float | None) -> Iterator[str]:
    if first is None or second is None:
        yield "only"
        return
    if first["verdict"] != second["verdict"]:
        yield "verdict"
    if (first["from"], first["to"]) != (second["from"], second["to"]):
        yield "actors"
    if longer is not None and is_unusual(first["lag_s"], second["lag_s"]):
        yield "time"


def is_unusual(lag: float, other: float) -> bool:
    """Tell whether a hop was waited for longer in one run than in another by more than two runs of a kind differ."""
    less, more = sorted((lag, other))
    return more - less > LONGER and more > TIMES * less


def difference_words(hop: Entry) -> str:
    """Return in what a hop of a comparison differs, in words; empty if in nothing."""
    words = []
    for difference in hop["differs"]:
        match difference:
            case "only":
                words.append(f"only in the {'first' if hop['second'] is None else 'second'}")
            case "verdict":
                words.append(f"{hop['first']['verdict']}, then {hop['second']['verdict']}")
            case "actors":
                words.append(f"now {hop['second']['from']} -> {hop['second']['to']}")
            case "time":
                more = hop["longer_s"]
                words.append(f"{abs(more):.1f} s {'longer' if more > 0 else 'shorter'}")
    return "; ".join(words)


def run_facts(comparison: Document) -> list[tuple[str, str, str]]:
    """Return what is known of the two runs of a comparison, as rows: what it is, of the first, of the second."""
    first, second = (_facts(comparison[side], comparison["journey"]) for side in SIDES)
    return [(name, said, second[name]) for name, said in first.items() if said or second[name]]


def _facts(run: Entry, what: str) -> dict[str, str]:
    started = "warm" if run["warm"] else "cold"
    return {
        "run": run["run"],
        "list": run["flow"],
        "release": run["release"],
        "start": started if what == LAUNCH else "",
        "result": run["result"],
        "broke at": _unproven(run),
        "took": "" if run["seconds"] is None else f"{run['seconds']:.1f} s",
    }


def _unproven(run: Entry) -> str:
    first = run["first_unproven"]
    return "" if first is None else str(first["name"]) if first["hop"] is None else f"{first['hop']} {first['name']}"


def comparison_sentence(comparison: Document) -> str:
    """Return in one sentence how many hops differ, and in what."""
    counts = comparison["counts"]
    differing = counts["hops"] - counts["same"]
    if not differing:
        return f"All {counts['hops']} hops are alike."
    told = ", ".join(f"{counts[name]} {words}" for name, words in DIFFERENCES.items() if counts[name])
    return f"{differing} of {counts['hops']} hops {'differs' if differing == 1 else 'differ'}: {told}."
