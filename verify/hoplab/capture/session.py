"""Records a whole lab: starts the agents, writes what they send, redacted, and says in the end what was read of it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO, Final

from hoplab.capture.channel import Channel
from hoplab.capture.redact import redact, unfinished
from hoplab.capture.wanted import wanted
from hoplab.flow.actors import ACTORS, BY_RECORDER
from hoplab.lab.deployment import Deployment, Node
from hoplab.lab.profile import Profile
from hoplab.model.clocks import NodeClock
from hoplab.model.sources import CLIENT, Source

READY_SECONDS: Final = 90
STOP_SECONDS: Final = 45
SOURCE_LIMIT: Final = 1 << 30
RUN_LIMIT: Final = 4 << 30
"""Bytes that are recorded of one source, and of all of a run: a hundred times what a launch has."""
JUMP: Final = 0.05
"""Seconds by which a clock may have moved against ours while it was recorded, beyond what could be measured."""


class CaptureSession:
    """The raw text of all sources in a directory: raw/NODE/SOURCE, each as it came but for secrets.

    broken: the first thing that went wrong with the files, such as a full disk; None if nothing did.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sizes: dict[tuple[str, str], int] = {}
        self.broken: OSError | None = None
        self.problems: dict[tuple[str, str], str] = {}
        self._streams: dict[tuple[str, str], BinaryIO] = {}
        self._held: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def write(self, node: str, source: str, text: str) -> None:
        """Redact and write a text of whole lines; what is too much is a problem of its source.

        The beginning of a private key waits for its end, which may be in the next text of the source.
        """
        key = (node, source)
        text = self._held.pop(key, "") + text
        end = unfinished(text)
        if end < len(text):
            self._held[key] = text[end:]
        self._write(key, text[:end])

    def _write(self, key: tuple[str, str], text: str) -> None:
        if key in self.problems:
            return
        data = redact(text).encode("utf-8", "replace")
        with self._lock, self._noted():
            if self.sizes.get(key, 0) + len(data) > SOURCE_LIMIT or sum(self.sizes.values()) + len(data) > RUN_LIMIT:
                self.problems[key] = f"there was more than is recorded: {SOURCE_LIMIT:,} bytes, {RUN_LIMIT:,} of a run"
                return
            self._stream(*key).write(data)
            self.sizes[key] += len(data)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note what goes wrong with the files: who writes is in the middle of something else, and goes on."""
        try:
            yield
        except OSError as error:
            self.broken = self.broken or error

    def check(self) -> None:
        """Raise OSError if something could not be written."""
        if self.broken is not None:
            raise self.broken

    def _stream(self, node: str, source: str) -> BinaryIO:
        key = (node, source)
        if key not in self._streams:
            path = self.path(node, source)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._streams[key] = path.open("wb")
            self.sizes[key] = 0
        return self._streams[key]

    def path(self, node: str, source: str) -> Path:
        """Return where a source is written. Raises ValueError for a name that leads out of the directory."""
        path = self.directory / node / source
        if ".." in path.parts or source.startswith("/"):
            raise ValueError(f"{source!r} is no name of a source")
        return path

    def flush(self) -> None:
        """Have all that came in the files, once nothing more comes."""
        for key in list(self._held):
            self._write(key, self._held.pop(key))
        with self._lock:
            for stream in self._streams.values():
                with self._noted():
                    if not stream.closed:
                        stream.flush()

    def close(self) -> None:
        """Write the rest, and close all files."""
        self.flush()
        with self._lock:
            for stream in self._streams.values():
                with self._noted():
                    stream.close()


class Capture:
    """The agents of all nodes. Use it in a with statement: what was switched on is switched off, whatever happens."""

    def __init__(self, deployment: Deployment, profile: Profile, recording: CaptureSession) -> None:
        self._profile = profile
        self._recording = recording
        self._channels = [Channel(deployment.ssh, node, wanted(node), recording.write) for node in deployment.nodes]
        self._first: dict[str, NodeClock | None] = {}
        self.clocks: dict[str, NodeClock] = {}

    def start(self, limit: float) -> None:
        """Start all agents, for at most limit seconds, and measure the clocks. What can't be had is a problem later."""
        for channel in self._channels:
            channel.start(limit)
        for channel, _none in self._all(lambda channel: channel.wait_ready(READY_SECONDS)):
            if "*" not in channel.problems:
                first = self._first[channel.node.name] = channel.clock()
                if first is not None:
                    self.clocks[channel.node.name] = first

    def stop(self) -> None:
        """Measure the clocks again, and end all agents."""
        for channel in self._channels:
            first, last = self._first.get(channel.node.name), None
            if first is not None and "*" not in channel.problems:
                last = channel.clock()
            if first is not None:
                self.clocks[channel.node.name] = settled(first, last)
        for _channel, _none in self._all(lambda channel: channel.stop(STOP_SECONDS)):
            pass

    def problems(self) -> Iterator[str]:
        """Yield what could not be recorded, in words."""
        for channel in self._channels:
            for source, problem in list(channel.problems.items()):
                yield f"{channel.node.name}: {'' if source == '*' else f'{source}: '}{problem}"

    def sources(self) -> Iterator[Source]:
        """Yield all sources that must be there, with what is wrong with them, after the end."""
        for channel in self._channels:
            yield from self._node_sources(channel)
        for name, recorder in ACTORS[CLIENT].recorders.items():
            size = self._recording.sizes.get((CLIENT, name), 0)
            unwritten = self._recording.problems.get((CLIENT, name), "")
            yield Source(CLIENT, name, CLIENT, recorder.form, size, unwritten or ("" if size else "nothing was noted"))

    def _node_sources(self, channel: Channel) -> Iterator[Source]:
        node, whole = channel.node, channel.problems.get("*", "")
        logs = channel.problems.get("logs", "") or channel.problems.get("stamped", "")
        for recorder in channel.wanted:
            if recorder in BY_RECORDER:
                yield self._source(node, recorder, BY_RECORDER[recorder], channel.problems, whole)
        for pattern, known in self._profile.expected(node).items():
            paths = [path for path in sorted(channel.follows) if fnmatch(f"/{path}", pattern)]
            for path in paths:
                yield self._source(node, path, known, channel.problems, whole or logs)
            if not paths:
                problem = channel.problems.get(pattern.lstrip("/"), "") or "there is no such file"
                yield Source(node.name, pattern.lstrip("/"), *known, 0, whole or logs or problem)

    def _source(self, node: Node, name: str, known: tuple[str, str], problems: Mapping[str, str], whole: str) -> Source:
        size = self._recording.sizes.get((node.name, name), 0)
        unwritten = self._recording.problems.get((node.name, name), "")
        return Source(node.name, name, *known, size, whole or problems.get(name, "") or unwritten)

    def _all(self, step: Callable[[Channel], None]) -> Iterator[tuple[Channel, None]]:
        """Do something with all channels at the same time."""
        with ThreadPoolExecutor(len(self._channels)) as pool:
            yield from zip(self._channels, pool.map(step, self._channels), strict=True)


def settled(first: NodeClock, last: NodeClock | None) -> NodeClock:
    """Return a node's clock from its measures before and after.

    Where they differ by more than was measured, it moved in between, and nobody knows when: then that is the doubt.
    """
    if last is None:
        return first
    moved = abs(last.offset - first.offset)
    doubt = max(first.uncertainty, last.uncertainty)
    if moved > first.uncertainty + last.uncertainty + JUMP:
        doubt += moved
    return NodeClock((first.offset + last.offset) / 2, doubt)
