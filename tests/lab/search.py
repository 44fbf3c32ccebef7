"""Looks for secrets in all logs and the journal of the node on which it runs.

Reads `{NAME: TEXT}` from standard input; prints `[[FILE, NAME, HOW OFTEN], ...]`. A Fernet token counts as a secret
though nobody names it.
"""

import collections
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

TOKEN = re.compile(rb"gAAAA[A-Za-z0-9_-]{60,}")


def texts() -> collections.abc.Iterator[tuple[str, bytes]]:
    """Yield each log file and the journal, by name."""
    for path in Path("/var/log").rglob("*"):
        if path.is_file() and "journal" not in path.parts:
            data = path.read_bytes()
            yield str(path), gzip.decompress(data) if path.suffix == ".gz" else data
    argv = ["journalctl", "--all", "--no-pager", "--output=export"]
    yield "the journal", subprocess.run(argv, capture_output=True, check=True).stdout


def main() -> None:
    """Look, and tell what was found."""
    names = {text.encode(): name for name, text in json.load(sys.stdin).items()}
    secret = re.compile(b"|".join(re.escape(text) for text in names))
    found = collections.Counter(
        (path, name)
        for path, data in texts()
        for name in [names[match[0]] for match in secret.finditer(data)] + ["a token" for _ in TOKEN.finditer(data)]
    )
    print(json.dumps([[*where, often] for where, often in found.items()]))


if __name__ == "__main__":
    main()
