"""The agent: takes what to record as a line of JSON, records until it is told to stop or the connection ends."""

import fcntl
import importlib
import json
import os
import sys
import threading
import time
from typing import Any

from hoplab.capture.agent.link import Recorder, report, send, stopping

LOCK = "/run/hoplab-capture.lock"
LOCK_SECONDS = 15
"""How long the one before has to end: it does so by itself when its connection is gone."""
READY_SECONDS = 60
END_SECONDS = 30


def lock() -> bool:
    """Have this node recorded by nobody else; the lock goes with the process. False if somebody else does."""
    held = os.open(LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        else:
            return True


def recorders(wanted: dict[str, dict[str, Any]]) -> list[Recorder]:
    """Return the recorders that are wanted: by the name of their module, with their class's parameters."""
    made: list[Recorder] = []
    for name, parameters in wanted.items():
        try:
            kind = getattr(importlib.import_module(f"hoplab.capture.agent.{name}"), name.capitalize())
            made.append(kind(**parameters))
        except Exception as error:
            report(name, f"{type(error).__name__}: {error}")
    return made


def listen() -> None:
    """Answer questions about the clock until the connection ends or says that it is over."""
    try:
        for line in sys.stdin:
            question = json.loads(line)
            if "ping" in question:
                send(pong=question["ping"], time=time.time())
            if "stop" in question:
                break
    finally:
        stopping.set()


def main(wanted: dict[str, dict[str, Any]], limit: float) -> None:
    """Record what is wanted, for at most limit seconds; what was switched on is switched off, however this ends."""
    if not lock():
        send(busy=True)
        return
    threading.Thread(target=listen, daemon=True).start()
    running = recorders(wanted)
    for recorder in running:
        recorder.start()
    deadline = time.monotonic() + READY_SECONDS
    for recorder in running:
        if not recorder.ready.wait(max(0.0, deadline - time.monotonic())):
            report(recorder.source, f"not ready within {READY_SECONDS} s")
    send(ready=time.time())
    stopping.wait(limit)
    stopping.set()
    for recorder in running:
        try:
            recorder.halt()
        except Exception as error:
            report(recorder.source, f"{type(error).__name__}: {error}")
    deadline = time.monotonic() + END_SECONDS
    for recorder in running:
        recorder.join(max(0.0, deadline - time.monotonic()))
        if recorder.is_alive():
            report(recorder.source, f"did not end within {END_SECONDS} s")
    send(ended=time.time())
