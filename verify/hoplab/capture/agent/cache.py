"""memcached's own account of what is stored and fetched (`watch`, doc/protocol.txt), and which service asks.

The watcher tells connections by a number only. `stats conns` has their addresses, the kernel their processes, and
systemd their units (`owners`); what is in the cache itself is never read, but for the id of Keystone's cache region.
"""

import contextlib
import hashlib
import pickletools
import re
import socket
import time
from collections.abc import Iterator

from hoplab.capture.agent.link import Lines, Recorder, send_record, stopping
from hoplab.capture.agent.owners import connected

WAIT = 0.3
AGAIN = 2.0
"""Seconds after which connections are looked up anew."""
CONNECTION = re.compile(r"STAT (\d+):addr tcp:(\S+)")
REGION = b"<<<region>>>:tokens"
"""Under its digest Keystone keeps the id that is part of every token's key (keystone/common/cache/core.py)."""


class Cache(Recorder):
    """All stores and fetches. address, port: where memcached listens on this node."""

    source = "cache"

    def __init__(self, address: str, port: int) -> None:
        super().__init__()
        self.address = (address, port)
        self.gone = False

    def begin(self) -> None:
        """Connect, and begin to watch."""
        self._watch()
        self._send_region()

    def record(self) -> None:
        """Send what memcached tells, and who its connections are.

        A memcached that stands still is asked again later; one that is gone has no connections.
        """
        looked = 0.0
        for lines in self._lines():
            for line in lines:
                send_record(self.source, told=line)
            if not self.gone and time.monotonic() - looked > AGAIN:
                with contextlib.suppress(TimeoutError):
                    send_record(self.source, peers=self._peers())
                looked = time.monotonic()
        if not self.gone:
            send_record(self.source, peers=self._peers())
            self._send_region()

    def end(self) -> None:
        """Close the connections, with which the watching ends."""
        for name in ("watching", "asking"):
            if hasattr(self, name):
                getattr(self, name).close()

    def _watch(self) -> None:
        self.asking = socket.create_connection(self.address, 5)
        self.watching = socket.create_connection(self.address, 5)
        self.watching.sendall(b"watch mutations fetchers\r\n")
        self.watching.settimeout(5)
        answer, _end, self.early = self.watching.recv(1 << 16).partition(b"\r\n")
        if answer != b"OK":
            raise RuntimeError(f"memcached can't be watched: {answer!r}")
        self.watching.settimeout(WAIT)

    def _watch_again(self) -> Iterator[list[str]]:
        """Wait until memcached, which closed the connection, is there again.

        Where nobody listens nothing is stored, so nothing is missed but what comes when it is back. RuntimeError if it
        is not gone at all.
        """
        while not stopping.wait(WAIT):
            try:
                self._watch()
            except ConnectionRefusedError:
                if not self.gone:
                    send_record(self.source, gone=True)
                self.gone = True
                yield []
                continue
            if not self.gone:
                raise RuntimeError("memcached closed the connection")
            self.gone = False
            send_record(self.source, back=True)
            return

    def _lines(self) -> Iterator[list[str]]:
        lines, data = Lines(self.source), self.early
        while not stopping.is_set():
            yield [line.strip() for line in lines.whole(data).decode("utf-8", "replace").split("\n")[:-1]]
            try:
                data = self.watching.recv(1 << 16)
            except TimeoutError:
                data = b""
                continue
            if not data:
                yield from self._watch_again()
                lines, data = Lines(self.source), self.early

    def _ask(self, command: bytes) -> bytes:
        self.asking.sendall(command + b"\r\n")
        answer = b""
        while not answer.endswith(b"END\r\n"):
            try:
                data = self.asking.recv(1 << 16)
            except TimeoutError:
                # An answer that comes too late would be taken for that to the next question.
                self.asking.close()
                self.asking = socket.create_connection(self.address, 5)
                raise
            if not data:
                raise RuntimeError("memcached closed the connection")
            answer += data
        return answer

    def _send_region(self) -> None:
        answer = self._ask(b"get " + hashlib.sha1(REGION).hexdigest().encode())
        head, _mark, body = answer.partition(b"\r\n")
        if head.startswith(b"VALUE"):
            value = body[: int(head.split()[3])]
            # Looked at as text: a pickle of somebody else's is not to be loaded.
            texts = [argument for code, argument, _place in pickletools.genops(value) if code.name == "UNICODE"]
            send_record(self.source, region=repr(str(texts[0]).encode("latin-1")))

    def _peers(self) -> dict[str, str]:
        """Return the unit, or else the address, behind each connection by its number."""
        units = connected(self.address[1])
        found = CONNECTION.findall(self._ask(b"stats conns").decode("utf-8", "replace"))
        return {number: units.get(address, address) for number, address in found}
