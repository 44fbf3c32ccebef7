"""The report as JUnit XML, which CI systems read.

A suite for the flow, a case for each hop. Hops that didn't happen and hops that one witness too few saw fail; what
could not be read is an error. A hop that is only blocked is skipped and says by what: as failures, dozens of them would
hide the one that they all hang on. A suite is never green when the result isn't `proved`: where the reason is outside
its hops, a case named `result` fails.
"""

from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from hoplab.report.outline import (
    Document,
    Entry,
    failure_lines,
    happened,
    hop_seconds,
    label,
    moment,
    one_line,
    ordered,
    preparation_lines,
    read,
    route,
    sentence,
    since,
    start,
    verdict_summary,
)

PROPERTIES: Final = ("run", "release", "inventory", "result")
LAUNCHED: Final = ("instance", "host", "request", "global_request")


def render_junit(document: Document) -> str:
    """Return the report of a result document (report.json) as JUnit XML. Times are in seconds.

    Raises KeyError for a document without what the schema has, ValueError for a time that is none.
    """
    document = read(document)
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite")
    properties = ET.SubElement(suite, "properties")
    known = {name: document[name] for name in PROPERTIES} | {name: document["launch"][name] for name in LAUNCHED}
    for name, value in known.items():
        ET.SubElement(properties, "property", {"name": name, "value": str(value)})
    first = start(document)
    for hop in ordered(document["hops"]):
        _case(suite, hop, document, first)
    if document.get("preparation"):
        _preparation(suite, document)
    elif document["result"] != "proved" and not any(_number(suite, kind) for kind in ("failure", "error")):
        _result(suite, document)
    totals = {
        "name": document["flow"],
        "tests": str(_number(suite)),
        "failures": str(_number(suite, "failure")),
        "errors": str(_number(suite, "error")),
        "skipped": str(_number(suite, "skipped")),
        "time": f"{document['duration_s']:.3f}",
    }
    suites.attrib |= totals
    # JUnit's own schema allows neither a zone nor fractions; it is UTC.
    suite.attrib |= totals | {"timestamp": _utc(document["started"])}
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _number(suite: ET.Element, kind: str = "") -> int:
    return len(suite.findall(f"testcase/{kind}" if kind else "testcase"))


def _utc(text: str) -> str:
    seconds = moment(text)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _case(suite: ET.Element, hop: Entry, document: Document, first: float | None) -> None:
    case = ET.SubElement(
        suite, "testcase", {"classname": route(hop), "name": label(hop), "time": f"{hop_seconds(hop):.3f}"}
    )
    verdict = hop["verdict"]
    message = f"{verdict}: {one_line(hop['why'])}"
    if verdict in {"blocked", "not applicable"} or (verdict == "not observable" and happened(hop, document)):
        ET.SubElement(case, "skipped", {"message": message})
    elif not happened(hop, document):
        # What is no verdict of today's is no success either.
        failed = verdict in {"absent", "out of order", "weak"}
        found = ET.SubElement(case, "failure" if failed else "error", {"message": message, "type": verdict})
        found.text = "\n".join(_details(hop, document))
    said = [f"{verdict}: {hop['why']}", *([f"at {since(hop, first)}"] if hop["at"] else [])]
    said += [f"denied: {_line(one)}" for one in hop.get("denials", ())]
    said += [_line(witness) for witness in hop["witnesses"]]
    ET.SubElement(case, "system-out").text = "\n".join(said)


def _line(witness: Entry) -> str:
    return f"{witness['time']} {witness['who']} on {witness['node']}, {witness['source']}: {witness['line']}"


def _details(hop: Entry, document: Document) -> list[str]:
    by_hand = [f"see it {hop['hint']['where']}: {hop['hint']['run']}"] if hop["hint"]["run"] else []
    lines = [hop["meaning"], hop["why"], *by_hand]
    failure = document["failure"]
    return lines + _failure(document) if failure is not None and failure["name"] == hop["name"] else lines


def _failure(document: Document) -> list[str]:
    return [f"{title}: {text}" if title else text for title, text in failure_lines(document["failure"])]


def _preparation(suite: ET.Element, document: Document) -> None:
    """Add the case that failed before there were hops."""
    preparation = document["preparation"]
    case = ET.SubElement(suite, "testcase", {"classname": "preparation", "name": "preparation", "time": "0.000"})
    found = ET.SubElement(case, "failure", {"message": sentence(document), "type": "preparation"})
    found.text = "\n".join(f"{title or 'and':<9}: {text}" for title, text in preparation_lines(preparation))


def _result(suite: ET.Element, document: Document) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": document["flow"], "name": "result", "time": "0.000"})
    kind = "failure" if document["result"] == "failed" else "error"
    found = ET.SubElement(case, kind, {"message": sentence(document), "type": document["result"]})
    lines = [verdict_summary(document), document["launch"]["error"] or ""]
    lines += _failure(document) if document["failure"] else []
    found.text = "\n".join(line for line in lines if line)
