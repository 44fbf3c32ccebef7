"""The published schemas are those by which files are read, and all that was recorded or is reported fits them."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from hoplab.commands.main import main
from hoplab.commands.schema import SCHEMAS
from hoplab.run.record import JOURNEY
from hoplab.session.judge_run import judge_run
from samples.reports import Document, disordered, failed, inconclusive, proved
from samples.runs import CATALOGUE, FLOW, launches, unpacked

DOCS = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_the_one_by_which_a_file_is_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    told = capsys.readouterr().out
    assert told == (DOCS / f"{name}.schema.json").read_text(encoding="utf-8"), "run `make schemas`"
    jsonschema.Draft202012Validator.check_schema(json.loads(told))
    assert json.loads(told)["properties"]["schema"] == {"const": 1}


@pytest.mark.parametrize(("name", "number"), launches())
def test_every_recorded_run_and_its_report_fit(name: str, number: int) -> None:
    run = unpacked(name)[number]
    jsonschema.validate(json.loads((run / JOURNEY).read_text(encoding="utf-8")), SCHEMAS["journey"])
    jsonschema.validate(json.loads(json.dumps(judge_run(run, CATALOGUE, FLOW, write=False))), SCHEMAS["report"])


@pytest.mark.parametrize("make", [proved, failed, inconclusive, disordered])
def test_so_does_every_kind_of_report(make: Callable[[], Document]) -> None:
    jsonschema.validate(make(), SCHEMAS["report"])


def test_a_lab_fits(document: dict[str, object]) -> None:
    jsonschema.validate(document, SCHEMAS["lab"])
