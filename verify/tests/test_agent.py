"""The agent as it runs on a node, and our end of the connection: real processes, with `ssh` that stays on this machine.

What it records is a recorder of its own, which leaves a file for as long as it is switched on.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import pytest

from hoplab.capture import channel
from hoplab.capture.channel import BOOT, PACKAGE, Channel
from hoplab.lab.deployment import Deployment
from samples.agent import SECONDS, until

PROBE = """
import time
from pathlib import Path
from hoplab.capture.agent.link import Recorder, send_record, stopping
class Probe(Recorder):
    source = "probe"
    def __init__(self, mark, breaks=""):
        super().__init__()
        self.mark, self.breaks = Path(mark), breaks
    def step(self, name):
        if self.breaks == name:
            raise RuntimeError(name + " broke")
        if self.breaks == "hang" and name == "end":
            time.sleep(60)
    def begin(self):
        self.mark.touch()
        self.step("begin")
    def record(self):
        self.step("record")
        while not stopping.wait(0.05):
            send_record(self.source, tick=True)
    def halt(self):
        self.step("halt")
    def end(self):
        self.mark.unlink()
        self.step("end")
"""


@pytest.fixture
def modules(tmp_path: Path) -> dict[str, str]:
    """The agent's modules, with the probe, a lock of the test's own, and short times."""
    found = channel.modules() | {f"{PACKAGE}.probe": PROBE}
    changes = {
        'LOCK = "/run/hoplab-capture.lock"': f'LOCK = "{tmp_path}/lock"',
        "LOCK_SECONDS = 15": "LOCK_SECONDS = 1",
        "END_SECONDS = 30": "END_SECONDS = 1",
    }
    for old, new in changes.items():
        assert old in found[f"{PACKAGE}.main"]
        found[f"{PACKAGE}.main"] = found[f"{PACKAGE}.main"].replace(old, new)
    return found


class Agent:
    """An agent whose connection the test holds."""

    def __init__(self, modules: dict[str, str], wanted: dict[str, Any], limit: float = 60) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BOOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.say({"modules": modules, "wanted": wanted, "limit": limit})

    def say(self, message: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def hear(self, key: str) -> dict[str, Any]:
        """Return the next message that has a key."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message: dict[str, Any] = json.loads(line)
            if key in message:
                return message
        raise AssertionError(f"no {key!r} came")


@pytest.fixture
def start(modules: dict[str, str]) -> Iterator[Callable[..., Agent]]:
    agents: list[Agent] = []

    def started(wanted: dict[str, Any], limit: float = 60) -> Agent:
        agents.append(Agent(modules, wanted, limit))
        return agents[-1]

    yield started
    for agent in agents:
        agent.process.kill()
        agent.process.wait()
        for end in (agent.process.stdin, agent.process.stdout):
            with suppress(OSError):
                cast(IO[str], end).close()


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "on"


class TestEnd:
    """However it ends, what was switched on is switched off."""

    def test_it_is_told_to(self, start: Callable[..., Agent], mark: Path) -> None:
        agent = start({"probe": {"mark": str(mark)}})
        agent.hear("ready")
        assert mark.exists()
        agent.say({"stop": True})
        agent.hear("ended")
        assert not mark.exists()
        assert agent.process.wait(SECONDS) == 0

    def test_the_connection_ends(self, start: Callable[..., Agent], mark: Path) -> None:
        agent = start({"probe": {"mark": str(mark)}})
        agent.hear("ready")
        assert agent.process.stdin is not None
        agent.process.stdin.close()
        agent.hear("ended")
        assert not mark.exists()

    def test_nobody_listens_any_more(self, start: Callable[..., Agent], mark: Path) -> None:
        agent = start({"probe": {"mark": str(mark)}})
        agent.hear("ready")
        assert agent.process.stdout is not None
        agent.process.stdout.close()
        agent.process.wait(SECONDS)
        assert not mark.exists()

    def test_the_time_is_up(self, start: Callable[..., Agent], mark: Path) -> None:
        start({"probe": {"mark": str(mark)}}, limit=0.3).hear("ended")
        assert not mark.exists()

    def test_what_it_is_told_is_garbled(self, start: Callable[..., Agent], mark: Path) -> None:
        agent = start({"probe": {"mark": str(mark)}})
        agent.hear("ready")
        agent.say(7)
        agent.hear("ended")
        assert not mark.exists()


class TestLock:
    def test_another_agent_is_refused_while_one_records(self, start: Callable[..., Agent], mark: Path) -> None:
        start({"probe": {"mark": str(mark)}}).hear("ready")
        other = start({"probe": {"mark": str(mark.with_name("other"))}})
        assert other.hear("busy") == {"busy": True}
        assert other.process.wait(SECONDS) == 0
        assert not mark.with_name("other").exists()

    def test_it_waits_for_one_that_is_ending(self, start: Callable[..., Agent], mark: Path) -> None:
        first = start({"probe": {"mark": str(mark)}})
        first.hear("ready")
        other = start({"probe": {"mark": str(mark.with_name("other"))}})
        first.say({"stop": True})
        other.hear("ready")
        assert (mark.exists(), mark.with_name("other").exists()) == (False, True)

    def test_one_that_was_killed_keeps_nobody_out(self, start: Callable[..., Agent], mark: Path) -> None:
        first = start({"probe": {"mark": str(mark)}})
        first.hear("ready")
        first.process.kill()
        start({"probe": {"mark": str(mark)}}).hear("ready")


