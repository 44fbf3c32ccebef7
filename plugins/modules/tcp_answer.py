#!/usr/bin/python3
"""Ask a service over TCP in its own protocol, and wait for the right answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tcp_answer
short_description: Send a text to a TCP port until the answer is as expected
description:
  - For services with a protocol of lines that C(ansible.builtin.uri) does not speak. C(ansible.builtin.wait_for) only
    listens, and such a service says nothing before it is asked.
  - Changes nothing, and asks in check mode, too.
options:
  host:
    description: Address of the service.
    type: str
    required: true
  port:
    description: Its port.
    type: int
    required: true
  send:
    description: What to send, with the line ends of the protocol.
    type: str
    required: true
  expect:
    description: Regular expression that is to be found in the answer.
    type: str
    required: true
  wait:
    description: For how many seconds it is asked again.
    type: int
    default: 20
author: Hoplab
"""

EXAMPLES = r"""
- name: Ask memcached for its version
  hoplab.lab.tcp_answer:
    host: 192.0.2.11
    port: 11211
    send: "version\r\n"
    expect: ^VERSION
"""

RETURN = r"""
answer:
  description: What the service said, to the point where it was as expected.
  type: str
  returned: always
"""

import re
import socket
import time

from ansible.module_utils.basic import AnsibleModule

ONCE_SECONDS = 3.0


def converse(address: tuple[str, int], send: str, expect: re.Pattern[str]) -> str:
    """Return the answer, as far as it is needed; what came in time may be less."""
    answer = ""
    end = time.monotonic() + ONCE_SECONDS
    with socket.create_connection(address, timeout=ONCE_SECONDS) as service:
        service.sendall(send.encode())
        while not expect.search(answer) and (left := end - time.monotonic()) > 0:
            service.settimeout(left)
            try:
                part = service.recv(65536)
            except TimeoutError:
                break
            if not part:
                break
            answer += part.decode(errors="replace")
    return answer


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "send": {"type": "str", "required": True},
            "expect": {"type": "str", "required": True},
            "wait": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        expect = re.compile(params["expect"])
    except re.error as error:
        module.fail_json(msg=f"expect is {params['expect']!r}: give a regular expression ({error})")
    place = f"{params['host']}:{params['port']}"
    end = time.monotonic() + params["wait"]
    while True:
        try:
            answer = converse((params["host"], params["port"]), params["send"], expect)
            failure = f"{place} answers {answer!r}, not {params['expect']!r}"
        except OSError as error:
            answer, failure = "", f"can't speak with {place}: {error}"
        if expect.search(answer):
            module.exit_json(changed=False, answer=answer)
        if time.monotonic() > end:
            module.fail_json(msg=f"{failure}, for {params['wait']} s", answer=answer)
        time.sleep(1)


if __name__ == "__main__":
    main()
