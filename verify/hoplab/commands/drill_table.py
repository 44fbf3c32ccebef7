"""Faults and drills, shown: as tables and texts, and as data."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from hoplab.drill.journal import FaultJournal
from hoplab.drill.model import Fault
from hoplab.drill.outcomes import DrillOutcome
from hoplab.flow.model import LAUNCH, Catalogue, Flow
from hoplab.model.errors import EXIT_FAILS, EXIT_HOLDS, ConfigurationError
from hoplab.report.document import Document
from hoplab.report.outline import cleaned
from hoplab.report.output import as_json as to_json
from hoplab.report.output import print_message
from hoplab.run.record import PREPARATION


@dataclass(frozen=True, slots=True)
class JourneyFlows:
    """By which list each journey is judged. catalogues: by journey; asked: lists that are not the main ones, too."""

    catalogues: Mapping[str, Catalogue]
    asked: Mapping[str, str] = field(default_factory=dict)

    def journey(self, journey: str) -> tuple[Catalogue, Flow]:
        """Return what is known of a journey, and its list."""
        catalogue = self.catalogues[journey]
        return catalogue, catalogue.flows[self.asked.get(journey, catalogue.main)]

    def hop(self, name: str | None, journey: str) -> str:
        """Return a hop's name with its numbers in the journey's list; `none` for None."""
        if name is None:
            return "none"
        numbers = self.journey(journey)[1].numbers(name)
        return f"{name} ({', '.join(numbers)})" if numbers else name


def find_fault(faults: dict[str, Fault], name: str, *, before: bool = False) -> Fault:
    """Return the fault of a name, as it is put in; ConfigurationError if there is none, or none that can be so."""
    if name not in faults:
        raise ConfigurationError(f"there is no fault {name!r}: `hoplab drill --list` says which there are")
    fault = faults[name]
    if not (before or fault.only_early):
        return fault
    if fault.before is None:
        raise ConfigurationError(f"--before: fault {name} needs ids that a launch has only once all is prepared")
    return fault.before


def as_row(outcome: DrillOutcome) -> Document:
    """Return a drill's outcome as data."""
    first = outcome.first
    return {
        "schema": 1,
        "fault": outcome.fault.name,
        "component": outcome.fault.component,
        "journey": outcome.fault.journey,
        "expected": outcome.fault.hop,
        "before": outcome.fault.early,
        "service": outcome.fault.service,
        "request": outcome.fault.request,
        "slows": outcome.fault.slows,
        "found": first.named,
        "asked": list(first.asked),
        "shown": first.shown,
        "localised": outcome.localised,
        "result": first.result,
        "strays": sorted({name for launch in outcome.launches for name in launch.strays}),
        "status": first.status,
        "says": first.says,
        "seen_as_told": outcome.seen,
        "verdict_seconds": round(outcome.verdict_seconds, 1),
        "healed_seconds": round(outcome.healed_seconds, 1),
        "launches": [
            {
                "run": each_launch.run,
                "host": each_launch.host,
                "touched": each_launch.touched,
                "result": each_launch.result,
                "found": each_launch.named,
            }
            for each_launch in outcome.launches
        ],
    }


def show_list(faults: dict[str, Fault], flows: JourneyFlows, *, as_json: bool) -> int:
    """Show which faults there are; return the exit status."""
    if as_json:
        rows = [
            {"fault": fault.name, "title": fault.title, "component": fault.component, "from": fault.origin or None}
            for fault in faults.values()
        ]
        sys.stdout.write(to_json(rows))
        return EXIT_HOLDS
    table = Table("fault", "what is wrong", "its hop", box=None, pad_edge=False)
    for each_fault in faults.values():
        table.add_row(
            each_fault.name,
            each_fault.title,
            flows.hop(each_fault.hop, each_fault.journey) if each_fault.hop else "before the launch",
        )
    Console().print(table)
    return EXIT_HOLDS


def show_answer(journal: FaultJournal, faults: dict[str, Fault], flows: JourneyFlows) -> int:
    """Show which fault is in the lab; return the exit status."""
    if not journal.read():
        print_message("no fault is in the lab: put one in with `hoplab drill --blind`")
        return EXIT_FAILS
    fault = find_fault(faults, journal.fault)
    why = f" {fault.because}" if fault.because else ""
    why += f" It happened to others: {fault.origin}" if fault.origin else ""
    does = f"It {'slows' if fault.slows else 'breaks'} hop {flows.hop(fault.hop, fault.journey)}."
    Console().print(
        f"{fault.name}: {fault.title} {does if fault.hop else 'It keeps launches from being prepared.'}{why}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    return EXIT_HOLDS


def show(outcome: DrillOutcome, flows: JourneyFlows) -> None:
    """Show what a drill came to."""
    fault, first = outcome.fault, outcome.first
    journey = fault.journey
    mark = "localised" if outcome.localised else "NOT localised"
    nothing = "no instance" if journey == LAUNCH else "nothing"
    named = "the hop that made it slow: " if fault.slows else "first unproven hop: "
    lines = [
        f"{fault.name}: {fault.title}",
        f"  {mark} in {outcome.verdict_seconds:.0f} s; the lab was well again {outcome.healed_seconds:.0f} s later",
        f"  {named}{flows.hop(first.named, journey)}",
        *_wanted(fault, flows),
        f"  the user sees: {first.status or nothing}; {first.says or 'no message'}",
    ]
    if fault.because:
        lines.append(f"  why it is that hop: {fault.because}")
    if fault.origin:
        lines.append(f"  it happened to others: {fault.origin}")
    if first.named == PREPARATION:
        lines.append(f"  what failed: {' '.join(first.asked)}")
    if not first.shown:
        lines.append(f"  the report was to show: {'; '.join(fault.shows)}")
    if not outcome.seen:
        lines.append(f"  the user was to see: {fault.sees.status or nothing}; {fault.sees.says or 'no message'}")
    lines += [f"  not proved, and not for this fault's sake: {flows.hop(name, journey)}" for name in first.strays]
    lines += [
        f"  run {launch.run} on {launch.host or 'no host'}: {launch.result}; "
        + ("the fault is there" if launch.touched else "not where the fault is")
        for launch in outcome.launches
    ]
    Console().print("\n".join(map(cleaned, lines)), soft_wrap=True, highlight=False, markup=False)


def _wanted(fault: Fault, flows: JourneyFlows) -> Iterator[str]:
    """Yield what the drill has to name."""
    if fault.hop == PREPARATION:
        yield f"  what the fault breaks: the preparation: {fault.service}, {fault.request}"
    else:
        meaning = flows.journey(fault.journey)[0].hops[fault.hop].meaning
        yield f"  the fault's hop: {flows.hop(fault.hop, fault.journey)}: {meaning}"
