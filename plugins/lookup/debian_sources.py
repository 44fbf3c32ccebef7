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
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

SUITES = ("bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable", "oldstable")


def read_entries(directory: str) -> list[tuple[str, list[str]]]:
    """Return (URI, suites) of every binary source in both of apt's formats."""
    entries: list[tuple[str, list[str]]] = []
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
                words = [
                    word for word in line.split("#")[0].split() if not word.startswith("[") and not word.endswith("]")
                ]
                match words:
                    case ["deb", uri, suite, *_]:
                        entries.append((uri, [suite]))
    return entries


def deb822_entries(text: str) -> list[tuple[str, list[str]]]:
    """Return (URI, suites) of every stanza of a .sources file."""
    entries = []
    for stanza in text.split("\n\n"):
        fields = {}
        for line in stanza.splitlines():
            if ":" in line and not line.startswith(("#", " ")):
                key, value = line.split(":", 1)
                fields[key.strip().lower()] = value.split()
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"])[0] != "no":
            entries += [(uri, fields.get("suites", [])) for uri in fields.get("uris", [])]
    return entries


def sources_for(suite: str, directory: str) -> list[str]:
    """Return source lines for a suite; raises AnsibleError when this machine has no Debian source to learn from."""
    main = security = ""
    for uri, suites in read_entries(directory):
        for name in suites:
            if name in SUITES and not main:
                main = uri
            if (
                name.split("-security")[0].split("/")[0] in SUITES
                and name.endswith(("-security", "/updates"))
                and not security
            ):
                security = uri
    if not main:
        raise AnsibleError(
            f"no Debian source found in {directory}: this machine is not set up to get packages from a Debian archive. "
            "Set node_container_apt_sources to the lines that the nodes shall use."
        )
    lines = [f"deb {main} {suite} main", f"deb {main} {suite}-updates main"]
    return lines + ([f"deb {security} {suite}-security main"] if security else [])


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[list[str]]:
        """Return one list of lines a suite."""
        return [sources_for(str(term), str(kwargs.get("directory", "/etc/apt"))) for term in terms]
