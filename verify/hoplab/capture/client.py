"""Notes the requests that we make ourselves: when each was sent and answered, and the ids that it carried and got.

No body and no header is kept but for what is named here, and of a token only its digest.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from keystoneauth1.session import TCPKeepAliveAdapter
from openstack.connection import Connection

from hoplab.capture.redact import digest

CARRIED: Final = "X-OpenStack-Request-ID"
"""The header by which a request carries an id from service to service (oslo_middleware/request_id.py)."""
Note = Callable[[str], None]
"""Told each line."""


class ClientRecorder:
    """All requests of one connection.

    records: as noted; token: the first that Keystone gave, never written; until: reading of the monotonic clock after
    which nothing is asked any more, and no answer is waited for, whatever the connection's own limit is.
    """

    def __init__(self) -> None:
        self.records: list[Mapping[str, Any]] = []
        self.token = ""
        self.until = math.inf
        self.note: Note = lambda _line: None

    def watch(self, cloud: Connection, global_request_id: str) -> None:
        """Have a connection's requests noted from now on, and carry the launch's global request id, each of them.

        openstacksdk sends it with all but the request for a token, which keystoneauth's plug-in makes.
        """
        for scheme in ("http://", "https://"):
            cloud.session.session.mount(scheme, _Adapter(self, global_request_id))

    def add(self, record: Mapping[str, Any], token: str | None) -> None:
        """Note a request, and the token that its answer had."""
        self.token = self.token or token or ""
        self.records.append(record)
        self.note(json.dumps(record) + "\n")


class _Adapter(TCPKeepAliveAdapter):
    """Sends requests as keystoneauth does, and has each of them noted."""

    def __init__(self, recorder: ClientRecorder, global_request_id: str) -> None:
        super().__init__()
        self._recorder = recorder
        self._global_request_id = global_request_id

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request and have it noted, whether it is answered or not."""
        request.headers.setdefault(CARRIED, self._global_request_id)
        record: dict[str, Any] = {
            "sent": time.time(),
            "method": request.method,
            "path": urlsplit(str(request.url)).path,
            "port": urlsplit(str(request.url)).port,
            "global-request": request.headers[CARRIED],
        }
        token = None
        try:
            response = super().send(request, *args, **{**kwargs, "timeout": self._limit(kwargs.get("timeout"))})
            token = response.headers.get("X-Subject-Token")
            record |= {
                "answered": time.time(),
                "status": response.status_code,
                "request": response.headers.get("x-openstack-request-id"),
                "token": digest(token) if token else None,
                **_server(record["path"], response),
            }
        except requests.RequestException as error:
            record["error"] = type(error).__name__
            raise
        else:
            return response
        finally:
            self._recorder.add(record, token)

    def _limit(self, own: Any) -> Any:
        """Return how long an answer may be waited for, in seconds; requests.Timeout if there is no time left."""
        if self._recorder.until == math.inf:
            return own
        left = self._recorder.until - time.monotonic()
        if left <= 0:
            raise requests.Timeout("the time is up")
        return left if own is None else min(own, left)


def _server(path: str, response: requests.Response) -> dict[str, str]:
    """Return the id and the status of an answer about one instance, the status of one about one volume."""
    about = path.split("/")[-2:]
    with suppress(ValueError, KeyError, TypeError):
        if "servers" in about:
            server = response.json()["server"]
            return {"instance": str(server["id"]), "state": str(server.get("status", ""))}
        if about[0] == "volumes":
            return {"state": str(response.json()["volume"].get("status", ""))}
    return {}
