"""A server that speaks as memcached does."""

import hashlib
import queue
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress

from hoplab.capture.agent.cache import REGION

Answer = Callable[[socket.socket], None]


def serve(listener: socket.socket, answer: Answer) -> None:
    """Answer each connection in a thread of its own, until the listener is closed."""

    def answered(connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            answer(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answered, args=(listener.accept()[0],), daemon=True).start()

    listener.listen()
    threading.Thread(target=accept, daemon=True).start()


class Memcached:
    """Speaks as memcached does. tell: sends a watcher a line; region: what is under Keystone's key, if anything."""

    def __init__(self, greeting: bytes = b"OK\r\n", port: int = 0) -> None:
        self.greeting = greeting
        self.silent = False
        self.region: bytes | None = None
        self.lines: queue.Queue[bytes] = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self.listener.getsockname()[1]
        serve(self.listener, self.answer)

    def answer(self, connection: socket.socket) -> None:
        """Answer commands until the connection is closed."""
        for command in connection.makefile("rb"):
            if self.silent:
                continue
            if command.startswith(b"watch"):
                connection.sendall(self.greeting)
                while line := self.lines.get():
                    connection.sendall(line)
                return
            if command.startswith(b"get") and self.region is not None:
                assert command.split()[1] == hashlib.sha1(REGION).hexdigest().encode()
                connection.sendall(b"VALUE %s 1 %d\r\n%s\r\n" % (command.split()[1], len(self.region), self.region))
            elif command.startswith(b"stats conns"):
                address = b":".join(str(part).encode() for part in connection.getpeername())
                connection.sendall(b"STAT 20:addr tcp:0.0.0.0:11211\r\nSTAT 27:addr tcp:%s\r\n" % address)
            connection.sendall(b"END\r\n")
