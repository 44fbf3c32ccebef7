"""From a run's raw files to its events: which parser reads which form, and what could not be read."""

import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hoplab import files
from hoplab.events import Event
from hoplab.parse.access import outcome
from hoplab.parse.broker import parse_broker
from hoplab.parse.cache import missed, parse_cache
from hoplab.parse.ceph import learn_images, parse_osd, parse_rgw_log
from hoplab.parse.ceph_mon import parse_audit, parse_mon
from hoplab.parse.client import parse_client
from hoplab.parse.console import last_lines, parse_console
from hoplab.parse.dnsmasq import HostWrite, host_writes, parse_dnsmasq
from hoplab.parse.flows import parse_flows
from hoplab.parse.haproxy import parse_haproxy
from hoplab.parse.hypervisor import parse_hypervisor
from hoplab.parse.oslo import parse_oslo
from hoplab.parse.packets import parse_packets
from hoplab.parse.reads import parse_reads
from hoplab.parse.rgw import parse_rgw
from hoplab.parse.statements import parse_statements
from hoplab.parse.switch import parse_switch
from hoplab.record import RAW, Record
from hoplab.sources import Source
from hoplab.trouble import Log


@dataclass(frozen=True, slots=True)
class Context:
    """What parsers must know that is not in their own source.

    images: names of RBD images by their internal ids; writes: what the DHCP agents wrote for dnsmasq, by node;
    boot_time: when the guest began to run, or, if that is not known, when the recording began.
    """

    record: Record
    images: Mapping[str, str]
    writes: Mapping[str, Collection[HostWrite]]
    boot_time: float


LAST: Final = 12
"""Lines of a guest's console that are shown of a launch that failed."""
CUT: Final = "0.002"
"""Seconds by which the sum of two times in whole milliseconds may be too small."""

Lines = Iterable[str]
Parser = Callable[[Lines, Source, Context], Iterator[Event]]

SERVICE_KINDS: Final = (
    *("http.served", "http.replied", "http.sent", "http.answered", "rpc.sent", "rpc.received", "db.sent"),
    *("command.run", "command.ended", "log.said"),
)


def _openstack(lines: Lines, source: Source, _context: Context) -> Iterator[Event]:
    return parse_oslo(lines, node=source.node, source=source.name, who=source.who, access=True)


