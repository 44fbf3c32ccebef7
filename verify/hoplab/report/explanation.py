"""What a hop is, for a person: the document's words, today's way, what proves it and how to see it by hand."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hoplab.actors import nodes_of
from hoplab.deployment import Deployment
from hoplab.errors import ConfigurationError
from hoplab.flow.model import Catalogue, Flow, Hint, Hop, Witness

TODAY = {
    "same": "as documented",
    "moved": "moved to another actor",
    "split": "split into several",
    "gone": "gone, and replaced",
}
PLACES = {"client": "here", "host": "on the instance's host"}


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


def explain(catalogue: Catalogue, hop: Hop, console: Console, deployment: Deployment | None = None) -> None:
    """Print all that the catalogue knows of a hop. deployment: the lab whose nodes are named, if there is one."""
    console.print(f"[bold]{hop.name}[/bold]: {hop.sender} to {hop.receiver}", highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in (*_lines(catalogue, hop), ("see it", f"{_place(hop.hint, deployment)}: {hop.hint.run}")):
        table.add_row(title, escape(text))
    console.print(table)


def _lines(catalogue: Catalogue, hop: Hop) -> Iterator[tuple[str, str]]:
    steps = {flow.name: flow.numbers(hop.name) for flow in catalogue.flows.values()}
    listed = [f"{name} {', '.join(numbers)}" for name, numbers in steps.items() if numbers]
    yield "documented", hop.meaning
    yield "listed as", "; ".join(listed) or "in no documented list"
    yield "today", f"{TODAY[hop.today]}: {hop.how}"
    if hop.reason:
        yield "because", hop.reason
    yield "in the code", "\n".join(hop.sources)
    yield "comes after", ", ".join(hop.after) or "nothing"
    yield "proved by", "\n".join(_witness(witness) for witness in hop.evidence)
    if hop.one_witness:
        yield "one witness", hop.one_witness
    if hop.cached:
        yield "or cached", f"{_witness(hop.cached.when)}\n{hop.cached.because}"
    if hop.not_applicable:
        yield "or not at all", f"{_witness(hop.not_applicable.when)}\n{hop.not_applicable.because}"


def _place(hint: Hint, deployment: Deployment | None) -> str:
    if hint.at in PLACES:
        return PLACES[hint.at]
    nodes = nodes_of(deployment, hint.at) if deployment else ()
    return f"on {' or '.join(node.name for node in nodes)}" if nodes else f"on the node of {hint.at}"


def _witness(witness: Witness) -> str:
    where = ", ".join(f"{key} {' or '.join(values)}" for key, values in witness.where.items())
    return (
        f"{witness.who}: {witness.event}{f' ({where})' if where else ''}, with the launch's {' and '.join(witness.by)}"
    )
