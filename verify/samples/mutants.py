"""Mutants of recorded runs: raw files changed at random, by a seed; none may be proved that the flow does not allow.

`make mutants` draws 2,000 of all recordings and kinds; SEED=n draws the same ones again.
Whether a mutant may be proved is told without the judge: by which lines were changed, and by the evidence that the flow
files declare. So it is told too seldom that one may not, never too often.
"""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from typing import Final

from hoplab.agreement import THINGS
from hoplab.events import Event
from hoplab.flow.model import EXCHANGE, NEEDED, PLACEHOLDER, Exemption, Hop, Witness
from hoplab.judge import Result
from hoplab.judging import judge_record
from hoplab.record import JOURNEY, RAW, read_record, write_record
from hoplab.sources import Source
from samples.runs import CATALOGUE, FLOW, Recorded, recorded

RUNS: Final = (("cold", 0), ("warm", 0), ("interleaved", 0), ("interleaved", 1))
OTHERS: Final = {"cold": ("warm", 0), "warm": ("cold", 0), "interleaved": ("cold", 0)}
SHIFTS: Final = (0.5, 5.0)
ANSWERS: Final = (
    (re.compile(r"RESP: \[20\d\]"), "RESP: [500]"),
    (re.compile(r"\" status: 20\d "), '" status: 500 '),
    (re.compile(r"\"status\": 20\d"), '"status": 500'),
    (re.compile(r"(?<=HTTP/1\.[01]\" )20\d "), "500 "),
)
"""How the services write that a request went well, and what it is then."""

Place = tuple[str, str]
Lines = list[str]
Texts = dict[Place, Lines]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed run. what: in words; texts: the sources that are changed, whole; shifted: a node, and by how much."""

    run: tuple[str, int]
    what: str
    texts: Mapping[Place, Lines]
    shifted: tuple[str, float] = ("", 0.0)


@cache
def original(run: tuple[str, int]) -> dict[Place, Lines]:
    """Return the lines of all sources of a run."""
    one = recorded(*run)
    return {(source.node, source.name): _read(one.directory, source) for source in one.sources}


def _read(directory: Path, source: Source) -> Lines:
    path = directory / RAW / source.node / source.name
    if not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)


def dropped(run: tuple[str, int], random: Random) -> Mutant:
    """Take away all lines of one witness of one hop."""
    hop = random.choice(list(CATALOGUE.hops.values()))
    witness = random.choice(hop.evidence)
    events = [event for event in recorded(*run).events if supports(event, witness, recorded(*run))]
    texts: Texts = {}
    for event in events:
        place = (event.node, event.source)
        lines = texts.setdefault(place, list(original(run).get(place, [])))
        texts[place] = [line for line in lines if not _is_of(line, event)]
    return Mutant(run, f"without what {witness.who} says of {hop.name} ({witness.event})", texts)


def refused(run: tuple[str, int], random: Random) -> Mutant:
    """Turn the answers in one source to errors."""
    found = {
        place: changed
        for place, lines in original(run).items()
        if (changed := [_failed(line) for line in lines]) != lines
    }
    place = random.choice(sorted(found))
    return Mutant(run, f"answers in {'/'.join(place)} are errors", {place: found[place]})


def _failed(line: str) -> str:
    for pattern, error in ANSWERS:
        line = pattern.sub(error, line)
    return line


def swapped(run: tuple[str, int], random: Random) -> Mutant:
    """Put another launch's id of one kind in the place of this one's, in one source or in several."""
    one, other = recorded(*run), recorded(*OTHERS[run[0]])
    name = random.choice([name for name in THINGS if one.ids.get(name) and one.ids[name] != other.ids.get(name)])
    theirs = min(other.ids[name])
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


def shifted(run: tuple[str, int], random: Random) -> Mutant:
    """Shift a node's times, with its clock said to be right."""
    node = random.choice(sorted(recorded(*run).launch.clocks))
    seconds = round(random.uniform(*SHIFTS) * random.choice((-1, 1)), 3)
    return Mutant(run, f"{node} is {seconds:+} s off", {}, (node, seconds))


def emptied(run: tuple[str, int], random: Random) -> Mutant:
    """Empty a source."""
    place = random.choice(sorted(place for place, lines in original(run).items() if lines))
    return Mutant(run, f"{'/'.join(place)} is empty", {place: []})


def cut(run: tuple[str, int], random: Random) -> Mutant:
    """Cut a source off somewhere."""
    place = random.choice(sorted(place for place, lines in original(run).items() if lines))
    lines = original(run)[place]
    kept = random.randrange(len(lines))
    return Mutant(run, f"{'/'.join(place)} ends after {kept} of {len(lines)} lines", {place: lines[:kept]})


def merged(run: tuple[str, int], random: Random) -> Mutant:
    """Replace a source by another launch's, or put that behind it."""
    others = original(OTHERS[run[0]])
    place = random.choice(sorted(place for place, lines in original(run).items() if lines and others.get(place)))
    kept = original(run)[place] if random.choice((True, False)) else []
    what = "with" if kept else "replaced by"
    return Mutant(run, f"{'/'.join(place)} {what} another launch's", {place: [*kept, *others[place]]})


KINDS: Final[tuple[Callable[[tuple[str, int], Random], Mutant], ...]] = (
    *(dropped, refused, swapped, shifted),
    *(emptied, cut, merged),
)


