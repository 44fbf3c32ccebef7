"""What the tests of all scenarios share: the scenario, and that as many tests ran as it says."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from openstack.connection import Connection
from people import member
from scenario import Node, Scenario

MOLECULE = Path(__file__).resolve().parent


@cache
def scenario_in(directory: Path) -> Scenario:
    """Return the scenario of a directory; one object, so that what it learnt is kept."""
    return Scenario(directory)


@pytest.fixture(scope="module")
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Return the scenario that the test belongs to."""
    return scenario_in(Path(request.path).parents[1])


@pytest.fixture(scope="module")
def ctl1(scenario: Scenario) -> Node:
    """Return the node that every scenario has."""
    return scenario.control


@pytest.fixture(scope="module")
def cloud(scenario: Scenario) -> Connection:
    """Return the cloud; a scenario whose services need time has a fixture of its own that waits for them."""
    return scenario.cloud


@pytest.fixture(scope="module")
def person(cloud: Connection) -> Iterator[Connection]:
    """Yield a member of a project of their own."""
    with member(cloud) as found:
        yield found


@pytest.fixture(scope="module")
def stranger(cloud: Connection) -> Iterator[Connection]:
    """Yield a member of another project."""
    with member(cloud) as found:
        yield found


class Count:
    """Counts the tests that passed, and fails the run when they are not as many as the scenario says."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.passed = 0
        self.not_run = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what passed, and what was skipped."""
        self.passed += report.when == "call" and report.outcome == "passed" and not hasattr(report, "wasxfail")
        self.not_run += report.outcome == "skipped"

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Note that the caller wants a part only."""
        self.not_run += len(items)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the count down and compare it."""
        expected = self.scenario.settings["scenario_tests"]
        self.scenario.lab.mkdir(exist_ok=True)
        (self.scenario.lab / "tests.json").write_text(json.dumps({"passed": self.passed}), encoding="utf-8")
        if session.exitstatus == pytest.ExitCode.OK and self.passed != expected:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        """Say when the count is not as expected."""
        yield
        name, expected = self.scenario.directory.name, self.scenario.settings["scenario_tests"]
        if self.passed != expected:
            terminalreporter.write_line(f"{name}: {self.passed} tests passed, scenario_tests is {expected}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Count, where the tests of one scenario are run."""
    places = {Path(argument).resolve() for argument in config.args}
    owners = {MOLECULE / place.relative_to(MOLECULE).parts[0] for place in places if MOLECULE in place.parents}
    if len(owners) == 1:
        config.pluginmanager.register(Count(scenario_in(owners.pop())), "hoplab-count")
