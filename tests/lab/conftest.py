"""Fixtures of the tests that need a running lab. They run one after the other, and each step needs the one before."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from labhelp import LIFE, Guest, clean, say, usage, wait_boot_complete
from openstack.connection import Connection

from hoplab.lab.connection import connect, new_request_id
from hoplab.lab.deployment import Deployment, find_lab, load
from hoplab.launch.instance import boot, prepare


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these tests out of a run that did not ask for them with -m lab."""
    del collection_path
    return None if "lab" in str(config.option.markexpr) else True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note on a class whose tests are steps of one story (chained = True) which of them failed first."""
    report = yield
    chain = getattr(item, "cls", None)
    failed = call.when != "teardown" and report.outcome != "passed"
    if failed and getattr(chain, "chained", False) and not hasattr(chain, "broken"):
        setattr(chain, "broken", item.name)  # noqa: B010 the class is not known here
    return report


@pytest.fixture(autouse=True)
def step_before_passed(request: pytest.FixtureRequest) -> None:
    """Let a step fail whose predecessor failed: it would tell nothing, and a skip would look green."""
    broken = getattr(request.cls, "broken", None)
    if broken is not None:
        pytest.fail(f"not tried, since an earlier step failed: {broken}", pytrace=False)


@pytest.fixture(scope="session")
def deployment() -> Deployment:
    for name in [name for name in os.environ if name.startswith("OS_")]:
        del os.environ[name]
    return load(find_lab(None))


@pytest.fixture(scope="session")
def admin(deployment: Deployment) -> Connection:
    return connect(deployment, new_request_id())


@pytest.fixture(scope="class")
def usage_before(admin: Connection) -> dict[str, int]:
    """Quota usage before anything of these tests is there."""
    clean(admin, LIFE)
    return usage(admin)


@pytest.fixture(scope="class")
def guest(admin: Connection, deployment: Deployment, usage_before: dict[str, int]) -> Iterator[Guest]:
    """One instance for all steps of a class, and its removal whatever happens."""
    del usage_before  # It has to be counted first.
    try:
        prepared = prepare(admin, deployment, LIFE, say)
        journey = boot(admin, LIFE, prepared, global_request_id=new_request_id(), say=say)
        made = Guest(admin, deployment, LIFE, journey)
        wait_boot_complete(made)
        yield made
    finally:
        clean(admin, LIFE)
