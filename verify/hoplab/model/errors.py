"""Errors that a user sees, each with the exit status that it leads to."""

from typing import Final

EXIT_HOLDS: Final = 0
EXIT_FAILS: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNREADABLE: Final = 3
EXIT_INTERRUPTED: Final = 130


class HoplabError(Exception):
    """Anything that is told to the user as one message, without a traceback."""

    exit_code: int = EXIT_FAILS


class ConfigurationError(HoplabError):
    """The lab's description, or the way hoplab was called, is wrong; nothing was tried."""

    exit_code = EXIT_USAGE


class SourceError(HoplabError):
    """Something that has to be read (a node, an API) could not be read, so nothing is known of it."""

    exit_code = EXIT_UNREADABLE


class LaunchError(HoplabError):
    """The cloud did not do what it was asked for.

    services: whose logs to look into, by their names in the lab's description; empty if it may be any of Nova's.
    """

    def __init__(self, message: str, *, services: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.services = services


class WaitTimeoutError(LaunchError):
    """Something that was waited for did not come within its time limit.

    what: what was waited for; seconds: the limit; last_seen: the state when the time was up.
    """

    def __init__(self, what: str, seconds: float, last_seen: str, services: tuple[str, ...] = ()) -> None:
        super().__init__(f"{what}: not within {seconds:g} s; last seen: {last_seen}", services=services)
        self.what = what
        self.seconds = seconds
        self.last_seen = last_seen
