"""From a run's raw files to its events, and what could not be read of them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from hoplab.model import files
from hoplab.model.events import Event
from hoplab.model.sources import Source
from hoplab.parse.cache import missed
from hoplab.parse.ceph import learn_images
from hoplab.parse.console import last_lines
from hoplab.parse.dnsmasq import host_writes
from hoplab.parse.forms import FORMS, Context, possible_events, read_lines
from hoplab.parse.trouble import Log
from hoplab.run.record import RAW, RunRecord

LAST: Final = 12
"""Lines of a guest's console that are shown of a launch that failed."""


class RawFiles:
    """A run's raw files. sources: all that there must be, with what was found to be wrong with them so far."""

    def __init__(self, directory: Path, record: RunRecord) -> None:
        self._directory = directory
        self._record = record
        self._context: Context | None = None
        self._boot_time: float | None = None
        self.sources = tuple(self._whole(self._checked(source)) for source in record.sources)

    def events(self) -> Iterator[Event]:
        """Yield the events until the run ended, source by source.

        A source whose file is gone or shorter than it was written, or of a form that is not known here, has a problem;
        so has one that turns out to be unreadable on the way, or to have a line without an end.
        """
        early = [source for source in self.sources if source.form != "console"]
        for source in early:
            for event in self._events(source, self.context):
                self._watch_boot(event)
                yield event
        context = replace(self.context, boot_time=self._record.started if self._boot_time is None else self._boot_time)
        for source in [source for source in self.sources if source.form == "console"]:
            yield from self._events(source, context)

    def actor_events(self, actor: str) -> Iterator[Event]:
        """Yield an actor's events alone, source by source."""
        for source in self.sources:
            if any(who == actor for who, _kind in possible_events(source)):
                yield from (event for event in self._events(source, self.context) if event.who == actor)

    def logs(self) -> Iterator[Log]:
        """Yield the logs of OpenStack's services and of the broker, each to be read as a whole."""
        for source in (*self._sources_with_form("openstack"), *self._sources_with_form("rabbitmq")):
            clock = self._record.clocks.get(source.node)
            offset = clock.offset if clock else 0.0
            yield Log(source.who, source.node, source.name, offset, self._lines(source))

    def console(self) -> tuple[str, ...]:
        """Return the last lines of the guest's console, none where it was not read or is empty."""
        return last_lines((line for source in self._sources_with_form("console") for line in self._lines(source)), LAST)

    @property
    def context(self) -> Context:
        """What parsers must know of other sources than their own, learnt when it is asked for first."""
        if self._context is None:
            images = learn_images(
                line for source in self._sources_with_form("ceph-osd") for line in self._lines(source)
            )
            agents = [source for source in self._sources_with_form("openstack") if source.who == "dhcp-agent"]
            writes = {source.node: host_writes(self._lines(source)) for source in agents}
            self._context = Context(self._record, images, writes, self._record.started)
        return self._context

    def _sources_with_form(self, form: str) -> Iterator[Source]:
        return (source for source in self.sources if source.form == form)

    def _events(self, source: Source, context: Context) -> Iterator[Event]:
        if source.form in FORMS:
            yield from (event for event in self._parsed(source, context) if not _late(event, self._record))

    def _parsed(self, source: Source, context: Context) -> Iterable[Event]:
        """Return all events of a source, also those that were when the run was over."""
        return read_lines(self._lines(source), source, context)

    def _watch_boot(self, event: Event) -> None:
        """Note when the guest began to run, which places what it says in time."""
        if event.kind == "domain.changed" and event.fields.get("to") == "resumed":
            own = self._record.ids.get("instance", frozenset())
            if not own.isdisjoint(event.ids.get("instance", frozenset())):
                before = self._boot_time
                self._boot_time = event.time if before is None else min(before, event.time)

    def _path(self, source: Source) -> Path:
        return self._directory / RAW / source.node / source.name

    def _lines(self, source: Source) -> Iterator[str]:
        """Yield a source's lines; what is in the way becomes the source's problem."""
        long: list[int] = []
        try:
            yield from files.read_lines(self._path(source), long)
        except FileNotFoundError:
            pass  # Nothing was written: its size says whether something should have been.
        except OSError as error:
            self._mark_incomplete(source, f"{self._path(source)}: cannot be read ({files.reason(error)})")
        if long:
            self._mark_incomplete(source, f"{self._path(source)}: line {long[0]} has more than {files.LINE} characters")

    def _mark_incomplete(self, source: Source, problem: str) -> None:
        """Note what is wrong with a source, unless something is already."""
        key = (source.node, source.name)
        self.sources = tuple(
            replace(each_source, problem=problem)
            if (each_source.node, each_source.name) == key and not each_source.problem
            else each_source
            for each_source in self.sources
        )

    def _checked(self, source: Source) -> Source:
        path = self._path(source)
        if source.form not in FORMS:
            return replace(source, problem=f"its form {source.form!r} is not known to this hoplab")
        try:
            with files.open_regular(path) as stream:
                size = os.fstat(stream.fileno()).st_size
        except FileNotFoundError:
            size = 0
        except OSError as error:
            return replace(source, problem=source.problem or f"{path}: cannot be read ({files.reason(error)})")
        if size != source.size and not source.problem:
            return replace(source, problem=f"{path}: {size} bytes, and {source.size} were written: the run is damaged")
        return source

    def _whole(self, source: Source) -> Source:
        """Return a source with a problem if its recorder missed something while the launch lasted."""
        if source.form not in ("cache", "ceph-mon-names") or source.problem:
            return source
        record = self._record
        clock = record.clocks.get(source.node)
        with suppress(OSError):  # It is told when the source itself is read.
            until = record.ended + (clock.offset if clock else 0.0)
            problem = missed(files.read_lines(self._path(source)), until=until, who=source.who)
            return replace(source, problem=problem) if problem else source
        return source


def _late(event: Event, record: RunRecord) -> bool:
    """Tell whether something happened when the launch was over: what was in its way may have been put right."""
    clock = record.clocks.get(event.node)
    return event.time - (clock.offset if clock else 0.0) > record.ended


def unread(sources: Iterable[Source], wanted: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return (who, kind) of all events of which a source could not be read, and of the wanted ones that had none."""
    sources = tuple(sources)
    lost = {said for source in sources if source.problem for said in possible_events(source)}
    if ("dhcp-agent", "log.said") in lost:
        lost.add(("dnsmasq", "dhcp.said"))  # Which ports were in a file that dnsmasq read, only the agent says.
    return frozenset(lost.union(set(wanted).difference(*map(possible_events, sources))))
