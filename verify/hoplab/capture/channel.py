"""The connection to one node's agent: sends it there, keeps its word apart by source, and measures the node's clock.

What comes is another machine's word: each message is checked (`hoplab.capture.message`), and what is wrong with one is
that node's problem.
"""

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import resources
from typing import Any, Final

from hoplab.capture.message import Names, check, messages
from hoplab.lab.deployment import Node, Ssh
from hoplab.lab.ssh import node_target, ssh_argv
from hoplab.model.clocks import NodeClock
from hoplab.model.files import reason

PACKAGE: Final = "hoplab.capture.agent"
BOOT: Final = f"""
import importlib.abc, importlib.util, json, sys
job = json.loads(sys.stdin.readline())
class Sent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name in job["modules"] or "{PACKAGE}.".startswith(name + "."):
            return importlib.util.spec_from_loader(name, self, is_package=name not in job["modules"])
    def exec_module(self, module):
        exec(compile(job["modules"].get(module.__name__, ""), module.__name__, "exec"), module.__dict__)
sys.meta_path.insert(0, Sent())
from {PACKAGE}.main import main
main(job["wanted"], job["limit"])
"""
"""What the node's Python is started with: it takes the agent's modules from its first line of input."""

PINGS: Final = 5
ANSWERS: Final = 100
"""Answers that may wait to be looked at."""
SAID: Final = 300
"""Bytes at the end of what was said on standard error that are kept."""
ANSWER_SECONDS: Final = 10.0

Sink = Callable[[str, str, str], None]
"""Told whole lines: node, source, text."""


def modules() -> dict[str, str]:
    """Return the agent's modules by their full names."""
    files = [file for file in resources.files(PACKAGE).iterdir() if file.name.endswith(".py")]
    return {f"{PACKAGE}.{file.name[:-3]}": file.read_text(encoding="utf-8") for file in files if file.name[0] != "_"}


class Channel:
    """One node's agent.

    problems: what could not be read, by source; `*` stands for all of the node's sources. follows: the log files that
    are followed, by their names as sources.
    """

    def __init__(self, ssh: Ssh, node: Node, wanted: Mapping[str, Mapping[str, Any]], sink: Sink) -> None:
        self.node = node
        self.problems: dict[str, str] = {}
        self.follows: set[str] = set()
        self.wanted = wanted
        self._sink = sink
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue(ANSWERS)
        self._said = b""
        self._names = Names(wanted)
        self._ended = threading.Event()
        self._argv = ssh_argv(node_target(ssh, node), ["python3", "-c", BOOT])

    def start(self, limit: float) -> None:
        """Start the agent, to run for at most limit seconds; `wait_ready` says when it records."""
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C is for us, who then tell the agent to end: it must not lose its connection before.
            start_new_session=True,
        )
        # Who writes much on standard error and is not read stands still.
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        # A node that reads nothing would hold up the others: what we say is more than a pipe holds.
        first = {"modules": modules(), "wanted": self.wanted, "limit": limit}
        threading.Thread(target=self._say, args=(first,), daemon=True).start()

    def wait_ready(self, seconds: float) -> None:
        """Wait until the agent records, for at most so many seconds; what goes wrong is a problem of all sources."""
        answer = self._answer("ready", seconds)
        if answer is None and "*" not in self.problems:
            self.problems["*"] = f"no answer within {seconds:g} s"

    def clock(self) -> NodeClock | None:
        """Return how far the node's clock is from ours, by the quickest of a few questions; None without an answer."""
        best: NodeClock | None = None
        for number in range(PINGS):
            asked = time.time()
            self._say({"ping": number})
            answer = self._answer("pong", ANSWER_SECONDS)
            back = time.time()
            if answer is None:
                return best
            doubt = (back - asked) / 2
            if best is None or doubt < best.uncertainty:
                best = NodeClock(answer["time"] - (asked + back) / 2, doubt)
        return best

    def stop(self, seconds: float) -> None:
        """Tell the agent to end, and wait until it has switched off all; after so many seconds it is left alone."""
        self._say({"stop": True})
        if self._answer("ended", seconds) is None and "*" not in self.problems:
            self.problems["*"] = f"did not end within {seconds:g} s"
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(ANSWER_SECONDS)

    def _say(self, message: Mapping[str, Any]) -> None:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            pass  # The reader tells what the end of the connection was.

    def _answer(self, key: str, seconds: float) -> dict[str, Any] | None:
        """Return the next answer of a kind; None when the time is up or the connection is gone."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                answer = self._answers.get(timeout=min(left, 0.2))
            except queue.Empty:
                if self._ended.is_set() and self._answers.empty():
                    return None
                continue
            if key in answer:
                return answer
        return None

    def _read(self) -> None:
        """Sort what the agent sends, until it ends."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        whole = wrong = False
        for line in messages(self._process.stdout):
            try:
                whole = self._sort(check(line, self._names)) or whole
            except OSError as error:
                self._fails(f"what came can't be written: {reason(error)}")
            except ValueError as error:
                self._fails(f"what came is no message of the agent: {error}")
                wrong = True
        self._listener.join(ANSWER_SECONDS)
        if not whole:
            said = " ".join(self._said.decode("utf-8", "replace").split())
            ended = f"the connection ended before the recording did: {said or 'no message'}"
            # What came that is no message says more; and one that still runs there only keeps silent.
            self.problems["*"] = self.problems.get("*", ended) if wrong or self._listener.is_alive() else ended
        self._ended.set()

    def _fails(self, problem: str) -> None:
        self.problems["*"] = problem

    def _listen(self) -> None:
        """Keep the end of what SSH and the agent's Python say on standard error."""
        assert self._process.stderr is not None
        while data := os.read(self._process.stderr.fileno(), 1 << 16):
            self._said = (self._said + data)[-SAID:]

    def _sort(self, message: dict[str, Any]) -> bool:
        """Pass on one message; True if it is the agent's last."""
        if "text" in message:
            self._sink(self.node.name, message["source"], message["text"])
        elif "follows" in message:
            self.follows.add(message["follows"])
        elif "problem" in message:
            self.problems.setdefault(message["source"], message["problem"])
        elif "busy" in message:
            self.problems["*"] = "is being recorded by another run: wait until that has ended"
        else:
            with suppress(queue.Full):  # Nobody asked for so many.
                self._answers.put_nowait(message)
        return "ended" in message or "busy" in message
