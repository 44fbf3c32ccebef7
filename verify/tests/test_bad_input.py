"""Whatever is in a file, an argument or what a node says: it is named, and never a fault of Hoplab itself."""

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hoplab.capture.message import LONGEST, Names, check
from hoplab.capture.redact import redact
from hoplab.commands.main import main
from hoplab.drill.journal import FILE, FaultJournal
from hoplab.drill.matrix import RESULTS, read_results
from hoplab.judge.pace import USUAL, read_usual
from hoplab.model.errors import ConfigurationError
from hoplab.report.form import FORM as REPORT_FORM
from hoplab.run.record import FORM as JOURNEY_FORM
from hoplab.run.record import JOURNEY, REPORT, read_record
from samples.reports import failed

Document = dict[str, Any]
WRONG: dict[str, list[Any]] = {
    "string": [None, 5, [], {"a": 1}],
    "number": ["x", None, [], True],
    "integer": ["x", 1.5, {}],
    "boolean": ["yes", 1, None],
    "array": [{}, "x", 7],
    "object": [[], "x", 7],
}
"""Values that are of another type than a schema's."""
TEXTS = {
    "empty": b"",
    "blank": b" \n",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "NaN": b'{"schema": NaN}',
    "infinite": b'{"schema": 1e999}',
    "minus infinite": b'{"schema": -Infinity}',
    "long number": b'{"schema": ' + b"9" * 5000 + b"}",
    "big number": b'{"schema": ' + b"9" * 30 + b"}",
    "deep": b"[" * 100_000,
    "deep and closed": b'{"schema": 1, "a": ' + b"[" * 900 + b"]" * 900 + b"}",
    "no UTF-8": b'{"schema": 1, "a": "\xff"}',
    "NUL": b"\x00" * 9,
    "another schema": b'{"schema": 999}',
    "a schema that is a text": b'{"schema": "1"}',
    "a schema that is true": b'{"schema": true}',
    "no schema": b'{"a": 1}',
}
READERS: dict[str, Callable[[Path], object]] = {
    JOURNEY: read_record,
    REPORT: lambda directory: main(["report", str(directory)]),
    USUAL: read_usual,
    FILE: lambda directory: FaultJournal(directory).read(),
    RESULTS: lambda directory: read_results(directory / RESULTS),
}


def report() -> Document:
    """Return a small report that has every part."""
    sample = json.loads(json.dumps(failed()))
    sample["hops"] = sample["hops"][:3]
    sample["unread"] = [{"source": "a", "node": "b", "problem": "c"}]
    sample["slow"] = {"hop": 1, "name": "x", "lag_s": 1.0, "usual_s": 1.0, "longest_s": 2.0, "runs": 3}
    return dict(sample)


