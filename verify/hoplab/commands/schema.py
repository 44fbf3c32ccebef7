"""The verb `schema`: the JSON Schema of a file that other programs read."""

import argparse
import sys
from typing import Final

from hoplab.lab import deployment
from hoplab.model.errors import EXIT_HOLDS
from hoplab.model.schemas import Schema, published_schema
from hoplab.report import comparison, form
from hoplab.report.output import as_json
from hoplab.run import record

SCHEMAS: Final[dict[str, Schema]] = {
    "lab": published_schema(deployment.FORM, "lab.json", "a cloud as Hoplab is told of it"),
    "journey": published_schema(record.FORM, "journey.json", "what is known of a launch beside what was recorded"),
    "report": published_schema(form.FORM, "report.json", "the report on a run"),
    "comparison": published_schema(comparison.FORM, "report --compare --json", "two runs beside each other"),
}
"""By the file's name without its ending."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to its parser."""
    verb.add_argument("file", choices=SCHEMAS, metavar="FILE", help=f"of which file: {', '.join(SCHEMAS)}")


def run(arguments: argparse.Namespace) -> int:
    """Carry out `hoplab schema`; return the exit status."""
    sys.stdout.write(as_json(SCHEMAS[arguments.file]))
    return EXIT_HOLDS
