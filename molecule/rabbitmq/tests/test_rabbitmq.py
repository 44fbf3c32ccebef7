"""RabbitMQ alone: messages pass under the daemons' accounts, and under no other."""

from typing import Any

import pytest
from scenario import Node, Scenario, eventually

# Each step is a method of a channel with its arguments; the answer is what came back, or the code of a refusal.
STEPS = """
import amqp
answer = []
try:
    link = amqp.Connection(given["host"], userid=given["account"], password=given["password"], confirm_publish=True,
                           connect_timeout=5, read_timeout=10)
    link.connect()
except amqp.exceptions.AMQPError as error:
    answer.append(error.code)
    given["steps"] = []
for method, arguments in given["steps"]:
    channel = link.channel()
    try:
        if method == "basic_publish":
            message = amqp.Message(arguments.pop("body"), delivery_mode=2)
            channel.basic_publish(message, **arguments)
            answer.append("taken")
        elif method == "basic_get":
            message = channel.basic_get(no_ack=True, **arguments)
            answer.append(message and message.body)
        else:
            getattr(channel, method)(**arguments)
            answer.append("done")
    except amqp.exceptions.AMQPError as error:
        answer.append(error.code)
"""
REFUSED = 403  # AMQP's access-refused
QUORUM = {"x-queue-type": "quorum"}
EXCHANGE = ("exchange_declare", {"exchange": "nova", "type": "topic", "durable": False, "auto_delete": False})
QUEUE = ("queue_declare", {"queue": "conductor", "durable": True, "auto_delete": False, "arguments": QUORUM})
BINDING = ("queue_bind", {"queue": "conductor", "exchange": "nova", "routing_key": "conductor"})
GET = ("basic_get", {"queue": "conductor"})


def publish(body: str, exchange: str = "nova", key: str = "conductor") -> tuple[str, dict[str, Any]]:
    """Return the step that sends a message."""
    return "basic_publish", {"body": body, "exchange": exchange, "routing_key": key}


def do(scenario: Scenario, account: str, *steps: tuple[str, dict[str, Any]], password: str = "") -> list[Any]:
    """Return what the steps of an account come to."""
    node = scenario.control
    answers: list[Any] = node.python(
        STEPS,
        host=f"{node.address}:5672",
        account=account,
        password=password or scenario.secret(f"messaging_{account}"),
        steps=steps,
    )
    return answers


@pytest.fixture(scope="module", autouse=True)
def conductor_queue(scenario: Scenario) -> None:
    """The queue of a daemon, made by itself, as oslo.messaging makes it."""
    made = eventually("RabbitMQ is up", lambda: do(scenario, "nova-conductor", EXCHANGE, QUEUE, BINDING), seconds=60)
    assert made == ["done", "done", "done"]


def test_a_message_passes_from_one_daemon_to_another(scenario: Scenario) -> None:
    assert do(scenario, "nova-api", publish("build")) == ["taken"]
    assert do(scenario, "nova-conductor", GET) == ["build"]


def test_another_daemon_may_not_read_the_queue(scenario: Scenario) -> None:
    assert do(scenario, "nova-conductor", publish("secret", "")) == ["taken"]
    assert do(scenario, "nova-api", GET) == [REFUSED]
    assert do(scenario, "cinder-volume", GET) == [REFUSED]
    assert do(scenario, "nova-conductor", GET) == ["secret"]


def test_another_service_may_not_write_to_the_exchange(scenario: Scenario) -> None:
    assert do(scenario, "cinder-volume", publish("forged"), publish("forged", "")) == [REFUSED, "taken"]


@pytest.mark.parametrize("account", ["glance-api", "nova-api-metadata"])
def test_a_daemon_without_messages_may_do_nothing(scenario: Scenario, account: str) -> None:
    assert do(scenario, account, QUEUE, publish("x"), GET) == [REFUSED, REFUSED, REFUSED]


@pytest.mark.parametrize("account", ["nova-api", "guest"])
def test_a_wrong_password_is_refused(scenario: Scenario, account: str) -> None:
    assert do(scenario, account, GET, password="guest") == [REFUSED]


def test_messages_outlive_a_killed_broker(scenario: Scenario, ctl1: Node) -> None:
    # The default exchange outlives a restart, the services' own are made anew by them.
    assert do(scenario, "nova-conductor", publish("kept", "")) == ["taken"]
    # Which log is a new queue's, the broker writes down some seconds later; a queue that it did not come to write down
    # is there after a crash, but nobody can use it.
    notes = "find /var/lib/rabbitmq -name '*.dets' -newermt '6 seconds ago'"
    eventually("the broker has written down what it made", lambda: not ctl1.output(notes), seconds=60)
    ctl1.kill("rabbitmq-server")
    eventually("the message is there again", lambda: do(scenario, "nova-conductor", GET) == ["kept"], seconds=90)


def test_it_listens_on_the_management_network_alone(ctl1: Node) -> None:
    listening = ctl1.output("ss --numeric --listening --tcp --no-header sport = 5672").split()
    assert listening[3] == f"{ctl1.address}:5672"
    assert len(listening) == 5
