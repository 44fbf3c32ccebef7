"""Packs run directories into an archive for verify/tests/runs: what judging reads, no secrets, always the same bytes.

PYTHONPATH=verify .venv/bin/python -m samples.pack verify/tests/runs/cold.tar.xz runs/20261121T081042-32523868
"""

import argparse
import io
import json
import lzma
import re
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from hoplab.capture.redact import redact
from hoplab.model.errors import ConfigurationError, HoplabError
from hoplab.parse.forms import FORMS
from hoplab.run.record import JOURNEY, RAW

MOST_BYTES: Final = 2_000_000
"""An archive above this is refused: all recordings of the repository together are to be a few MB."""
SUSPECTS: Final = (
    re.compile(r"gAAAA[A-Za-z0-9_-]{40}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    re.compile(r"\bAQ[A-Za-z0-9+/]{36}=="),
    re.compile(r"(?i)signature[^\w*]{1,12}[0-9a-f]{32}"),
    re.compile(
        r"(?i)(?:passw(?:or)?d|adminpass|passphrase|secret_?key|auth_?token)"
        r"[^\w*/:=]{0,6}[:=][^\w*/]{0,6}(?!none|null|false)[\w+/-]{6}"
    ),
    re.compile(r"://[^\s:/@\"']+:[^\s/@\"'*]+@"),
)
"""What would be a secret, by other rules than `hoplab.capture.redact` has: one that is missing there shows here."""


def pack(archive: Path, runs: Iterable[Path]) -> int:
    """Write an archive with journey.json and the raw files that a parser reads of each run; return its size in bytes.

    Raises ConfigurationError for a directory that is no whole run, and if a secret or too much would be in the archive.
    """
    files: dict[str, bytes] = {}
    for run in sorted(runs, key=lambda run: run.name):
        files |= {f"{run.name}/{name}": data for name, data in _files(run).items()}
    packed = lzma.compress(_tar(files), preset=9 | lzma.PRESET_EXTREME)
    if len(packed) > MOST_BYTES:
        raise ConfigurationError(f"{archive}: {len(packed)} bytes, and {MOST_BYTES} are allowed: record fewer launches")
    archive.write_bytes(packed)
    return len(packed)


def _files(run: Path) -> dict[str, bytes]:
    """Return the contents of a run's files by their path in it, redacted by today's rules, and the journey to fit."""
    try:
        journey = json.loads((run / JOURNEY).read_text(encoding="utf-8"))
        sources = [source for source in journey["sources"] if source["form"] in FORMS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{run / JOURNEY}: is no journey ({error}): name a run's directory") from None
    found = {f"{RAW}/{source['node']}/{source['name']}": _raw(run, source) for source in sources}
    found = {name: data for name, data in found.items() if data}
    found[JOURNEY] = (json.dumps(journey, indent=1, ensure_ascii=False) + "\n").encode()
    for name, data in found.items():
        _refuse_secrets(f"{run}/{name}", data.decode("utf-8", "replace"))
    return found


def _raw(run: Path, source: dict[str, Any]) -> bytes:
    """Return a source's raw text, and set its size to what is packed of it."""
    path = run / RAW / source["node"] / source["name"]
    data = path.read_bytes() if path.is_file() else b""
    if len(data) != source["size"]:
        raise ConfigurationError(f"{path}: {len(data)} bytes, and {source['size']} were written: the run is damaged")
    # The rules may be newer than the recording.
    data = redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    source["size"] = len(data)
    return data


def _refuse_secrets(name: str, text: str) -> None:
    if redact(text) != text:
        raise ConfigurationError(f"{name}: has a secret that could not be taken out: see hoplab/capture/redact.py")
    for pattern in SUSPECTS:
        found = pattern.search(text)
        if found:
            line = text.count("\n", 0, found.start()) + 1
            raise ConfigurationError(
                f"{name}:{line}: looks like a secret by {pattern.pattern!r}: give hoplab.capture.redact a rule"
            )


def _tar(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive that depends on names and contents alone; what several runs share is in it once."""
    stream = io.BytesIO()
    first: dict[bytes, str] = {}
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.mode = 0o644
            if first.setdefault(data, name) == name:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
            else:
                member.type, member.linkname = tarfile.LNKTYPE, first[data]
                tar.addfile(member)
    return stream.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Pack the runs that are named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="samples.pack", description="pack runs for verify/tests/runs")
    parser.add_argument("archive", type=Path, help="where to write it, such as verify/tests/runs/cold.tar.xz")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="a run's directory; several of one recording")
    asked = parser.parse_args(arguments)
    try:
        size = pack(asked.archive, [run.resolve() for run in asked.runs])
    except HoplabError as error:
        print(f"pack: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{asked.archive}: {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
