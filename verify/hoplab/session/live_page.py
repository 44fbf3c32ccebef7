"""Shows the hops of a launch on a page for browsers as they happen, and the report once it is there."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from hoplab.flow.model import Catalogue, Flow
from hoplab.judge.verdicts import Result
from hoplab.lab.deployment import Deployment
from hoplab.report.document import document
from hoplab.report.html import SERVER, page_policy, render_live
from hoplab.report.output import safe_line
from hoplab.report.picture import Data, picture
from hoplab.report.svg import verdict_class
from hoplab.run.record import RunRecord, Unit
from hoplab.session.feed import Feed
from hoplab.session.judge_run import RunAnalysis, judge_record
from hoplab.session.live_server import LiveServer
from hoplab.session.options import Options
from hoplab.session.run_watch import SO_FAR

END: Final = "end"
"""The event that brings the report: the page that is left, whole."""
BROKEN: Final = "broken"
"""The event that says why there is none."""
NOT_YET: Final = "not yet"
"""What stands in a verdict's place for a hop that may still happen."""
UNSEEN: Final[dict[str, Any]] = {
    "verdict": NOT_YET,
    "why": "nothing was seen of it so far",
    "at": None,
    "end": None,
    "witnesses": [],
    "denials": [],
}
"""What is shown of such a hop, whatever was made of what is there."""
FRAMES: Final = "; frame-ancestors 'none'"
"""What a policy can't say in the page itself."""


class LivePage:
    """A page in which hops light up that have happened. Use it in a with statement.

    Raises ConfigurationError that names the port if it can't be had; 0: one that is free.
    """

    def __init__(self, deployment: Deployment, catalogue: Catalogue, flow: Flow, options: Options, port: int) -> None:
        self._flow = flow
        self._states = tuple(
            Unit(node.name, service.name, service.unit, "") for node in deployment.nodes for service in node.services
        )
        self._report = ""
        self._data: Data = {}
        self._feed = Feed()
        self.show(judge_record(Path(), _unbegun(deployment, options), catalogue, flow))
        self._server = LiveServer(self._page, self._feed, port)

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        broke_off = error is None or isinstance(error, KeyboardInterrupt)
        self._feed.end(BROKEN, json.dumps("it was interrupted" if broke_off else safe_line(str(error))))
        self._server.__exit__(kind, error, trace)

    def show(self, analysis: RunAnalysis) -> None:
        """Show what has happened so far."""
        known = replace(analysis, record=replace(analysis.record, states=self._states))
        self._data = picture_so_far(known, self._flow)
        self._feed.publish(parts(self._data))

    def end(self, report: str) -> None:
        """Show the report, as the page that is left, from now on."""
        self._report = report
        self._feed.end(END, json.dumps(report))

    def _page(self) -> tuple[str, str]:
        """Return the page as it is now, and its content security policy."""
        if self._report:
            return self._report, page_policy() + FRAMES
        return render_live(self._data), page_policy(SERVER) + FRAMES


def picture_so_far(analysis: RunAnalysis, flow: Flow) -> Data:
    """Return the picture of a launch that is under way: what was not seen may still come, so nothing has failed."""
    judgement = replace(analysis.judgement, result=Result.INCONCLUSIVE, first_unproven=None)
    so_far = document(analysis.record, flow, judgement, ids=analysis.ids, sources=(), failure=None)
    so_far["hops"] = [hop if hop["verdict"] in SO_FAR else hop | UNSEEN for hop in so_far["hops"]]
    data = picture(so_far, live=True)
    for step in data["steps"]:
        if step["verdict"] == NOT_YET:
            step["when"] = ""
    data["looks"] |= {NOT_YET: {"sign": "\N{MIDDLE DOT}", "kind": verdict_class(NOT_YET), "short": ""}}
    happened = sum(step["verdict"] != NOT_YET for step in data["steps"])
    data["sentence"] = f"{happened} of {len(data['steps'])} hops have happened, or are not needed, so far."
    return data


def parts(data: Data) -> Mapping[str, str]:
    """Return a picture's data as JSON texts by name: each hop by itself, and the hops' names in their `order`."""
    found = {name: part for name, part in data.items() if name != "steps"}
    found["order"] = [step["name"] for step in data["steps"]]
    found |= {f"step {step['name']}": step for step in data["steps"]}
    return {name: json.dumps(part, separators=(",", ":")) for name, part in found.items()}


def _unbegun(deployment: Deployment, options: Options) -> RunRecord:
    """Return what is known of a launch of which nothing is recorded yet."""
    now = time.time()
    return RunRecord(
        run="",
        release=deployment.release,
        inventory=deployment.inventory,
        warm=options.warm,
        started=now,
        ended=now,
        ids={},
        name="",
        host="",
        status="",
        seconds_to_active=None,
        error="",
        sources=(),
        clocks={},
        hosts={},
        units={},
        pools={},
        journey=options.journey,
    )
