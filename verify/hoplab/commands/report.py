"""The verb `report`: show a run's report, or write it in another form."""

import argparse
import io

from rich.console import Console

from hoplab.commands.arguments import add_run, load_report, path, run_directory
from hoplab.commands.judged import write_page
from hoplab.model.errors import EXIT_HOLDS
from hoplab.report.html import render_html
from hoplab.report.junit import render_junit
from hoplab.report.output import as_json, print_page
from hoplab.report.terminal import show_report


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    add_run(verb, required=False)
    form = verb.add_mutually_exclusive_group()
    form.add_argument("--html", action="store_true", help="as one self-contained page")
    form.add_argument("--junit", action="store_true", help="as JUnit XML")
    form.add_argument("--json", action="store_true", help="as it is in report.json")
    verb.add_argument("--output", metavar="FILE", type=path, help="where to write it (default: standard output)")


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab report`; return the exit status."""
    document = load_report(run_directory(arguments))
    if arguments.html:
        text = render_html(document)
    elif arguments.junit:
        text = render_junit(document)
    elif arguments.json:
        text = as_json(document)
    elif arguments.output:
        shown = io.StringIO()
        show_report(document, Console(file=shown))
        text = shown.getvalue()
    else:
        show_report(document, Console())
        return EXIT_HOLDS
    if arguments.output:
        write_page("--output", arguments.output, text)
    else:
        print_page(text)
    return EXIT_HOLDS
