"""What the guest writes on its console, as events. The text's own form is in `hoplab.console`."""

import json
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hoplab import console
from hoplab.events import GARBLED, Event, Origin

MARKS: Final = (console.DhcpOk, console.MetadataOk, console.DiskRwOk)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Whole lines of a console that were there at one reading, and not at the one before."""

    since: float
    until: float
    text: str


def parse_console(
    lines: Iterable[str],
    *,
    node: str,
    source: str,
    boot_time: float,
    volumes: Collection[str] = (),
    who: str = "guest",
) -> Iterator[Event]:
    """Yield a `console.said` with the field `fact` `dhcp-ok`, `metadata-ok` or `disk-rw`.

    lines: records as `hoplab.capture.console` writes them; boot_time: when the guest began to run, in seconds since
    1970, or any time before that; volumes: ids of the volumes that a disk may be. A guest sees the beginning of a
    volume's id as the disk's serial; the id is that of the one volume that begins so, and with none or several the
    event has only the `serial`.

    A line was written between the reading before it and the one that has it. The guest tells its kernel's uptime: since
    the firmware and the boot loader come before the kernel, the line is not from before boot_time plus that.
    """
    origin = Origin(node, source, who)
    said = [(reading, event) for reading in _readings(lines) for event in console.parse(reading.text)]
    serials = {write.line: write.serial for write in console.disk_writes(event for _reading, event in said)}
    for reading, event in said:
        if event.up is None or not isinstance(event, MARKS):
            continue
        fact, fields, ids = _said(event, serials.get(event.line, ""), volumes)
        since = min(max(reading.since, boot_time + event.up), reading.until)
        fields = {"fact": fact, "precision": f"{reading.until - since:.3f}", **fields}
        yield origin.event(since, "console.said", fields, {name: {value} for name, value in ids.items()}, event.line)


def _readings(lines: Iterable[str]) -> Iterator[_Reading]:
    """Yield what was read, cut at the ends of lines: a line is as new as its end."""
    begun, reading = "", _Reading(0.0, 0.0, "")
    for line in lines:
        try:
            record = json.loads(line)
            since, until, text = float(record["since"] or 0.0), float(record["t"]), str(record["text"])
        except GARBLED:
            continue
        if not (math.isfinite(since) and math.isfinite(until)):
            continue
        whole, end, rest = text.rpartition("\n")
        if end:
            yield _Reading(since, until, begun + whole + end)
        begun, reading = rest if end else begun + rest, _Reading(since, until, "")
    yield _Reading(reading.since, reading.until, begun)


def _said(event: console.Event, serial: str, volumes: Collection[str]) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the fact of an event, its fields and its ids. serial: of the disk that it is about."""
    if isinstance(event, console.DhcpOk):
        return "dhcp-ok", {"server": event.server}, {"mac": event.mac, "address": event.ip}
    if isinstance(event, console.MetadataOk):
        return "metadata-ok", {"hostname": event.hostname}, {"instance": event.uuid}
    meant = [volume for volume in volumes if serial and console.serial_of(volume) == serial]
    return "disk-rw", {"serial": serial} if serial else {}, {"volume": meant[0]} if len(meant) == 1 else {}
