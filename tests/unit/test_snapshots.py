"""Snapshots of a lab's state: kept, put back, removed, and what is refused. Real files, no nodes."""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hoplab.lab.plugins.module_utils import lab_host, lab_snapshots
from ansible_collections.hoplab.lab.plugins.module_utils.lab_copies import allocated, copy_tree, put_in_place
from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import LabError
from ansible_collections.hoplab.lab.plugins.module_utils.lab_snapshots import MOST_LAYERS, check_name
from ansible_collections.hoplab.lab.plugins.modules import lab_snapshot
from ansible_collections.hoplab.lab.plugins.modules.lab_snapshot import inventory_files
from tests.unit.snapshotbench import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(lab_host, "LABS", str(tmp_path / "labs"))
    monkeypatch.setattr(lab_snapshots, "SNAPSHOTS", str(tmp_path / "snapshots"))
    made = Bench(tmp_path)
    made.build("one")
    return made


class TestLife:
    def test_a_state_comes_back_whole(self, bench: Bench) -> None:
        bench.do("make", "first")
        bench.write("two")
        assert bench.read() == bench.whole("two")
        bench.do("make", "second")
        bench.write("three")
        bench.do("restore", "first")
        assert bench.read() == bench.whole("one")
        bench.do("restore", "second")
        assert bench.read() == bench.whole("two")

    def test_what_is_written_after_a_restore_does_not_change_the_snapshot(self, bench: Bench) -> None:
        bench.do("make", "first")
        for _ in range(2):
            bench.do("restore", "first")
            assert bench.read() == bench.whole("one")
            bench.write("spoilt")

    def test_it_costs_only_what_changed(self, bench: Bench) -> None:
        bench.do("make", "first")
        bench.write("two")
        bench.do("make", "second")
        first, second = (Path(bench.snapshots.directory, name, "controller") for name in ("first", "second"))
        # The guest image is one file on the disk; what differs is not.
        assert (first / "guest.raw").samefile(second / "guest.raw")
        assert (first / "secrets.yml").read_text() != (second / "secrets.yml").read_text()

    def test_it_is_for_root_alone(self, bench: Bench) -> None:
        bench.do("make", "first")
        modes = {Path(path).stat().st_mode & 0o777 for path in (bench.snapshots.directory, bench.snapshots.layers)}
        assert modes == {0o700}
        kept = Path(bench.snapshots.directory, "first")
        assert (kept.stat().st_mode & 0o777, (kept / "manifest.json").stat().st_mode & 0o777) == (0o700, 0o600)
        assert (kept / "controller" / "secrets.yml").stat().st_mode & 0o777 == 0o600

    def test_layers_stay_as_long_as_something_stands_on_them(self, bench: Bench) -> None:
        bench.do("make", "first")
        bench.write("two")
        bench.do("make", "second")
        assert len(bench.layers()) == 2
        bench.do("delete", "first")
        assert len(bench.layers()) == 2
        assert bench.read() == bench.whole("two")
        bench.do("restore", "second")
        assert bench.read() == bench.whole("two")
        bench.do("delete", "second")
        assert len(bench.layers()) == 2, "the nodes stand on both"
        shutil.rmtree(bench.lab.directory)
        bench.snapshots.sweep()
        assert not Path(bench.snapshots.directory).exists()

    def test_a_lab_that_was_taken_down_comes_back(self, bench: Bench) -> None:
        bench.do("make", "first")
        shutil.rmtree(bench.lab.directory)
        shutil.rmtree(bench.controller)
        bench.do("restore", "first")
        assert bench.read() == bench.whole("one")
        assert bench.lab.record() == {"owner": "/clone", "state": "stopped"}

    def test_a_check_touches_nothing(self, bench: Bench) -> None:
        before = sorted(map(str, bench.place.rglob("*")))
        bench.do("make", "first", check=True)
        assert sorted(map(str, bench.place.rglob("*"))) == before
        bench.do("make", "first")
        before = sorted(map(str, bench.place.rglob("*")))
        bench.do("restore", "first", check=True)
        bench.do("delete", "first", check=True)
        assert sorted(map(str, bench.place.rglob("*"))) == before


