"""A volume attached to the instance that `make lab` launched: each hop is proved, and each hint shows something."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openstack.connection import Connection
from patience import patient

from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import NodeConnections
from hoplab.launch.attachment import Target, detach
from hoplab.launch.plan import Plan
from hoplab.launch.removal import VOLUMES, Budget, remove
from hoplab.launch.resources import own_servers

pytestmark = pytest.mark.lab

SECONDS = 240


@pytest.fixture(scope="module")
def attached(admin: Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Attach a volume, and leave it until the tests are over; yield the report."""
    runs: Path = tmp_path_factory.mktemp("runs")
    hoplab = [sys.executable, "-m", "hoplab.commands.main"]
    command = [*hoplab, "verify", "--journey", "volume-attach", "--keep", "--json", "--runs", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patient(SECONDS))
    report = json.loads(done.stdout)
    launch = report["launch"]
    try:
        yield {**report, "status": done.returncode}
    finally:
        target = Target(launch["instance"], Plan().server, launch["host"], launch["volume"], own=False)
        detach(admin, target, timeout=patient(60))
        assert remove(admin, VOLUMES, launch["name"].__eq__, Budget(patient(60))).problem is None


def test_every_hop_is_proved_at_the_instance_that_runs(attached: dict[str, Any], admin: Connection) -> None:
    (server,) = own_servers(admin, Plan().server)
    assert attached["status"] == 0, attached["first_unproven"]
    assert (attached["journey"], attached["result"]) == ("volume-attach", "proved")
    assert attached["launch"]["instance"] == server.id
    assert {hop["verdict"] for hop in attached["hops"]} <= {"proved", "cached"}


def test_every_hint_shows_something(attached: dict[str, Any], deployment: Deployment) -> None:
    nodes = {node.name: node for node in deployment.nodes}
    hints = {(hop["hint"]["where"], hop["hint"]["run"]) for hop in attached["hops"]} - {("here", "")}
    silent = []
    with NodeConnections(deployment.ssh) as shell:
        for where, line in sorted(hints):
            for name in where.removeprefix("on ").split(", ") if where != "here" else ():
                shown = shell.run(nodes[name], ["sh", "-c", line])
                silent += [] if shown.status == 0 and shown.stdout.strip() else [(name, line, shown)]
    assert silent == []
