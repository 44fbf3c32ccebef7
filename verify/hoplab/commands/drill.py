"""The verb `drill`: a fault on purpose, and whether its hop is named; or one that a learner has to find."""

import argparse
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hoplab.commands.arguments import add_flow, add_runs, flow_of, path, runs_of, whole_number
from hoplab.commands.judged import judge_all, write_page
from hoplab.drill import loader
from hoplab.drill.drilling import Outcome, drill
from hoplab.drill.injection import heal, put_in
from hoplab.drill.journal import Journal
from hoplab.drill.matrix import RESULTS, line, page, run_all
from hoplab.drill.model import Fault
from hoplab.drill.recovery import wait_recovered
from hoplab.flow.model import Catalogue, Flow
from hoplab.judge.verdicts import Result
from hoplab.lab.deployment import Deployment, find_lab, load
from hoplab.model.errors import EXIT_FAILS, EXIT_HOLDS, ConfigurationError
from hoplab.report.document import Document
from hoplab.report.outline import cleaned
from hoplab.report.output import as_json as to_json
from hoplab.report.output import say
from hoplab.run.record import PREPARATION
from hoplab.session.verification import LaunchOptions, verify

MOST_DRAWN = 100


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    what = verb.add_mutually_exclusive_group(required=True)
    what.add_argument("fault", nargs="?", metavar="FAULT", help="the fault: launch with it, judge, and take it out")
    what.add_argument("--list", action="store_true", help="say which faults there are")
    what.add_argument("--all", action="store_true", help="carry out all drills that have no result yet")
    what.add_argument("--quick", action="store_true", help="carry out one drill of each component")
    what.add_argument("--blind", action="store_true", help="put in any fault, leave it there and don't tell which")
    what.add_argument("--answer", action="store_true", help="say which fault is in the lab")
    what.add_argument("--heal", action="store_true", help="take out the fault that is in the lab")
    verb.add_argument("--json", action="store_true", help="print the result as JSON")
    verb.add_argument("--page", metavar="FILE", type=path, help="with --all: write a page of all results, in Markdown")
    verb.add_argument(
        "--before", action="store_true", help="put the fault in before anything is prepared, as faults are in life"
    )
    verb.add_argument(
        "--draw", metavar="N", type=whole_number(MOST_DRAWN), help="with --quick: only N of them, at random"
    )
    verb.add_argument(
        "--seed", metavar="TEXT", help="with --draw: what the draw depends on, so that it can be repeated"
    )
    add_flow(verb)
    add_runs(verb)


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab drill`; return the exit status."""
    if arguments.page and not arguments.all:
        raise ConfigurationError("--page is for --all: it is the page of all results")
    if arguments.draw and not arguments.quick:
        raise ConfigurationError("--draw is for --quick: it draws some of the quick drills")
    if arguments.seed is not None and not arguments.draw:
        raise ConfigurationError("--seed is for --draw: say how many drills are drawn, as in --draw 6")
    catalogue, flow = flow_of(arguments)
    faults = loader.load(catalogue.hops)
    if arguments.list:
        return _show_list(faults, flow, as_json=arguments.json)
    deployment = load(find_lab(arguments.lab))
    if arguments.answer:
        return _show_answer(Journal(deployment.directory), faults, flow)
    if arguments.blind or arguments.heal:
        return (_put_in_blind if arguments.blind else _heal_fault)(deployment, faults)
    drills = Drills(deployment, runs_of(arguments, deployment), catalogue, flow)
    if arguments.all:
        return _run_all(drills, faults, arguments.page)
    if arguments.quick:
        quick = [fault for fault in faults.values() if fault.quick]
        return _run_quick(drills, drawn(quick, arguments.draw, arguments.seed) if arguments.draw else quick)
    return _run_one(drills, _find_fault(faults, arguments.fault, before=arguments.before), as_json=arguments.json)


@dataclass(frozen=True, slots=True)
class Drills:
    """What all drills of one lab have in common."""

    deployment: Deployment
    runs: Path
    catalogue: Catalogue
    flow: Flow

    def one(self, fault: Fault) -> Outcome:
        """Carry out a drill (see `hoplab.drill.drilling.drill`)."""
        return drill(self.deployment, self.runs, fault, catalogue=self.catalogue, judge=self._judge, say=say)

    def launches_cleanly(self) -> bool:
        """Tell whether every hop of a launch without a fault is proved."""
        found: dict[Path, Document] = {}
        verify(
            self.deployment, self.runs, LaunchOptions(), say=say, recorded=lambda made: found.update(self._judge(made))
        )
        return all(document["result"] == Result.PROVED for document in found.values())

    def _judge(self, directories: tuple[Path, ...]) -> dict[Path, Document]:
        return judge_all(directories, self.catalogue, self.flow)


def _run_one(drills: Drills, fault: Fault, *, as_json: bool) -> int:
    outcome = drills.one(fault)
    if as_json:
        sys.stdout.write(to_json(as_row(outcome)))
    else:
        _show(outcome, drills.catalogue, drills.flow)
    return EXIT_HOLDS if outcome.localised else EXIT_FAILS


def _run_all(drills: Drills, faults: dict[str, Fault], where: Path | None) -> int:
    release = drills.deployment.release
    rows = run_all(
        [*modes(faults.values())],
        drills.runs / RESULTS,
        release,
        one=lambda fault: as_row(drills.one(fault)),
        launches_cleanly=drills.launches_cleanly,
        say=say,
    )
    if where:
        write_page("--page", where, page(rows, faults, drills.flow, drills.catalogue, release))
    return EXIT_HOLDS if all(row["localised"] and row["clean_after"] for row in rows) else EXIT_FAILS


def modes(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield each fault as it is tried: once all is prepared, and before where its file says what is named then."""
    for fault in faults:
        if not fault.only_early:
            yield fault
        if fault.before is not None and (fault.before.hop, fault.before.service) != (fault.hop, fault.service):
            yield fault.before


def drawn(faults: list[Fault], number: int, seed: str | None) -> list[Fault]:
    """Return as many of the faults (all, if there are not so many), in their order; say which seed drew them."""
    seed = seed if seed is not None else f"{random.getrandbits(32):08x}"
    chosen = random.Random(seed).sample(range(len(faults)), min(number, len(faults)))
    say(f"{len(chosen)} of {len(faults)} quick drills, drawn with --seed {seed}")
    return [faults[index] for index in sorted(chosen)]


def _run_quick(drills: Drills, faults: list[Fault]) -> int:
    """Carry out drills, and see at the end that the lab launches cleanly; no result is kept."""
    missed = []
    for fault in faults:
        row = as_row(drills.one(fault))
        say(line(row))
        missed += [] if row["localised"] else [fault.name]
    clean = drills.launches_cleanly()
    say(f"{len(faults) - len(missed)} of {len(faults)} faults localised" + "".join(f"; NOT {name}" for name in missed))
    if not clean:
        say("the launch after them is NOT proved")
    return EXIT_HOLDS if clean and not missed else EXIT_FAILS


def _put_in_blind(deployment: Deployment, faults: dict[str, Fault]) -> int:
    # What only slows a launch down is over before a learner has begun to look.
    put_in(deployment, random.choice([fault for fault in faults.values() if not (fault.slows or fault.only_early)]))
    say("a fault is in the lab. Find it, with `hoplab verify` for one; `hoplab drill --answer` tells which it is")
    say("take it out with `hoplab drill --heal`")
    return EXIT_HOLDS


def _heal_fault(deployment: Deployment, faults: dict[str, Fault]) -> int:
    name = heal(deployment)
    if not name:
        say("no fault is in the lab")
        return EXIT_HOLDS
    say(f"the fault {name} is out; waiting until the lab is well again")
    wait_recovered(deployment, faults[name].rest if name in faults else 0.0)
    return EXIT_HOLDS


def as_row(outcome: Outcome) -> Document:
    """Return a drill's outcome as data."""
    first = outcome.first
    return {
        "schema": 1,
        "fault": outcome.fault.name,
        "component": outcome.fault.component,
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
        "strays": sorted({name for one in outcome.launches for name in one.strays}),
        "status": first.status,
        "says": first.says,
        "seen_as_told": outcome.seen,
        "verdict_seconds": round(outcome.verdict_seconds, 1),
        "healed_seconds": round(outcome.healed_seconds, 1),
        "launches": [
            {"run": one.run, "host": one.host, "touched": one.touched, "result": one.result, "found": one.named}
            for one in outcome.launches
        ],
    }


def _find_fault(faults: dict[str, Fault], name: str, *, before: bool = False) -> Fault:
    if name not in faults:
        raise ConfigurationError(f"there is no fault {name!r}: `hoplab drill --list` says which there are")
    fault = faults[name]
    if not (before or fault.only_early):
        return fault
    if fault.before is None:
        raise ConfigurationError(f"--before: fault {name} needs ids that a launch has only once all is prepared")
    return fault.before


def _show_list(faults: dict[str, Fault], flow: Flow, *, as_json: bool) -> int:
    if as_json:
        rows = [
            {"fault": one.name, "title": one.title, "component": one.component, "from": one.origin or None}
            for one in faults.values()
        ]
        sys.stdout.write(to_json(rows))
        return EXIT_HOLDS
    table = Table("fault", "what is wrong", "its hop", box=None, pad_edge=False)
    for one in faults.values():
        table.add_row(one.name, one.title, _hop(one.hop, flow) if one.hop else "before the launch")
    Console().print(table)
    return EXIT_HOLDS


def _show_answer(journal: Journal, faults: dict[str, Fault], flow: Flow) -> int:
    if not journal.read():
        say("no fault is in the lab: put one in with `hoplab drill --blind`")
        return EXIT_FAILS
    fault = _find_fault(faults, journal.fault)
    why = f" {fault.because}" if fault.because else ""
    why += f" It happened to others: {fault.origin}" if fault.origin else ""
    does = f"It {'slows' if fault.slows else 'breaks'} hop {_hop(fault.hop, flow)}."
    Console().print(
        f"{fault.name}: {fault.title} {does if fault.hop else 'It keeps launches from being prepared.'}{why}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    return EXIT_HOLDS


def _show(outcome: Outcome, catalogue: Catalogue, flow: Flow) -> None:
    fault, first = outcome.fault, outcome.first
    mark = "localised" if outcome.localised else "NOT localised"
    named = "the hop that made it slow: " if fault.slows else "first unproven hop: "
    lines = [
        f"{fault.name}: {fault.title}",
        f"  {mark} in {outcome.verdict_seconds:.0f} s; the lab was well again {outcome.healed_seconds:.0f} s later",
        f"  {named}{_hop(first.named, flow)}",
        *_wanted(fault, catalogue, flow),
        f"  the user sees: {first.status or 'no instance'}; {first.says or 'no message'}",
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
        lines.append(f"  the user was to see: {fault.sees.status or 'no instance'}; {fault.sees.says or 'no message'}")
    lines += [f"  not proved, and not for this fault's sake: {_hop(name, flow)}" for name in first.strays]
    lines += [
        f"  run {one.run} on {one.host or 'no host'}: {one.result}; "
        + ("the fault is there" if one.touched else "not where the fault is")
        for one in outcome.launches
    ]
    Console().print("\n".join(map(cleaned, lines)), soft_wrap=True, highlight=False, markup=False)


def _wanted(fault: Fault, catalogue: Catalogue, flow: Flow) -> Iterator[str]:
    """Yield what the drill has to name."""
    if fault.hop == PREPARATION:
        yield f"  what the fault breaks: the preparation: {fault.service}, {fault.request}"
    else:
        yield f"  the fault's hop: {_hop(fault.hop, flow)}: {catalogue.hops[fault.hop].meaning}"


def _hop(name: str | None, flow: Flow) -> str:
    if name is None:
        return "none"
    numbers = flow.numbers(name)
    return f"{name} ({', '.join(numbers)})" if numbers else name
