"""A quota that a fault lowers below what is in use already: each API in its own words."""

from types import SimpleNamespace
from typing import Any

import pytest

from hoplab.drill.means import api


@pytest.mark.parametrize(
    ("of", "sent"),
    [
        ("compute", {"quota_set": {"instances": 0, "force": True}}),
        ("network", {"quota": {"instances": 0, "force": True}}),
        # Cinder refuses what it does not know.
        ("volume", {"quota_set": {"instances": 0}}),
    ],
)
def test_a_limit_below_what_is_in_use_is_taken(monkeypatch: pytest.MonkeyPatch, of: str, sent: dict[str, Any]) -> None:
    puts: list[Any] = []

    def put(path: str, json: Any) -> Any:
        puts.append((path, json))
        return SimpleNamespace(status_code=200, ok=True)

    service = SimpleNamespace(put=put)
    cloud = SimpleNamespace(compute=service, network=service, block_storage=service)
    monkeypatch.setattr(api, "connect", lambda *_: cloud)
    monkeypatch.setattr(api, "project_id", lambda _: "p1")
    place: Any = SimpleNamespace(deployment=None, options={"of": of, "resource": "instances"})
    api._set_limit(place, "0")
    assert [json for _path, json in puts] == [sent]
