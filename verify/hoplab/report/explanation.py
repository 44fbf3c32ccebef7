"""What a hop is, for a person: the document's words, today's way, what proves it, and what the last run has of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hoplab.flow.model import Catalogue, Exemption, Flow, Hint, Hop, Step, Witness
from hoplab.flow.sources import source_kinds, sources_of
from hoplab.lab.deployment import Deployment
from hoplab.lab.places import nodes_running
from hoplab.model.errors import ConfigurationError
from hoplab.report.outline import cleaned, one_line, preparation_lines, since, start
from hoplab.report.wording import TODAYS, level_words, listed, proof, spoken, witness_words
from hoplab.run.record import RAW

TODAY: Final = {name: words for name, (words, _meaning) in TODAYS.items()}
"""How today's release goes together with the document, in a sentence."""
PLACES: Final = {"client": "on this machine", "host": "on the instance's host"}
LINE: Final = 400
"""Characters of a witness's line that are shown; the report and the run's raw files have more."""

Lines = Iterator[tuple[str, str]]
"""A title and what is told under it."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run that was made last.

    directory: empty if there is none; report: its report.json, None if there is none that can be read; problem: why
    not, in words; empty if it can; damaged: it has one that is not as it was written.
    """

    directory: Path | None = None
    report: Mapping[str, Any] | None = None
    problem: str = "there is none yet: `hoplab verify` (or `make verify`) makes one"
    damaged: bool = False


def find_hop(catalogue: Catalogue, flow: Flow, wanted: str) -> tuple[Hop, ...]:
    """Return the hops that a person means: a hop's name, or a step's number in the flow.

    Raises ConfigurationError for what is neither.
    """
    if wanted in catalogue.hops:
        return (catalogue.hops[wanted],)
    for step in flow.steps:
        if step.number == wanted:
            return tuple(catalogue.hops[name] for name in step.hops)
    raise ConfigurationError(
        f"there is no hop {wanted!r}: give a number from {flow.steps[0].number} to {flow.steps[-1].number} of the flow "
        f"{flow.name}, or a name; `hoplab explain` lists them"
    )


def list_hops(catalogue: Catalogue, flow: Flow, console: Console) -> None:
    """Print a line for each step of a flow, and for what it leaves out."""
    table = Table(title=f"{flow.name}: {flow.title}", title_justify="left", box=None, pad_edge=False)
    for column in ("STEP", "HOP", "FROM", "TO", "TODAY", "MEANING"):
        table.add_column(column, overflow="fold")
    rows = [(step.number, name) for step in flow.steps for name in step.hops] + [("+", name) for name in flow.also]
    for number, name in rows:
        hop = catalogue.hops[name]
        table.add_row(number, name, hop.sender, hop.receiver, hop.today, hop.meaning)
    console.print(table)
    if flow.also:
        console.print("\n+ is not in the documented list, and today's flow can't do without it.")


