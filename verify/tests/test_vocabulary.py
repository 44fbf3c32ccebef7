"""Kinds of events and ids are declared in one place each; what is asked of an event is what such an event may have."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hoplab.flow.loader import load
from hoplab.flow.vocabulary import EVENTS, HERE, IDS, load_events, load_ids
from hoplab.model.errors import ConfigurationError
from hoplab.parse.forms import FORMS
from samples.flows import GOOD, JOURNEY, write
from samples.runs import launches, read_run, recorded

PAIRED = {"statement"}
"""An id that only the pairing of statements knows."""


@pytest.mark.parametrize(("name", "number"), launches())
def test_an_event_has_what_its_kind_declares_and_nothing_else(name: str, number: int) -> None:
    one = recorded(name, number)
    more = {
        (event.kind, key)
        for event in read_run(one.directory, one.record)[0]
        for key in [*event.fields.keys() - EVENTS[event.kind].fields, *event.ids.keys() - EVENTS[event.kind].ids]
    }
    assert {(kind, key) for kind, key in more if key not in PAIRED} == set()


def test_every_kind_that_a_form_may_say_is_declared() -> None:
    assert {kind for _parse, said in FORMS.values() for _who, kind in said} == set(EVENTS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("where: {method: POST}", "where: {metod: POST}"),
            "hop ask: evidence 1: where: http.sent has no metod: it has ",
        ),
        (("by: [request]}", "by: [mac]}"), "hop ask: evidence 1: by: http.sent has no mac: it has "),
        (("event: http.sent", "event: http.send"), 'hop ask: evidence: entry 1: event: "http.send" is not one of'),
        (("by: [request]}", "by: [requests]}"), '"requests" is not one of'),
    ],
)
def test_a_witness_that_asks_for_what_no_such_event_has_is_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(write(tmp_path, hops=GOOD.replace(*change, 1)))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("journey", "said"),
    [
        ({"learnt": [{"id": "mac", "from": ["http.sent"], "beside": ["port"]}]}, "learnt 1: http.sent has no mac"),
        (
            {"learnt": [{"id": "port", "from": ["db.statement"], "where": {"tabel": "x"}, "beside": ["instance"]}]},
            "learnt 1: where: db.statement has no tabel",
        ),
        ({"learnt": [{"id": "port", "from": ["db.statement"], "beside": []}]}, "[] has less than 1 item"),
        (
            {
                "tries": {"event": "rpc.published", "where": {"method": "x"}, "by": "instance", "host": "queue"}
                | {"goes_on": ["client"], "anew": []}
            },
            "tries: rpc.published has no queue",
        ),
        ({"tries": {"event": "rpc.published"}}, "is a required property"),
    ],
)
def test_so_is_a_rule_of_ids(tmp_path: Path, journey: dict[str, Any], said: str) -> None:
    directory = write(tmp_path)
    (directory / "journey.yaml").write_text(yaml.safe_dump(JOURNEY | journey), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(directory)
    assert str(caught.value).startswith(f"{directory / 'journey.yaml'}: ")
    assert said in str(caught.value)


def test_two_of_one_name_and_ids_that_are_none_are_refused(tmp_path: Path) -> None:
    told = {name: yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8")) for name in ("ids", "kinds")}
    for name, key, read in (("ids", "id", load_ids), ("kinds", "kind", load_events)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({name: told[name][name] * 2}), encoding="utf-8")
        with pytest.raises(ConfigurationError, match=rf"{key} {told[name][name][0][key]} is there twice"):
            read(path)
    path.write_text(yaml.safe_dump({"kinds": [told["kinds"]["kinds"][0] | {"ids": ["none"]}]}), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="there is no id none"):
        load_events(path)
    assert len(IDS) > 15