def spoiled(form: Document, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield places in a document by its schema, each with a value that must not stand there."""
    if "anyOf" in form:
        form = next(one for one in form["anyOf"] if one.get("type") != "null")
        wrong = [value for value in WRONG.get(str(form.get("type")), []) if value is not None]
    else:
        kinds = form.get("type", "string")
        wrong = list(WRONG[kinds]) if isinstance(kinds, str) else [{}]
    if place and "const" not in form:
        yield from ((place, value) for value in wrong)
    for name, inner in form.get("properties", {}).items():
        yield from spoiled(inner, (*place, name))
    if form.get("type") == "array" and form["items"].get("type") == "object":
        yield from spoiled(form["items"], (*place, 0))


def put(document: Document, place: tuple[str | int, ...], value: Any) -> bool:
    """Put a value into a document; False if the document has no such place."""
    there: Any = document
    for key in place[:-1]:
        try:
            there = there[key]
        except (KeyError, IndexError, TypeError):
            return False
    try:
        there[place[-1]] = value
    except (IndexError, TypeError):
        return False
    return True


REPORT_CASES = [case for case in spoiled(REPORT_FORM) if put(report(), *case)]


def refused(error: str, path: Path) -> None:
    assert f"{path}: " in error
    assert "fault in hoplab" not in error


class TestReport:
    @pytest.mark.parametrize(("place", "value"), REPORT_CASES, ids=str)
    def test_a_field_of_another_type_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: tuple[str | int, ...], value: Any
    ) -> None:
        document = report()
        assert put(document, place, value)
        (tmp_path / REPORT).write_text(json.dumps(document))
        assert main(["report", str(tmp_path)]) == 2
        refused(capsys.readouterr().err, tmp_path / REPORT)

    def test_there_are_enough_of_them(self) -> None:
        assert len(REPORT_CASES) >= 250

    def test_the_sample_itself_is_shown_in_every_form(self, tmp_path: Path) -> None:
        (tmp_path / REPORT).write_text(json.dumps(report()))
        for form in ([], ["--html"], ["--junit"], ["--json"]):
            assert main(["report", str(tmp_path), *form]) == 0


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_no_document_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: bytes
) -> None:
    (tmp_path / name).write_bytes(text)
    if name == FILE and not text:
        return  # A drill that was begun, and then nothing was done.
    attempt(READERS[name], tmp_path, name, capsys)


def attempt(read: Callable[[Path], object], directory: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name == REPORT:
        assert read(directory) == 2
        refused(capsys.readouterr().err, directory / name)
    else:
        with pytest.raises(ConfigurationError) as caught:
            read(directory)
        refused(str(caught.value), directory / name)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["pipe", "directory", "device", "large"])
def test_what_is_no_file_to_read_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, kind: str
) -> None:
    path = tmp_path / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, 1 << 40)
    attempt(READERS[name], tmp_path, name, capsys)


JOURNEY_CASES = list(spoiled(JOURNEY_FORM))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", ".hidden", "a/.b", "", "a\nb", "a//b", "x" * 300])
@pytest.mark.parametrize("key", ["node", "name"])
def test_a_source_leads_nowhere_else(tmp_path: Path, journey_document: Document, key: str, name: str) -> None:
    document = copy.deepcopy(journey_document)
    document["sources"][0][key] = name
    (tmp_path / JOURNEY).write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match=r"sources\.0"):
        read_record(tmp_path)


@pytest.fixture(scope="module")
def journey_document() -> Document:
    from samples.runs import unpacked  # noqa: PLC0415 only here is a recording needed

    return dict(json.loads((unpacked("cold")[0] / JOURNEY).read_text()))


GOOD = {"pong": 1, "time": 1.0}
ODD: list[Any] = [None, 5, [], "x", {}, {"pong": 1}, {"busy": 1}, {"ready": "now"}, {"what": 1}]
NOT_NAMES: list[Any] = ["../x", "/x", "other", "", 5, None, "etc/passwd", {}, "var/log/a/../../x"]
MESSAGES = [
    *map(json.dumps, ODD),
    *(
        f'{{"pong": 1, "time": {value}}}'
        for value in ("NaN", "Infinity", "1e999", "-1", "1e300", '"1"', "null", "true")
    ),
    *(json.dumps({"source": name, "text": "x\n"}) for name in NOT_NAMES),
    *(json.dumps({"source": "logs", "text": text}) for text in (None, 5, "", "x", "x" * (1 << 21) + "\n", ["x\n"])),
    *(json.dumps({"follows": name}) for name in NOT_NAMES),
    *(json.dumps({"source": name, "problem": "x"}) for name in NOT_NAMES),
    "[" * 100_000,
    "{",
    "",
    "\x00",
]


@pytest.mark.parametrize("said", MESSAGES, ids=lambda said: said[:40])
def test_what_is_no_message_of_an_agent_is_refused(said: str) -> None:
    names = Names({"logs": {"patterns": ["/var/log/a/*.log"]}})
    with pytest.raises(ValueError):  # noqa: PT011 the channel makes a problem of each
        check(said.encode() + b"\n", names)
    assert check(json.dumps(GOOD).encode() + b"\n", names) == GOOD


def test_a_line_without_an_end_is_no_message() -> None:
    with pytest.raises(ValueError, match="without an end"):
        check(b"x" * LONGEST, Names({}))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\n" * 20_000,
        'password="' + "\\" * 300_000,
        ("password" + "\\" * 30 + '"') * 10_000,
        "://" * 200_000,
        "AQ" * 300_000,
        "Authorization:" + " " * 600_000,
    ],
    ids=["keys", "quotes", "quoted", "hosts", "cephx", "blanks"],
)
def test_taking_secrets_out_takes_no_longer_for_what_is_odd(text: str) -> None:
    began = os.times().user
    redact(text)
    assert os.times().user - began < 5


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--count", "abc"],
        ["verify", "--count", "0"],
        ["verify", "--count", "1.5"],
        ["verify", "--timeout", "nan"],
        ["verify", "--timeout", "1e999"],
        ["verify", "--timeout", ""],
        ["watch", "--timeout", "x"],
        ["--lab", "", "verify"],
        ["--lab", "x" * 5000, "verify"],
        ["--lab", "/dev/null", "verify"],
        ["replay", ""],
        ["replay", "x" * 5000],
        ["replay", "/dev/null"],
        ["report", ""],
        ["report", "nowhere", "--runs", ""],
        ["report", "--runs", "y" * 300],
        ["drill", "--list", "--page", "F"],
        ["drill", "--all", "--draw", "6"],
        ["drill", "--quick", "--draw", "0"],
        ["drill", "--quick", "--draw", "six"],
        ["drill", "--quick", "--seed", "x"],
        ["drill", ""],
        ["explain", "\x1b[31m"],
        ["explain", "1", "--flow", "\x1b[31m"],
        ["\x1b[31m"],
        [],
    ],
    ids=str,
)
def test_an_argument_is_refused_in_plain_words(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = int(str(ended.code))
    said = capsys.readouterr().err
    assert status == 2
    assert not any(word in said for word in ("fault in hoplab", "_count", "_seconds", "Traceback", "\x1b"))