def explain(
    catalogue: Catalogue,
    hop: Hop,
    console: Console,
    deployment: Deployment | None = None,
    last: LastRun | None = None,
) -> None:
    """Print all that the catalogue knows of a hop, what the last run has of it, and how it is seen by hand.

    deployment: the lab whose nodes are named, if there is one; last: None to leave the run out. Evidence and commands
    are never wrapped, so that ids can be searched and commands copied.
    """
    console.print(f"[bold]{hop.name}[/bold]: {hop.sender} to {hop.receiver}", highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in _lines(catalogue, hop):
        table.add_row(title, escape(text))
    console.print(table)
    for title, text in (*_evidence(catalogue, hop, last), *_manual_checks(hop, deployment, last)):
        console.print(f"[dim]{title:<11}[/dim]  {escape(text)}", soft_wrap=True, highlight=False)


def documented_steps(flows: Iterable[Flow], hop: Hop) -> list[tuple[Flow, Step]]:
    """Return the documented steps that a hop is part of."""
    return [(flow, step) for flow in flows for step in flow.steps if hop.name in step.hops]


def hint_place(hint: Hint, deployment: Deployment | None = None, host: str = "") -> str:
    """Return where a hint's command is run, in words. host: the node of the instance, empty if it isn't known."""
    if hint.at == "host" and host:
        return f"on {host}"
    if hint.at in PLACES:
        return PLACES[hint.at]
    nodes = nodes_running(deployment, hint.at) if deployment else ()
    return f"on {' or '.join(node.name for node in nodes)}" if nodes else f"on the node of {spoken(hint.at)}"


def _lines(catalogue: Catalogue, hop: Hop) -> Lines:
    """Yield what the catalogue knows of a hop."""
    steps = documented_steps(catalogue.flows.values(), hop)
    yield "what it is", hop.meaning
    yield "documented", ", ".join(f"{flow.name} {step.number}" for flow, step in steps) or "nowhere"
    for flow, step in steps:
        if step.says:
            yield "", f"{flow.name} {step.number}: {step.says}"
    yield "today", f"{TODAY[hop.today]}: {hop.how}" if steps else hop.how
    if hop.reason:
        yield "because", hop.reason
    yield "in the code", "\n".join(hop.sources)
    yield "comes after", ", ".join(hop.after) or "nothing"
    yield "proved by", "\n".join([proof(hop), *(_witness(witness) for witness in hop.evidence)])
    yield "seen in", "\n".join(_where_seen(hop))
    for alternative in hop.alternatives:
        told = [_witness(witness) for witness in alternative.evidence if witness not in hop.evidence]
        yield "elsewhere", "\n".join([alternative.because, *told])
    if hop.denied_by:
        yield "denied by", "\n".join(_witness(denial.when) for denial in hop.denied_by)
    if hop.one_witness:
        yield "one witness", hop.one_witness
    if hop.cached:
        yield "or cached", _exempted(hop.cached)
    if hop.not_applicable:
        yield "or not", _exempted(hop.not_applicable)


def _witness(witness: Witness) -> str:
    return f"{spoken(witness.who)}: {witness_words(witness)} ({witness.event})"


def _where_seen(hop: Hop) -> Iterator[str]:
    """Yield from which kinds of sources each actor's word for a hop can come, and at which level of a cloud."""
    kinds = source_kinds()
    for actor in dict.fromkeys(witness.who for witness in hop.evidence):
        own = [witness for witness in hop.evidence if witness.who == actor]
        names = dict.fromkeys(name for witness in own for name in sources_of(witness, kinds))
        words = [f"{kinds[name].called} ({level_words(kinds[name])})" for name in names]
        yield f"{spoken(actor)}: {listed(words, 'or')}"


def _exempted(exemption: Exemption) -> str:
    against = (f"unless before it {_witness(witness)}" for witness in exemption.unless)
    return "\n".join([exemption.because, _witness(exemption.when), *against])


def _manual_checks(hop: Hop, deployment: Deployment | None, last: LastRun | None) -> Lines:
    """Yield where a person sees the hop and by which command, with the last run's ids as far as they are known."""
    place, command = hint_place(hop.hint, deployment), hop.hint.run
    if last and last.report:
        report = cleaned(last.report)
        place = hint_place(hop.hint, deployment, report["launch"]["host"])
        hint = next((entry["hint"] for entry in report["hops"] if entry["name"] == hop.name), None)
        if hint:  # The report names nodes and ids also where there is no lab any more.
            place, command = place if hop.hint.at == "client" else hint["where"], hint["run"]
    yield "see it", place
    yield "", command
    if command != hop.hint.run:
        yield "", "(with the last run's ids; what it made is gone, unless it ran with --keep)"


def _evidence(catalogue: Catalogue, hop: Hop, last: LastRun | None) -> Lines:
    """Yield what the last run has of a hop: verdict, time, why and witnesses; in one line why there is nothing."""
    if last is None:
        return
    if last.directory is None or last.problem:
        yield "last run", last.problem
        return
    yield from _judged(catalogue, hop, cleaned(last.report), last.directory)


def _judged(catalogue: Catalogue, hop: Hop, report: Any, directory: Path) -> Lines:
    yield "last run", f"{report['run']}, judged by {report['flow']}: {report['result']}"
    entry = next((some_hop for some_hop in report["hops"] if some_hop["name"] == hop.name), None)
    if entry is None:
        others = [flow.name for flow in catalogue.flows.values() if flow.numbers(hop.name) or hop.name in flow.also]
        again = f": `hoplab replay {directory.name} --flow {others[0]}` judges it" if others else ""
        yield "verdict", f"none: {report['flow']} leaves this hop out{again}"
        return
    at = f", {since(entry, start(report))} from the launch's first hop, at {entry['at']}" if entry["at"] else ""
    yield "verdict", f"{entry['verdict']}{at}"
    for title, text in preparation_lines(report["preparation"]) if report.get("preparation") else ():
        yield title, one_line(text)
    yield "why", one_line(entry["why"])
    said = [
        *(("denial", one) for one in entry.get("denials", ())),
        *(("witness", each_witness) for each_witness in entry["witnesses"]),
    ]
    for role, witness in said:
        told = (spoken(witness["who"]), witness["kind"], witness["time"], f"by {witness['id'] or 'no id'}")
        yield role, f"{', '.join(told)}, in {witness['source']} on {witness['node']}:"
        line = one_line(witness["line"])
        yield "", line if len(line) <= LINE else f"{line[:LINE]}…"
    if said:
        yield "whole lines", f"{directory / RAW}/<node>/<source>"
