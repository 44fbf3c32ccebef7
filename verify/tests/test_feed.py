"""The feed of a launch: the newest state first, changes at a bounded rate, one end for all, nobody waited for."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hoplab.session.feed import Feed, Message

SOON = 0.01
LONG = 60.0


def parts(message: Message | None) -> dict[str, Any]:
    assert message is not None
    assert message.name == "state"
    found: dict[str, Any] = json.loads(message.data)
    return found


@pytest.fixture
def feed() -> Iterator[Feed]:
    made = Feed(interval=SOON, beat=LONG)
    yield made
    made.close()


class TestMessages:
    def test_it_is_what_an_event_source_reads(self) -> None:
        assert Message(7, "state", '{"a": "ö"}').encoded == 'id: 7\nevent: state\ndata: {"a": "ö"}\n\n'.encode()


class TestState:
    def test_who_comes_late_is_told_all_there_is_at_once(self, feed: Feed) -> None:
        feed.publish({"a": "1", "b": "2"})
        feed.publish({"b": "3", "c": "4"})
        assert parts(next(feed.messages())) == {"a": 1, "b": 3, "c": 4}

    def test_then_what_has_changed_alone(self, feed: Feed) -> None:
        feed.publish({"a": "1", "b": "2"})
        messages = feed.messages()
        next(messages)
        feed.publish({"a": "1", "b": "3", "c": "4"})
        assert parts(next(messages)) == {"b": 3, "c": 4}

    def test_each_is_told_in_the_order_and_all_with_growing_ids(self, feed: Feed) -> None:
        streams = [feed.messages() for _ in range(3)]
        seen: list[list[int]] = [[], [], []]
        for value in range(3):
            feed.publish({"a": str(value)})
            for stream, numbers in zip(streams, seen, strict=True):
                message = next(stream)
                assert parts(message) == {"a": value}
                assert message is not None
                numbers.append(message.number)
        assert seen == [[1, 2, 3]] * 3

    def test_what_changes_nothing_is_not_told(self) -> None:
        feed = Feed(interval=SOON, beat=SOON)
        feed.publish({"a": "1"})
        messages = feed.messages()
        assert parts(next(messages)) == {"a": 1}
        feed.publish({"a": "1"})
        feed.publish({})
        assert next(messages) is None

    def test_a_sign_of_life_comes_where_nothing_was_ever_told(self) -> None:
        assert next(Feed(interval=SOON, beat=SOON).messages()) is None


class TestRate:
    def test_many_changes_become_one_message(self) -> None:
        feed = Feed(interval=0.2, beat=LONG)
        feed.publish({"a": "0"})
        messages = feed.messages()
        next(messages)
        began = time.monotonic()
        for value in range(1, 100):
            feed.publish({"a": str(value), f"b{value}": "true"})
        message = next(messages)
        assert time.monotonic() - began >= 0.15
        assert parts(message)["a"] == 99
        assert len(parts(message)) == 100

    def test_the_end_does_not_wait_for_it(self) -> None:
        feed = Feed(interval=LONG, beat=LONG)
        feed.publish({"a": "0"})
        messages = feed.messages()
        next(messages)
        got: list[Message | None] = []
        reader = threading.Thread(target=lambda: got.extend(messages), daemon=True)
        reader.start()
        feed.end("end", "1")
        reader.join(10)
        assert got == [Message(2, "end", "1")]


class TestReconnecting:
    def test_who_has_the_newest_state_is_told_what_changes_then(self) -> None:
        feed = Feed(interval=SOON, beat=SOON)
        feed.publish({"a": "1", "b": "2"})
        again = feed.messages(1)
        assert next(again) is None
        feed.publish({"b": "3"})
        assert parts(next(again)) == {"b": 3}

    def test_who_has_an_older_one_or_one_of_another_run_is_told_all(self, feed: Feed) -> None:
        for value in range(3):
            feed.publish({"a": str(value), "b": "0"})
        for seen in (0, 1, 2, 9):
            assert parts(next(feed.messages(seen))) == {"a": 2, "b": 0}

    def test_who_had_the_end_is_told_it_again(self, feed: Feed) -> None:
        feed.publish({"a": "1"})
        feed.end("end", "{}")
        for seen in (None, 1, 2):
            assert [message and message.name for message in feed.messages(seen)] == ["end"]


class TestEnd:
    def test_it_comes_last_and_once(self, feed: Feed) -> None:
        feed.publish({"a": "1"})
        messages = feed.messages()
        next(messages)
        feed.end("end", '"whole"')
        feed.end("broken", '"later"')
        feed.publish({"a": "2"})
        assert [message and (message.name, message.data) for message in messages] == [("end", '"whole"')]

    def test_streams_end_without_a_word_when_the_feed_is_closed(self, feed: Feed) -> None:
        feed.publish({"a": "1"})
        messages = feed.messages()
        next(messages)
        feed.close()
        assert list(messages) == []
        assert list(feed.messages()) == []
