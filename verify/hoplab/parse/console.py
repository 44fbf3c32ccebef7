"""What the guest writes on its console, as events. The text's own form is in `hoplab.parse.guest`."""

import json
import math
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from hoplab.model.events import GARBLED, Event, Origin
from hoplab.parse import guest as console

Fact = tuple[str, dict[str, str], dict[str, str]]
"""What a line says: its name, its fields and its ids."""
WRONG: Final = 1.0
"""Seconds by which a guest's uptime and our clocks may differ."""
LINE_ENDS: Final = re.compile(r"[\r\n]+")


@dataclass(frozen=True, slots=True)
class _Reading:
    """Whole lines of a console that were there at one reading, and not at the one before."""

    since: float
    until: float
    text: str


@dataclass(slots=True)
class _Guest:
    """What a guest has said of itself since it was started: a line that has no id is about what it named before."""

    volumes: Collection[str]
    nic: dict[str, str] = field(default_factory=dict)
    serials: dict[str, str] = field(default_factory=dict)

    def fact(self, event: console.GuestEvent) -> Fact | None:
        """Return what a line says, None for one that says nothing of how something went."""
        self._follow(event)
        return self._went_well(event) or self._went_wrong(event)

    def _follow(self, event: console.GuestEvent) -> None:
        match event:
            case console.Boot():
                self.nic, self.serials = {}, {}
            case console.Nic(mac=mac):
                self.nic = {"mac": mac}
            case console.DhcpOk(mac=mac, ip=address):
                self.nic = {"mac": mac, "address": address}
            case console.DiskSeen(device=device, serial=serial):
                self.serials[device] = serial
            case console.DiskGone(device=device):
                self.serials.pop(device, None)
            case _:
                pass

    def _went_well(self, event: console.GuestEvent) -> Fact | None:
        match event:
            case console.DhcpOk(server=server):
                return "dhcp-ok", {"server": server}, self.nic
            case console.MetadataOk(uuid=instance, hostname=hostname):
                return "metadata-ok", {"hostname": hostname}, {"instance": instance}
            case console.DiskRwOk(device=device):
                return "disk-rw", *self._disk(device)
            case _:
                return None

    def _went_wrong(self, event: console.GuestEvent) -> Fact | None:
        match event:
            case console.DhcpFail(mac=mac):
                return "dhcp-fail", {}, {"mac": mac}
            case console.MetadataFail(reason=reason):
                return "metadata-fail", _reason(reason), self.nic
            case console.DiskRwFail(device=device, reason=reason):
                fields, ids = self._disk(device)
                return "disk-fail", {**_reason(reason), **fields}, ids
            case console.ImageBroken(part=part):
                return "image-broken", {"part": part}, self.nic
            case _:
                return None

    def _disk(self, device: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the serial of a disk as a field, and the one volume that it can be as an id."""
        serial = self.serials.get(device, "")
        meant = [volume for volume in self.volumes if serial and console.disk_serial(volume) == serial]
        return {"serial": serial} if serial else {}, {"volume": meant[0]} if len(meant) == 1 else {}


def _reason(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}


def parse_console(
    lines: Iterable[str],
    *,
    node: str,
    source: str,
    boot_time: float,
    volumes: Collection[str] = (),
    who: str = "guest",
) -> Iterator[Event]:
    """Yield a `console.said` with the field `fact` for each line that says how something went.

    `dhcp-ok`, `metadata-ok` and `disk-rw` tell that it went well, `dhcp-fail`, `metadata-fail`, `disk-fail` and
    `image-broken` that it did not, with the guest's `reason` where it gives one. A guest tries again, so each may come
    often. ids: `mac` and `address` of the guest's lease, `instance` of its metadata, `volume` of a disk; a line without
    an id of its own has those that the guest named since it was started: its MAC, and its address if it has one.

    lines: records as `hoplab.capture.console_log` writes them; boot_time: when the guest began to run, in seconds since
    1970, or any time before that; volumes: ids of the volumes that a disk may be. A guest sees the beginning of a
    volume's id as the disk's serial; the id is that of the one volume that begins so, and with none or several the
    event has only the `serial`.

    A line was written between the reading before it and the one that has it. The guest tells its kernel's uptime: since
    the firmware and the boot loader come before the kernel, the line is not from before boot_time plus that, unless the
    guest was started earlier.
    """
    origin, guest = Origin(node, source, who), _Guest(volumes)
    for reading in _readings(lines):
        for event in console.parse(reading.text):
            said = guest.fact(event)
            if said is None or event.up is None:
                continue
            fact, fields, ids = said
            # A guest that told its uptime so soon has been running for longer than was thought.
            earliest = boot_time + event.up if boot_time + event.up <= reading.until + WRONG else 0.0
            since = min(max(reading.since, earliest), reading.until)
            fields = {"fact": fact, "precision": f"{reading.until - since:.3f}", **fields}
            yield origin.event(
                since, "console.said", fields, {name: {value} for name, value in ids.items()}, event.line
            )


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


def last_lines(lines: Iterable[str], most: int) -> tuple[str, ...]:
    """Return the last lines of a console that are not empty. lines: records as `hoplab.capture.console_log` writes."""
    kept: deque[str] = deque(maxlen=most)
    for reading in _readings(lines):
        kept.extend(line for part in LINE_ENDS.split(reading.text) if (line := part.rstrip()))
    return tuple(kept)