def drawn(seed: int, count: int) -> Iterator[Mutant]:
    """Yield mutants of all kinds and runs in turn; each is the same for the same seed, whatever the count."""
    for number in range(count):
        random = Random(f"{seed}/{number}")
        yield KINDS[number % len(KINDS)](RUNS[number // len(KINDS) % len(RUNS)], random)


def supports(event: Event, witness: Witness, run: Recorded) -> bool:
    """Tell whether an event may be what a witness asks for in a run."""
    if (event.who, event.kind) != (witness.who, witness.event):
        return False
    for name in witness.by:
        own = event.ids.get(name, frozenset())
        if not own or (name not in EXCHANGE and own.isdisjoint(run.ids.get(name, frozenset()))):
            return False
    return all(_fits(event.fields.get(key, ""), wanted, run) for key, wanted in witness.where.items())


def _fits(value: str, wanted: tuple[str, ...], run: Recorded) -> bool:
    for text in wanted:
        form = re.escape(text)
        for name in PLACEHOLDER.findall(text):
            known = {run.launch.host} if name == "host" else run.ids.get(name, frozenset())
            form = form.replace(re.escape(f"{{{name}}}"), f"(?:{'|'.join(map(re.escape, known)) or '(?!)'})")
        if re.fullmatch(form, value):
            return True
    return False


@cache
def support(run: tuple[str, int], hop: str) -> tuple[tuple[str, Event], ...]:
    """Return who may speak for a hop in a run, with the event."""
    one = recorded(*run)
    asked = CATALOGUE.hops[hop].evidence
    return tuple((event.who, event) for event in one.events if any(supports(event, some, one) for some in asked))


def may_be_proved(mutant: Mutant) -> bool:
    """Tell whether a mutant may be proved by what the flow declares: each hop keeps as many witnesses as it needs."""
    counted = [hop for hop in CATALOGUE.hops.values() if FLOW.numbers(hop.name) or hop.name in FLOW.also]
    node, _seconds = mutant.shifted
    if node:  # A node whose word is needed can't have another time; one that only says what others say, too, can.
        mutant = replace(mutant, texts={place: [] for place in original(mutant.run) if place[0] == node})
    left = {place: frozenset(lines) for place, lines in mutant.texts.items()}
    return all(_stands(hop, mutant, left) for hop in counted)


def _stands(hop: Hop, mutant: Mutant, left: Mapping[Place, frozenset[str]]) -> bool:
    whole = {who for who, event in support(mutant.run, hop.name) if _is_left(event, left)}
    if len(whole) >= (1 if hop.one_witness else NEEDED):
        return True
    return any(_excused(exemption, mutant, left) for exemption in hop.exemptions)


def _excused(exemption: Exemption, mutant: Mutant, left: Mapping[Place, frozenset[str]]) -> bool:
    one = recorded(*mutant.run)
    if any(supports(event, witness, one) for event in one.events for witness in exemption.unless):
        return False
    return any(supports(event, exemption.when, one) and _is_left(event, left) for event in one.events)


def _is_left(event: Event, left: Mapping[Place, frozenset[str]]) -> bool:
    place = (event.node, event.source)
    return place not in left or any(_is_of(line, event) for line in left[place])


def _is_of(line: str, event: Event) -> bool:
    return bool(event.line) and line.rstrip("\n").startswith(event.line.split("\n", 1)[0])


def judged(mutant: Mutant) -> Result:
    """Return what a mutant is judged as, from its files."""
    one = recorded(*mutant.run)
    with TemporaryDirectory(prefix="hoplab-mutant-") as place:
        directory = Path(place) / one.directory.name
        shutil.copytree(one.directory, directory, copy_function=os.link)
        sources = []
        for source in one.record.sources:
            lines = mutant.texts.get((source.node, source.name))
            if lines is None:
                sources.append(source)
                continue
            path = directory / RAW / source.node / source.name
            path.unlink(missing_ok=True)  # The others' name of it stays as it is.
            path.parent.mkdir(parents=True, exist_ok=True)
            data = "".join(lines).encode("utf-8", "surrogateescape")
            path.write_bytes(data)
            sources.append(replace(source, size=len(data)))
        (directory / JOURNEY).unlink()
        node, seconds = mutant.shifted
        clocks = dict(one.record.clocks)
        if node:
            # As if all times in its files were others: what is to be taken from them is not what was measured.
            clocks[node] = replace(clocks[node], offset=clocks[node].offset - seconds)
        record = replace(one.record, sources=tuple(sources), clocks=clocks)
        write_record(record, directory)
        return judge_record(directory, read_record(directory), CATALOGUE, FLOW).judgement.result


def wrong(mutant: Mutant) -> str:
    """Return in words what is wrong with how a mutant is judged; empty if nothing is."""
    try:
        result = judged(mutant)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with its mutant
        return f"crash: {type(error).__name__}: {error}"
    return "false green" if result is Result.PROVED and not may_be_proved(mutant) else ""


def main(arguments: list[str] | None = None) -> int:
    """Judge mutants; print what is wrong with which, and return 1 if anything is."""
    parser = argparse.ArgumentParser(prog="samples.mutants", description="judge changed recordings")
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to draw the same mutants")
    parser.add_argument("--count", type=int, default=2000, help="how many (2000)")
    asked = parser.parse_args(arguments)
    seed = SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    print(f"seed {seed}: {asked.count} mutants", flush=True)
    faults = 0
    with ProcessPoolExecutor() as pool:
        mutants = drawn(seed, asked.count)
        for mutant, fault in zip(drawn(seed, asked.count), pool.map(wrong, mutants, chunksize=8), strict=True):
            if fault:
                faults += 1
                print(f"{fault}: {mutant.run[0]} {mutant.run[1]}: {mutant.what}", flush=True)
    print(f"{faults} of {asked.count} are wrong")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
