"""What Open vSwitch's database has of ports and interfaces: at the beginning, and each change (RFC 7047, 4.1.5)."""

import codecs
import json
import socket
from collections.abc import Iterator
from typing import Any

from hoplab.capture.agent.link import Recorder, send_record, stopping

SOCKET = "/run/openvswitch/db.sock"
COLUMNS = {
    "Interface": ["name", "external_ids", "ofport", "type", "error"],
    "Port": ["name", "tag", "interfaces", "other_config"],
}
WAIT = 0.3
MOST = 1 << 24
"""Characters of a message: the first one has all ports of the node."""


class Switch(Recorder):
    """The tables Interface and Port of the local Open vSwitch."""

    source = "switch"

    def begin(self) -> None:
        """Connect and ask for the tables' contents and every change."""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(SOCKET)
        request = {table: {"columns": columns} for table, columns in COLUMNS.items()}
        self._write({"method": "monitor", "params": ["Open_vSwitch", None, request], "id": "monitor"})
        self.socket.settimeout(WAIT)

    def record(self) -> None:
        """Send the contents, then each change."""
        for message in self._messages():
            if message.get("method") == "echo":
                self._write({"result": message["params"], "error": None, "id": message["id"]})
            elif message.get("method") == "update":
                send_record(self.source, update=message["params"][1])
            elif message.get("error"):
                raise RuntimeError(f"ovsdb-server refuses: {message['error']}")
            elif message.get("id") == "monitor":
                send_record(self.source, initial=message["result"])

    def end(self) -> None:
        """Close the connection, with which the monitoring ends."""
        self.socket.close()

    def _write(self, message: dict[str, Any]) -> None:
        self.socket.sendall(json.dumps(message).encode())

    def _messages(self) -> Iterator[dict[str, Any]]:
        """Yield the messages that come until the end; they follow each other without a mark between them."""
        decoder = json.JSONDecoder()
        read = codecs.getincrementaldecoder("utf-8")("replace").decode
        text = ""
        while not stopping.is_set():
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                continue
            if not data:
                raise RuntimeError("ovsdb-server closed the connection")
            text = (text + read(data)).lstrip()
            if len(text) > MOST:
                raise RuntimeError(f"ovsdb-server sends a message of more than {MOST} characters")
            while text:
                try:
                    message, end = decoder.raw_decode(text)
                except ValueError:
                    break  # The rest of it is to come.
                yield message
                text = text[end:].lstrip()
