"""Where this machine gets Debian's packages from, said for another suite."""

from __future__ import annotations

DOCUMENTATION = r"""
name: debian_sources
short_description: apt source lines for a Debian suite, from this machine's own configuration
description:
  - Reads C(/etc/apt/sources.list) and C(/etc/apt/sources.list.d) and returns lines for another suite from the same
    servers.
options:
  _terms:
    description: Debian suites.
    required: true
  directory:
    description: apt's configuration directory.
    default: /etc/apt
author: Hoplab
"""

import glob
import os
import re
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

SUITES = ("bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable", "oldstable")

NO = ("no", "false", "off", "without", "disable", "0")


def read_entries(directory: str) -> list[tuple[str, list[str], list[str]]]:
    """Return (URI, suites, components) of every binary source in both of apt's formats."""
    entries: list[tuple[str, list[str], list[str]]] = []
    for path in [
        os.path.join(directory, "sources.list"),
        *sorted(glob.glob(os.path.join(directory, "sources.list.d", "*"))),
    ]:
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        if path.endswith(".sources"):
            entries += deb822_entries(text)
        elif path.endswith(".list"):
            for line in text.splitlines():
                # Options stand in brackets between the type and the URI.
                match re.sub(r"\[[^]]*\]", " ", line.split("#")[0]).split():
                    case ["deb", uri, suite, *components]:
                        entries.append((uri, [suite], components))
    return entries


def deb822_entries(text: str) -> list[tuple[str, list[str], list[str]]]:
    """Return (URI, suites, components) of every stanza of a .sources file."""
    entries = []
    for stanza in text.split("\n\n"):
        fields = {}
        for line in stanza.splitlines():
            if ":" in line and not line.startswith(("#", " ")):
                key, value = line.split(":", 1)
                fields[key.strip().lower()] = value.split()
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"])[0].lower() not in NO:
            entries += [(uri, fields.get("suites", []), fields.get("components", [])) for uri in fields.get("uris", [])]
    return entries


def is_security(suite: str) -> bool:
    """Tell whether a suite is one of Debian's for security updates."""
    return (
        suite.endswith(("-security", "/updates")) and suite.removesuffix("-security").removesuffix("/updates") in SUITES
    )


def sources_for(suite: str, directory: str) -> list[str]:
    """Return source lines for a suite; raises AnsibleError when this machine has no Debian source to learn from."""
    entries = [(uri, suites) for uri, suites, components in read_entries(directory) if "main" in components]
    main = [uri for uri, suites in entries if any(name in SUITES for name in suites)]
    # Other archives name their suites after Debian's, too; a mirror of Debian's own is called so nearly everywhere.
    main.sort(key=lambda uri: not uri.rstrip("/").endswith("debian"))
    security = [uri for uri, suites in entries if any(map(is_security, suites))]
    if not main:
        raise AnsibleError(
            f"no Debian source found in {directory}: this machine is not set up to get packages from a Debian archive. "
            "Set node_container_apt_sources to the lines that the nodes shall use."
        )
    lines = [f"deb {main[0]} {suite} main", f"deb {main[0]} {suite}-updates main"]
    return lines + [f"deb {uri} {suite}-security main" for uri in security[:1]]


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[list[str]]:
        """Return one list of lines a suite."""
        return [sources_for(str(term), str(kwargs.get("directory", "/etc/apt"))) for term in terms]
