"""What a client and memcached say on one connection, read from the bytes that went over it.

The protocol: doc/protocol.txt of memcached. Of all that is said only stores are told, with memcached's answer: never a
value, and of the keys only those that are digests, for another one may be a secret itself (the id of a user's session).
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

STORES = frozenset({"set", "add", "replace", "append", "prepend", "cas"})
MANY = frozenset({"get", "gets", "gat", "gats", "stats"})
"""Commands whose answer goes on until END."""
SINGLE = frozenset({"delete", "touch", "incr", "decr", "version", "verbosity", "flush_all"})
"""Commands whose answer is one line."""
KNOWN = STORES | MANY | SINGLE
COMMAND = re.compile(rb"^([a-z_]+)[ \r]")
DIGEST = re.compile(r"^(?:tokens/)?[0-9a-f]{40,64}$")
LONGEST = 1 << 16
"""A line of so many bytes is none of this protocol."""
LATER = 256
"""So many segments that came before those that they follow are kept."""
WRAP = 1 << 32
END = b"\r\n"


class Store(NamedTuple):
    """A store and its answer. key: empty if it is no digest; time: of the command, in seconds since 1970."""

    time: float
    command: str
    key: str
    answer: str


class Stream:
    """The bytes of one direction in their order. Segments may come twice, or before their turn (RFC 9293, 3.4)."""

    def __init__(self) -> None:
        self.next: int | None = None
        self.rest = b""
        self.skip = 0
        self._later: dict[int, bytes] = {}

    def begin(self, number: int) -> None:
        """Go on from a number, whatever was before."""
        self.next, self.rest, self.skip, self._later = number, b"", 0, {}

    def take(self, number: int, data: bytes) -> bool:
        """Take a segment; False if too much is missing before it."""
        self._later[number] = data
        while self.next is not None:
            due = next((later for later in self._later if (self.next - later) % WRAP < WRAP // 2), None)
            if due is None:
                break
            fresh = self._later.pop(due)[(self.next - due) % WRAP :]
            self.next = (self.next + len(fresh)) % WRAP
            self._keep(fresh)
        return len(self._later) <= LATER and len(self.rest) <= LONGEST

    def line(self) -> str | None:
        """Return the next whole line, and take it out; None if there is none yet."""
        line, end, rest = self.rest.partition(b"\n")
        if not end:
            return None
        self.rest = rest
        return line.decode("utf-8", "replace").strip()

    def leave_out(self, size: int) -> None:
        """Let go of a value of so many bytes and the end of its line, also of what of it is still to come."""
        self.skip = size + len(END)
        rest, self.rest = self.rest, b""
        self._keep(rest)

    def _keep(self, data: bytes) -> None:
        self.rest += data[self.skip :]
        self.skip = max(0, self.skip - len(data))


class MemcachedClient:
    """One connection, followed from a segment that begins with a command. lost: segments of it were missed."""

    def __init__(self) -> None:
        self.lost = False
        self._asked = Stream()
        self._answered = Stream()
        self._waiting: deque[tuple[float, str, str]] = deque()

    def ask(self, time: float, number: int, awaited: int, data: bytes) -> None:
        """Take a segment of the client's. awaited: the number of the server's segment that it has not got yet."""
        if self._asked.next is None:
            found = COMMAND.match(data)
            if found is None or found[1].decode() not in KNOWN:
                return  # In the middle of something.
            self._asked.begin(number)
            self._answered.begin(awaited)
            self._waiting.clear()
        if not self._asked.take(number, data):
            self._forget(lost=True)
        while (line := self._asked.line()) is not None:
            if not self._command(time, line.split()):
                self._forget(lost=False)

    def answer(self, number: int, data: bytes) -> Iterator[Store]:
        """Take a segment of the server's; yield the stores that it answers."""
        if self._answered.next is None:
            return
        if not self._answered.take(number, data):
            self._forget(lost=True)
        while (line := self._answered.line()) is not None:
            if not self._waiting:
                continue
            time, command, key = self._waiting[0]
            words = line.split()
            if command in MANY and words and words[0] in {"VALUE", "STAT"}:
                if words[0] == "VALUE":
                    self._answered.leave_out(_size(words, 3))
                continue
            self._waiting.popleft()
            if command in STORES:
                yield Store(time, command, key, words[0] if words else "")

    def _command(self, time: float, words: list[str]) -> bool:
        """Take note of a command; False if it is none that is known, and what follows can't be understood."""
        command = words[0] if words else ""
        if command not in KNOWN:
            return False
        key = ""
        if command in STORES:
            self._asked.leave_out(_size(words, 4))
            key = next((word for word in words[1:2] if DIGEST.match(word)), "")
        if words[-1] != "noreply":
            self._waiting.append((time, command, key))
        return True

    def _forget(self, *, lost: bool) -> None:
        self.lost = self.lost or lost
        self._asked, self._answered = Stream(), Stream()
        self._waiting.clear()


def _size(words: list[str], place: int) -> int:
    """Return the size of the value that follows a line, in bytes; 0 if there is none in the line."""
    return int(words[place]) if len(words) > place and words[place].isdecimal() else 0
