"""Asking an object gateway as a person would: with a token through Swift, with a signature through S3."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import requests

TIMEOUT = 60  # seconds
ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Swift:
    """The account of a project, in the URL of the catalogue (.../swift/v1/AUTH_<project>), with a token."""

    url: str
    token: str

    def ask(self, method: str, path: str, data: bytes = b"") -> requests.Response:
        """Return the answer to a request for a container or an object, whatever its status."""
        headers = {"X-Auth-Token": self.token} if self.token else {}
        return requests.request(method, f"{self.url}/{path}", headers=headers, data=data, timeout=TIMEOUT)


@dataclass(frozen=True)
class S3:
    """A gateway with EC2 credentials; each request is signed with version 4 of AWS's signature."""

    url: str
    access: str
    secret: str

    def ask(self, method: str, path: str, data: bytes = b"", sign: bytes | None = None) -> requests.Response:
        """Return the answer to a request for a bucket or an object; sign: other data to sign than what is sent."""
        now = datetime.now(UTC)
        day, moment = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
        place = "/" + quote(path)
        told = {
            "host": urlsplit(self.url).netloc,
            "x-amz-content-sha256": hashlib.sha256(data if sign is None else sign).hexdigest(),
            "x-amz-date": moment,
        }
        names = ";".join(sorted(told))
        lines = [f"{name}:{told[name]}" for name in sorted(told)]
        request = "\n".join([method, place, "", *lines, "", names, told["x-amz-content-sha256"]])
        scope = f"{day}/us-east-1/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.new(key, f"{ALGORITHM}\n{moment}\n{scope}\n{digest}".encode(), "sha256").hexdigest()
        authorization = f"{ALGORITHM} Credential={self.access}/{scope}, SignedHeaders={names}, Signature={signature}"
        return requests.request(
            method, self.url + place, headers={**told, "Authorization": authorization}, data=data, timeout=TIMEOUT
        )


def gateway(node: Any) -> str:
    """Return the URL of a node's gateway."""
    return f"http://{node.address}:7480"
