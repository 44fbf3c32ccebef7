"""Snapshots of a lab's state: it is whole whenever the process is killed. Real files, no nodes."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hoplab.lab.plugins.module_utils import lab_host, lab_nodestate, lab_snapshots
from tests.unit.snapshotbench import Bench


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the product catches it."""


def deeds(monkeypatch: pytest.MonkeyPatch, limit: int) -> Callable[[], int]:
    """Have the process die at the given change of the file system; returns how many there were."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == limit:
                raise Killed
            return real(*arguments, **named)

        return instead

    for name in ("rename", "mkdir", "unlink", "rmdir", "symlink", "link", "makedirs", "chmod"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    monkeypatch.setattr(lab_nodestate, "exchange", counted(lab_nodestate.exchange))
    monkeypatch.setattr(shutil, "copy2", counted(shutil.copy2))
    return lambda: count


def cut_off(bench: Bench, action: str, name: str, after: int) -> bool:
    """Carry out an action that is killed at the given change; returns whether it came to its end before that."""
    with pytest.MonkeyPatch.context() as patch:
        deeds(patch, after)
        try:
            bench.do(action, name)
        except Killed:
            return False
    return True


def each_moment(tmp_path: Path, prepare: Callable[[Bench], None], action: str, name: str) -> Iterator[Bench]:
    """Yield a lab for each moment at which the action can be killed, after it was killed then and the rest was done."""
    for moment in range(1, 400):
        bench = Bench(tmp_path / str(moment))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lab_host, "LABS", str(bench.place / "labs"))
            patch.setattr(lab_snapshots, "SNAPSHOTS", str(bench.place / "snapshots"))
            bench.place.mkdir()
            bench.build("one")
            prepare(bench)
            ended = cut_off(bench, action, name, moment)
            bench.do("finish")
            yield bench
            assert not Path(bench.snapshots.state.other).exists()
            assert not Path(bench.lab.directory, "restore.json").exists()
        if ended:
            assert moment > 5, "it has more steps than that"
            return
    pytest.fail("it never came to its end")


class TestKilled:
    def test_while_one_is_made(self, tmp_path: Path) -> None:
        kept = 0
        for bench in each_moment(tmp_path, lambda _bench: None, "make", "first"):
            assert bench.read() == bench.whole("one")
            if bench.snapshots.names():
                kept += 1
            else:
                bench.do("make", "first")
            bench.write("two")
            bench.do("restore", "first")
            assert bench.read() == bench.whole("one")
        assert kept

    def test_while_one_is_put_back(self, tmp_path: Path) -> None:
        def prepare(bench: Bench) -> None:
            bench.do("make", "first")
            bench.write("two")

        seen = []
        for bench in each_moment(tmp_path, prepare, "restore", "first"):
            found = bench.read()
            assert found in (bench.whole("one"), bench.whole("two"))
            seen.append(found["ctl1"])
            bench.do("restore", "first")
            assert bench.read() == bench.whole("one")
        assert set(seen) == {"ctl1 one", "ctl1 two"}

    def test_while_one_is_put_back_after_the_lab_was_taken_down(self, tmp_path: Path) -> None:
        def prepare(bench: Bench) -> None:
            bench.do("make", "first")
            shutil.rmtree(bench.lab.directory)
            shutil.rmtree(bench.controller)

        for bench in each_moment(tmp_path, prepare, "restore", "first"):
            bench.do("restore", "first")
            assert bench.read() == bench.whole("one")

    def test_while_one_is_removed(self, tmp_path: Path) -> None:
        def prepare(bench: Bench) -> None:
            bench.do("make", "first")
            bench.write("two")
            bench.do("make", "second")

        for bench in each_moment(tmp_path, prepare, "delete", "first"):
            assert bench.read() == bench.whole("two")
            bench.do("restore", "second")
            assert bench.read() == bench.whole("two")
