"""Sending a trace to a collector, or to what takes traces as one does, over OTLP/HTTP."""

import http.client
import json
import urllib.error
import urllib.request
from typing import IO, Any, Final

from hoplab import __version__
from hoplab.model.errors import ConfigurationError
from hoplab.model.files import parse_json, shortened

TIMEOUT: Final = 20.0
"""Seconds that a receiver may take to answer; one on the same machine takes a few milliseconds."""
ANSWER: Final = 1 << 16
"""Bytes of an answer that are read."""


class _AsAsked(urllib.request.HTTPRedirectHandler):
    """Follows no other address: a request that was sent on would be a GET, and the trace lost without a word."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Have the answer taken as an error."""


def send_trace(url: str, text: str) -> str:
    """Send a trace (OTLP/JSON) to a URL; return what the receiver remarks, empty if nothing.

    Raises ConfigurationError that names the URL and what went wrong: nobody answers, or the trace is refused as a whole
    or in part.
    """
    request = urllib.request.Request(
        url,
        data=text.encode(),
        headers={"Content-Type": "application/json", "User-Agent": f"hoplab/{__version__}"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_AsAsked).open(request, timeout=TIMEOUT) as answer:
            return _remark(url, _read(answer))
    except urllib.error.HTTPError as error:
        with error:
            said = _message(_read(error))
        moved = f"; it is at {error.headers['Location']}" if error.headers.get("Location") else ""
        raise _refused(url, f"refused with {error.code} {error.reason}{f' ({said})' if said else ''}{moved}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        # What urllib raises for a connection that fails has the error of the system as its reason.
        said = str(getattr(error, "reason", error)) or type(error).__name__
        raise _refused(url, f"nobody took it ({said})") from None


def _refused(url: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"--otlp {url}: {why}: see what takes traces over OTLP/HTTP there, or name a file to have the trace written"
    )


def _read(answer: IO[bytes]) -> str:
    """Return what an answer says; empty where it breaks off: its status counts."""
    try:
        return answer.read(ANSWER).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        return ""


def _remark(url: str, body: str) -> str:
    """Return what a receiver remarks that took a trace (`ExportTraceServiceResponse`)."""
    if not body:
        return ""
    try:
        answer = parse_json(body)
        partial = answer.get("partialSuccess") or {}
        rejected, said = int(partial.get("rejectedSpans", 0)), str(partial.get("errorMessage", ""))
    except (ValueError, AttributeError, TypeError):
        raise _refused(url, f"answered {shortened(body)!r}, as no receiver of traces does") from None
    if rejected:
        raise _refused(url, f"took all but {rejected} spans ({shortened(said)})")
    return f", which remarks: {shortened(said)}" if said else ""


def _message(body: str) -> str:
    """Return what a refusal says: the message of a `Status`, or its whole text."""
    try:
        return shortened(str(json.loads(body)["message"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return shortened(body)
