"""The verb `watch`: do as verify, and show the hops as they happen, in the terminal and on a page."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from rich.console import Console

from hoplab.commands.arguments import chosen_flow, runs_directory, whole_number
from hoplab.commands.judged import PAGE, judge_all, show
from hoplab.commands.verify import add_launching, options_of
from hoplab.lab.deployment import find_lab, load
from hoplab.model.errors import ConfigurationError
from hoplab.report.document import Document
from hoplab.session.judge_run import RunAnalysis, exit_status
from hoplab.session.live_page import LivePage
from hoplab.session.live_table import LiveTable
from hoplab.session.recorded_launches import verify
from hoplab.session.run_watch import RunWatch

LAST_PORT: Final = 65_535


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    add_launching(verb)
    verb.add_argument("--web", action="store_true", help="show them on a page, too, for a browser on this machine")
    verb.add_argument(
        "--port", type=whole_number(LAST_PORT), metavar="N", help="the page's port (default: one that is free)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab watch`; return the exit status."""
    catalogue, flow = chosen_flow(arguments)
    options = options_of(arguments)
    if arguments.port is not None and not arguments.web:
        raise ConfigurationError("--port is that of the page: add --web, or leave it out")
    deployment = load(find_lab(arguments.lab))
    found: dict[Path, Document] = {}
    table = LiveTable(flow, Console())
    with ExitStack() as inside:
        page = LivePage(deployment, catalogue, flow, options, arguments.port or 0) if arguments.web else None
        if page is not None:
            inside.enter_context(page)
        inside.enter_context(table)

        def look(analysis: RunAnalysis) -> None:
            table.show(analysis)
            if page is not None:
                page.show(analysis)

        def recorded(directories: tuple[Path, ...]) -> None:
            found.update(judge_all(directories, catalogue, flow))
            if page is not None:
                page.end((directories[0] / PAGE).read_text(encoding="utf-8"))

        if page is not None:
            table.say(f"open {page.url}")
        watching = inside.enter_context(RunWatch(catalogue, flow, look))
        verify(
            deployment,
            runs_directory(arguments, deployment),
            options,
            say=table.say,
            recorded=recorded,
            began=watching.began,
        )
    ((directory, document),) = found.items()
    show([document], [directory], json=False)
    return exit_status(document["result"])
