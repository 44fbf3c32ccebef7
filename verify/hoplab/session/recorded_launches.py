"""The verb `verify`: journeys while the lab is recorded, each with a run directory in the end that can be judged."""

import fcntl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hoplab.capture.session import Capture, CaptureSession
from hoplab.flow.actors import SERVICES
from hoplab.flow.loader import load_journey
from hoplab.flow.model import Catalogue
from hoplab.lab.connection import ANSWER_SECONDS, connect, new_request_id, translate_errors
from hoplab.lab.deployment import Deployment
from hoplab.lab.profile import load_profile
from hoplab.lab.tokens import regions
from hoplab.launch.cleanup import delete_all
from hoplab.model.errors import ConfigurationError, HoplabError
from hoplab.model.sources import CLIENT, Source
from hoplab.run.record import ELSEWHERE, RAW, RunRecord, Unit, make_directory, share_raw, write_record, written
from hoplab.session.attempt import Attempt, carry_out, short
from hoplab.session.daemons import pools, states
from hoplab.session.journey import Journey
from hoplab.session.options import Options
from hoplab.session.preparation import Preparation

Say = Callable[[str], None]
FaultContext = Callable[[Sequence[Mapping[str, str]]], AbstractContextManager[None]]
"""Told the ids that each launch has before it begins, by name: what its messages and requests can be known by."""
Look = Callable[[], tuple[Path, RunRecord]]
"""Returns a launch's directory and what is known of it so far."""

LOCK: Final = "verify.lock"
MOST: Final = 20
"""Launches at once."""
SETTLE_SECONDS: Final = 2.0
"""How long the lab is recorded after the last launch is over: the agents' last words come a little later."""
CLEAN_SECONDS: Final = 90.0
"""How long it may take at least to delete what launches made."""
SPARE_SECONDS: Final = 600
"""How much longer than the launches may take the agents run, should we be gone without a word."""


def verify(
    deployment: Deployment,
    runs: Path,
    options: Options,
    *,
    say: Say,
    recorded: Callable[[tuple[Path, ...]], None],
    began: Callable[[Look], None] = lambda _look: None,
    fault_context: FaultContext = lambda _launches: nullcontext(),
) -> None:
    """Launch while the lab is recorded. options: what, and how.

    recorded: told each launch's run directory, ready to be judged, before anything is deleted, which may last; began:
    told how the first launch can be looked at while it is being recorded; fault_context: gives what the launches are
    done in, when all is prepared and recorded (see `Options.before`), told what is known of each of them. Raises
    ConfigurationError; what else goes wrong is in the runs' records.
    """
    options.check()
    with alone(deployment.directory):
        _verify(deployment, runs, options, say, recorded=recorded, began=began, fault_context=fault_context)


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Be the only one who verifies this lab: another one would take our instances away.

    directory: the lab's. Raises ConfigurationError if somebody else is at it.
    """
    with written(directory / LOCK):
        lock = (directory / LOCK).open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"{directory / LOCK}: another `hoplab verify` is at work in this lab: wait until it is over"
            ) from None
        yield


def _verify(
    deployment: Deployment,
    runs: Path,
    options: Options,
    say: Say,
    *,
    recorded: Callable[[tuple[Path, ...]], None],
    began: Callable[[Look], None],
    fault_context: FaultContext,
) -> None:
    started = time.time()
    preparing = Preparation(deployment, say)
    requests = [new_request_id() for _ in range(options.count)]
    journeys = options.journeys(map(short, requests))
    attempts = [Attempt(one, global_request_id=request) for one, request in zip(journeys, requests, strict=True)]
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(started))
    directories = tuple(runs / f"{stamp}-{attempt.short}" for attempt in attempts)
    for directory in directories:
        make_directory(directory)
    recording = CaptureSession(directories[0] / RAW)
    capture = Capture(deployment, load_profile(), recording)
    story = _RecordedSession(deployment, load_journey(options.journey), capture, recording, started, options.warm)
    clean = not options.keep
    try:
        # Closed when the launches are over, while the lab is still recorded.
        with ExitStack() as recorder, ExitStack() as inside:
            recorder.callback(recording.close)
            if options.before:
                inside.enter_context(fault_context([attempt.beforehand for attempt in attempts]))
            for attempt in attempts:
                preparing.get(attempt, options.timeout)
            ready = [attempt for attempt in attempts if attempt.ready]
            if ready:
                say("recording the lab")
                recorder.callback(story.stop)
                story.record(options.count * options.timeout + SPARE_SECONDS)
                began(lambda: (directories[0], story.run_record(attempts[0], directories[0])))
                if not options.before:
                    inside.enter_context(fault_context([attempt.beforehand for attempt in ready]))
                say(f"{ready[0].journey.doing} {', '.join(attempt.journey.plan.server for attempt in ready)}")
                _do_all(deployment, ready, recording)
                time.sleep(SETTLE_SECONDS)
            story.end()
        for problem in story.problems():
            say(f"not recorded: {problem}")
        with written(directories[0], ELSEWHERE):
            _write(story, dict(zip(directories, attempts, strict=True)))
            recorded(directories)
    except KeyboardInterrupt:
        clean = False  # Who interrupts us does not want to wait.
        raise
    finally:
        if clean:
            _clean(deployment, journeys, max(options.timeout, CLEAN_SECONDS), say)


def _write(story: "_RecordedSession", attempts: Mapping[Path, Attempt]) -> None:
    """Write what is known of each launch into its directory; OSError if that, or something before, can't be written."""
    story.recording.check()
    first = next(iter(attempts))
    for directory, attempt in attempts.items():
        if directory != first:
            share_raw(first, directory)
        write_record(story.run_record(attempt, directory), directory)


