"""The server of a launch's page: whom it answers and with what, and that no browser holds it."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from hoplab.model.errors import ConfigurationError
from hoplab.session import live_server
from hoplab.session.feed import Feed
from hoplab.session.live_server import EVENTS, LiveServer
from samples.live import SECONDS, Browser

POLICY = "default-src 'none'; connect-src 'self'"
PAGE = '<!DOCTYPE html>\n<html lang="en"><title>ö \U0001f600</title></html>\n'


@contextmanager
def serving(feed: Feed | None = None) -> Iterator[LiveServer]:
    with LiveServer(lambda: (PAGE, POLICY), feed or Feed(interval=0.01, beat=60.0)) as server:
        yield server


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with serving() as made:
        yield made


def ask(
    server: LiveServer, path: str | None = None, *, method: str = "GET", host: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            method, server.path if path is None else path, headers=sent | ({"Host": host} if host else {})
        )
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


class TestPage:
    def test_it_is_the_page_and_nothing_may_keep_or_embed_it(self, server: LiveServer) -> None:
        status, headers, text = ask(server)
        assert (status, text) == (200, PAGE)
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Server"] == "hoplab"
        assert "Access-Control-Allow-Origin" not in headers

    def test_it_is_on_this_machine_s_own_address_alone(self, server: LiveServer) -> None:
        assert server.url == f"http://127.0.0.1:{server.port}{server.path}"
        # All of 127.0.0.0/8 is this machine, so this would answer if it listened on all addresses.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", server.port), SECONDS)

    def test_its_name_can_t_be_guessed(self) -> None:
        with serving() as one, serving() as other:
            assert one.path != other.path
            assert len(one.path) >= 20
            assert ask(one, other.path)[0] == 404

    @pytest.mark.parametrize(
        "path", ["/", "/favicon.ico", "/events", "/../etc/passwd", "http://127.0.0.1/", "/%2e%2e/", "/\xe9"]
    )
    def test_nothing_else_is_there(self, server: LiveServer, path: str) -> None:
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as raw:
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode("latin-1"))
            answer = raw.makefile("rb").read().decode()
        assert answer.startswith("HTTP/1.1 404 ")
        assert server.path not in answer

    @pytest.mark.parametrize("end", ["?", "?x=1", "x", "/", "events/", "events?x"])
    def test_nor_is_anything_below_it(self, server: LiveServer, end: str) -> None:
        assert ask(server, f"{server.path}{end}")[0] == 404

    @pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "X"])
    def test_only_get_is_answered(self, server: LiveServer, method: str) -> None:
        status, headers, _text = ask(server, method=method)
        assert (status, headers["Allow"]) == (405, "GET")

    def test_what_is_refused_has_a_body_unless_that_is_what_was_asked_for(self, server: LiveServer) -> None:
        for method, body in (("HEAD", b""), ("POST", b"only GET is answered\n")):
            with socket.create_connection(("127.0.0.1", server.port), SECONDS) as raw:
                raw.sendall(f"{method} / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
                assert raw.makefile("rb").read().partition(b"\r\n\r\n")[2] == body


class TestHost:
    """A name of somebody else's that was made to lead here (DNS rebinding) is in the Host header."""

    def test_this_machine_s_names_are_answered(self, server: LiveServer) -> None:
        assert ask(server, host=f"127.0.0.1:{server.port}")[0] == 200
        assert ask(server, host=f"localhost:{server.port}")[0] == 200

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost", "127.0.0.1:1", "localhost.evil:{port}"],
    )
    def test_others_are_not(self, server: LiveServer, host: str) -> None:
        for path in (server.path, f"{server.path}{EVENTS}"):
            status, headers, text = ask(server, path, host=host.format(port=server.port))
            assert status == 403
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
            assert server.path not in text

    @pytest.mark.parametrize("lines", ["", "Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n", "Host:\r\n"])
    def test_nor_is_who_says_none_or_two(self, server: LiveServer, lines: str) -> None:
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as raw:
            raw.sendall(f"GET {server.path} HTTP/1.1\r\n{lines.format(port=server.port)}\r\n".encode())
            assert raw.makefile("rb").readline().startswith(b"HTTP/1.1 403 ")


