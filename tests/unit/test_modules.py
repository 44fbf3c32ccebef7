"""The modules, run as Ansible runs them, on files of this test."""

import grp
import os
import pwd
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.hoplab.lab.plugins.action.render_files import check_entry
from ansible_collections.hoplab.lab.plugins.modules.mariadb_accounts import password_hash, privilege_set
from ansible_collections.hoplab.lab.plugins.modules.units import newest_change, outdated
from tests.unit.modulerun import run_module

OWNER = pwd.getpwuid(os.geteuid()).pw_name
GROUP = grp.getgrgid(os.getegid()).gr_name


def entry(index: int, path: Path, content: str | None = None, mode: str = "0644") -> dict[str, Any]:
    place = {"index": index, "owner": OWNER, "group": GROUP, "mode": mode}
    return place | ({"directory": str(path)} if content is None else {"dest": str(path), "content": content})


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def render(
    *public: dict[str, Any],
    private: list[dict[str, Any]] | None = None,
    check: bool = False,
    constants: dict[str, float | str] | None = None,
) -> dict[str, Any]:
    arguments = {"files": list(public), "private_files": private or [], "show_diff": True}
    return run_module("render_files", arguments, check=check, **(constants or {}))


class TestRenderFiles:
    def test_writes_in_order_and_once(self, tmp_path: Path) -> None:
        directory, public, private = tmp_path / "a" / "b", tmp_path / "a" / "b" / "one", tmp_path / "a" / "b" / "two"
        entries = (entry(0, directory, mode="0750"), entry(2, public, "1\n"))
        secret = [entry(1, private, "hidden\n", "0600")]
        answer = render(*entries, private=secret)
        assert answer["changed_files"] == [str(directory), str(private), str(public)]
        assert (mode_of(directory), mode_of(public), mode_of(private)) == (0o750, 0o644, 0o600)
        assert (public.read_text(), private.read_text()) == ("1\n", "hidden\n")
        again = render(*entries, private=secret)
        assert (again["changed"], again["changed_files"], again["diff"]) == (False, [], [])

    def test_private_content_is_never_shown(self, tmp_path: Path) -> None:
        path = tmp_path / "secret"
        path.write_text("old-words\n")
        answer = render(entry(0, tmp_path / "public", "seen\n"), private=[entry(1, path, "new-words\n", "0640")])
        assert "words" not in str(answer)
        assert [part["after"] for part in answer["diff"]] == ["seen\n", "(changed)\n"]

    def test_check_mode_only_tells(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("old\n")
        answer = render(entry(0, tmp_path / "new"), entry(1, path, "new\n"), check=True)
        assert answer["changed_files"] == [str(tmp_path / "new"), str(path)]
        assert path.read_text() == "old\n"
        assert not (tmp_path / "new").exists()

    def test_mends_the_mode_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("same\n")
        path.chmod(0o666)
        before = path.stat().st_ino
        assert render(entry(0, path, "same\n"))["changed"]
        assert mode_of(path) == 0o644
        assert path.stat().st_ino == before

    def test_replaces_at_once_and_leaves_nothing_beside(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("old\n")
        with path.open() as reader:
            render(entry(0, path, "new\n"))
            assert reader.read() == "old\n"
        assert path.read_text() == "new\n"
        assert [found.name for found in tmp_path.iterdir()] == ["file"]

    def test_writes_through_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").write_text("old\n")
        (tmp_path / "link").symlink_to("real")
        render(entry(0, tmp_path / "link", "new\n"))
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real").read_text() == "new\n"

    def test_unknown_owner_is_explained_and_forgiven_in_check_mode(self, tmp_path: Path) -> None:
        wanted = entry(0, tmp_path / "file", "x\n") | {"owner": "nobody-of-this-name"}
        answer = render(wanted)
        assert answer["failed"]
        assert "Is the package that makes it installed?" in answer["msg"]
        assert render(wanted, check=True)["changed_files"] == [str(tmp_path / "file")]
        assert not (tmp_path / "file").exists()

    def test_missing_directory_is_explained(self, tmp_path: Path) -> None:
        answer = render(entry(0, tmp_path / "none" / "file", "x\n"))
        assert answer["failed"]
        assert str(tmp_path / "none" / "file") in answer["msg"]


PLACE = {"owner": "root", "group": "root", "mode": "0644"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("words", r"files\[3\] is 'words': give a mapping"),
        (PLACE | {"dest": "/x", "content": "", "src": "y"}, r"unknown keys src: allowed are"),
        (PLACE | {"dest": "/x"}, "needs exactly one of template, file, content, directory; it has none"),
        (PLACE | {"dest": "/x", "content": "", "template": "y"}, "it has template, content"),
        ({"owner": "root", "dest": "/x", "content": ""}, r"\(/x\) lacks group, mode"),
        (PLACE | {"template": "x.j2"}, "lacks dest"),
    ],
)
def test_bad_entries_of_render_files(given: object, message: str) -> None:
    with pytest.raises(AnsibleActionFail, match=message):
        check_entry(given, 3)


@pytest.mark.parametrize("kind", ["template", "file", "content"])
def test_good_entries_of_render_files(kind: str) -> None:
    assert check_entry(PLACE | {"dest": "/x", kind: "y"}, 0) == kind
    assert check_entry(PLACE | {"directory": "/x"}, 0) == "directory"


class TestSchemaSync:
    """dpkg is a package that every Debian has."""

    @staticmethod
    def sync(tmp_path: Path, *scripts: str, check: bool = False, **more: Any) -> dict[str, Any]:
        commands = [{"argv": ["sh", "-c", script]} for script in scripts]
        arguments = {"name": "test", "package": "dpkg", "commands": commands} | more
        return run_module("schema_sync", arguments, check=check, STAMPS=str(tmp_path / "stamps"))

    def test_runs_once_for_a_version_and_commands(self, tmp_path: Path) -> None:
        script = f"echo x >>{tmp_path}/ran"
        assert self.sync(tmp_path, script)["changed"]
        assert not self.sync(tmp_path, script)["changed"]
        assert (tmp_path / "ran").read_text() == "x\n"
        assert self.sync(tmp_path, script, "true")["changed"]
        assert (tmp_path / "ran").read_text() == "x\nx\n"

    def test_runs_again_after_another_version(self, tmp_path: Path) -> None:
        self.sync(tmp_path, "true")
        stamp = tmp_path / "stamps" / "test.json"
        stamp.write_text(stamp.read_text().replace('"version": "', '"version": "0.'))
        assert self.sync(tmp_path, "true")["changed"]
        assert not self.sync(tmp_path, "true")["changed"]

    def test_a_failure_leaves_no_note(self, tmp_path: Path) -> None:
        answer = self.sync(tmp_path, "true", "echo why >&2; exit 4")
        assert answer["failed"]
        assert "ended with 4:\nwhy" in answer["msg"]
        assert len(answer["commands"]) == 2
        assert not (tmp_path / "stamps").exists()

    def test_check_mode_runs_nothing(self, tmp_path: Path) -> None:
        assert self.sync(tmp_path, f"touch {tmp_path}/ran", check=True)["changed"]
        assert not (tmp_path / "ran").exists()

    def test_secrets_come_by_the_environment_and_are_not_noted(self, tmp_path: Path) -> None:
        answer = self.sync(tmp_path, f'echo "$SECRET" >{tmp_path}/ran', environment={"SECRET": "word-to-hide"})
        assert (tmp_path / "ran").read_text() == "word-to-hide\n"
        assert "word-to-hide" not in str(answer)
        assert "word-to-hide" not in (tmp_path / "stamps" / "test.json").read_text()

    def test_missing_package(self, tmp_path: Path) -> None:
        answer = self.sync(tmp_path, "true", package="no-such-package-anywhere")
        assert "package no-such-package-anywhere is not installed" in answer["msg"]
        assert self.sync(tmp_path, "true", package="no-such-package-anywhere", check=True)["changed"]


class TestUnits:
    @staticmethod
    def unit(since: float, **more: str) -> dict[str, str]:
        stamps = {"ExecMainStartTimestampMonotonic": str(int(since * 1e6)), "ActiveEnterTimestampMonotonic": "0"}
        return {"ActiveState": "active", "FragmentPath": "", "DropInPaths": "", **stamps, **more}

    def test_newest_change_is_of_any_depth(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        before = time.monotonic()
        (tmp_path / "a" / "b" / "file").write_text("x")
        # File systems stamp with the kernel's coarse clock.
        assert before - 0.1 <= newest_change([str(tmp_path)]) <= time.monotonic() + 0.1
        assert newest_change([str(tmp_path / "a" / "b" / "file")]) == pytest.approx(
            newest_change([str(tmp_path)]), abs=0.1
        )

    def test_missing_paths_are_of_no_age(self, tmp_path: Path) -> None:
        assert newest_change([str(tmp_path / "none")]) <= 0
        assert newest_change([]) <= 0

    def test_units_older_than_their_configuration(self, tmp_path: Path) -> None:
        (tmp_path / "conf").write_text("x")
        now = time.monotonic()
        units = {
            "old.service": self.unit(now - 60),
            "new.service": self.unit(now + 60),
            "off.service": self.unit(0, ActiveState="inactive"),
            # Reads no configuration, and would take others down with it.
            "old.target": self.unit(now - 60),
        }
        assert outdated(units, list(units), [str(tmp_path)]) == ["old.service"]
        assert outdated(units, list(units), []) == []

    def test_units_without_a_main_process_count_since_they_are_active(self, tmp_path: Path) -> None:
        (tmp_path / "conf").write_text("x")
        since = str(int((time.monotonic() + 60) * 1e6))
        unit = self.unit(0, ExecMainStartTimestampMonotonic="", ActiveEnterTimestampMonotonic=since)
        assert outdated({"one.service": unit}, ["one.service"], [str(tmp_path)]) == []


class TestMariadbAccounts:
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("ALL", {"ALL"}),
            ("ALL PRIVILEGES", {"ALL"}),
            ("select, INSERT,Update", {"SELECT", "INSERT", "UPDATE"}),
            ("CREATE TEMPORARY TABLES,DELETE", {"CREATE TEMPORARY TABLES", "DELETE"}),
        ],
    )
    def test_privileges(self, text: str, wanted: set[str]) -> None:
        assert privilege_set(text) == wanted

    def test_password_hash(self) -> None:
        # As MariaDB's manual shows SELECT PASSWORD('mariadb').
        assert password_hash("mariadb") == "*54958E764CE10E50764C2EECBB71D01F08549980"
