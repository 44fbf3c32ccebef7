"""Every parser with a lab's lines that were cut, run into each other or changed: it leaves them out and goes on."""

import json
import math
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hoplab.model.events import Event, read_events, write_events
from hoplab.parse.forms import FORMS
from hoplab.run.record import RAW, read_record
from samples.runs import read_run, unpacked

RUN = unpacked("cold")[0]
RECORD = read_record(RUN)
OF_EACH = 4
"""So many lines that tell an event of each kind are changed, and as many that tell none."""
MEMBERS = 30
"""So many members of an object or list have their values changed."""
VALUES: tuple[Any, ...] = (None, True, -1, 1e999, math.nan, "", "x", "9" * 400, [], [[]], {}, {"x": {}}, 10**400)

PARSED = sorted(form for form, (_parse, said) in FORMS.items() if said)


def read(form: str, lines: Iterable[str]) -> list[Event]:
    """Return the events of a run that has one source of a form, with these lines."""
    source = next(source for source in RECORD.sources if source.form == form)
    with TemporaryDirectory() as folder:
        path = Path(folder, RAW, source.node, source.name)
        path.parent.mkdir(parents=True)
        path.write_text("".join(lines), encoding="utf-8")
        record = replace(RECORD, sources=(replace(source, size=path.stat().st_size),))
        events, (read_source,) = read_run(Path(folder), record)
        assert read_source.problem == ""
        write_events(events, Path(folder, "events"))
        assert len(list(read_events(Path(folder, "events")))) == len(events)
    assert all(math.isfinite(event.time) for event in events)
    assert all(value for event in events for some in event.ids.values() for value in some)
    return events


@cache
def sample(form: str) -> tuple[str, ...]:
    """Return some lines of all sources of a form."""
    sources = [source for source in RECORD.sources if source.form == form and source.size]
    texts = [(RUN / RAW / source.node / source.name).read_text(errors="replace") for source in sources]
    lines = [line for text in texts for line in text.splitlines(keepends=True)]
    random.Random(form).shuffle(lines)
    chosen: dict[str, list[str]] = {}
    for line in lines[:400]:
        for kind in {event.kind for event in read(form, [line])} or {""}:
            if len(chosen.setdefault(kind, [])) < OF_EACH:
                chosen[kind].append(line)
    return tuple(line for some in chosen.values() for line in some)


@st.composite
def damaged(draw: st.DrawFn, lines: tuple[str, ...]) -> str:
    """Draw a line with something wrong with it."""
    line, other = draw(st.sampled_from(lines)), draw(st.sampled_from(lines))
    start, end = sorted((draw(st.integers(0, len(line))), draw(st.integers(0, len(line)))))
    match draw(st.integers(0, 4)):
        case 0:
            return line[:start]
        case 1:
            return line[:start] + line[end:]
        case 2:
            return line[:start] + other.rstrip("\n") + line[start:]
        case 3:
            return line[:start] + draw(st.text(max_size=5)) + line[end:]
        case _:
            return line[:start] + draw(st.sampled_from("0.:-{}[]\"'\\ \x00\u0663")) + line[start + 1 :]


def swapped(line: str) -> Iterator[str]:
    """Yield a JSON line with each value in it replaced by ones of other kinds; nothing for another line."""
    try:
        whole: Any = [json.loads(line)]
    except ValueError:
        return
    places = [(whole, 0)]
    for place, key in places:
        before = place[key]
        for value in VALUES:
            place[key] = value
            yield json.dumps(whole[0]) + "\n"
        place[key] = before
        if isinstance(before, dict | list):
            keys = list(before) if isinstance(before, dict) else range(len(before))
            places += [(before, inner) for inner in list(keys)[:MEMBERS]]


def with_number(line: str, number: int, wrong: str) -> str:
    """Return a line whose so-many-th number is another."""
    parts = re.split(r"(\d+(?:\.\d+)?)", line)
    if 2 * number + 1 < len(parts):
        parts[2 * number + 1] = wrong
    return "".join(parts)


@pytest.mark.parametrize("form", PARSED)
class TestForms:
    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_no_line_stops_a_parser(self, form: str, data: st.DataObject) -> None:
        read(form, data.draw(st.lists(damaged(sample(form)), min_size=1, max_size=4)))

    def test_no_value_stops_a_parser(self, form: str) -> None:
        for line in sample(form):
            read(form, swapped(line))

    def test_the_lines_that_are_changed_tell_something(self, form: str) -> None:
        # That of the monitor's names only says whether it was told to write them, which is no event.
        assert bool(read(form, sample(form))) is (form != "ceph-mon-names")

    @pytest.mark.parametrize("wrong", ["9" * 400, "9" * 5000, "\u0663", "1.2.3", "."])
    def test_numbers_that_are_no_numbers_stop_no_parser(self, form: str, wrong: str) -> None:
        read(form, (with_number(line, number, wrong) for line in sample(form) for number in range(20)))
