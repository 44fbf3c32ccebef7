"""The report as one HTML file that needs nothing else: no network, and of scripts its own one alone."""

import base64
import hashlib
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hoplab.report.explanation import TODAY
from hoplab.report.lags import slowness, waited, waiting
from hoplab.report.less import interval_lines
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
from hoplab.report.picture import Data, embedded, picture
from hoplab.report.sequence import sequence
from hoplab.report.svg import verdict_class
from hoplab.report.timeline import longest_gaps, timeline

NOBODY, SERVER = "'none'", "'self'"
"""Whom a page's script may connect to: nobody, or the server that the page came from."""
CDATA: Final = ("//<![CDATA[\n", "//]]>")
"""What a script begins and ends with, so that what reads the page as XML takes it as text; to JavaScript, comments."""


def render_html(document: Document, *, data: Data | None = None, connect: str = NOBODY) -> str:
    """Return the report of a result document (report.json) as an HTML page, which is well-formed XML, too.

    data: what the picture shows, by default this run; connect: whom the page's script may connect to, as the
    Content-Security-Policy has it (`connect-src`). Raises KeyError or jinja2.UndefinedError for a document without what
    the schema has, ValueError for a time that is none.
    """
    document = read(document)
    first = start(document)
    gaps = longest_gaps(document)
    environment = page_environment()
    page = environment.get_template("report.html.j2").render(
        **page_shell(environment, picture(document) if data is None else data, connect),
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
        interval=[*interval_lines(document["failure"] or {})],
        notes=document.get("notes", ()),
        hops=[(hop, when(hop, first), not happened(hop, document)) for hop in ordered(document["hops"])],
        unseen=sum(hop["at"] is None for hop in document["hops"]),
        # Built as trees, where all is escaped.
        sequence=[Markup(part) for part in sequence(document)],
        timeline=[Markup(part) for part in timeline(document, gaps)],
        gaps=gaps,
    )
    return page.rstrip() + "\n"


def render_live(data: Data) -> str:
    """Return the page of a run that is under way: the picture alone, whose script hears from its server what is new.

    data: what the picture shows at first.
    """
    environment = page_environment()
    page = environment.get_template("live.html.j2").render(
        **page_shell(environment, data, SERVER), title=data["title"], journey=data["journey"], sentence=data["sentence"]
    )
    return page.rstrip() + "\n"


def page_policy(connect: str = NOBODY) -> str:
    """Return the Content-Security-Policy of the pages that are made here. connect: see `render_html`."""
    environment = page_environment()
    return policy(_style(environment), _script(), connect)


def page_environment() -> Environment:
    """Return what makes pages of the templates, with the filters that they use."""
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
    return environment


def page_shell(environment: Environment, data: Data, connect: str = NOBODY) -> dict[str, Any]:
    """Return what a page has around its text. All of it is made here, or escaped: see `embedded`."""
    style, script = _style(environment), _script()
    return {
        "policy": policy(style, script, connect),
        "style": Markup(style),
        "script": Markup(script),
        "data": Markup(embedded(data)),
    }


def _style(environment: Environment) -> str:
    return "".join(environment.get_template(name).render(looks=LOOKS) for name in ("report.css", "picture.css"))


def _script() -> str:
    return CDATA[0] + page_script() + CDATA[1]


def page_script() -> str:
    """Return the page's script, which `make page` makes."""
    return resources.files("hoplab.report").joinpath("templates", "page.js").read_text(encoding="utf-8")


def policy(style: str, script: str, connect: str = NOBODY) -> str:
    """Return the Content-Security-Policy of a page: this style and this script, and nothing else.

    connect: whom the script may connect to.
    """
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; connect-src {connect}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    """Return the digest of a style or a script as a policy has it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _with_verdict(document: Document, verdict: str) -> list[Entry]:
    return [hop for hop in ordered(document["hops"]) if hop["verdict"] == verdict]


def _first_unproven(document: Document) -> Entry | None:
    """Return the first unproven hop with all that is known of it; of one outside the list that is little."""
    first: Entry | None = document["first_unproven"]
    if first is None:
        return None
    hops: list[Entry] = document["hops"]
    return next((hop for hop in hops if hop["name"] == first["name"]), first)
