"""Measures how fast a made stream is parsed, joined and judged on one core, and with how much memory.

    PYTHONPATH=verify .venv/bin/python -m samples.rate 1000

prints an object of JSON. The time that it takes to make the lines is left out.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from hoplab.judge.verdicts import KnownLaunch
from hoplab.model.events import Event
from hoplab.parse.ceph import Images
from hoplab.parse.dnsmasq import HostFiles
from hoplab.parse.forms import Context, read_lines
from hoplab.session.judge_run import judge_run
from samples.follow import Outcome, Stream
from samples.runs import CATALOGUE, FLOW, unpacked
from samples.stream import LEARNS, STARTS, Made, Moment

TURN: Final = 1.0
"""Seconds of the stream that are read of one source before the next one's turn."""
LEAD: Final = 10.0
"""So far ahead is learnt what other sources need: each of these is parsed up to its first event that is not due."""
EARLY: Final = 100
"""After so many launches the memory is looked at for the first time."""


class _Ahead:
    """Has a learner take note of a source's lines before any source is parsed that far.

    form: how its lines write the time with which they begin.
    """

    def __init__(self, lines: Iterator[str], note: Callable[[str], None], form: str) -> None:
        self._lines = lines
        self._note = note
        self._form = form
        self._next = ""

    def until(self, end: float) -> None:
        """Go on to the first line that is of a later second."""
        note, last = self._note, time.strftime(self._form, time.gmtime(end))
        note(self._next)
        for line in self._lines:
            if line[:19] > last and line[4:5] == "-":
                self._next = line
                return
            note(line)
        self._next = ""


@dataclass
class Reading:
    """Reads the sources of a made stream side by side and tells a `Stream` of the events."""

    made: Made
    stream: Stream
    events: int = 0
    _boots: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Read all."""
        made = self.made
        images = Images()
        files = {source.node: HostFiles() for source in made.sources}
        writes = {node: some.writes for node, some in files.items()}
        context = Context(made.record, images.names, writes, made.record.started)
        learners = [(source, images.note, "%Y-%m-%dT%H:%M:%S") for source in made.sources if source.form == "ceph-osd"]
        agents = [source for source in made.sources if source.who == "dhcp-agent"]
        learners += [(source, files[source.node].note, "%Y-%m-%d %H:%M:%S") for source in agents]
        ahead = [_Ahead(made.lines(source, counted=False), note, form) for source, note, form in learners]
        parsers = [read_lines(made.lines(source), source, context) for source in made.sources]
        domains = [source.form == "hypervisor" for source in made.sources]
        parsers = [self._watched(parser) if one else parser for one, parser in zip(domains, parsers, strict=True)]
        end = made.record.started
        for one in ahead:
            one.until(end + LEAD)
        waiting = [(event, parser) for parser in parsers if (event := next(parser, None))]
        moments = made.moments()
        moment = next(moments, None)
        while waiting or moment:
            end += TURN
            for one in ahead:
                one.until(end + LEAD)
            waiting = [left for pair in waiting if (left := self._turn(*pair, end))]
            while moment and moment.time <= end:
                self._do(moment, context)
                moment = next(moments, None)
        self.stream.close()

    def _turn(self, event: Event, parser: Iterator[Event], end: float) -> tuple[Event, Iterator[Event]] | None:
        """Tell of a source's events up to a time; return the next one, None when the source is at its end."""
        add, count = self.stream.add, 0
        following: Event | None = event
        while following is not None and following.time <= end:
            add(following)
            count += 1
            following = next(parser, None)
        self.events += count
        return (following, parser) if following is not None else None

    def _watched(self, events: Iterator[Event]) -> Iterator[Event]:
        """Take note of when guests begin to run, which their consoles don't tell."""
        for event in events:
            if event.kind == "domain.changed" and event.fields["to"] == "resumed":
                for instance in event.ids["instance"]:
                    self._boots.setdefault(instance, event.time)
            yield event

    def _do(self, moment: Moment, context: Context) -> None:
        """Do what a client does: it begins a launch, knows more of it, or is at its end and has the guest's console."""
        made, name = self.made, str(moment.number)
        if moment.step == "begin":
            self.stream.begin(name, made.ids(moment.number, STARTS))
        elif moment.step == "know":
            self.stream.know(name, made.ids(moment.number, LEARNS))
        else:
            record = replace(made.record, ids=made.ids(moment.number, made.record.ids))
            (instance,) = record.ids["instance"]
            source, lines = made.console(moment.number)
            known = replace(context, record=record, boot_time=self._boots.pop(instance))
            for event in read_lines(iter(lines), source, known):
                self.events += 1
                self.stream.add(event)
            self.stream.end(name, KnownLaunch(record.ids, record.host, record.clocks))


def measure(launches: int) -> dict[str, float | int]:
    """Return the rate, how many launches were proved, and the most memory (MB) at first and in the end."""
    (directory,), (other,) = unpacked("cold"), unpacked("warm")
    made = Made(directory, other, launches)
    results: Counter[str] = Counter()
    memory: list[float] = []

    def tell(outcome: Outcome) -> None:
        results[outcome.judgement.result] += 1
        if results.total() == EARLY:
            memory.append(_peak())

    # What stays is looked at once, and what comes and goes not at each few hundred objects.
    gc.freeze()
    gc.set_threshold(100_000)
    reading = Reading(made, Stream(CATALOGUE, FLOW, tell))
    began = time.process_time()
    reading.run()
    seconds = time.process_time() - began - made.making
    return {
        "launches": results.total(),
        "proved": results["proved"],
        "events": reading.events,
        "lines": made.count,
        "seconds": seconds,
        "events_per_second": reading.events / seconds,
        "lines_per_second": made.count / seconds,
        "memory_early": memory[0] if memory else _peak(),
        "memory": _peak(),
        "judge_seconds": judge_seconds(directory),
        "replay_seconds": replay_seconds(directory),
    }


def judge_seconds(directory: Path) -> float:
    """Return how long it takes by the clock to judge a run, in a program that runs already."""
    began = time.monotonic()
    judge_run(directory, CATALOGUE, FLOW)
    return time.monotonic() - began


def replay_seconds(directory: Path) -> float:
    """Return how long `hoplab replay` of a run takes by the clock, from its start to its end. Raises if it fails."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "hoplab.commands.main", "replay", str(directory)], stdout=subprocess.DEVNULL, check=True
    )
    return time.monotonic() - began


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="samples.rate", description="measure how fast a made stream is judged")
    parser.add_argument("launches", type=int, nargs="?", default=1000)
    print(json.dumps(measure(parser.parse_args(arguments).launches)))


if __name__ == "__main__":
    main()
