"""The forms in which a report is given: declared, made and written in one place for all verbs that give one.

What is for people or programs goes to standard output, or to a file (`--output`); traces go where their options say.
What makes a form is loaded when the form is asked for: the libraries of some take longer to load than judging a run.
"""

import argparse
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console

from hoplab.commands.arguments import path
from hoplab.commands.judged import write_page
from hoplab.model.errors import ConfigurationError, HoplabError
from hoplab.report.document import Document
from hoplab.report.output import as_json, print_message, print_page
from hoplab.report.terminal import show_report

SCHEMES: Final = ("http", "https")
TRACES: Final = "/v1/traces"
"""Where a receiver of OTLP/HTTP takes traces, unless it is told otherwise."""
ADDRESS: Final = re.compile(r"[\w.-]+:[0-9]+(/.*)?")
"""What is meant as a URL, and lacks the scheme."""


def add_forms(verb: argparse.ArgumentParser) -> None:
    """Add the options that say in which forms a report is given (see `write_report`)."""
    form = verb.add_mutually_exclusive_group()
    form.add_argument("--html", action="store_true", help="as one self-contained page")
    form.add_argument("--junit", action="store_true", help="as JUnit XML")
    form.add_argument("--json", action="store_true", help="as it is in report.json")
    verb.add_argument("--output", metavar="FILE", type=path, help="where to write it (default: standard output)")
    verb.add_argument("--perfetto", metavar="FILE", type=path, help="write a trace that Perfetto opens")
    verb.add_argument(
        "--otlp",
        metavar="FILE|URL",
        type=trace_place,
        help="write a trace as OTLP/JSON, or send it to a collector or to Jaeger, such as http://localhost:4318",
    )


def trace_place(text: str) -> Path | str:
    """Return where a trace is to go: a file, or a URL as it is requested; argparse.ArgumentTypeError for neither."""
    if "://" not in text:
        if ADDRESS.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text!r}: write http://{text} for a URL, ./{text} for a file")
        return path(text)
    try:
        found = urlsplit(text)
        known = found.scheme in SCHEMES and found.hostname and found.port != 0
    except ValueError:  # A port that is none.
        known = False
    if not known or not text.isascii() or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no URL with http:// or https://, a host, and a port if need be")
    if found.username is not None:
        raise argparse.ArgumentTypeError("has a user's name in its URL, which would be shown: name a URL without")
    return found._replace(path=TRACES if found.path in {"", "/"} else found.path, fragment="").geturl()


def is_table(arguments: argparse.Namespace) -> bool:
    """Tell whether no form is asked for but the table for a terminal."""
    return not any((arguments.html, arguments.junit, arguments.json, arguments.perfetto, arguments.otlp))


def write_report(arguments: argparse.Namespace, document: Document) -> None:
    """Give a report in the forms that were asked for; as a table if none was.

    What can't be written keeps nothing else from being written. Raises ConfigurationError that names option and place.
    """
    places = [place for place in (arguments.output, arguments.perfetto, arguments.otlp) if isinstance(place, Path)]
    if len(places) > len({place.absolute() for place in places}):
        raise ConfigurationError("--output, --perfetto and --otlp: two of them name the same file: name another")
    writings: list[Callable[[], None]] = []
    if arguments.html:
        writings.append(lambda: write_text(arguments, _page(document)))
    elif arguments.junit:
        writings.append(lambda: write_text(arguments, _junit(document)))
    elif arguments.json:
        writings.append(lambda: write_text(arguments, as_json(document)))
    elif arguments.output or is_table(arguments):
        writings.append(lambda: write_table(arguments, lambda console: show_report(document, console)))
    if arguments.perfetto:
        writings.append(lambda: write_page("--perfetto", arguments.perfetto, _perfetto(document)))
    if arguments.otlp:
        writings.append(lambda: _write_otlp(arguments.otlp, document))
    _do_all(writings)


def write_text(arguments: argparse.Namespace, text: str) -> None:
    """Write a form's text to the file that was asked for, else to standard output."""
    if arguments.output:
        write_page("--output", arguments.output, text)
    else:
        print_page(text)


def write_table(arguments: argparse.Namespace, show: Callable[[Console], None]) -> None:
    """Show a table on the terminal, or write it as plain text to the file that was asked for."""
    if arguments.output:
        shown = io.StringIO()
        show(Console(file=shown))
        write_page("--output", arguments.output, shown.getvalue())
    else:
        show(Console())


def _do_all(writings: Iterable[Callable[[], None]]) -> None:
    """Do all, also after an error; then raise the last error, with the others told before."""
    failed: list[HoplabError] = []
    for write in writings:
        try:
            write()
        except HoplabError as error:
            failed.append(error)
    for one in failed[:-1]:
        print_message(f"error: {one}")
    if failed:
        raise failed[-1]


def _page(document: Document) -> str:
    from hoplab.report.html import render_html  # noqa: PLC0415 Jinja2 is slow to load

    return render_html(document)


def _junit(document: Document) -> str:
    from hoplab.report.junit import render_junit  # noqa: PLC0415 the parser of XML is slow to load

    return render_junit(document)


def _perfetto(document: Document) -> str:
    from hoplab.report.perfetto import render_perfetto  # noqa: PLC0415 digests are slow to load

    return render_perfetto(document)


def _write_otlp(place: Path | str, document: Document) -> None:
    from hoplab.report.otlp import render_otlp  # noqa: PLC0415 protobuf's messages are slow to load

    text = render_otlp(document)
    if isinstance(place, Path):
        write_page("--otlp", place, text)
        return
    from hoplab.commands.collector import send_trace  # noqa: PLC0415 HTTP is slow to load

    print_message(f"sent to {place}{send_trace(place, text)}")
