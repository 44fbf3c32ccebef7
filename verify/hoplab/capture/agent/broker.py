"""RabbitMQ's firehose: a copy of every message when it is published and when it is delivered (docs/firehose)."""

import json
import re
import subprocess

import amqp

from hoplab.capture.agent.link import Recorder, send_record, stopping

ACCOUNT = "hoplab-capture"
VHOST = "/"
KEYS = ("publish.#", "deliver.#")
WAIT = 0.5
"""Seconds in which the broker may keep silent until it is looked whether it is over."""

# One call of the command line costs a second and more: all that belongs together is one expression. The account may
# only make a queue of its own and read the trace. Every process can read the command line of every other, so the broker
# itself makes the password, and tells it to who asked, on standard output.
OFF = """
rabbit_trace:stop(<<"{vhost}">>),
case rabbit_auth_backend_internal:exists(<<"{account}">>) of
  true -> rabbit_auth_backend_internal:delete_user(<<"{account}">>, <<"hoplab">>);
  false -> ok
end"""
ON = """
Password = binary:encode_hex(crypto:strong_rand_bytes(24)),
rabbit_auth_backend_internal:add_user(<<"{account}">>, Password, <<"hoplab">>),
rabbit_auth_backend_internal:set_permissions(<<"{account}">>, <<"{vhost}">>, <<"^amq\\\\.gen-">>, <<"^amq\\\\.gen-">>,
  <<"^amq\\\\.(gen-|rabbitmq\\\\.trace$)">>, <<"hoplab">>),
rabbit_trace:start(<<"{vhost}">>),
Password"""
PASSWORD = re.compile(r'<<"([0-9A-F]{48})">>')


def evaluate(expression: str) -> str:
    """Have the broker evaluate an Erlang expression; return what it comes to, as Erlang writes it."""
    command = ["rabbitmqctl", "--quiet", "eval", expression.strip() + "."]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"rabbitmqctl eval: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


class Broker(Recorder):
    """All messages of the broker. address, port: where it listens on this node."""

    source = "broker"

    def __init__(self, address: str, port: int) -> None:
        super().__init__()
        self.address = f"{address}:{port}"

    def begin(self) -> None:
        """Switch the trace on, with an account of its own, and bind a queue that goes with the connection."""
        told = PASSWORD.search(evaluate(f"{OFF},{ON}".format(account=ACCOUNT, vhost=VHOST)))
        if told is None:
            raise RuntimeError("rabbitmqctl eval: the broker told no password for the account that it made")
        password = told[1]
        self.connection = amqp.Connection(self.address, userid=ACCOUNT, password=password, virtual_host=VHOST)
        self.connection.connect()
        channel = self.connection.channel()
        queue, _messages, _consumers = channel.queue_declare("", exclusive=True, auto_delete=True)
        for key in KEYS:
            channel.queue_bind(queue, "amq.rabbitmq.trace", key)
        channel.basic_consume(queue, callback=self._send, no_ack=True)

    def record(self) -> None:
        """Send each message until the end, and what is on its way then."""
        while not stopping.is_set():
            self._drain()
        while self._drain():
            pass

    def end(self) -> None:
        """Switch the trace off and remove the account."""
        evaluate(OFF.format(account=ACCOUNT, vhost=VHOST))

    def _drain(self) -> bool:
        try:
            self.connection.drain_events(timeout=WAIT)
        except TimeoutError:
            return False
        return True

    def _send(self, message: amqp.Message) -> None:
        headers = dict(message.headers)
        properties = headers.pop("properties", None) or {}
        body = message.body
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        try:
            content = json.loads(text)
            if "oslo.message" in content:
                content = json.loads(content["oslo.message"])
        except (ValueError, TypeError):
            content = None  # Not a message of oslo.messaging: who sent it where is told all the same.
        send_record(
            self.source,
            key=message.delivery_info["routing_key"],
            headers={**headers, "priority": properties.get("priority")},
            message=content,
        )
