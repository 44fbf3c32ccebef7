"""The forms of sources: which parser reads which, and what it may say."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hoplab.model.events import Event
from hoplab.model.sources import Source
from hoplab.parse.access import outcome
from hoplab.parse.broker import parse_broker
from hoplab.parse.cache import parse_cache
from hoplab.parse.ceph import parse_osd, parse_rgw_log
from hoplab.parse.ceph_mon import parse_audit, parse_mon
from hoplab.parse.client import parse_client
from hoplab.parse.console import parse_console
from hoplab.parse.dnsmasq import HostWrite, parse_dnsmasq
from hoplab.parse.flows import parse_flows
from hoplab.parse.haproxy import parse_haproxy
from hoplab.parse.hypervisor import parse_hypervisor
from hoplab.parse.oslo import parse_oslo
from hoplab.parse.packets import parse_packets
from hoplab.parse.reads import parse_reads
from hoplab.parse.rgw import parse_rgw
from hoplab.parse.statements import parse_statements
from hoplab.parse.switch import parse_switch
from hoplab.run.record import RunRecord


@dataclass(frozen=True, slots=True)
class Context:
    """What parsers must know that is not in their own source.

    images: names of RBD images by their internal ids; writes: what the DHCP agents wrote for dnsmasq, by node;
    boot_time: when the guest began to run, or, if that is not known, when the recording began.
    """

    record: RunRecord
    images: Mapping[str, str]
    writes: Mapping[str, Collection[HostWrite]]
    boot_time: float


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
    "rabbitmq": (_nothing, ()),
    "reads": (_plain(parse_reads), (("", "file.read"),)),
    "rgw-operations": (_plain(parse_rgw), (("", "http.served"), ("", "http.replied"))),
    "statements": (_plain(parse_statements), (("", "db.statement"),)),
    "switch": (_plain(parse_switch), (("", "port.wired"),)),
}
"""By form: who reads it, and of which events it is a source: whose word (if empty the source's actor) and which kind.

The broker's log has no event: it is only searched for what went wrong (`hoplab.parse.trouble`).
What the guest said can't be placed in time without the hypervisor, so that one counts as a source of it, too.
"""


def possible_events(source: Source) -> Iterator[tuple[str, str]]:
    """Yield (who, kind) of all events that a source may have."""
    for who, kind in FORMS[source.form][1] if source.form in FORMS else ():
        yield who or source.who, kind


def read_lines(lines: Lines, source: Source, context: Context) -> Iterator[Event]:
    """Return the events of a source's lines. Raises KeyError for a form that is not known."""
    parse, said = FORMS[source.form]
    events = parse(lines, source, context)
    return _with_answers(events, context.record.hosts) if ("", "http.served") in said else events


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
