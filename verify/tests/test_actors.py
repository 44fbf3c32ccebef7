"""The actors of the flows: one file, of which all else that names an actor is made."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from hoplab.capture import agent
from hoplab.capture.wanted import RECORDERS
from hoplab.flow.actors import ACTORS, BY_RECORDER, HERE, load
from hoplab.model.errors import ConfigurationError
from hoplab.parse.forms import FORMS
from samples.runs import CATALOGUE

TOLD = yaml.safe_load((HERE / "actors.yaml").read_text(encoding="utf-8"))


def test_each_actor_has_a_part_in_a_hop_or_speaks_for_one() -> None:
    acting = {name for hop in CATALOGUE.hops.values() for name in (hop.sender, hop.receiver)}
    speaking = {witness.who for witness in CATALOGUE.witnesses}
    assert set(ACTORS) == acting | speaking


def test_what_speaks_for_an_actor_has_a_parser() -> None:
    assert {actor.log for actor in ACTORS.values() if actor.log} <= set(FORMS)
    assert {form for _actor, form in BY_RECORDER.values()} <= set(FORMS)


def test_the_agent_has_a_class_for_each_recorder_that_may_be_wanted() -> None:
    for name in {"logs", "stamped", *(recorder for some in RECORDERS.values() for recorder in some)}:
        # Some import what only nodes have, so that the text is looked at.
        text = (Path(agent.__path__[0]) / f"{name}.py").read_text(encoding="utf-8")
        assert name.capitalize() in {part.name for part in ast.walk(ast.parse(text)) if isinstance(part, ast.ClassDef)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"actors": [*TOLD["actors"], TOLD["actors"][0]]}, f"actor {TOLD['actors'][0]['actor']} is there twice"),
        ({"actors": []}, "actors: [] has less than 1 item"),
        ({"actors": [TOLD["actors"][0] | {"services": "x"}]}, "'services' was unexpected"),
        ({"actors": [{"actor": "A b", "called": "abc", "is": "abc", "project": "abc"}]}, '"A b" does not match'),
        ({"actors": [TOLD["actors"][0] | {"recorders": {"x": {"form": "x"}}}]}, '"beside" is a required property'),
        (
            {
                "actors": [
                    {"actor": name, "called": "abc", "is": "abc", "project": "abc"}
                    | {"recorders": {"cache": {"form": "cache", "beside": []}}}
                    for name in ("one", "two")
                ]
            },
            "recorder cache is of one and of two",
        ),
    ],
)
def test_a_file_that_is_not_plainly_right_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "actors.yaml"
    path.write_text(yaml.safe_dump(change), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
