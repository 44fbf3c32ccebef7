"""What reports say of a run in a cloud that can't show all of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from hoplab.judge.verdicts import UNTOLD, Verdict

Document = Mapping[str, Any]
Entry = Mapping[str, Any]


def was_told(hop: Entry) -> bool:
    """Tell whether it was told beforehand that a hop can't be seen better than it is."""
    return hop["verdict"] in UNTOLD and hop.get("told") in {hop["verdict"], Verdict.NOT_OBSERVABLE}


def all_happened(document: Document, journey: str, *, spared: bool) -> str:
    """Return in a sentence that all hops happened which can be seen, and how many can't. spared: some need not have."""
    total = len(document["hops"])
    hidden = sum(hop["verdict"] == Verdict.NOT_OBSERVABLE for hop in document["hops"])
    there = f"{total - hidden} hops of the {journey}{' that can be seen in this cloud' if hidden else ''}"
    rest = f"; {hidden} of {total} can't be seen" if hidden else ""
    return f"All {there} happened{' or were not needed' if spared else ''}{rest}."


def broke(document: Document, journey: str) -> str:
    """Return in a sentence between which hops a launch broke; empty where it is known at which one it did."""
    interval = (document["failure"] or {}).get("interval") or {}
    candidates = interval.get("candidates", ())
    return f"The {journey} broke {_between(interval)}, at one of {len(candidates)} hops." if len(candidates) > 1 else ""


def interval_lines(failure: Entry) -> Iterator[tuple[str, str]]:
    """Yield between which hops a launch broke, with titles; nothing where it is known at which one it did."""
    interval = failure.get("interval") or {}
    candidates = interval.get("candidates", ())
    if len(candidates) > 1:
        yield "broke", _between(interval)
        yield "may be at", f"{', '.join(candidates)} (the likeliest first)"


def first_title(failure: Entry) -> str:
    """Return how the hop is called that is told of where a launch broke."""
    several = any(interval_lines(failure))
    return "Likeliest hop at which it broke" if several else "First unproven hop"


def _between(interval: Entry) -> str:
    after, missing = " and ".join(interval["after"]), interval["missing"]
    return f"between {after} (seen) and {missing} (missing)" if after else f"at or before {missing} (missing)"