def _do_all(deployment: Deployment, attempts: Sequence[Attempt], recording: CaptureSession) -> None:
    """Do all that is to be done at once. In threads that don't outlive us: Ctrl-C has to end the recording at once."""
    failed: list[BaseException] = []

    def do(attempt: Attempt) -> None:
        attempt.recorder.note = lambda line: recording.write(CLIENT, "http", line)
        attempt.console.note = lambda line: recording.write(CLIENT, f"console/{attempt.ids['instance']}", line)
        try:
            carry_out(deployment, attempt)
        except BaseException as error:  # noqa: BLE001 told in the main thread
            failed.append(error)

    threads = [threading.Thread(target=do, args=(attempt,), daemon=True) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


@dataclass(slots=True)
class _RecordedSession:
    """What is known of the launches of one recording, at any time."""

    deployment: Deployment
    catalogue: Catalogue
    capture: Capture
    recording: CaptureSession
    started: float
    warm: bool
    recorded: bool = False
    pools: Mapping[str, str] = field(default_factory=dict)
    ended: float = 0.0
    states: tuple[Unit, ...] = field(default=())

    def record(self, limit: float) -> None:
        """Begin to record the lab, for at most limit seconds."""
        self.recorded = True
        self.pools = pools(self.deployment)
        self.capture.start(limit)

    def stop(self) -> None:
        """Stop recording the lab."""
        self.capture.stop()

    def problems(self) -> Iterator[str]:
        """Yield what could not be recorded, in words; nothing where nothing was to be."""
        yield from self.capture.problems() if self.recorded else ()

    def end(self) -> None:
        """Note that the recording is over, and how the daemons are."""
        self.ended = time.time()
        self.states = tuple(states(self.deployment))

    def run_record(self, attempt: Attempt, directory: Path) -> RunRecord:
        """Return what is known of one launch."""
        self.recording.flush()
        running = self.deployment.running
        node = self.deployment.find_node(attempt.host) if attempt.host else None
        return RunRecord(
            run=directory.name,
            release=self.deployment.release,
            inventory=self.deployment.inventory,
            warm=self.warm,
            started=self.started,
            ended=self.ended or time.time(),
            ids=attempt.known(self.catalogue, regions(self._cache_lines()), self.deployment.token_cache),
            name=attempt.journey.plan.server,
            host=node.name if node else attempt.host,
            status=attempt.status,
            seconds_to_active=attempt.seconds_to_active,
            error=attempt.error,
            sources=(*self.capture.sources(), *self._console(attempt)) if attempt.ready else (),
            clocks=dict(self.capture.clocks),
            hosts={node.address: node.name for node in self.deployment.nodes},
            units={service.unit: actor for actor, name in SERVICES.items() for _node, service in running(name)},
            pools=self.pools,
            seen=attempt.seen,
            states=self.states,
            unprepared=attempt.unprepared,
            notes=tuple(attempt.notes),
            journey=attempt.journey.name,
        )

    def _console(self, attempt: Attempt) -> Iterator[Source]:
        """Yield the guest's console as a source, if there is a guest that should have told something."""
        if attempt.may_tell and "instance" in attempt.ids:
            name = f"console/{attempt.ids['instance']}"
            size = self.recording.sizes.get((CLIENT, name), 0)
            yield Source(CLIENT, name, "guest", "console", size, "" if size else attempt.error or "Nova gave none")

    def _cache_lines(self) -> Iterator[str]:
        for node in self.deployment.nodes:
            path = self.recording.path(node.name, "cache")
            if path.exists():
                with path.open(encoding="utf-8", errors="replace") as stream:
                    yield from stream


def _clean(deployment: Deployment, journeys: Collection[Journey], seconds: float, say: Say) -> None:
    """Remove what was made, within so many seconds; what is left is told, and in the way of no other run."""
    for journey in journeys:
        try:
            journey.release(deployment, seconds / 3)
        except HoplabError as error:
            say(f"not undone: {error}")
    try:
        with translate_errors("cleanup"):
            cloud = connect(deployment, new_request_id(), min(ANSWER_SECONDS, seconds / 4))
            for removal in delete_all(cloud, [journey.plan for journey in journeys], say, seconds=seconds):
                if removal.problem:
                    say(f"left behind: {removal.kind} {removal.problem}, or `hoplab cleanup` for all that is left")
    except HoplabError as error:
        say(f"left behind: {error}: `hoplab cleanup` removes all that is left")
