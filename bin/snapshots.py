"""The list of snapshots: see bin/snapshots."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
# The collection, as a plain package: nothing of Ansible is needed to list.
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import Lab, LabError  # noqa: E402 see above
from ansible_collections.hoplab.lab.plugins.module_utils.lab_snapshots import SNAPSHOTS, Snapshots  # noqa: E402 see above

MIB = 1024**2


def listed() -> Table | None:
    """Return the table of all snapshots, None if there is none; a damaged one is in it, with what is wrong."""
    table = Table("LAB", "NAME", "MADE (UTC)", "SIZE", "FROM", box=None, pad_edge=False)
    for lab in sorted(path.name for path in Path(SNAPSHOTS).glob("*")):
        snapshots = Snapshots(Lab(lab))
        for name in snapshots.names():
            try:
                found = snapshots.manifest(name)
            except LabError as error:
                table.add_row(lab, name, "", "", str(error))
                continue
            made = found["made"].replace("T", " ").removesuffix("Z")
            nodes = ", ".join(found["nodes"])
            layers = ", ".join(Path(layer).name for layer in found["layers"])
            size = f"{found['bytes'] / MIB:.0f} MiB"
            table.add_row(lab, name, made, size, f"Hoplab {found['version']}; {nodes}; {layers}")
    return table if table.row_count else None


def main() -> None:
    """Print the list."""
    table = listed()
    if table is None:
        sys.stdout.write("no snapshot is kept: make one with `make snapshot NAME=before-lesson`\n")
    else:
        Console(highlight=False, markup=False, soft_wrap=True).print(table)


if __name__ == "__main__":
    main()