def _osd(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    return parse_osd(
        lines,
        node=source.node,
        source=source.name,
        hosts=context.record.hosts,
        pools=context.record.pools,
        images=context.images,
    )


def _rgw(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    record = context.record
    return parse_rgw_log(lines, node=source.node, source=source.name, hosts=record.hosts, pools=record.pools)


def _mon(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    return parse_mon(lines, node=source.node, source=source.name, hosts=context.record.hosts)


def _nothing(_lines: Lines, _source: Source, _context: Context) -> Iterator[Event]:
    """Yield nothing: the monitor's names are in its log, and here only whether it was told to write them."""
    return iter(())


def _audit(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    return parse_audit(lines, node=source.node, source=source.name, hosts=context.record.hosts)


def _broker(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    return parse_broker(lines, node=source.node, source=source.name, hosts=context.record.hosts)


def _cache(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    return parse_cache(lines, node=source.node, source=source.name, services=context.record.units)


def _packets(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    return parse_packets(lines, node=source.node, source=source.name, services=context.record.units)


def _dnsmasq(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    writes = context.writes.get(source.node, ())
    return parse_dnsmasq(lines, node=source.node, source=source.name, writes=writes)


def _console(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    return parse_console(
        lines,
        node=source.node,
        source=source.name,
        boot_time=context.boot_time,
        volumes=context.record.ids.get("volume", ()),
    )


def _plain(parse: Callable[..., Iterator[Event]]) -> Parser:
    return lambda lines, source, _context: parse(lines, node=source.node, source=source.name)


FORMS: Final[Mapping[str, tuple[Parser, tuple[tuple[str, str], ...]]]] = {
    "broker": (_broker, (("", "rpc.published"), ("", "rpc.delivered"))),
    "cache": (_cache, (("", "cache.stored"), ("", "cache.fetched"))),
    "ceph-audit": (_audit, (("", "map.fetched"),)),
    "ceph-mon": (_mon, (("", "map.fetched"),)),
    "ceph-mon-names": (_nothing, (("", "map.fetched"),)),
    "ceph-osd": (_osd, (("", "object.read"), ("", "object.written"), ("", "watch.held"))),
    "ceph-rgw": (_rgw, (("", "object.read"), ("", "object.written"))),
    "client": (_plain(parse_client), (("", "http.sent"), ("", "http.answered"))),
    "console": (_console, (("", "console.said"),)),
    "dnsmasq": (_dnsmasq, (("", "dhcp.said"),)),
    "flows": (_plain(parse_flows), (("", "flow.added"),)),
    "haproxy": (_plain(parse_haproxy), (("", "http.served"), ("", "http.replied"))),
    "hypervisor": (
        _plain(parse_hypervisor),
        (("", "domain.changed"), ("", "domain.defined"), ("qemu", "disk.used"), ("guest", "console.said")),
    ),
    "openstack": (_openstack, tuple(("", kind) for kind in SERVICE_KINDS)),
    "packets": (_packets, (("", "cache.sent"),)),
    "reads": (_plain(parse_reads), (("", "file.read"),)),
    "rgw-operations": (_plain(parse_rgw), (("", "http.served"), ("", "http.replied"))),
    "statements": (_plain(parse_statements), (("", "db.statement"),)),
    "switch": (_plain(parse_switch), (("", "port.wired"),)),
}
"""By form: who reads it, and of which events it is a source: whose word (if empty the source's actor) and which kind.

What the guest said can't be placed in time without the hypervisor, so that one counts as a source of it, too.
"""


class Reading:
    """A run's raw files. sources: all that there must be, with what was found to be wrong with them so far."""

    def __init__(self, directory: Path, record: Record) -> None:
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

    def said_by(self, actor: str) -> Iterator[Event]:
        """Yield an actor's events alone, source by source."""
        for source in self.sources:
            if any(who == actor for who, _kind in _says(source)):
                yield from (event for event in self._events(source, self.context) if event.who == actor)

    def logs(self) -> Iterator[Log]:
        """Yield the logs of OpenStack's services, each to be read as a whole."""
        for source in self._of_form("openstack"):
            clock = self._record.clocks.get(source.node)
            offset = clock.offset if clock else 0.0
            yield Log(source.who, source.node, source.name, offset, self._lines(source))

    def console(self) -> tuple[str, ...]:
        """Return the last lines of the guest's console, none where it was not read or is empty."""
        return last_lines((line for source in self._of_form("console") for line in self._lines(source)), LAST)

    @property
    def context(self) -> Context:
        """What parsers must know of other sources than their own, learnt when it is asked for first."""
        if self._context is None:
            images = learn_images(line for source in self._of_form("ceph-osd") for line in self._lines(source))
            agents = [source for source in self._of_form("openstack") if source.who == "dhcp-agent"]
            writes = {source.node: host_writes(self._lines(source)) for source in agents}
            self._context = Context(self._record, images, writes, self._record.started)
        return self._context

    def _of_form(self, form: str) -> Iterator[Source]:
        return (source for source in self.sources if source.form == form)

    def _events(self, source: Source, context: Context) -> Iterator[Event]:
        if source.form in FORMS:
            events = read_lines(self._lines(source), source, context)
            yield from (event for event in events if not _late(event, self._record))

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
            self._spoil(source, f"{self._path(source)}: cannot be read ({files.reason(error)})")
        if long:
            self._spoil(source, f"{self._path(source)}: line {long[0]} has more than {files.LINE} characters")

    def _spoil(self, source: Source, problem: str) -> None:
        """Note what is wrong with a source, unless something is already."""
        key = (source.node, source.name)
        self.sources = tuple(
            replace(one, problem=problem) if (one.node, one.name) == key and not one.problem else one
            for one in self.sources
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


def _late(event: Event, record: Record) -> bool:
    """Tell whether something happened when the launch was over: what was in its way may have been put right."""
    clock = record.clocks.get(event.node)
    return event.time - (clock.offset if clock else 0.0) > record.ended


def unread(sources: Iterable[Source], wanted: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return (who, kind) of all events of which a source could not be read, and of the wanted ones that had none."""
    sources = tuple(sources)
    lost = {said for source in sources if source.problem for said in _says(source)}
    if ("dhcp-agent", "log.said") in lost:
        lost.add(("dnsmasq", "dhcp.said"))  # Which ports were in a file that dnsmasq read, only the agent says.
    return frozenset(lost.union(set(wanted).difference(*map(_says, sources))))


def _says(source: Source) -> Iterator[tuple[str, str]]:
    """Yield (who, kind) of all events that a source may have."""
    for who, kind in FORMS[source.form][1] if source.form in FORMS else ():
        yield who or source.who, kind


def read_lines(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    """Return the events of a source's lines. Raises KeyError for a form that is not known."""
    parse, says = FORMS[source.form]
    events = parse(lines, source, context)
    return _with_answers(events, context.record.hosts) if ("", "http.served") in says else events


def _with_answers(events: Iterable[Event], hosts: Mapping[str, str]) -> Iterator[Event]:
    for event in events:
        if event.kind == "http.served":
            yield from _served(event, hosts)
        else:
            yield event


def _served(event: Event, hosts: Mapping[str, str]) -> Iterator[Event]:
    """Yield a request and its answer, which servers note as one.

    hosts: nodes by address; who asked is told by an address, and the flows ask for the node. When it began and how long
    it took are both cut to milliseconds.
    """
    fields = event.fields
    address = fields.get("address", "")
    if address in hosts:
        fields = {**fields, "host": hosts[address]}
    yield Event(event.time, event.node, event.source, event.who, event.kind, fields, event.ids, event.line)
    took = float(fields.get("milliseconds", 0)) / 1000
    if math.isfinite(took) and took >= 0:  # HAProxy notes -1 for what it broke off.
        time, fields = event.time + took, {**fields, **outcome(fields.get("status", "")), "precision": CUT}
        yield Event(time, event.node, event.source, event.who, "http.replied", fields, event.ids, event.line)
