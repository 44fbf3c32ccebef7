"""One drill: launches with a fault in the lab, and whether the hop that the fault broke is the one that is named."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hoplab.drill.injection import fault_in
from hoplab.drill.model import Fault
from hoplab.drill.recovery import wait_recovered
from hoplab.flow.model import Catalogue
from hoplab.judge.pace import FEWEST, proved_runs
from hoplab.judge.verdicts import Result
from hoplab.lab.connection import connect, new_request_id, translate_errors
from hoplab.lab.deployment import Deployment
from hoplab.model.errors import ConfigurationError, LaunchError
from hoplab.report.document import Document
from hoplab.report.outline import happened, sentence
from hoplab.run.record import PREPARATION
from hoplab.session.options import Options
from hoplab.session.recorded_launches import Say, verify

Judge = Callable[[tuple[Path, ...]], dict[Path, Document]]
"""Judges runs that were just made, and writes their reports."""


@dataclass(frozen=True, slots=True)
class DrillLaunch:
    """One launch of a drill.

    touched: whether the fault was in its way; named: the hop that its report names, or `preparation`, None if it names
    none; asked: where that is the preparation, the service and the request that failed; shown: whether its report shows
    all that the fault says of its cause; strays: hops
    that are not proved though the fault does not explain it; status, says: of the instance, and what the client was
    told.
    """

    run: str
    host: str
    touched: bool
    result: str
    named: str | None
    asked: tuple[str, str]
    shown: bool
    strays: tuple[str, ...]
    status: str
    says: str


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """What a drill came to.

    launches: in their order, at least one; verdict_seconds: from the fault to the verdict; healed_seconds: until the
    services said that they are well again.
    """

    fault: Fault
    launches: tuple[DrillLaunch, ...]
    verdict_seconds: float
    healed_seconds: float

    @property
    def first(self) -> DrillLaunch:
        """The first launch that the fault touched, or else the first one."""
        return next((launch for launch in self.launches if launch.touched), self.launches[0])

    @property
    def localised(self) -> bool:
        """Whether the fault's hop was named in each launch that it touched, and the others are proved."""
        return any(launch.touched for launch in self.launches) and all(
            self._names_fault(each_launch)
            if each_launch.touched
            else (each_launch.result, each_launch.named) == (Result.PROVED, None)
            for each_launch in self.launches
        )

    def _names_fault(self, launch: DrillLaunch) -> bool:
        """Whether a launch's report names what the fault broke, and shows why."""
        wanted = Result.PROVED if self.fault.slows else Result.FAILED
        (service, request), (method, _, path) = launch.asked, self.fault.request.partition(" ")
        asked = service == self.fault.service and request.startswith(method) and path in request
        return (launch.result, launch.named) == (wanted, self.fault.hop) and asked and launch.shown

    @property
    def seen(self) -> bool:
        """Whether the user saw what the drill says that one sees."""
        return self.first.status == self.fault.sees.status and self.fault.sees.says in self.first.says