class TestRefusals:
    @pytest.mark.parametrize(
        "name", ["", "a b", "../x", ".hidden", "-x", "layers", "x" * 41, "a/b", "a\n", "ä", "a;b", "x\0"]
    )
    def test_a_name_that_is_none(self, bench: Bench, name: str) -> None:
        for action in ("make", "restore", "delete"):
            with pytest.raises(LabError, match="NAME is"):
                bench.do(action, name)
        assert not Path(bench.snapshots.directory).exists()

    @pytest.mark.parametrize("name", ["before-lesson", "2026-11-27", "A.b_c", "x" * 40])
    def test_names(self, name: str) -> None:
        check_name(name)

    def test_one_that_is_there_and_one_that_is_not(self, bench: Bench) -> None:
        bench.do("make", "first")
        with pytest.raises(LabError, match=r"has a snapshot first already.*snapshot-delete NAME=first"):
            bench.do("make", "first")
        for action in ("restore", "delete"):
            with pytest.raises(LabError, match="has no snapshot second; there are: first"):
                bench.do(action, "second")

    def test_no_lab(self, bench: Bench) -> None:
        shutil.rmtree(bench.lab.directory)
        with pytest.raises(LabError, match="there is no lab benchlab to keep: build it with `make lab`"):
            bench.do("make", "first")

    def test_other_layers_and_another_inventory_with_the_reason(self, bench: Bench) -> None:
        bench.do("make", "first")
        with pytest.raises(LabError, match=r"stand on the root layers packages-1 and base-1, and .* on packages-2"):
            bench.do("restore", "first", layers=["/var/cache/hoplab/layers/packages-2"])
        (bench.inventory / "hosts.yml").write_text("# a comment\nall: {hosts: {ctl1: {node_id: 11}}}\n")
        bench.do("restore", "first", check=True)
        (bench.inventory / "hosts.yml").write_text("all: {hosts: {ctl1: {node_id: 12}}}\n")
        (bench.inventory / "more.yml").write_text("a: 1\n")
        with pytest.raises(LabError, match=r"hosts\.yml has changed since; .*more\.yml is new since"):
            bench.do("restore", "first")
        assert bench.read() == bench.whole("one")

    def test_a_layer_that_is_gone(self, bench: Bench) -> None:
        bench.do("make", "first")
        Path(bench.roots[0]).rmdir()
        with pytest.raises(LabError, match=r"its layer .*/packages-1 is gone"):
            bench.do("restore", "first")

    def test_no_room(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        bench.do("make", "first")
        monkeypatch.setattr(lab_snapshots, "SPARE", 1024**5)
        for action, name in (("make", "second"), ("restore", "first")):
            with pytest.raises(LabError, match=r"MiB free, and .* MiB are needed"):
                bench.do(action, name)
        assert bench.snapshots.names() == ["first"]

    def test_too_many_layers(self, bench: Bench) -> None:
        ready = Path(bench.lab.node_directory("ctl1"), "ready")
        ready.write_text("\n".join(f"/layer{number}" for number in range(MOST_LAYERS + 1)))
        with pytest.raises(LabError, match="stands on 41 layers already"):
            bench.do("make", "first")

    @pytest.mark.parametrize(
        "text",
        ["", "{", "[]", "null", '{"schema": 2}', '{"schema": 1}', "[" * 100_000, "\x00"],
    )
    def test_a_damaged_manifest(self, bench: Bench, text: str) -> None:
        bench.do("make", "first")
        Path(bench.snapshots.directory, "first", "manifest.json").write_text(text)
        with pytest.raises(LabError, match=r"manifest\.json.*snapshot-delete NAME=first"):
            bench.do("restore", "first")
        kept = bench.layers()
        bench.snapshots.sweep()
        assert bench.layers() == kept, "what it stands on is not known"
        bench.do("delete", "first")
        assert bench.snapshots.names() == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("nodes", {"ctl1": []}),
            ("nodes", {"ctl1": ["relative"]}),
            ("nodes", {"ctl1": "/x"}),
            ("nodes", [1]),
            ("layers", [None]),
            ("bytes", "many"),
            ("bytes", True),
            ("made", 5),
            ("inventory", None),
            ("version", None),
        ],
    )
    def test_a_manifest_of_the_wrong_form(self, bench: Bench, key: str, value: Any) -> None:
        bench.do("make", "first")
        path = Path(bench.snapshots.directory, "first", "manifest.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
        with pytest.raises(LabError, match=f"is damaged: {key}"):
            bench.do("restore", "first")


class TestCopies:
    def test_a_tree_keeps_modes_links_and_contents(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        (source / "inner").mkdir(parents=True)
        (source / "inner").chmod(0o711)
        (source / "inner" / "key").write_text("secret")
        (source / "inner" / "key").chmod(0o600)
        (source / "link").symlink_to("inner/key")
        os.mkfifo(source / "pipe")
        copy_tree(str(source), str(tmp_path / "target"))
        target = tmp_path / "target"
        assert (target / "inner").stat().st_mode & 0o777 == 0o711
        assert (target / "inner" / "key").stat().st_mode & 0o777 == 0o600
        assert str((target / "link").readlink()) == "inner/key"
        assert sorted(path.name for path in target.iterdir()) == ["inner", "link"]

    def test_files_of_another_mode_are_not_shared(self, tmp_path: Path) -> None:
        for name, mode in (("before", 0o600), ("source", 0o644)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "file").write_text("same")
            (tmp_path / name / "file").chmod(mode)
        copy_tree(str(tmp_path / "source"), str(tmp_path / "target"), [str(tmp_path / "before")])
        assert (tmp_path / "target" / "file").stat().st_mode & 0o777 == 0o644

    def test_a_sparse_file_counts_as_what_it_takes(self, tmp_path: Path) -> None:
        with (tmp_path / "osd").open("wb") as stream:
            stream.truncate(10 * 1024**3)
        (tmp_path / "again").hardlink_to(tmp_path / "osd")
        (tmp_path / "data").write_bytes(b"x" * 65536)
        (tmp_path / "same").hardlink_to(tmp_path / "data")
        assert 65536 <= allocated(str(tmp_path)) < 200_000
        assert allocated(str(tmp_path / "gone")) == 0

    def test_what_is_put_in_place_is_all_that_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "a").write_text("new")
        (tmp_path / "target").mkdir()
        (tmp_path / "target" / "b").write_text("old")
        (tmp_path / "target.old").mkdir()
        put_in_place(str(tmp_path / "source"), str(tmp_path / "target"))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]
        assert [path.name for path in (tmp_path / "target").iterdir()] == ["a"]

    def test_an_old_copy_with_secrets_that_stays_is_an_error_and_the_next_time_it_goes(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.do("make", "first")
        bench.write("two")
        old = Path(f"{bench.controller}.old")
        with monkeypatch.context() as busy:

            def rmtree(path: str, remove: Callable[[str], None] = shutil.rmtree) -> None:
                if path == str(old):
                    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), path)
                remove(path)

            busy.setattr(shutil, "rmtree", rmtree)
            with pytest.raises(OSError, match=re.escape(f"busy: '{old}'")):
                bench.do("restore", "first")
            assert (old / "secrets.yml").read_text() == "password: two\n"
        bench.do("finish")
        assert not old.exists()
        assert bench.read() == bench.whole("one")


def test_what_an_inventory_says_counts_and_not_how(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("a: {b: 1}\n")
    (tmp_path / "vault.yml").write_text("a: !vault x\n")
    before = inventory_files(str(tmp_path))
    (tmp_path / "hosts.yml").write_text("# why\na:\n  b: 1\n")
    assert inventory_files(str(tmp_path)) == before
    (tmp_path / "vault.yml").write_text("a: !vault y\n")
    assert set(inventory_files(str(tmp_path)).items()) - set(before.items())


def test_the_lab_of_another_clone_is_not_finished(bench: Bench) -> None:
    bench.do("make", "first")
    bench.lab.write_record("/elsewhere", "stopped")
    Path(bench.snapshots.state.other).mkdir(parents=True)
    bench.do("finish")
    assert Path(bench.snapshots.state.other).exists()
    assert lab_snapshot.ACTIONS.keys() == {"make", "restore", "delete"}
