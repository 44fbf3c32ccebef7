"""Two runs compared, in the forms that were asked for."""

import argparse

from hoplab.commands.forms import write_table, write_text
from hoplab.model.errors import ConfigurationError
from hoplab.report.comparison import compare
from hoplab.report.comparison_table import show_comparison
from hoplab.report.document import Document
from hoplab.report.output import as_json


def write_comparison(arguments: argparse.Namespace, first: Document, second: Document) -> None:
    """Give the comparison of two reports as a page or as JSON if asked for, else as a table.

    Raises ConfigurationError for a form that a comparison has not, for two journeys, and for what can't be written.
    """
    for form in ("junit", "perfetto", "otlp"):
        if getattr(arguments, form):
            raise ConfigurationError(f"--{form}: a comparison has no such form: leave it out, or name one run")
    comparison = compare(first, second)
    if arguments.html:
        from hoplab.report.comparison_page import render_comparison  # noqa: PLC0415 Jinja2 is slow to load

        write_text(arguments, render_comparison(first, second))
    elif arguments.json:
        write_text(arguments, as_json(comparison))
    else:
        write_table(arguments, lambda console: show_comparison(comparison, console))
