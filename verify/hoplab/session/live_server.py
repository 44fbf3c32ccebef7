"""A page and its event stream on this machine's own address, for browsers of whoever started it and for nobody else.

Other users of the machine can reach the address, too, so the page has a name that can't be guessed; other sites, to
whose names a browser was told this address (DNS rebinding), are known by the Host header.
"""

import re
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Any, Final, Self

from hoplab.model.errors import ConfigurationError
from hoplab.model.files import reason
from hoplab.session.feed import Feed

ADDRESS: Final = "127.0.0.1"
NAMES: Final = (ADDRESS, "localhost")
HTTP_PORT: Final = 80
"""Which browsers leave out of the Host header."""
EVENTS: Final = "events"
"""The event stream's path, below the page's."""
STREAMS: Final = 32
"""Browsers at once; more are refused."""
ANSWER_SECONDS: Final = 10.0
"""How long a browser may take to send its request, or to take what it is sent."""
LEAVE_SECONDS: Final = 2.0
"""How long browsers may take for what they are told last."""
POLL_SECONDS: Final = 0.1
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NOTHING: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class LiveServer:
    """Serves a page and a feed until it is left. Use it in a with statement; a browser never holds it.

    page: returns the page, with the content security policy that it is sent with. Raises ConfigurationError that names
    the port if it can't be had.
    """

    def __init__(self, page: Callable[[], tuple[str, str]], feed: Feed, port: int = 0) -> None:
        self.page = page
        self.feed = feed
        self._key = secrets.token_urlsafe(16)
        self._gone = threading.Condition()
        self._streams: set[socket.socket] = set()
        try:
            self._server = _Server(self, port)
        except OSError as error:
            raise ConfigurationError(
                f"--port {port}: {ADDRESS} can't be listened on there ({reason(error)}): name another port, or none, "
                "and the system chooses one"
            ) from None
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)

    @property
    def path(self) -> str:
        """The page's path."""
        return f"/{self._key}/"

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.port}{self.path}"

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser that was told our URL calls us in its Host header."""
        bare = NAMES if self.port == HTTP_PORT else ()
        return frozenset({*(f"{name}:{self.port}" for name in NAMES), *bare})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.feed.close()
        with self._gone:
            self._gone.wait_for(lambda: not self._streams, LEAVE_SECONDS)
            for stream in self._streams:
                _hang_up(stream)
        self._server.shutdown()
        self._server.server_close()

    def admit(self, stream: socket.socket) -> bool:
        """Count a browser that wants to be told of the launch; False if there are too many."""
        with self._gone:
            if len(self._streams) >= STREAMS:
                return False
            self._streams.add(stream)
            return True

    def leave(self, stream: socket.socket) -> None:
        """Note that a browser is gone."""
        with self._gone:
            self._streams.discard(stream)
            self._gone.notify_all()


class _Server(ThreadingMixIn, TCPServer):
    """Not `ThreadingHTTPServer`, which asks the name service for this machine's name."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = STREAMS

    def __init__(self, live: LiveServer, port: int) -> None:
        self.live = live
        super().__init__((ADDRESS, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over browsers that went away; a fault of ours is one, whoever sees it, and the launch goes on."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request: the page, the event stream, or why there is neither."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = ANSWER_SECONDS

    def do_GET(self) -> None:
        """Answer with the page or the event stream."""
        live = self.server.live
        if self.headers.get_all("Host", []) not in [[host] for host in live.hosts]:
            self.send_error(HTTPStatus.FORBIDDEN, "this page is for a browser that opens the address that was printed")
        elif secrets.compare_digest(self.path.encode(), live.path.encode()):
            self._send_page()
        elif secrets.compare_digest(self.path.encode(), f"{live.path}{EVENTS}".encode()):
            self._send_events()
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "open the whole address that was printed")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer that there is nothing, and why, as plain text."""
        if code == HTTPStatus.NOT_IMPLEMENTED:  # The library's word for a method that has no do_...
            code, message = HTTPStatus.METHOD_NOT_ALLOWED, "only GET is answered"
        self._send(HTTPStatus(code), "text/plain; charset=utf-8", f"{message or explain or HTTPStatus(code).phrase}\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the library's name of it
        """Say nothing: what a browser asks for is no news for whoever watches a launch in the terminal."""

    def version_string(self) -> str:
        """Return what the Server header says."""
        return "hoplab"

    def _send_page(self) -> None:
        text, policy = self.server.live.page()
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", text, policy)

    def _send(self, status: HTTPStatus, kind: str, text: str, policy: str = NOTHING) -> None:
        data = text.encode("utf-8", "replace")
        self._begin(status, kind, policy)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":  # To that nobody expects a body, even where it is refused.
            self.wfile.write(data)

    def _send_events(self) -> None:
        live, last = self.server.live, self.headers.get("Last-Event-ID", "")
        if not live.admit(self.connection):
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, f"{STREAMS} browsers are watching already: close one")
            return
        try:
            self._begin(HTTPStatus.OK, "text/event-stream", NOTHING)
            self.end_headers()
            for message in live.feed.messages(int(last) if re.fullmatch("[0-9]{1,9}", last) else None):
                self.wfile.write(message.encoded if message else b": nothing new\n\n")
        finally:
            live.leave(self.connection)

    def _begin(self, status: HTTPStatus, kind: str, policy: str) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Security-Policy": policy, "Content-Type": kind}.items():
            self.send_header(name, value)


def _hang_up(stream: socket.socket) -> None:
    with suppress(OSError):  # It has gone meanwhile.
        stream.shutdown(socket.SHUT_RDWR)
