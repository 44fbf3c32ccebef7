"""Habits that no linter knows: few commands, the same checks before a commit as in CI, and a changelog that is kept."""

import re
from pathlib import Path

import pytest
import yaml
from bin.teststeps import STEPS
from tests.unit.tree import ROOT, Task, tasks_in, tracked

from hoplab.commands import main as cli

TASKS = [task for path in tracked("roles/**.yml", "playbooks/**.yml") for task in tasks_in(path)]
COMMAND_SHARE = 0.05
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
EXAMPLE = """---
- name: Play
  hosts: all
  tasks:
    - name: Group
      block:
        # It has no module.
        - name: Bare
          ansible.builtin.command: "true"
          changed_when: false  # only reads
        - name: Unexplained
          ansible.builtin.shell:  # no@qa: some-rule
            cmd: "true"
          changed_when: false  # only reads

        # About the next one.
        - name: Module
          ansible.builtin.file: {path: /tmp}
      rescue:
        - name: Within
          ansible.builtin.raw: "true"
          # It has no Python.
          changed_when: false
        - name: Behind
          script: run.sh  # ours
""".replace("no@qa", "noqa")  # as one word it would be an exception here


def targets() -> list[str]:
    """Return what a user types after `make`: the targets that `make help` lists."""
    return re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


class TestCommands:
    """Where a module does the work, it also knows what changes, check mode and diffs."""

    def test_they_are_told_from_modules_and_their_reasons_from_others(self, tmp_path: Path) -> None:
        path = tmp_path / "example.yml"
        path.write_text(EXAMPLE, encoding="utf-8")
        found = [(task.line, task.runs_a_command, task.comments) for task in tasks_in(path)]
        assert found == [
            (8, True, ("It has no module.",)),
            (11, True, ()),
            (17, False, ("About the next one.",)),
            (20, True, ("It has no Python.",)),
            (24, True, ("ours",)),
        ]

    def test_all_tasks_are_looked_at(self) -> None:
        text = "".join(path.read_text(encoding="utf-8") for path in {task.path for task in TASKS})
        assert len(TASKS) > 200
        named = sum(task.runs_a_command for task in TASKS)
        assert named == len(
            re.findall(r"^\s+ansible\.builtin\.(?:command|shell|script|raw|expect):", text, re.MULTILINE)
        )

    def test_they_are_few(self) -> None:
        commands = [str(task) for task in TASKS if task.runs_a_command]
        share = len(commands) / len(TASKS)
        assert share <= COMMAND_SHARE, f"{len(commands)} of {len(TASKS)} tasks are commands: {commands}"

    @pytest.mark.parametrize("task", [task for task in TASKS if task.runs_a_command], ids=str)
    def test_each_has_a_reason(self, task: Task) -> None:
        assert any(len(comment.split()) > 2 for comment in task.comments), "say above it why no module does this"


class TestBeforeACommit:
    def test_runs_what_make_check_runs(self) -> None:
        config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
        hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
        assert [repository["repo"] for repository in config["repos"]] == ["local"]
        assert [hook["entry"] for hook in hooks] == ["make check"]
        # With a list of files the hook would be passed over when none of them changed.
        assert hooks[0]["always_run"] is True
        assert hooks[0]["pass_filenames"] is False
        assert not {"files", "exclude", "types", "stages"} & {*hooks[0], *config}

    def test_ci_runs_it_too(self) -> None:
        assert STEPS[0].parts[0].argv == ("make", "--no-print-directory", "check")
        assert re.search(r"^exec make test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)

    def test_check_is_all_linters_and_all_unit_tests(self) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(r"^check: env .*\n\t@\$\(MAKE\) [^\n]*--jobs=2 [^\n]* lint unit\n", makefile, re.MULTILINE)
        assert re.search(r"^lint: .*\n\t@bin/lint\n", makefile, re.MULTILINE)
        assert re.search(r"^unit: .*\n\t@pytest -q --numprocesses 2 verify/tests tests/unit\n", makefile, re.MULTILINE)


class TestChangelog:
    def test_has_the_form_that_it_says(self) -> None:
        assert CHANGELOG.startswith("# Changelog\n")
        versions = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
        assert versions[0] == "[Unreleased]"
        assert [name for name in versions[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", name)] == []
        for version in re.split(r"^## .+$", CHANGELOG, flags=re.MULTILINE)[1:]:
            kinds = re.findall(r"^### (.+)$", version, re.MULTILINE)
            assert kinds
            assert set(kinds) <= KINDS
            assert len(set(kinds)) == len(kinds)
            entries = re.split(r"^### .+$", version, flags=re.MULTILINE)[1:]
            assert [entry for entry in entries if not entry.lstrip().startswith("- ")] == []

    def test_names_every_target_of_make(self) -> None:
        assert len(targets()) > 10
        assert [target for target in targets() if not re.search(rf"`make {target}\b(?!-)", CHANGELOG)] == []

    def test_names_every_verb_of_hoplab(self) -> None:
        verbs = re.findall(r"^    ([a-z]+) ", cli.parser().format_help(), re.MULTILINE)
        assert len(verbs) > 5
        assert [verb for verb in verbs if f"`hoplab {verb}`" not in CHANGELOG] == []
