"""The verb `drill`: a fault on purpose, and whether its hop is named; or one that a learner has to find."""

import argparse
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hoplab.commands.arguments import add_flow, add_journey, add_runs, chosen_flow, path, runs_directory, whole_number
from hoplab.commands.drill_table import JourneyFlows, as_row, find_fault, show, show_answer, show_list
from hoplab.commands.judged import judge_all, write_page
from hoplab.drill import loader
from hoplab.drill.injection import heal, put_in
from hoplab.drill.journal import FaultJournal
from hoplab.drill.matrix import RESULTS, line, page, run_all
from hoplab.drill.model import Fault
from hoplab.drill.outcomes import DrillOutcome, drill
from hoplab.drill.recovery import wait_recovered
from hoplab.flow.loader import load_all
from hoplab.flow.model import LAUNCH
from hoplab.judge.verdicts import Result
from hoplab.lab.deployment import Deployment, find_lab, load
from hoplab.model.errors import EXIT_FAILS, EXIT_HOLDS, ConfigurationError
from hoplab.report.document import Document
from hoplab.report.output import as_json as to_json
from hoplab.report.output import print_message
from hoplab.session.options import Options
from hoplab.session.recorded_launches import verify

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
    add_journey(verb, default="all of them")
    add_runs(verb)


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab drill`; return the exit status."""
    _check(arguments)
    asked, _flow = chosen_flow(arguments)
    catalogues = load_all()
    flows = JourneyFlows(catalogues, {asked.name: arguments.flow} if arguments.flow else {})
    faults = loader.load(catalogues)
    if arguments.journey:
        faults = {name: fault for name, fault in faults.items() if fault.journey == arguments.journey}
    if arguments.list:
        return show_list(faults, flows, as_json=arguments.json)
    deployment = load(find_lab(arguments.lab))
    if arguments.answer or arguments.heal:
        every, journal = loader.load(catalogues), FaultJournal(deployment.directory)
        return show_answer(journal, every, flows) if arguments.answer else _heal_fault(deployment, every)
    if arguments.blind:
        return _put_in_blind(deployment, [fault for fault in faults.values() if fault.journey == asked.name])
    return _drill(arguments, Drills(deployment, runs_directory(arguments, deployment), flows), faults)


def _drill(arguments: argparse.Namespace, drills: "Drills", faults: dict[str, Fault]) -> int:
    """Carry out the drills that were asked for; return the exit status."""
    if arguments.all:
        return _run_all(drills, faults, arguments.page)
    if arguments.quick:
        quick = [fault for fault in faults.values() if fault.quick]
        return _run_quick(drills, draw_faults(quick, arguments.draw, arguments.seed) if arguments.draw else quick)
    return _run_one(drills, find_fault(faults, arguments.fault, before=arguments.before), as_json=arguments.json)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that go with others."""
    if arguments.page and not arguments.all:
        raise ConfigurationError("--page is for --all: it is the page of all results")
    if arguments.draw and not arguments.quick:
        raise ConfigurationError("--draw is for --quick: it draws some of the quick drills")
    if arguments.seed is not None and not arguments.draw:
        raise ConfigurationError("--seed is for --draw: say how many drills are drawn, as in --draw 6")


@dataclass(frozen=True, slots=True)
class Drills:
    """What all drills of one lab have in common."""

    deployment: Deployment
    runs: Path
    flows: JourneyFlows

    def run_drill(self, fault: Fault) -> DrillOutcome:
        """Carry out a drill (see `hoplab.drill.outcomes.drill`)."""
        catalogue, flow = self.flows.journey(fault.journey)
        return drill(
            self.deployment,
            self.runs,
            fault,
            catalogue=catalogue,
            judge=lambda directories: judge_all(directories, catalogue, flow),
            say=print_message,
        )

    def is_clean(self, journey: str) -> bool:
        """Tell whether every hop of a journey without a fault is proved."""
        found: dict[Path, Document] = {}
        options = Options(journey=journey)
        catalogue, flow = self.flows.journey(journey)
        verify(
            self.deployment,
            self.runs,
            options,
            say=print_message,
            recorded=lambda made: found.update(judge_all(made, catalogue, flow)),
        )
        return all(document["result"] == Result.PROVED for document in found.values())


def _run_one(drills: Drills, fault: Fault, *, as_json: bool) -> int:
    outcome = drills.run_drill(fault)
    if as_json:
        sys.stdout.write(to_json(as_row(outcome)))
    else:
        show(outcome, drills.flows)
    return EXIT_HOLDS if outcome.localised else EXIT_FAILS


def _run_all(drills: Drills, faults: dict[str, Fault], where: Path | None) -> int:
    release = drills.deployment.release
    rows = run_all(
        [*modes(faults.values())],
        drills.runs / RESULTS,
        release,
        one=lambda fault: as_row(drills.run_drill(fault)),
        is_clean=drills.is_clean,
        say=print_message,
    )
    if where:
        every = loader.load(drills.flows.catalogues)
        judged_by = [drills.flows.journey(name) for name in drills.flows.catalogues]
        write_page("--page", where, page(rows, every, judged_by, release))
    return EXIT_HOLDS if all(row["localised"] and row["clean_after"] for row in rows) else EXIT_FAILS


def modes(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield each fault as it is tried: once all is prepared, and before where its file says what is named then."""
    for fault in faults:
        if not fault.only_early:
            yield fault
        if fault.before is not None and (fault.before.hop, fault.before.service) != (fault.hop, fault.service):
            yield fault.before


def draw_faults(faults: list[Fault], number: int, seed: str | None) -> list[Fault]:
    """Return as many of the faults (all, if there are not so many), in their order; say which seed drew them."""
    seed = seed if seed is not None else f"{random.getrandbits(32):08x}"
    chosen = random.Random(seed).sample(range(len(faults)), min(number, len(faults)))
    print_message(f"{len(chosen)} of {len(faults)} quick drills, drawn with --seed {seed}")
    return [faults[index] for index in sorted(chosen)]


def _run_quick(drills: Drills, faults: list[Fault]) -> int:
    """Carry out drills, and see at the end that their journeys are proved without a fault; no result is kept."""
    missed = []
    for fault in faults:
        row = as_row(drills.run_drill(fault))
        print_message(line(row))
        missed += [] if row["localised"] else [fault.name]
    unclean = [name for name in dict.fromkeys(fault.journey for fault in faults) if not drills.is_clean(name)]
    print_message(
        f"{len(faults) - len(missed)} of {len(faults)} faults localised" + "".join(f"; NOT {name}" for name in missed)
    )
    for name in unclean:
        print_message(f"the {name} after them is NOT proved")
    return EXIT_FAILS if unclean or missed else EXIT_HOLDS


def _put_in_blind(deployment: Deployment, faults: list[Fault]) -> int:
    # What only slows a launch down is over before a learner has begun to look.
    fault = random.choice([fault for fault in faults if not (fault.slows or fault.only_early)])
    put_in(deployment, fault)
    verb = "hoplab verify" if fault.journey == LAUNCH else f"hoplab verify --journey {fault.journey}"
    print_message(f"a fault is in the lab. Find it, with `{verb}` for one; `hoplab drill --answer` tells which it is")
    print_message("take it out with `hoplab drill --heal`")
    return EXIT_HOLDS


def _heal_fault(deployment: Deployment, faults: dict[str, Fault]) -> int:
    name = heal(deployment)
    if not name:
        print_message("no fault is in the lab")
        return EXIT_HOLDS
    print_message(f"the fault {name} is out; waiting until the lab is well again")
    wait_recovered(deployment, faults[name].rest if name in faults else 0.0)
    return EXIT_HOLDS
