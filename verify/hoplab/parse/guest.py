r"""What the lab's guest says on its console: LABGUEST lines -> typed events. Pure; never raises on any text.

A line may have a shell prompt and escape sequences before the mark, and may be torn or written into by another.
Only a whole line counts: all but `powerbutton` end in `up=SECONDS`, and one that doesn't is dropped, since
half an id proves nothing.

    >>> parse("/ # \x1b[6nLABGUEST disk gone dev=vdb up=48.45\r\n")
    (DiskGone(up=48.45, line='disk gone dev=vdb up=48.45', device='vdb'),)
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

SERIAL_LENGTH = 20
"""virtio-blk cuts a disk's serial to so many characters: of a volume's id the guest sees the first 20."""


@dataclass(frozen=True, slots=True)
class GuestEvent:
    """One line of the guest. up: seconds since the guest's kernel started, None where the line has none."""

    up: float | None
    line: str


@dataclass(frozen=True, slots=True)
class Boot(GuestEvent):
    """The guest's userland started."""

    kernel: str


@dataclass(frozen=True, slots=True)
class Nic(GuestEvent):
    """A network card was found. mtu: bytes."""

    device: str
    mac: str
    mtu: int


@dataclass(frozen=True, slots=True)
class DhcpOk(GuestEvent):
    """An address was leased. ip: without prefix; prefix: bits; server: who leased it."""

    ip: str
    prefix: int
    mac: str
    server: str


@dataclass(frozen=True, slots=True)
class DhcpFail(GuestEvent):
    """One round of DHCP went unanswered."""

    attempt: int
    mac: str


@dataclass(frozen=True, slots=True)
class MetadataOk(GuestEvent):
    """The metadata service told the guest who it is."""

    uuid: str
    hostname: str


@dataclass(frozen=True, slots=True)
class MetadataFail(GuestEvent):
    """One request to the metadata service failed."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class SshKeyOk(GuestEvent):
    """The key from the metadata service is installed."""


@dataclass(frozen=True, slots=True)
class DiskSeen(GuestEvent):
    """A further disk appeared. serial: at most SERIAL_LENGTH characters."""

    device: str
    sectors: int
    serial: str


@dataclass(frozen=True, slots=True)
class DiskRwOk(GuestEvent):
    """A mark was written and read back; previous: the mark that was there before, empty on a new disk."""

    device: str
    wrote: str
    previous: str


@dataclass(frozen=True, slots=True)
class DiskRwFail(GuestEvent):
    """A disk can't be used. reason: why it was left alone; empty where what was read is not what was written."""

    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class DiskGone(GuestEvent):
    """A disk was taken away while the guest ran."""

    device: str


@dataclass(frozen=True, slots=True)
class UserData(GuestEvent):
    """The user data were run. status: of their shell; 0 is success."""

    status: int


@dataclass(frozen=True, slots=True)
class ImageBroken(GuestEvent):
    """A part of the guest's image could not be used. part: a kernel module's name, or the partition of its tools."""

    part: str


@dataclass(frozen=True, slots=True)
class PowerButton(GuestEvent):
    """The guest was asked to power off."""


@dataclass(frozen=True, slots=True)
class DiskWrite:
    """A disk's write test with the serial of the disk it was on."""

    serial: str
    device: str
    wrote: str
    previous: str
    line: str


