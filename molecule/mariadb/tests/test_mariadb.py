"""MariaDB alone: the accounts can do what their daemons need, and not more; data outlive what may happen."""

from typing import Any

import pytest
from scenario import Node, Scenario, eventually

CONNECT = """
import pymysql
link = pymysql.connect(host=given["address"], user=given["account"], password=given["password"], connect_timeout=5)
cursor = link.cursor()
answer = []
for statement in given["statements"]:
    try:
        cursor.execute(statement)
        answer.append([list(row) for row in cursor.fetchall()])
    except pymysql.MySQLError as error:
        answer.append(error.args[0])
link.commit()
"""
DENIED = 1142  # ER_TABLEACCESS_DENIED_ERROR
NO_DATABASE = 1044  # ER_DBACCESS_DENIED_ERROR
DONE: list[Any] = []


def ask(scenario: Scenario, account: str, *statements: str) -> list[Any]:
    """Return what each statement of an account comes to: its rows, or the number of MariaDB's error."""
    node = scenario.control
    answers: list[Any] = node.python(
        CONNECT,
        address=node.address,
        account=account,
        password=scenario.secret(f"database_{account}"),
        statements=statements,
    )
    return answers


def test_a_daemon_reads_and_writes_rows_but_changes_no_schema(scenario: Scenario) -> None:
    made = ask(scenario, "glance-manage", "CREATE TABLE glance.hops (name VARCHAR(9) PRIMARY KEY)")
    assert made == [DONE]
    assert ask(
        scenario,
        "glance-api",
        "INSERT INTO glance.hops VALUES ('a')",
        "UPDATE glance.hops SET name = 'b'",
        "SELECT name FROM glance.hops",
        "DELETE FROM glance.hops",
        "DROP TABLE glance.hops",
        "ALTER TABLE glance.hops ADD COLUMN more INT",
        "CREATE TABLE glance.more (name INT)",
    ) == [DONE, DONE, [["b"]], DONE, DENIED, DENIED, DENIED]
    assert ask(scenario, "glance-manage", "DROP TABLE glance.hops") == [DONE]


def test_a_daemon_sees_no_other_database(scenario: Scenario) -> None:
    assert ask(scenario, "glance-api", "USE keystone", "USE mysql", "SHOW DATABASES") == [
        NO_DATABASE,
        NO_DATABASE,
        [["glance"], ["information_schema"]],
    ]


def test_the_scheduler_may_not_write_what_the_api_keeps(scenario: Scenario) -> None:
    made = ask(scenario, "nova-manage", "CREATE TABLE nova_api.hops (name INT)", "CREATE TABLE nova.hops (name INT)")
    assert made == [DONE, DONE]
    assert ask(
        scenario,
        "nova-scheduler",
        "SELECT * FROM nova_api.hops",
        "INSERT INTO nova_api.hops VALUES (1)",
        "INSERT INTO nova.hops VALUES (1)",
        "DELETE FROM nova.hops",
    ) == [DONE, DENIED, DONE, DENIED]
    assert ask(scenario, "nova-manage", "DROP TABLE nova_api.hops", "DROP TABLE nova.hops") == [DONE, DONE]


@pytest.mark.parametrize("account", ["glance-api", "root", "nobody"])
def test_a_wrong_password_opens_nothing_over_the_network(ctl1: Node, account: str) -> None:
    script = """
import pymysql
try:
    pymysql.connect(host=given["address"], user=given["account"], password="wrong", connect_timeout=5)
    answer = "connected"
except pymysql.MySQLError as error:
    answer = error.args[0]
"""
    assert ctl1.python(script, address=ctl1.address, account=account) in {1045, 1698}


def test_rows_outlive_a_killed_server(scenario: Scenario, ctl1: Node) -> None:
    assert ask(
        scenario,
        "cinder-manage",
        "CREATE TABLE cinder.hops (name INT PRIMARY KEY)",
        "INSERT INTO cinder.hops VALUES (58)",
    ) == [DONE, DONE]
    before = ctl1.kill("mariadb")

    def back() -> bool:
        return ask(scenario, "cinder-api", "SELECT name FROM cinder.hops") == [[[58]]]

    eventually("MariaDB is back with the row", back, seconds=60)
    assert ctl1.main_process("mariadb") != before
    assert ask(scenario, "cinder-manage", "DROP TABLE cinder.hops") == [DONE]
