"""Who reads the files that the DHCP agent writes for dnsmasq, as the kernel tells it (fanotify(7)).

The kernel names the process and hands over the file that it has open, so what stood in it is known even if another one
is in its place a moment later (the agent writes a new file and renames it).
"""

import ctypes
import os
import select
import struct

from hoplab.capture.agent.link import Recorder, report, send_record, stopping

WAIT = 20
"""Milliseconds after which directories are looked for anew: a new network's dnsmasq takes longer to start."""
HOSTS = "host"
"""The file with a network's ports and addresses (neutron/agent/linux/dhcp.py, Dnsmasq._output_hosts_file)."""
LARGEST = 1 << 20
# linux/fanotify.h
FAN_CLOEXEC, FAN_NONBLOCK = 0x1, 0x2
FAN_ACCESS, FAN_CLOSE_NOWRITE, FAN_Q_OVERFLOW, FAN_EVENT_ON_CHILD = 0x1, 0x10, 0x4000, 0x08000000
FAN_MARK_ADD, FAN_MARK_ONLYDIR = 0x1, 0x8
AT_FDCWD = -100
EVENT = struct.Struct("@IBBHQii")
READERS = 1024


class Reads(Recorder):
    """Each reading of a network's file of hosts. directory: where the networks' directories are."""

    source = "reads"

    def __init__(self, directory: str) -> None:
        super().__init__()
        self.directory = directory
        self.marked: dict[str, int] = {}
        self.reading: dict[tuple[int, int], None] = {}
        self.events = -1
        self.libc = ctypes.CDLL(None, use_errno=True)

    def begin(self) -> None:
        """Ask the kernel to tell of it; it stops with this process."""
        self.events = self.libc.fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK, os.O_RDONLY | os.O_CLOEXEC)
        if self.events < 0:
            raise _error("the kernel does not tell who reads a file")
        self._mark()

    def record(self) -> None:
        """Send each reading when the file is closed."""
        poll = select.poll()
        poll.register(self.events, select.POLLIN)
        while not stopping.is_set():
            if poll.poll(WAIT):
                self.feed(os.read(self.events, 1 << 16))
            self._mark()

    def end(self) -> None:
        """Close what the kernel tells by, with which it ends."""
        if self.events >= 0:
            os.close(self.events)

    def feed(self, data: bytes) -> None:
        """Take what the kernel tells: events one after another."""
        while len(data) >= EVENT.size:
            size, _version, _reserved, _length, mask, file, pid = EVENT.unpack_from(data)
            data = data[max(size, EVENT.size) :]
            if mask & FAN_Q_OVERFLOW:
                report(self.source, "more was read than the kernel could tell of")
            if file >= 0:
                try:
                    self._note_read(mask, file, pid)
                finally:
                    os.close(file)

    def _note_read(self, mask: int, file: int, pid: int) -> None:
        path = os.readlink(f"/proc/self/fd/{file}").removesuffix(" (deleted)")
        if os.path.basename(path) != HOSTS:
            return
        key = (pid, os.fstat(file).st_ino)
        if mask & FAN_ACCESS:
            self.reading[key] = None
            if len(self.reading) > READERS:
                self.reading.pop(next(iter(self.reading)))
        if mask & FAN_CLOSE_NOWRITE and key in self.reading:
            del self.reading[key]
            text = os.pread(file, LARGEST + 1, 0)
            if len(text) > LARGEST:
                report(self.source, f"{path} has more than {LARGEST} bytes")
                return
            try:
                program, arguments = _program(pid)
            except OSError:
                return  # It is gone: no dnsmasq, which goes on.
            said = text.decode("utf-8", "replace")
            send_record(self.source, pid=pid, program=program, arguments=arguments, file=path, text=said)

    def _mark(self) -> None:
        """Have the kernel tell of the networks' directories that are there now."""
        try:
            found = {entry.path: entry.inode() for entry in os.scandir(self.directory) if entry.is_dir()}
        except FileNotFoundError:
            found = {}  # There is no network yet.
        for path, inode in found.items():
            if self.marked.get(path) != inode:
                mask = FAN_ACCESS | FAN_CLOSE_NOWRITE | FAN_EVENT_ON_CHILD
                flags = FAN_MARK_ADD | FAN_MARK_ONLYDIR
                if self.libc.fanotify_mark(
                    self.events, flags, ctypes.c_uint64(mask), AT_FDCWD, os.fsencode(path)
                ) and os.path.isdir(path):
                    raise _error(path)
        self.marked = found


def _program(pid: int) -> tuple[str, list[str]]:
    """Return the file that a process runs, and the words that it was started with. OSError if it is gone."""
    program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as stream:
        words = stream.read().split("\0")[1:-1]
    # Of the words only those that name files are of use, and no others can be a secret.
    return program, [word for word in words if word.startswith("--dhcp-hostsfile=")]


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)
