"""What Hoplab prints: harmless to a terminal whatever it is about, and in any encoding."""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from hoplab.model.errors import ConfigurationError
from hoplab.model.files import reason
from hoplab.report.outline import cleaned, one_line

EXIT_PIPE: Final = 141
"""As of a program that SIGPIPE ends (128 + 13): whoever reads has had enough."""


def print_message(message: str) -> None:
    """Tell the user what is being done, in one line; on standard error, since standard output is for the result."""
    with suppress(OSError):  # That nobody listens changes nothing of what is done.
        print(f"hoplab: {safe_line(message)}", file=sys.stderr, flush=True)


def safe_line(text: str) -> str:
    """Return a text, whosever it is, as one line without control characters."""
    return str(cleaned(one_line(text)))


def as_json(document: Any) -> str:
    """Return a document as JSON in which nothing but ASCII stands: for any encoding, and harmless to a terminal."""
    return json.dumps(document, indent=1).replace("\x7f", "\\u007f") + "\n"


def print_page(text: str) -> None:
    """Print a page that says itself that it is UTF-8, whatever the terminal's encoding is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


@contextmanager
def standard_streams() -> Iterator[None]:
    """Have standard output and standard error take any text, and standard output's errors told as what they are.

    Raises ConfigurationError if it can't be written to, BrokenPipeError if nobody reads it any more.
    """
    closed = sys.stdout is None
    _open_all()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up()
        raise
    except OSError as error:
        if error.filename is not None:
            raise
        _give_up()
        raise ConfigurationError(f"standard output: cannot be written ({reason(error)})") from None
    if closed and sys.stdout.tell():
        raise ConfigurationError("standard output: is closed: send it to a file, or to /dev/null")


def _open_all() -> None:
    """Put something in the places of standard streams that are closed: the next file that is opened would take them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            while (handle := os.open(os.devnull, os.O_RDWR)) < number:
                pass
            binary = io.BytesIO() if name == "stdout" else os.fdopen(handle, "rb" if name == "stdin" else "wb")
            setattr(sys, name, io.TextIOWrapper(binary, encoding="utf-8"))


def _give_up() -> None:
    """Have nothing more written, so that Python does not try again, and complain, when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