def drill(
    deployment: Deployment, runs: Path, fault: Fault, *, catalogue: Catalogue, judge: Judge, say: Say
) -> DrillOutcome:
    """Launch with a fault in the lab, take the fault out, and judge what was recorded.

    Raises ConfigurationError, SourceError if the fault can't be put in or taken out, WaitTimeoutError if the lab does
    not get well again.
    """
    if fault.slows and len(list(proved_runs(runs, fault.journey))) < FEWEST:
        raise ConfigurationError(
            f"fault {fault.name}: {runs} has not yet {FEWEST} good runs to compare with: run `hoplab verify` first"
        )
    times: dict[str, float] = {}
    found: dict[Path, Document] = {}
    nodes: list[str] = []

    @contextmanager
    def fault_context(launches: Sequence[Mapping[str, str]]) -> Iterator[None]:
        say(f"putting in the fault {fault.name}: {fault.title}")
        times["in"] = time.monotonic()
        with fault_in(deployment, fault, launches) as touched:
            nodes.extend(touched)
            # Which service has to notice it, and where that could be asked, is another matter with each fault. What is
            # waited for is a state that lasts: a launch in between breaks at this hop or at the next one by chance.
            time.sleep(fault.settle)
            yield
            times["over"] = time.monotonic()
        say("the fault is out; waiting until the lab is well again")
        wait_recovered(deployment, fault.rest)
        times["well"] = time.monotonic()

    def recorded(directories: tuple[Path, ...]) -> None:
        began = time.monotonic()
        found.update(judge(directories))
        times["judging"] = time.monotonic() - began

    # One that is on some hosts only needs launches on all of them, wherever the scheduler would like them to be.
    hosts = () if fault.everywhere else _hosts(deployment)
    options = Options(
        count=fault.launches,
        timeout=fault.wait,
        guest_timeout=fault.wait,
        hosts=hosts,
        # What breaks the preparation must do so whatever other launches have left in the lab.
        reuse=fault.hop != PREPARATION,
        before=fault.early,
        journey=fault.journey,
        # What a fault leaves of an attachment goes with the instance.
        own_instance=True,
    )
    verify(deployment, runs, options, say=say, recorded=recorded, fault_context=fault_context)
    if "over" not in times:
        why = "; ".join(sentence(document) for document in found.values())
        raise LaunchError(f"fault {fault.name}: it was not put in, since there was nothing to do with it: {why}")
    return DrillOutcome(
        fault=fault,
        launches=tuple(_launched(fault, path.name, one, nodes, catalogue) for path, one in found.items()),
        verdict_seconds=times["over"] - times["in"] + times["judging"],
        healed_seconds=times["well"] - times["over"],
    )


def _hosts(deployment: Deployment) -> tuple[str, ...]:
    """Return the hosts on which instances can be, as Nova calls them."""
    with translate_errors("ask Nova for its hosts"):
        services = connect(deployment, new_request_id()).compute.services(binary="nova-compute")
        return tuple(sorted(str(service.host) for service in services if service.state == "up"))


def _launched(fault: Fault, run: str, document: Document, nodes: Collection[str], catalogue: Catalogue) -> DrillLaunch:
    host = document["launch"]["host"]
    # Where no host is known, it may have been one of those that the fault is on.
    touched = fault.everywhere or not host or host in nodes
    named = document["slow"] if fault.slows and document["result"] == Result.PROVED else document["first_unproven"]
    if document["preparation"]:
        touched = True
    expected = {*fault.besides, *dependent_hops({fault.hop, *fault.besides}, catalogue)} if touched else set()
    # Where nothing was launched, no hop is to be explained.
    hops = [] if document["preparation"] else document["hops"]
    wanting = {hop["name"] for hop in hops if not happened(hop, document)}
    return DrillLaunch(
        run=run,
        host=host,
        touched=touched,
        result=document["result"],
        named=named["name"] if named else None,
        asked=(named.get("service", ""), named.get("request", "")) if named else ("", ""),
        shown=shows(document, fault.shows),
        strays=tuple(sorted(wanting - expected - {fault.hop})),
        status=document["launch"]["status"],
        says=document["launch"]["error"],
    )


def shows(document: Document, texts: Collection[str]) -> bool:
    """Tell whether what a report says of the cause of a failure has each of the texts in it."""
    said = [*_texts(document["failure"]), *_texts(document["preparation"]), document["launch"]["error"]]
    return all(any(text in one for one in said) for text in texts)


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in a part of a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)


def dependent_hops(hops: Collection[str], catalogue: Catalogue) -> set[str]:
    """Return all hops that must follow one of these, at once or over others, or of which one witness waits for them."""
    found: set[str] = set()
    while True:
        more = {
            name
            for name, hop in catalogue.hops.items()
            if name not in found and not found.union(hops).isdisjoint({*hop.after, *hop.waits_for})
        }
        if not more:
            return found
        found |= more
