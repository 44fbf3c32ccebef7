"""After a launch, no log of a node has a secret of the lab or a token in it, and what is kept is its owner's alone."""

import json
import stat
from pathlib import Path

import pytest
import yaml
from onnodes import on_node

from hoplab.lab.deployment import Deployment

pytestmark = pytest.mark.lab

SEARCH = Path(__file__).with_name("search.py")
PUBLIC = ("ceph_fsid",)
"""Named among the secrets since it is made once, and known to everybody."""
ROOT = Path(__file__).resolve().parents[2]


def secrets_of(deployment: Deployment) -> dict[str, str]:
    """Return what to look for, by name; of a key of several lines one from its middle: its line ends may be quoted."""
    found = {}
    for name, text in yaml.safe_load((deployment.directory / "secrets.yml").read_text()).items():
        lines = [line for line in str(text).splitlines() if not line.startswith("-----")]
        if name not in PUBLIC:
            found[name] = lines[len(lines) // 2]
    return found


def test_no_log_has_a_secret(deployment: Deployment) -> None:
    wanted = secrets_of(deployment)
    assert len(wanted) > 30
    assert all(len(text) >= 20 for text in wanted.values())
    found = {
        node.name: json.loads(
            on_node(deployment, node, ["python3", "-c", SEARCH.read_text()], given=json.dumps(wanted))
        )
        for node in deployment.nodes
    }
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_the_search_finds_what_is_there(deployment: Deployment) -> None:
    node = deployment.first_in_group("control")
    name, text = next(iter(secrets_of(deployment).items()))
    path = "/var/log/hoplab-search.log"
    on_node(deployment, node, ["tee", path], given=f"a line with {text} and gAAAA{'x' * 80}\n")
    try:
        asked = json.dumps({name: text})
        found = json.loads(on_node(deployment, node, ["python3", "-c", SEARCH.read_text()], given=asked))
    finally:
        on_node(deployment, node, ["rm", path])
    assert [path, name, 1] in found
    assert [path, "a token", 1] in found


def test_runs_and_logs_are_for_their_owner_alone() -> None:
    for top in (ROOT / ".lab" / "logs", *(path for path in (ROOT / "runs").glob("*-*") if path.is_dir())):
        for path in (top, *top.rglob("*")):
            loose = stat.S_IMODE(path.lstat().st_mode) & 0o077
            assert path.is_symlink() or not loose, f"{path} can be read by others"