class TestEvents:
    def test_a_browser_is_told_the_state_then_changes_then_the_end(self) -> None:
        feed = Feed(interval=0.01, beat=60.0)
        feed.publish({"a": "1"})
        with serving(feed) as server, Browser(server.url) as browser:
            assert browser.answer.headers["Content-Type"] == "text/event-stream"
            assert browser.answer.headers["Cache-Control"] == "no-store"
            assert browser.read() == ("1", "state", {"a": 1})
            feed.publish({"b": "2"})
            assert browser.read() == ("2", "state", {"b": 2})
            feed.end("end", '"whole"')
            assert browser.read() == ("3", "end", "whole")
            assert browser.read() is None

    def test_several_browsers_are_told_alike(self) -> None:
        feed = Feed(interval=0.01, beat=60.0)
        with serving(feed) as server, ExitStack() as open_ones:
            browsers = [open_ones.enter_context(Browser(server.url)) for _ in range(5)]
            feed.publish({"a": "1"})
            assert [browser.read() for browser in browsers] == [("1", "state", {"a": 1})] * 5

    def test_who_connects_again_is_told_what_it_missed(self) -> None:
        feed = Feed(interval=0.01, beat=60.0)
        feed.publish({"a": "1", "b": "1"})
        with serving(feed) as server:
            with Browser(server.url) as browser:
                first = browser.read()
                assert first is not None
            feed.publish({"b": "2"})
            with Browser(server.url, first[0]) as browser:
                assert browser.read() == ("2", "state", {"a": 1, "b": 2})
            with Browser(server.url, "2") as browser:
                feed.publish({"c": "3"})
                again = browser.read()
                assert again is not None
                assert again[0] == "3"
                assert again[2]["c"] == 3
            for odd in ("-1", "x", "9" * 40):
                with Browser(server.url, odd) as browser:
                    assert browser.read() == ("3", "state", {"a": 1, "b": 2, "c": 3})

    def test_a_sign_of_life_is_sent_where_nothing_changes(self) -> None:
        with serving(Feed(interval=0.01, beat=0.01)) as server, Browser(server.url) as browser:
            assert browser.answer.readline().startswith(b": ")

    def test_there_is_a_limit_to_how_many_watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live_server, "STREAMS", 2)
        feed = Feed(interval=0.01, beat=0.01)
        with serving(feed) as server:
            with Browser(server.url), Browser(server.url):
                assert ask(server, f"{server.path}{EVENTS}")[0] == 503
                assert ask(server)[0] == 200
            # Their places are free when the next sign of life can't be sent to them.
            until = time.monotonic() + SECONDS
            while True:
                with Browser(server.url) as browser:
                    if browser.answer.status == 200:
                        break
                assert time.monotonic() < until


class TestLeaving:
    def test_without_a_browser_it_is_left_at_once(self) -> None:
        began = time.monotonic()
        with serving():
            pass
        assert time.monotonic() - began < live_server.LEAVE_SECONDS

    def test_who_reads_has_the_end_before_it_is_left(self) -> None:
        feed = Feed(interval=0.01, beat=60.0)
        whole = json.dumps("x" * 3_000_000)
        got: list[Any] = []
        with serving(feed) as server:
            browser = Browser(server.url)
            reader = threading.Thread(target=lambda: got.append(browser.read()), daemon=True)
            reader.start()
            feed.end("end", whole)
        reader.join(SECONDS)
        assert got == [("1", "end", json.loads(whole))]

    def test_who_does_not_read_holds_neither_publisher_nor_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live_server, "LEAVE_SECONDS", 0.2)
        feed = Feed(interval=0.0, beat=60.0)
        with serving(feed) as server:
            deaf = Browser(server.url)
            began = time.monotonic()
            for value in range(20):
                feed.publish({"a": json.dumps(f"{value}" * 1_000_000)})
            assert time.monotonic() - began < SECONDS / 2
            with Browser(server.url) as browser:
                message = browser.read()
                assert message is not None
                assert message[2]["a"].startswith("19")
            began = time.monotonic()
        assert time.monotonic() - began < SECONDS / 2
        deaf.connection.close()

    def test_who_waits_is_told_nothing_more_when_it_breaks_off(self) -> None:
        with pytest.raises(KeyboardInterrupt), serving() as server, Browser(server.url) as browser:
            raise KeyboardInterrupt
        assert browser.connection.sock is None

    def test_nothing_listens_afterwards(self) -> None:
        with serving() as server:
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), SECONDS)


class TestTrouble:
    def test_a_port_that_is_in_use_is_named(self, server: LiveServer) -> None:
        with pytest.raises(ConfigurationError, match=rf"--port {server.port}: .*in use.*: name another port"):
            LiveServer(lambda: ("", ""), Feed(), server.port)

    def test_a_port_is_free_again_when_it_is_left(self) -> None:
        with serving() as first:
            ask(first)
        with LiveServer(lambda: (PAGE, POLICY), Feed(), first.port) as second:
            assert ask(second)[0] == 200

    @pytest.mark.parametrize(
        "sent",
        [
            b"\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /" + b"x" * 70_000,
        ],
    )
    def test_what_is_no_request_is_refused_without_a_word_here(
        self, server: LiveServer, sent: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as raw:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            said = raw.makefile("rb").read()
        assert b" 200 " not in said
        assert server.path.encode() not in said
        assert ask(server)[0] == 200
        assert capfd.readouterr() == ("", "")

    def test_a_browser_that_goes_away_is_passed_over(self, capfd: pytest.CaptureFixture[str]) -> None:
        feed = Feed(interval=0.0, beat=0.01)
        with serving(feed) as server:
            for _ in range(3):
                Browser(server.url).connection.close()
            for value in range(50):
                feed.publish({"a": json.dumps(f"{value}" * 10_000)})
            with Browser(server.url) as browser:
                assert browser.read() is not None
        assert capfd.readouterr() == ("", "")
