"""Whether TCP ports of machines can be reached: a refusal by the machine itself is an answer, too."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import time
from typing import Any

PATIENCE = 3.5  # seconds: a lost packet is sent again after 1 s and after 3 s
_ERROR_QUEUE = getattr(socket, "MSG_ERRQUEUE", 0x2000)
_ERROR = struct.Struct("=IBBBx")  # struct sock_extended_err begins with errno, origin, type, code
_OF_ICMP = (2, 3)  # SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6 of linux/errqueue.h


def rejected(link: socket.socket) -> bool:
    """Tell whether an ICMP message refused a connection; a machine itself resets it."""
    try:
        _data, ancillary, _flags, _address = link.recvmsg(512, 512, _ERROR_QUEUE)
    except OSError:
        return False
    return any(_ERROR.unpack_from(data)[1] in _OF_ICMP for _level, _kind, data in ancillary if len(data) >= _ERROR.size)


def outcome(link: socket.socket, error: int) -> str:
    """Return in words why a connection failed; empty where the other machine itself has answered."""
    if error == 0:
        return ""
    if error == errno.ECONNREFUSED:
        return "rejected by a firewall" if rejected(link) else ""
    return os.strerror(error).lower()


def ask_ports(machines: list[dict[str, Any]], patience: float = PATIENCE) -> list[dict[str, Any]]:
    """Ask all ports at once; return those without an answer, with name, port and how they failed."""
    waiting: dict[socket.socket, tuple[str, int]] = {}
    closed = []
    with selectors.DefaultSelector() as selector:
        for machine in machines:
            for port in machine["ports"]:
                link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                link.setblocking(False)
                link.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_RECVERR", 11), 1)
                error = link.connect_ex((machine["address"], port))
                if error in (0, errno.EINPROGRESS):
                    waiting[link] = (machine["name"], port)
                    selector.register(link, selectors.EVENT_WRITE)
                else:
                    closed.append({"name": machine["name"], "port": port, "how": outcome(link, error)})
                    link.close()
        end = time.monotonic() + patience
        while waiting and time.monotonic() < end:
            for key, _events in selector.select(max(0.0, end - time.monotonic())):
                link = key.fileobj  # type: ignore[assignment]  # only sockets are registered
                selector.unregister(link)
                name, port = waiting.pop(link)
                how = outcome(link, link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                closed.append({"name": name, "port": port, "how": how})
                link.close()
    for link, (name, port) in waiting.items():
        closed.append({"name": name, "port": port, "how": "no answer"})
        link.close()
    return sorted((row for row in closed if row["how"]), key=lambda row: (row["name"], row["port"]))
