"""No command of the README is without a test: tests/lab/test_readme.py runs it, or it is a step of bin/test."""

import re
import subprocess
from pathlib import Path

import pytest
from bin.teststeps import STEPS as STEPS_OF_BIN_TEST
from readmecommands import BESIDES, PART, SHOWS, STEPS, WHOLE
from readmehelp import ROOT, Command, Shell, commands_in, without_comment

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = commands_in(README)
RUN = [" ".join(part.argv) for step in STEPS_OF_BIN_TEST for part in step.parts]
EXAMPLE = """
Text.

    first --word="# no comment"   # a comment
    second \\
        --goes on   # with a comment

Text that goes on
    indented is no block.

## A section

    third < file
<!-- run: begin -->

    output of a command
<!-- run: end -->

    fourth 'it''s'
    # only a comment

    fifth#not-a-comment
"""


def test_what_is_a_command() -> None:
    assert commands_in(EXAMPLE) == [
        Command("", (4,), 'first --word="# no comment"'),
        Command("", (5, 6), "second --goes on"),
        Command("A section", (13,), "third < file"),
        Command("A section", (19,), "fourth 'it''s'"),
        Command("A section", (22,), "fifth#not-a-comment"),
    ]


def test_every_indented_line_of_the_readme_is_part_of_one() -> None:
    output = re.search(r"<!-- run: begin -->.*<!-- run: end -->", README, re.DOTALL)
    assert output is not None
    # What follows must not hide in the output's block.
    assert README.count("<!-- run: ") == 2
    before, after = README[: output.start()], README[output.end() :]
    lines = [line for line in (before + after).splitlines() if re.match(r" {4}|\t", line)]
    assert len(lines) > 30
    assert len(lines) == sum(len(command.lines) for command in COMMANDS)
    typed = " ".join(command.text for command in COMMANDS)
    for line in lines:
        assert without_comment(line.strip()).removesuffix("\\").rstrip() in typed, line
    assert not re.search(r"^\s*(```|~~~)", README, re.MULTILINE), "blocks of the README are indented"


def test_each_is_run_by_one_test() -> None:
    for command in COMMANDS:
        run = command.text in SHOWS.get(command.section, {})
        step = command.text in {*STEPS, WHOLE}
        assert run or step, f"README.md:{command.lines[0]}: add {command.text!r} to tests/lab/readmecommands.py"


def test_none_is_expected_that_is_not_there() -> None:
    there = {(command.section, command.text) for command in COMMANDS}
    expected = {(section, text) for section, found in SHOWS.items() for text in found}
    assert expected <= there


def test_what_would_take_the_lab_down_is_run_for_another_lab_only() -> None:
    down = [
        command for command in COMMANDS if command.text in SHOWS.get(command.section, {}) and "down" in command.text
    ]
    assert [command.section for command in down] == ["Inventories"]
    section = [command.text for command in COMMANDS if command.section == "Inventories"]
    assert section.index("export INVENTORY=inventories/other HOPLAB_LAB=$PWD/.lab/other") < section.index("make down")


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_one_of_bin_test(step: str) -> None:
    assert step.replace("make ", "make --no-print-directory ") in RUN


def test_bin_test_runs_all_tests_that_need_a_lab_and_make_test_runs_bin_test() -> None:
    assert "pytest -q -m lab tests/lab" in RUN
    assert RUN[-1] == "bin/nothing-left"
    assert re.search(r"^test: .*\n\t@bin/test$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_what_the_text_tells_to_type_is_run_too() -> None:
    told = set(re.findall(r"`(make [^`]+)`", README))
    assert {"make clean", "make stop", "make molecule"} <= told
    run = {text for found in SHOWS.values() for text in found}
    assert told <= run | {*STEPS, WHOLE, *BESIDES, *PART}
    test = (ROOT / "tests" / "lab" / "test_make.py").read_text(encoding="utf-8")
    assert [command for command in BESIDES if not re.search(rf'("|^){command}("|$)', test, re.MULTILINE)] == []


@pytest.mark.parametrize("part", PART)
def test_a_part_is_the_same_command_as_the_whole_with_a_role(part: str) -> None:
    def would_run(command: str) -> str:
        # Under `make check` make would tell the directory, too.
        argv = [*command.split(), "--dry-run", "--no-print-directory"]
        return (
            subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1].strip()
        )

    role = part.rpartition("=")[2]
    assert would_run(part) == f"{would_run(PART[part])} {role}"
    assert (ROOT / "molecule" / role / "molecule.yml").exists()


def test_each_playbook_of_ansible_alone_must_change_nothing() -> None:
    plays = {text: shows for text, shows in SHOWS["Bare commands"].items() if text.startswith("ansible-playbook")}
    assert {text.partition("site.yml")[2].strip() for text in plays} == {
        "",
        "--check --diff",
        "--limit cmp2",
        "--tags keystone",
    }
    assert all(shows.changes_nothing for shows in plays.values())


class TestShell:
    def test_keeps_what_commands_set(self, tmp_path: Path) -> None:
        with Shell(tmp_path) as shell:
            assert shell.run("export WORD=kept; other=kept").status == 0
            assert shell.run('echo "$WORD $other $PWD $HOME"').text == f"kept kept {ROOT} {tmp_path}\n"

    def test_tells_status_and_both_outputs_and_gives_input(self, tmp_path: Path) -> None:
        with Shell(tmp_path) as shell:
            said = shell.run("cat; echo wrong >&2; (exit 7)", stdin="given\n")
            assert (said.status, said.text) == (7, "given\nwrong\n")

    def test_has_nothing_of_make_and_of_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INVENTORY", "inventories/wrong")
        monkeypatch.setenv("MAKEFLAGS", "n")
        monkeypatch.setenv("PATH", f"{ROOT}/.venv/bin:/usr/bin:/bin")
        with Shell(tmp_path) as shell:
            assert shell.run('echo "$INVENTORY$MAKEFLAGS"; command -v ansible-playbook').text == "\n"
            assert shell.run(". .venv/bin/activate").status == 0
            assert shell.run("command -v ansible-playbook").text == f"{ROOT}/.venv/bin/ansible-playbook\n"

    def test_says_what_does_not_end_and_what_ends_the_shell(self, tmp_path: Path) -> None:
        with Shell(tmp_path) as shell, pytest.raises(AssertionError, match=r"not done after 0\.3 s; it said begun"):
            shell.run("echo begun; sleep 4", timeout=0.3)
        with Shell(tmp_path) as shell, pytest.raises(AssertionError, match="ended the shell"):
            shell.run("exit 0")
