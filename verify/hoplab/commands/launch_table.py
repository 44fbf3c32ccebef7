"""An outcome as a table: plain text for files and pipes, colours for a terminal; and as JSON."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hoplab.checks.findings import CheckResult, Finding
from hoplab.checks.outcome import LaunchOutcome
from hoplab.report.document import Document
from hoplab.report.outline import cleaned, one_line

SCHEMA = 1
STATES = {CheckResult.HOLDS: "ok", CheckResult.FAILS: "FAIL", CheckResult.UNKNOWN: "unknown"}
COLOURS = {CheckResult.HOLDS: "green", CheckResult.FAILS: "bold red", CheckResult.UNKNOWN: "yellow"}
HEADER = ("WHAT", "STATE", "DETAIL")


def details(finding: Finding) -> list[str]:
    """Return what is told of a finding, line by line: what was found, and if it isn't well, all that helps."""
    lines = [finding.actual]
    if finding.verdict is not CheckResult.HOLDS:
        lines += [f"expected: {finding.expected}", f"read from: {finding.evidence}"]
    return [cleaned(one_line(line)) for line in lines]


def look_next(finding: Finding) -> list[str]:
    """Return a line for each command that helps to look further."""
    return [f"look next: {cleaned(one_line(command))}" for command in finding.next_commands]


def result_line(outcome: LaunchOutcome) -> str:
    """Return the last line: the result, the counts and the global request id."""
    total = len(outcome.findings)
    counts = {verdict: sum(finding.verdict is verdict for finding in outcome.findings) for verdict in CheckResult}
    match outcome.verdict:
        case CheckResult.HOLDS:
            said = f"all {total} checks hold"
        case CheckResult.FAILS:
            said = f"{counts[CheckResult.FAILS]} of {total} checks fail"
        case CheckResult.UNKNOWN:
            said = f"{counts[CheckResult.UNKNOWN]} of {total} checks could not be read"
    if outcome.verdict is CheckResult.FAILS and counts[CheckResult.UNKNOWN]:
        said += f", {counts[CheckResult.UNKNOWN]} could not be read"
    return f"launch {outcome.verdict}: {said} (global request id {outcome.global_request_id})"


def plain(outcome: LaunchOutcome) -> str:
    """Return the table as text: columns apart by two spaces, no line cut or wrapped, so that ids can be searched."""
    rows: list[Sequence[str]] = [HEADER]
    for finding in outcome.findings:
        first, *more = [*details(finding), *look_next(finding)]
        rows.append((cleaned(finding.subject), STATES[finding.verdict], first))
        rows += [("", "", line) for line in more]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip() for row in rows]
    return "\n".join([*lines, "", result_line(outcome)]) + "\n"


def rich_table(outcome: LaunchOutcome) -> Table:
    """Return the table for a terminal."""
    table = Table(*HEADER)
    for finding in outcome.findings:
        state = f"[{COLOURS[finding.verdict]}]{STATES[finding.verdict]}[/]"
        table.add_row(escape(cleaned(finding.subject)), state, escape("\n".join(details(finding))))
    return table


def show(outcome: LaunchOutcome, console: Console) -> None:
    """Print the table and the result line, with colours if the console is a terminal."""
    if not console.is_terminal:
        console.file.write(plain(outcome))
        return
    console.print(rich_table(outcome))
    for finding in outcome.findings:
        # Outside the table, where no line is broken: they are there to be copied.
        for line in look_next(finding):
            console.print(f"{cleaned(finding.subject)}: {line}", soft_wrap=True, markup=False, highlight=False)
    console.print(result_line(outcome), style=COLOURS[outcome.verdict], soft_wrap=True, markup=False, highlight=False)


def as_json(outcome: LaunchOutcome, report: Document | None = None) -> str:
    """Return the outcome as a JSON document: schema, verb, result, global_request_id, journey or null, findings.

    report: the one on the launch that was recorded meanwhile, where there was one.
    """
    document = {
        "schema": SCHEMA,
        "verb": "launch",
        "result": outcome.verdict,
        "global_request_id": outcome.global_request_id,
        "booted": outcome.booted,
        "journey": dataclasses.asdict(outcome.journey) if outcome.journey else None,
        "findings": [dataclasses.asdict(finding) for finding in outcome.findings],
        **({} if report is None else {"report": report}),
    }
    return json.dumps(document, indent=2, default=_plain_value).replace("\x7f", "\\u007f") + "\n"


def _plain_value(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in the JSON document")
