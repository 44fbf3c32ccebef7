"""Mutants of recorded runs: raw files changed at random, by a seed; none may be proved that the flow does not allow.

`make mutants` draws 2,000 of all recordings and kinds; SEED=n draws the same ones again. What may be proved is told by
the flow (`samples.allowing`), not by what was changed.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from random import Random, SystemRandom
from typing import Final

from hoplab.flow.vocabulary import THINGS
from hoplab.judge.verdicts import Result
from hoplab.model.events import Event
from samples.allowing import forbidden, speaking
from samples.rereading import Mutant, Place, Run, judged, original
from samples.runs import CATALOGUE, launches, recorded

SHIFTS: Final = (0.5, 5.0)
"""Seconds by which a node's times are shifted, at least and at most."""
BROKEN: Final = 8
"""Of so many rounds through all kinds one is of runs that are not proved as they are."""
CHUNK: Final = 14
"""Mutants that a process judges before it takes others."""
HEAD: Final = 40
"""Characters of a line by which it is known in a log: its time, to the millisecond, and who wrote it."""
ANSWERS: Final = (
    (re.compile(r"RESP: \[20\d\]"), "RESP: [500]"),
    (re.compile(r"\" status: 20\d "), '" status: 500 '),
    (re.compile(r"\"status\": 20\d"), '"status": 500'),
    (re.compile(r"(?<=HTTP/1\.[01]\" )20\d "), "500 "),
)
"""How the services write that a request went well, and what it is then."""


@cache
def runs() -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """Return the recorded launches that are proved, and the others."""
    proved = tuple(run for run in launches() if recorded(*run).whole.result is Result.PROVED)
    return proved, tuple(run for run in launches() if run not in proved)


def other(run: Run, random: Random) -> Run:
    """Return a proved launch of another recording."""
    return random.choice([each_run for each_run in runs()[0] if each_run[0] != run[0]])


def dropped(run: Run, random: Random) -> Mutant:
    """Take away all lines of one witness of one hop that has some."""
    witnesses = [(hop, witness) for hop in CATALOGUE.hops.values() for witness in hop.evidence]
    events: list[Event] = []
    while not events:
        hop, witness = random.choice(witnesses)
        events = speaking(_voices(run), witness, recorded(*run))
    gone: dict[Place, set[str]] = {}
    for event in events:
        gone.setdefault((event.node, event.source), set()).add(event.line[:HEAD])
    texts = {
        place: [line for line in original(run)[place] if line.rstrip("\n")[:HEAD] not in heads]
        for place, heads in gone.items()
    }
    return Mutant(run, f"without what {witness.who} says of {hop.name} ({witness.event})", texts)


@cache
def _voices(run: Run) -> dict[tuple[str, str], list[Event]]:
    found: dict[tuple[str, str], list[Event]] = {}
    for event in recorded(*run).events:
        found.setdefault((event.who, event.kind), []).append(event)
    return found


def refused(run: Run, random: Random) -> Mutant:
    """Turn the answers in one source to errors."""
    place = random.choice([place for place in sorted(original(run)) if _answering(run, place)])
    return Mutant(run, f"answers in {'/'.join(place)} are errors", {place: [_failed(x) for x in original(run)[place]]})


@cache
def _answering(run: Run, place: Place) -> bool:
    return any(pattern.search(line) for line in original(run)[place] for pattern, _error in ANSWERS)


def _failed(line: str) -> str:
    for pattern, error in ANSWERS:
        line = pattern.sub(error, line)
    return line


def swapped(run: Run, random: Random) -> Mutant:
    """Put another launch's id of one kind in the place of this one's, in one source or in several."""
    one, their_ids = recorded(*run), recorded(*other(run, random)).ids
    names = [name for name in THINGS if one.ids.get(name) and their_ids.get(name, one.ids[name]) != one.ids[name]]
    name = random.choice(names)
    theirs = min(their_ids[name])
    texts = {
        place: changed
        for place, lines in original(run).items()
        if (changed := [_exchanged(line, one.ids[name], theirs) for line in lines]) != lines
    }
    # What is exchanged wherever it stands is another name for the same, where the client does not know it.
    most = len(texts) - 1 if name not in one.launch.ids else len(texts)
    chosen = random.sample(sorted(texts), random.randint(1, max(1, min(3, most))))
    return Mutant(
        run, f"another {name} in {', '.join(map('/'.join, chosen))}", {place: texts[place] for place in chosen}
    )


