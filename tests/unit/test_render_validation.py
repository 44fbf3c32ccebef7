"""render_files with `validate`, run as Ansible runs it: what a command refuses changes nothing on the node."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.hoplab.lab.plugins.action.render_files import check_entry
from tests.unit.test_modules import PLACE, entry, mode_of, render

REFUSES = "grep -q good %s"


def checked(index: int, path: Path, content: str, command: str = REFUSES, mode: str = "0644") -> dict[str, Any]:
    return entry(index, path, content, mode) | {"validate": command}


class TestRefusal:
    def test_good_content_is_put_in_place(self, tmp_path: Path) -> None:
        path = tmp_path / "some.conf"
        answer = render(checked(0, path, "good\n"))
        assert (answer["changed_files"], path.read_text()) == ([str(path)], "good\n")
        assert not render(checked(0, path, "good\n"))["changed"]

    def test_refused_content_leaves_the_old_one(self, tmp_path: Path) -> None:
        path = tmp_path / "some.conf"
        path.write_text("old\n")
        path.chmod(0o600)
        before = path.stat().st_ino, path.stat().st_ctime_ns
        answer = render(checked(0, path, "bad\n", "sh -c 'echo line 1: bad; exit 3' sh %s"))
        assert answer["failed"]
        assert f"{path}: the new content is refused: " in answer["msg"]
        assert "ended with status 3:\nline 1: bad\nNothing was changed." in answer["msg"]
        assert (path.read_text(), (path.stat().st_ino, path.stat().st_ctime_ns)) == ("old\n", before)
        assert [found.name for found in tmp_path.iterdir()] == ["some.conf"]

    def test_one_refused_file_keeps_all_others_and_directories_as_they_were(self, tmp_path: Path) -> None:
        first, directory, last = tmp_path / "first", tmp_path / "directory", tmp_path / "last"
        last.write_text("old\n")
        answer = render(
            entry(0, directory),
            checked(1, first, "good\n"),
            checked(2, directory / "bad", "bad\n"),
            entry(3, last, "new\n"),
            private=[checked(4, tmp_path / "worse", "worse\n", mode="0600")],
        )
        assert answer["failed"]
        assert answer["changed_files"] == []
        assert f"{directory / 'bad'}: the new content is refused" in answer["msg"]
        assert f"{tmp_path / 'worse'}: the new content is refused" in answer["msg"]  # all of them at once
        assert str(first) not in answer["msg"]
        assert [found.name for found in tmp_path.iterdir()] == ["last"]
        assert last.read_text() == "old\n"

    def test_the_same_content_is_not_asked_about(self, tmp_path: Path) -> None:
        path = tmp_path / "some.conf"
        path.write_text("bad\n")
        path.chmod(0o600)
        assert render(checked(0, path, "bad\n"))["changed"]  # its mode alone
        assert mode_of(path) == 0o644

    def test_unknown_owner_is_found_before_anything_is_changed(self, tmp_path: Path) -> None:
        answer = render(
            entry(0, tmp_path / "one", "1\n"), entry(1, tmp_path / "two", "2\n") | {"owner": "no-such-name"}
        )
        assert answer["failed"]
        assert list(tmp_path.iterdir()) == []

    def test_missing_command_is_named(self, tmp_path: Path) -> None:
        answer = render(checked(0, tmp_path / "one", "1\n", "no-such-command %s"))
        assert "there is no command no-such-command. Is the package that brings it installed?" in answer["msg"]
        assert list(tmp_path.iterdir()) == []

    def test_command_that_hangs_is_ended(self, tmp_path: Path) -> None:
        began = time.monotonic()
        wanted = checked(0, tmp_path / "one", "1\n", "sh -c 'exec sleep 50' sh %s")
        answer = render(wanted, constants={"VALIDATE_SECONDS": 1})
        assert "did not end within 1 s and printed nothing" in answer["msg"]
        assert time.monotonic() - began < 20


class TestWhatTheCommandIsGiven:
    @pytest.mark.parametrize(
        "name", ["two words.conf", "it's", '"quoted"', "$(touch made)", "; touch made", "a%sb", "-f"]
    )
    def test_name_is_one_argument_and_no_shell_reads_it(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / "in here" / name
        path.parent.mkdir()
        probe = 'sh -c \'test "$#" = 1 && grep -q good -- "$1" && basename -- "$1" && exit 9\' sh %s'
        answer = render(checked(0, path, "good\n", probe))
        assert f"ended with status 9:\n{name}\n" in answer["msg"]
        assert list(tmp_path.rglob("*")) == [path.parent]
        assert not Path("made").exists()

    def test_percent_signs(self, tmp_path: Path) -> None:
        answer = render(checked(0, tmp_path / "one", "1\n", "sh -c 'echo \"$1\"; exit 1' sh 50%% %s"))
        assert "ended with status 1:\n50%\n" in answer["msg"]

    def test_nobody_else_can_read_it(self, tmp_path: Path) -> None:
        probe = 'sh -c \'stat -c %%a "$1" "$(dirname "$1")"; exit 1\' sh %s'
        assert ":\n600\n700\nNothing" in render(checked(0, tmp_path / "one", "1\n", probe))["msg"]

    def test_printed_place_is_the_file_that_was_wanted(self, tmp_path: Path) -> None:
        answer = render(checked(0, tmp_path / "one", "1\n", "sh -c 'echo \"$1:7: bad\" >&2; exit 1' sh %s"))
        assert f":\n{tmp_path / 'one'}:7: bad\n" in answer["msg"]

    def test_long_and_unprintable_output(self, tmp_path: Path) -> None:
        probe = r"sh -c 'seq 1000; printf \"\\033[2J\\377end\"; exit 1' sh %s".replace(r"\"", '"')
        answer = render(checked(0, tmp_path / "one", "1\n", probe))
        lines = answer["msg"].splitlines()
        assert (lines[1], lines[-2]) == ("982", "[2Jend")
        json.dumps(answer).encode()


class TestSecrets:
    def test_output_about_a_private_file_is_never_shown(self, tmp_path: Path) -> None:
        probe = 'sh -c \'cat "$1"; cut -c 1-7 "$1" >&2; exit 4\' sh %s'
        answer = render(private=[checked(0, tmp_path / "key", "hunter2-and-more\nsecond-line\n", probe, "0640")])
        assert answer["failed"]
        assert "hunter2" not in json.dumps(answer)
        assert "second" not in json.dumps(answer)
        assert f"{tmp_path / 'key'}: the new content is refused" in answer["msg"]
        assert "ended with status 4. What it printed is not shown" in answer["msg"]

    def test_it_leaves_no_copy_on_the_node(self, tmp_path: Path) -> None:
        note = tmp_path / "note"
        probe = f"sh -c 'echo \"$1\" > {note}; exit 1' sh %s"
        render(private=[checked(0, tmp_path / "key", "hunter2\n", probe, "0600")])
        copy = Path(note.read_text().strip())
        assert copy.name == "key"
        assert not copy.exists()
        assert not copy.parent.exists()


class TestCheckMode:
    def test_refuses_there_too_and_changes_nothing(self, tmp_path: Path) -> None:
        assert render(checked(0, tmp_path / "one", "bad\n"), check=True)["failed"]
        answer = render(checked(0, tmp_path / "one", "good\n"), check=True)
        assert answer["changed_files"] == [str(tmp_path / "one")]
        assert [part["after"] for part in answer["diff"]] == ["good\n"]
        assert list(tmp_path.iterdir()) == []

    def test_command_of_a_package_that_is_not_installed_yet_is_forgiven(self, tmp_path: Path) -> None:
        answer = render(checked(0, tmp_path / "one", "1\n", "no-such-command %s"), check=True)
        assert answer["changed_files"] == [str(tmp_path / "one")]


@pytest.mark.parametrize(
    "command",
    ["sshd -t", "", "%s", "%s -t", "sshd '%s", "sshd -t -f %d", "sshd -t -f %s %", "sshd %%s", None, 3, ["sshd", "%s"]],
)
def test_command_that_cannot_validate_is_refused_before_anything_is_sent(command: object) -> None:
    with pytest.raises(
        AnsibleActionFail, match=r"files\[2\] \(/x\): validate is .*give a command with %s for the file"
    ):
        check_entry(PLACE | {"dest": "/x", "content": "", "validate": command}, 2)


def test_directory_has_nothing_to_validate() -> None:
    with pytest.raises(AnsibleActionFail, match=r"files\[2\] \(/x\) has validate: only a file can be validated"):
        check_entry(PLACE | {"directory": "/x", "validate": REFUSES}, 2)


@pytest.mark.parametrize("command", ["/usr/sbin/sshd -t -f %s", "visudo -cf %s", "sh -c 'date +%%s && cat %s'"])
def test_commands_that_can(command: str) -> None:
    assert check_entry(PLACE | {"dest": "/x", "content": "", "validate": command}, 0) == "content"
