"""The command `hoplab`: verbs and exit status.

0: all holds. 1: something does not. 2: wrong usage or configuration. 3: something could not be read. 130: Ctrl-C.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NoReturn

from hoplab import __version__
from hoplab.lab.deployment import ENVIRONMENT
from hoplab.model.errors import (
    EXIT_INTERRUPTED,
    EXIT_UNREADABLE,
    EXIT_USAGE,
    ConfigurationError,
    HoplabError,
)
from hoplab.model.files import reason
from hoplab.report.output import EXIT_PIPE, print_message, safe_line, standard_streams

Verb = Callable[[argparse.Namespace], int]
TRACEBACK = "HOPLAB_TRACEBACK"
VERBS: Final = {
    "launch": "boot an instance with a volume and check every part of it",
    "cleanup": "delete what launches made",
    "wait": "wait until every service of the lab answers, as after a start of its nodes",
    "doctor": "say what can be seen in a cloud, and how exactly a break would be located; launches nothing",
    "explain": "say what a hop of the flow is, and what the last run has of it",
    "verify": "launch while the lab is recorded, and prove each hop of it",
    "watch": "do as verify, and show the hops as they happen",
    "replay": "judge a run again from its directory; needs no lab",
    "report": "show a run's report, write it as a page, for CI, as JSON or as a trace, or compare two runs",
    "schema": "print the JSON Schema of lab.json, journey.json, report.json or a comparison",
    "drill": "put a fault into the lab, and see whether the hop that it breaks is named",
}
"""Each verb with what it does; its module here has the same name."""
CLOUD: Final = frozenset({"keystoneauth1", "openstack", "requests"})
"""Packages by which a cloud is asked. What reads runs alone does without them."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in words that can do nothing to the terminal."""

    def error(self, message: str) -> NoReturn:
        """End with the exit status for wrong usage."""
        super().error(safe_line(message))


class _VerbParser(_Parser):
    """A verb's parser. It loads the verb's module when the verb is asked for: what some need takes long to load."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the verb's arguments, and read them. ConfigurationError where the verb needs what is not installed."""
        if self.get_default("verb") is None:
            module = _module(self.prog.rpartition(" ")[2])
            module.add_arguments(self)
            self.set_defaults(verb=module.run)
        return super().parse_known_args(args, namespace)


def _module(verb: str) -> ModuleType:
    try:
        return import_module(f"hoplab.commands.{verb}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in CLOUD:
            raise
        raise ConfigurationError(
            f"`hoplab {verb}` asks a cloud, and the Python package {package} is not installed: install it with pip"
        ) from None


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; what it reads has the verb's function as `verb`."""
    top = _Parser(
        prog="hoplab",
        description="Launches an instance in the lab, shows from the running system what became of it, and explains "
        "the documented flow of a launch.",
        epilog="Exit status: 0 all holds, 1 something does not, 2 wrong usage or configuration, 3 unreadable source, "
        "130 interrupted (Ctrl-C).",
    )
    top.add_argument("--version", action="version", version=f"hoplab {__version__}")
    top.add_argument(
        "--lab",
        metavar="DIR_OR_FILE",
        help=f"the lab's directory or its lab.json (default: ${ENVIRONMENT}, else .lab/local/lab.json upwards)",
    )
    verbs = top.add_subparsers(dest="name", metavar="VERB", parser_class=_VerbParser)
    for name, what in VERBS.items():
        verbs.add_parser(name, help=what)
    return top


def _tell_next_steps(top: argparse.ArgumentParser, lab: str | None) -> NoReturn:
    """End with the exit status for wrong usage: no verb was named."""
    from hoplab.commands.next_steps import show_next_steps  # noqa: PLC0415 no verb needs it

    top.print_usage(sys.stderr)
    show_next_steps(lab)
    top.exit(EXIT_USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status. No traceback reaches the user for an error that is his."""
    # Libraries would otherwise write their warnings between our lines; what matters of them is in our errors.
    logging.getLogger().addHandler(logging.NullHandler())
    # Runs, keys and reports tell of a whole cloud: they are for their owner alone, whatever the shell's own mask is.
    loose = os.umask(0o077)
    try:
        with standard_streams():
            top = parser()
            arguments = top.parse_args(argv)
            if arguments.name is None:
                _tell_next_steps(top, arguments.lab)
            verb: Verb = arguments.verb
            return verb(arguments)
    except BrokenPipeError:
        return EXIT_PIPE
    except HoplabError as error:
        print_message(f"error: {error}")
        return error.exit_code
    except OSError as error:
        if os.environ.get(TRACEBACK):
            raise
        # A disk, a right or a name that is in the way is no fault of ours.
        where = "this machine" if error.filename is None else error.filename
        print_message(f"error: {where}: {reason(error)}: make room for it, or name another place")
        return EXIT_USAGE
    except KeyboardInterrupt:
        print_message("interrupted; what was made so far stays: do it again, or run `hoplab cleanup` to remove it")
        return EXIT_INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        print_message(
            f"error: a fault in hoplab itself: {type(error).__name__}: {error} (run again with {TRACEBACK}=1 for more)"
        )
        return EXIT_UNREADABLE
    finally:
        os.umask(loose)


if __name__ == "__main__":
    sys.exit(main())
