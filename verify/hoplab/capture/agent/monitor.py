"""Has Ceph's monitor say in its log who each of its clients is, as long as it is recorded.

At debug_mon 20 it names a client's entity with each message (src/mon/Monitor.cc, `_ms_dispatch`). It then writes some
hundred lines in a second, so that is switched on for the recording alone, and `logs` passes over what nobody reads.
(debug_auth 10 would name the entity once in a session, beside the client's key.)
"""

import glob
import json
import socket
import struct
from typing import Any

from hoplab.capture.agent.link import Recorder, send_record, stopping

SETTING = "debug_mon"
LEVEL = "20/20"
POLL = 1.0
ANSWER_SECONDS = 3.0


class Monitor(Recorder):
    """The monitors of this node. sockets: path of their admin sockets, with wildcards."""

    source = "monitor"

    def __init__(self, sockets: str) -> None:
        super().__init__()
        self.sockets = sockets

    def begin(self) -> None:
        """Switch it on; a monitor that does not run or answer now is asked when it does."""
        on = self._switch_on()
        send_record(self.source, on=on)

    def record(self) -> None:
        """Switch it on again in a monitor that was gone, and say so: whom it served first, it did not name."""
        while not stopping.wait(POLL):
            if again := self._switch_on():
                send_record(self.source, on=again, back=True)

    def end(self) -> None:
        """Have each monitor's own configuration hold again."""
        for path in glob.glob(self.sockets):
            try:
                ask(path, prefix="config unset", var=SETTING)
            except OSError:
                send_record(self.source, silent=path)  # It does not run: then it starts with its own configuration.

    def _switch_on(self) -> list[str]:
        """Return the sockets of the monitors in which it was off."""
        found = []
        for path in glob.glob(self.sockets):
            try:
                if ask(path, prefix="config get", var=SETTING).get(SETTING) != LEVEL:
                    ask(path, prefix="config set", var=SETTING, val=[LEVEL])
                    found.append(path)
            except OSError:
                continue  # Nobody listens, or it stands still: then it serves nobody, either.
        return found


def ask(path: str, **command: Any) -> dict[str, Any]:
    """Return a daemon's answer to a command on its admin socket (src/common/admin_socket.cc).

    A command is JSON that ends with a zero byte; the answer's length comes first, in four bytes. Raises OSError if
    there is no answer, RuntimeError if it is none that is known.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.settimeout(ANSWER_SECONDS)
        daemon.connect(path)
        daemon.sendall(json.dumps(command).encode() + b"\0")
        (length,) = struct.unpack(">I", _read(daemon, 4))
        text = _read(daemon, length).decode("utf-8", "replace")
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "error" in answer:
        raise RuntimeError(f"{path} answers {command['prefix']!r} with {text.strip()[:200]!r}")
    return answer


def _read(daemon: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = daemon.recv(length - len(data))
        if not more:
            raise ConnectionResetError("the daemon closed its admin socket")
        data += more
    return data