class Heard:
    """What a channel passes on. channel: to one node; text: by source."""

    def __init__(self, deployment: Deployment, wanted: dict[str, Any]) -> None:
        self.text: dict[str, str] = {}
        self.channel = Channel(deployment.ssh, deployment.nodes[0], wanted, self.take)

    def take(self, node: str, source: str, text: str) -> None:
        assert node == self.channel.node.name
        self.text[source] = self.text.get(source, "") + text


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have `ssh` run a shell's line instead, in which `$command` is what was to be run on the node."""

    def replaced(line: str) -> None:
        script = tmp_path / "bin" / "ssh"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\nfor command; do :; done\n{line}\n")
        script.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    return replaced


@pytest.fixture
def hear(
    deployment: Deployment, modules: dict[str, str], monkeypatch: pytest.MonkeyPatch, ssh: Callable[[str], None]
) -> Callable[[dict[str, Any]], Heard]:
    ssh('eval "exec $command"')
    monkeypatch.setattr(channel, "modules", lambda: modules)
    monkeypatch.setattr(channel, "ANSWER_SECONDS", 0.5)
    return lambda wanted: Heard(deployment, wanted)


class TestChannel:
    def test_a_recording_from_beginning_to_end(
        self, hear: Callable[[dict[str, Any]], Heard], tmp_path: Path, mark: Path
    ) -> None:
        log = tmp_path / "a.log"
        log.write_text("old\n")
        heard = hear({"logs": {"patterns": [str(log)]}, "probe": {"mark": str(mark)}})
        heard.channel.start(60)
        heard.channel.wait_ready(SECONDS)
        clock = heard.channel.clock()
        assert clock is not None
        assert abs(clock.offset) <= clock.uncertainty < SECONDS
        with log.open("a") as stream:
            stream.write("new \u20ac\n")
        until(lambda: "probe" in heard.text)
        heard.channel.stop(SECONDS)
        assert heard.text[str(log).lstrip("/")] == "new \u20ac\n"
        assert heard.channel.follows == {str(log).lstrip("/")}
        assert heard.channel.problems == {}
        assert not mark.exists()

    @pytest.mark.parametrize("breaks", ["begin", "record", "halt", "end"])
    def test_what_breaks_is_told_and_takes_no_other_with_it(
        self, hear: Callable[[dict[str, Any]], Heard], tmp_path: Path, mark: Path, breaks: str
    ) -> None:
        log = tmp_path / "a.log"
        log.touch()
        heard = hear({"probe": {"mark": str(mark), "breaks": breaks}, "nothing": {}, "logs": {"patterns": [str(log)]}})
        heard.channel.start(60)
        heard.channel.wait_ready(SECONDS)
        log.write_text("new\n")
        heard.channel.stop(SECONDS)
        assert heard.channel.problems["probe"] == f"RuntimeError: {breaks} broke"
        assert "ModuleNotFoundError" in heard.channel.problems["nothing"]
        assert set(heard.channel.problems) == {"probe", "nothing"}
        assert heard.text[str(log).lstrip("/")] == "new\n"
        assert not mark.exists()

    def test_one_that_does_not_end_is_told(self, hear: Callable[[dict[str, Any]], Heard], mark: Path) -> None:
        heard = hear({"probe": {"mark": str(mark), "breaks": "hang"}})
        heard.channel.start(60)
        heard.channel.wait_ready(SECONDS)
        heard.channel.stop(SECONDS)
        assert heard.channel.problems == {"probe": "did not end within 1 s"}

    def test_another_run_s_agent_is_told_of(
        self, hear: Callable[[dict[str, Any]], Heard], start: Callable[..., Agent], mark: Path
    ) -> None:
        start({"probe": {"mark": str(mark)}}).hear("ready")
        heard = hear({"probe": {"mark": str(mark)}})
        heard.channel.start(60)
        heard.channel.wait_ready(SECONDS)
        heard.channel.stop(SECONDS)
        assert "another run" in heard.channel.problems["*"]

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("echo 'ssh: connect: no route to host' >&2; exit 255", "no route to host"),
            ("exit 1", "no message"),
            ("echo 5; exec cat >/dev/null", "no message of the agent: 5"),
            ('echo \'{"text": "x"}\'; exec cat >/dev/null', "no message of the agent"),
            ("exec sleep 20", "no answer within"),
        ],
    )
    def test_a_node_that_does_not_answer_as_an_agent(
        self, hear: Callable[[dict[str, Any]], Heard], ssh: Callable[[str], None], line: str, said: str
    ) -> None:
        ssh(line)
        heard = hear({})
        heard.channel.start(60)
        heard.channel.wait_ready(0.5)
        assert heard.channel.clock() is None
        problem = heard.channel.problems["*"]
        heard.channel.stop(0.5)
        assert said in problem

    def test_what_can_t_be_written_is_told(self, hear: Callable[[dict[str, Any]], Heard], mark: Path) -> None:
        heard = hear({"probe": {"mark": str(mark)}})

        def full(_node: str, _source: str, _text: str) -> None:
            raise OSError(28, "No space left on device")

        heard.channel._sink = full
        heard.channel.start(60)
        heard.channel.wait_ready(SECONDS)
        until(lambda: heard.channel.problems)
        heard.channel.stop(SECONDS)
        assert "No space left on device" in heard.channel.problems["*"]
