"""What one would do next, for who calls `hoplab` without a verb: it depends on what is there."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from shlex import quote

from hoplab.commands.arguments import runs_directory
from hoplab.commands.explain import lab_if_any, last_run
from hoplab.flow.model import LAUNCH
from hoplab.report.explanation import LastRun
from hoplab.report.outline import Document, journey, problems, read, sentence
from hoplab.report.output import safe_line
from hoplab.run.record import LATEST

Step = tuple[str, str]
"""A command, and what it does."""

READ = ("hoplab explain", "read what the hops of a launch are")
BUILD = ("make lab", "in a clone of Hoplab: build the lab, and prove every hop of a launch")
AGAIN = "launch once more, and see whether it is proved"


def show_next_steps(lab: str | None) -> None:
    """Say on standard error what there is, and three things that one would do next.

    lab: as it was named with `--lab`, None if it was not. Raises ConfigurationError if one was named and is not there.
    """
    deployment = lab_if_any(lab)
    asked = Namespace(runs=None)
    runs = runs_directory(asked, deployment)
    # Verbs that need no lab look for runs here.
    named = "" if runs == runs_directory(asked) else f" {quote(str(runs / LATEST))}"
    found, steps = next_steps(last_run(runs), named, has_lab=deployment is not None)
    width = max(len(command) for command, _what in steps)
    lines = [found, *(f"  {safe_line(command):<{width}}  {safe_line(what)}" for command, what in steps)]
    with suppress(OSError):
        print("\n".join((safe_line(lines[0]), *lines[1:])), file=sys.stderr, flush=True)


def next_steps(last: LastRun, named: str, *, has_lab: bool) -> tuple[str, Sequence[Step]]:
    """Return in a sentence what there is, and three things that one would do next.

    last: the latest run; named: what names it on a command line, empty if it is found without a name.
    """
    if last.directory is None:
        if has_lab:
            verify = ("hoplab verify", "launch an instance while the lab is recorded, and prove each hop")
            watch = ("hoplab watch --web", "do so, and see it in a browser")
            return "There is a lab, and no run yet.", (verify, watch, READ)
        replay = ("hoplab replay RUN", "judge a run that was recorded elsewhere; needs no lab")
        return "There is neither a lab nor a run here.", (BUILD, READ, replay)
    run = last.directory.name
    verify = ("hoplab verify", AGAIN) if has_lab else BUILD
    if last.report is None:
        replay = (f"hoplab replay{named or f' {last.directory.parent.name}/{LATEST}'}", "judge it again from its files")
        return f"The last run, {run}, has no report that can be read.", (replay, verify, READ)
    document = read(last.report)
    if journey(document) != LAUNCH and has_lab:
        verify = (f"hoplab verify --journey {journey(document)}", "do it once more, and see whether it is proved")
    found = f"The last run, {run}, is {document['result']}: {sentence(document)}"
    return found, _after(document, named, verify, has_lab=has_lab)


def _after(document: Document, named: str, verify: Step, *, has_lab: bool) -> Sequence[Step]:
    """Return what one would do next after a run with a report. verify: how to make another run."""
    page = (f"hoplab report{named} --html --output report.html", "see it as a page")
    if document["result"] == "proved":
        drill = ("hoplab drill --blind", "put a fault in, and find out which hop it breaks")
        return page, drill if has_lab else READ, verify
    report = (f"hoplab report{named}", "see what was found around it: errors, logs, what to look at next")
    first = document["first_unproven"] or next(iter(problems(document)), None)
    if document.get("preparation") or first is None:
        wait = ("hoplab wait", "wait until every service of the lab answers, and hear which does not")
        return report, wait if has_lab else page, verify
    return (
        report,
        (f"hoplab explain {quote(first['name'])}", "read what this hop is, and how to see it by hand"),
        verify,
    )