def _exchanged(line: str, own: frozenset[str], theirs: str) -> str:
    for value in own:
        line = line.replace(value, theirs)
    return line


def shifted(run: Run, random: Random) -> Mutant:
    """Shift a node's times, with its clock said to be right."""
    node = random.choice(sorted(recorded(*run).launch.clocks))
    seconds = round(random.uniform(*SHIFTS) * random.choice((-1, 1)), 3)
    return Mutant(run, f"{node} is {seconds:+} s off", {}, (node, seconds))


def emptied(run: Run, random: Random) -> Mutant:
    """Empty a source."""
    place = random.choice(sorted(place for place, lines in original(run).items() if lines))
    return Mutant(run, f"{'/'.join(place)} is empty", {place: []})


def cut(run: Run, random: Random) -> Mutant:
    """Cut a source off somewhere."""
    place = random.choice(sorted(place for place, lines in original(run).items() if lines))
    lines = original(run)[place]
    kept = random.randrange(len(lines))
    return Mutant(run, f"{'/'.join(place)} ends after {kept} of {len(lines)} lines", {place: lines[:kept]})


def merged(run: Run, random: Random) -> Mutant:
    """Replace a source by another launch's, or put that behind it."""
    others = original(other(run, random))
    place = random.choice(sorted(place for place, lines in original(run).items() if lines and others.get(place)))
    kept = original(run)[place] if random.choice((True, False)) else []
    what = "with" if kept else "replaced by"
    return Mutant(run, f"{'/'.join(place)} {what} another launch's", {place: [*kept, *others[place]]})


Kind = Callable[[Run, Random], Mutant]
KINDS: Final[tuple[Kind, ...]] = (
    *(dropped, refused, swapped, shifted),
    *(emptied, cut, merged),
)


def drawn(seed: int, number: int) -> Mutant:
    """Return a mutant of a seed, all kinds and runs in turn; number: which, from 0; the same one each time."""
    turn = number // len(KINDS)
    some = runs()[turn % BROKEN == BROKEN - 1 and bool(runs()[1])]
    return KINDS[number % len(KINDS)](some[turn % len(some)], Random(f"{seed}/{number}"))


def faults(seed: int, numbers: Iterable[int]) -> list[str]:
    """Return in words what is wrong with how some mutants of a seed are judged; nothing if nothing is."""
    found = []
    for number in numbers:
        mutant = drawn(seed, number)
        fault = wrong(mutant)
        if fault:
            found.append(f"{number}: {mutant.run[0]} {mutant.run[1]}: {mutant.what}: {fault}")
    return found


def wrong(mutant: Mutant) -> str:
    """Return in words what is wrong with how a mutant is judged; empty if nothing is."""
    try:
        judging, events = judged(mutant)
    except Exception as error:  # noqa: BLE001 whatever it is, it is told with its mutant
        return f"crash: {type(error).__name__}: {error}"
    if judging.judgement.result is not Result.PROVED:
        return ""
    why = forbidden(recorded(*mutant.run), events, judging.record.clocks)
    return f"false green ({why})" if why else ""


def main(arguments: list[str] | None = None) -> int:
    """Judge mutants; print what is wrong with which, and return 1 if anything is."""
    parser = argparse.ArgumentParser(prog="samples.mutants", description="judge changed recordings")
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to draw the same mutants")
    parser.add_argument("--count", type=int, default=2000, help="how many (2000)")
    asked = parser.parse_args(arguments)
    seed = SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    print(f"seed {seed}: {asked.count} mutants", flush=True)
    runs()  # The processes that are forked know the recordings, then.
    wrongs = 0
    chunks = [range(first, min(first + CHUNK, asked.count)) for first in range(0, asked.count, CHUNK)]
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        for found in pool.map(faults, [seed] * len(chunks), chunks):
            for fault in found:
                wrongs += 1
                print(fault, flush=True)
    print(f"{wrongs} of {asked.count} are wrong")
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
