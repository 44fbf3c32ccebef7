"""The steps of the whole test: what passed before with the same files is not run again, what became slow is named."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from passed import SLOWER, Results, digest_of, files_of

LEAST = 10.0
"""Seconds that a part takes at least for that: a shorter one is slower by chance."""

Run = Callable[[tuple[str, ...]], int]
"""Runs a command, and returns its status."""


@dataclass(frozen=True)
class Part:
    """A part of a step. title: what it is, for the person who watches; argv: its command."""

    title: str
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """Parts that only pass together. name: by which its result is kept; empty for one that is run each time."""

    name: str
    parts: Sequence[Part]


def make(target: str) -> tuple[str, ...]:
    """Return the command for one of the Makefile's targets."""
    return ("make", "--no-print-directory", target)


STEPS = (
    Step("check", (Part("Style, types and unit tests", make("check")),)),
    Step("browser", (Part("The report's page in a browser", make("browser")),)),
    Step("", (Part("Nothing of an earlier lab", make("down")),)),
    # Each scenario has a result of its own.
    Step("", (Part("Each role alone", make("molecule")),)),
    Step(
        "lab",
        (
            Part("The lab from nothing, and an instance in it", make("lab")),
            # The same again, a dry run and parts of it, which change nothing, are commands of the README and run there.
            Part("The life of instances, and every command of the README", ("pytest", "-q", "-m", "lab", "tests/lab")),
            Part("Every node stopped", make("stop")),
            Part("Every node started again", make("start")),
            Part("An instance launched again", make("launch")),
            Part("Taken down", make("down")),
            Part("Nothing left behind", ("bin/nothing-left",)),
        ),
    ),
)


def carry_out(root: Path, steps: Sequence[Step], run: Run, results: Results, *, anew: bool) -> int:
    """Carry out the steps in turn; return 0 if all passed, and the status of the command that did not.

    root: the clone; anew: also what passed before.
    """
    began = time.monotonic()
    slower: list[str] = []
    for step in steps:
        # Any file of the clone may be an input.
        inputs = digest_of(root, sorted(files_of(root))) if step.name else ""
        before = None if anew or not step.name else results.same(f"step-{step.name}", inputs)
        if before:
            print(f"\n== {step.parts[0].title}: passed before ({before.date})", flush=True)
            continue
        step_began = time.monotonic()
        for part in step.parts:
            print(f"\n== {part.title} ({time.monotonic() - began:.0f} s)", flush=True)
            part_began = time.monotonic()
            status = run(part.argv)
            seconds = time.monotonic() - part_began
            if status:
                print(f"\n== {part.title}: FAILED ({status}) after {seconds:.0f} s", flush=True)
                return status
            print(f"== {part.title}: {seconds:.0f} s", flush=True)
            if step.name:
                slower += took(results, part, inputs, seconds)
        # Who changes files meanwhile does not know which ones were tried.
        if step.name and digest_of(root, sorted(files_of(root))) == inputs:
            results.keep(f"step-{step.name}", inputs, 0, time.monotonic() - step_began)
    for told in slower:
        print(f"\nmuch slower than before: {told}")
    print(f"\nAll tests passed in {time.monotonic() - began:.0f} s.")
    return 0


def took(results: Results, part: Part, inputs: str, seconds: float) -> list[str]:
    """Keep what a part took; return in words that it became much slower, if it did."""
    name = "part-" + "-".join(part.argv).replace("/", "-")
    last = results.last(name)
    results.keep(name, inputs, 0, seconds)
    slow = last is not None and seconds > max(LEAST, SLOWER * last.seconds)
    return [f"{part.title}: {seconds:.0f} s, before {last.seconds:.0f} s"] if last and slow else []