_Maker = Callable[[float | None, str, tuple[str, ...]], GuestEvent]
"""Makes an event of its time, its line and the groups of its pattern; a group that is not there is None."""
_KINDS: tuple[tuple[re.Pattern[str], _Maker], ...] = (
    (re.compile(r"boot kernel=(\S+)"), lambda up, line, f: Boot(up, line, f[0])),
    (
        re.compile(r"nic (\S+) mac=(\S+) mtu=([0-9]{1,9})"),
        lambda up, line, f: Nic(up, line, f[0], f[1], int(f[2])),
    ),
    (
        re.compile(r"dhcp ok ip=([^\s/]+)/([0-9]{1,3}) mac=(\S+) server=(\S+) router=.*"),
        lambda up, line, f: DhcpOk(up, line, f[0], int(f[1]), f[2], f[3]),
    ),
    (
        re.compile(r"dhcp fail try=([0-9]{1,9}) mac=(\S+)"),
        lambda up, line, f: DhcpFail(up, line, int(f[0]), f[1]),
    ),
    (re.compile(r"metadata ok uuid=(\S+) hostname=(\S*)"), lambda up, line, f: MetadataOk(up, line, f[0], f[1])),
    (
        re.compile(r"metadata fail try=([0-9]{1,9}) ?(.*)"),
        lambda up, line, f: MetadataFail(up, line, int(f[0]), f[1]),
    ),
    (re.compile(r"sshkey ok"), lambda up, line, _: SshKeyOk(up, line)),
    (
        re.compile(r"disk seen dev=(\S+) sectors=([0-9]{1,18}) serial=(\S*)"),
        lambda up, line, f: DiskSeen(up, line, f[0], int(f[1]), f[2]),
    ),
    (
        re.compile(r"disk rw ok dev=(\S+) wrote=\[([^\]]*)\] previous=\[(.*)\]"),
        lambda up, line, f: DiskRwOk(up, line, f[0], f[1], f[2]),
    ),
    (
        re.compile(r"disk rw FAIL dev=(\S+?)(?: reason=(.*))?"),
        lambda up, line, f: DiskRwFail(up, line, f[0], f[1] or ""),
    ),
    (re.compile(r"disk gone dev=(\S+)"), lambda up, line, f: DiskGone(up, line, f[0])),
    (re.compile(r"userdata rc=([0-9]{1,3})"), lambda up, line, f: UserData(up, line, int(f[0]))),
    (re.compile(r"module fail name=(\S+)"), lambda up, line, f: ImageBroken(up, line, f[0])),
    (re.compile(r"tools fail dev=(\S+)"), lambda up, line, f: ImageBroken(up, line, f[0])),
    (re.compile(r"powerbutton"), lambda up, line, _: PowerButton(up, line)),
)
_MARK = "LABGUEST "
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~])?")
_UP = re.compile(r" up=([0-9]{1,9}\.[0-9]{1,9})$")


def parse(text: str) -> tuple[GuestEvent, ...]:
    """Return the events in a console's text, in their order there."""
    return tuple(_events(text))


def _events(text: str) -> Iterator[GuestEvent]:
    for raw in re.split(r"[\r\n]+", text):
        # What another process wrote into the line before the next mark makes the first part a torn line.
        for part in _ESCAPE.sub("", raw).split(_MARK)[1:]:
            line = part.rstrip()
            uptime = _UP.search(line)
            if uptime is None and line != "powerbutton":
                continue
            body = line[: uptime.start()] if uptime else line
            for pattern, make in _KINDS:
                if found := pattern.fullmatch(body):
                    yield make(float(uptime[1]) if uptime else None, line, found.groups())
                    break


def last_boot(events: Iterable[GuestEvent]) -> tuple[GuestEvent, ...]:
    """Return the events since the guest's latest start; all of them if no start is among them."""
    kept: list[GuestEvent] = []
    for event in events:
        if isinstance(event, Boot):
            kept.clear()
        kept.append(event)
    return tuple(kept)


def disk_writes(events: Iterable[GuestEvent]) -> tuple[DiskWrite, ...]:
    """Return the write tests, each with the serial that its device had at that time; others are left out."""
    serials: dict[str, str] = {}
    writes: list[DiskWrite] = []
    for event in events:
        match event:
            case Boot():
                serials.clear()
            case DiskSeen():
                serials[event.device] = event.serial
            case DiskGone():
                serials.pop(event.device, None)
            case DiskRwOk() if event.device in serials:
                serial = serials[event.device]
                writes.append(DiskWrite(serial, event.device, event.wrote, event.previous, event.line))
            case _:
                pass
    return tuple(writes)


def disk_serial(volume_id: str) -> str:
    """Return the serial under which the guest sees the volume with this id."""
    return volume_id[:SERIAL_LENGTH]
