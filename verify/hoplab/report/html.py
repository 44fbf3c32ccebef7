"""The report as one HTML file that needs nothing else: no network, no script."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hoplab.report.explanation import TODAY
from hoplab.report.lags import slowness, waited, waiting
from hoplab.report.looks import LOOKS, RESULTS
from hoplab.report.outline import (
    Document,
    Entry,
    counted,
    happened,
    hop_seconds,
    journey,
    label,
    number,
    ordered,
    problems,
    read,
    sentence,
    start,
    trouble_line,
    verdict_summary,
    voices,
    when,
)
from hoplab.report.sequence import sequence
from hoplab.report.svg import verdict_class
from hoplab.report.timeline import longest_gaps, timeline


def render_html(document: Document) -> str:
    """Return the report of a result document (report.json) as an HTML page, which is well-formed XML, too.

    Raises KeyError or jinja2.UndefinedError for a document without what the schema has, ValueError for a time that is
    none.
    """
    document = read(document)
    first = start(document)
    gaps = longest_gaps(document)
    environment = Environment(
        loader=PackageLoader("hoplab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "kind": verdict_class,
        "label": label,
        "number": number,
        "symbol": lambda verdict: LOOKS[verdict].sign if verdict in LOOKS else "?",
        "today": lambda today: TODAY.get(today, today),
        "voices": voices,
        "took": hop_seconds,
        "trouble": trouble_line,
        "waited": waited,
    }
    page = environment.get_template("report.html.j2").render(
        document=document,
        journey=journey(document),
        as_verdict=RESULTS.get(document["result"], "unknown"),
        sentence=sentence(document),
        slowness=slowness(document),
        waiting=waiting(document),
        tally=verdict_summary(document),
        counts=[(verdict, count, _with_verdict(document, verdict)) for verdict, count in counted(document)],
        looks=LOOKS,
        unproven=_first_unproven(document),
        problems=problems(document),
        preparation=document.get("preparation"),
        notes=document.get("notes", ()),
        hops=[(hop, when(hop, first), not happened(hop, document)) for hop in ordered(document["hops"])],
        unseen=sum(hop["at"] is None for hop in document["hops"]),
        # Built as trees, where all is escaped.
        sequence=[Markup(part) for part in sequence(document)],
        timeline=[Markup(part) for part in timeline(document, gaps)],
        gaps=gaps,
    )
    return page.rstrip() + "\n"


def _with_verdict(document: Document, verdict: str) -> list[Entry]:
    return [hop for hop in ordered(document["hops"]) if hop["verdict"] == verdict]


def _first_unproven(document: Document) -> Entry | None:
    """Return the first unproven hop with all that is known of it; of one outside the list that is little."""
    first: Entry | None = document["first_unproven"]
    if first is None:
        return None
    hops: list[Entry] = document["hops"]
    return next((hop for hop in hops if hop["name"] == first["name"]), first)
