"""What goes over the wire between memcached and its clients, as the kernel copies it (packet(7)).

Packets are looked at here and let go: what is sent on are the stores, without their values.
"""

import ctypes
import socket
import struct
import subprocess
from contextlib import suppress
from time import monotonic

from hoplab.capture.agent.link import Recorder, report, send_record, stopping
from hoplab.capture.agent.memcache import MemcachedClient
from hoplab.capture.agent.owners import connected

WAIT = 0.3
LAST_SECONDS = 5.0
"""So long it goes on at the end, if so much comes that it never has to wait."""
ETH_P_IP = 0x0800
ANCILLARY = 256
SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35  # asm-generic/socket.h
SOL_PACKET, PACKET_STATISTICS, PACKET_OUTGOING = 263, 6, 4  # linux/if_packet.h
BUFFER = 16 << 20
"""Bytes that wait here at most: what memcached is told in seconds."""
TALKS = 4096
FIN, SYN, RST, ACK = 1, 2, 4, 16
TALLY = struct.Struct("@II")
TIME = struct.Struct("@qq")


def bpf(port: int) -> bytes:
    """Return the kernel's filter for the first fragments of TCP from or to a port (linux/filter.h), from IPv4 on."""
    code = [
        (0x30, 0, 0, 9),  # protocol
        (0x15, 0, 8, socket.IPPROTO_TCP),
        (0x28, 0, 0, 6),  # place of a fragment
        (0x45, 6, 0, 0x1FFF),
        (0xB1, 0, 0, 0),  # length of the header
        (0x48, 0, 0, 0),  # from
        (0x15, 2, 0, port),
        (0x48, 0, 0, 2),  # to
        (0x15, 0, 1, port),
        (0x06, 0, 0, 0xFFFFFFFF),
        (0x06, 0, 0, 0),
    ]
    return b"".join(struct.pack("@HBBI", *step) for step in code)


class Packets(Recorder):
    """The stores on all connections to memcached. address, port: where it listens on this node."""

    source = "packets"

    def __init__(self, address: str, port: int) -> None:
        super().__init__()
        self.address = socket.inet_aton(address)
        self.port = port
        self.talks: dict[str, MemcachedClient] = {}
        self.units: dict[str, str] = {}
        self.lost = 0

    def begin(self) -> None:
        """Have the kernel copy what matters, from all interfaces."""
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        steps = bpf(self.port)
        held = ctypes.create_string_buffer(steps)
        program = struct.pack("@HxxxxxxP", len(steps) // 8, ctypes.addressof(held))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:  # What came before there was a filter.
                self.socket.recv(1)
        self.socket.settimeout(WAIT)

    def record(self) -> None:
        """Send each store when it is answered; at the end also those whose packets wait here."""
        end = 0.0
        while not end or monotonic() < end:
            try:
                packet, told, _flags, origin = self.socket.recvmsg(1 << 17, ANCILLARY)
            except TimeoutError:
                if stopping.is_set():
                    return
                continue
            if stopping.is_set():
                end = end or monotonic() + LAST_SECONDS
            if origin[2] == PACKET_OUTGOING and origin[0] == "lo":
                continue  # It comes once more, as what came in.
            for level, kind, data in told:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, nanoseconds = TIME.unpack(data[: TIME.size])
                    self.feed(seconds + nanoseconds / 1e9, packet)

    def end(self) -> None:
        """Close the socket, with which the copying ends; say what was lost."""
        if not hasattr(self, "socket"):
            return
        _all, dropped = TALLY.unpack(self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, TALLY.size))
        self.socket.close()
        if dropped or self.lost:
            report(self.source, f"the kernel dropped {dropped} packets, and {self.lost} connections have gaps")

    def feed(self, time: float, packet: bytes) -> None:
        """Take an IPv4 packet with TCP in it; send the stores that it answers. time: in seconds since 1970."""
        head = (packet[0] & 15) * 4
        whole = int.from_bytes(packet[2:4], "big") or len(packet)
        if len(packet) < head + 20:
            return
        sender, receiver = packet[12:16], packet[16:20]
        source, target, number, awaited, offset, flags = struct.unpack_from("!HHIIBB", packet, head)
        data = packet[head + (offset >> 4) * 4 : whole]
        if (receiver, target) == (self.address, self.port):
            client = f"{socket.inet_ntoa(sender)}:{source}"
            if flags & SYN:
                self._over(client)
            if data:
                if len(self.talks) >= TALKS:
                    self._over(next(iter(self.talks)))
                self.talks.setdefault(client, MemcachedClient()).ask(time, number, awaited, data)
        elif (sender, source) == (self.address, self.port):
            client = f"{socket.inet_ntoa(receiver)}:{target}"
            if data and client in self.talks:
                for store in self.talks[client].answer(number, data):
                    send_record(self.source, client=client, unit=self._unit(client), **store._asdict())
        else:
            return
        if flags & (FIN | RST):
            self._over(client)

    def _unit(self, client: str) -> str:
        """Return the unit behind a connection of this node; empty if it is not known."""
        if client not in self.units:
            with suppress(OSError, subprocess.SubprocessError):
                self.units.update(connected(self.port))
            self.units.setdefault(client, "")
        return self.units[client]

    def _over(self, client: str) -> None:
        talk = self.talks.pop(client, None)
        self.lost += talk is not None and talk.lost
        self.units.pop(client, None)
