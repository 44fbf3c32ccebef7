#!/usr/bin/python3
"""Read what partitions a raw disk image has, and which files are in them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: disk_contents
short_description: Partitions of a raw disk image and the files in them
description:
  - Reads an image with a DOS partition table (MBR), and in its partitions FAT (with C(mdir) of mtools) and squashfs
    (with C(unsquashfs) of squashfs-tools). Needs neither root nor a loop device, and changes nothing.
options:
  path:
    description: The image.
    type: path
    required: true
author: Hoplab
"""

EXAMPLES = r"""
- name: Read what is in the image
  hoplab.lab.disk_contents:
    path: /var/lib/hoplab/guest.raw
  register: image
"""

RETURN = r"""
exists:
  description: Whether there is an image. Without one there is nothing else.
  type: bool
  returned: always
size:
  description: Bytes of the image.
  type: int
  returned: when it exists
partitions:
  description: >-
    Each partition with C(number), C(start) and C(size) in sectors of 512 bytes, C(bootable), C(type) as in the table
    and C(format) (fat, squashfs or null).
  type: list
  returned: when it exists
files:
  description: The files of each partition, in the same order, as absolute paths. Of FAT only the top directory.
  type: list
  returned: when it exists
"""

import os
import struct
from typing import Any

from ansible.module_utils.basic import AnsibleModule

SECTOR = 512
TABLE = 446
ACTIVE = 0x80
ENTRY = struct.Struct("<B3xB3xII")


def partition_table(sector: bytes) -> list[dict[str, Any]]:
    """Return the partitions that the first sector of a disk tells of."""
    if len(sector) < SECTOR or sector[510:512] != b"\x55\xaa":
        raise ValueError("it has no partition table")
    found = []
    for number in range(4):
        status, kind, start, size = ENTRY.unpack_from(sector, TABLE + number * ENTRY.size)
        if kind:
            place = {"number": number + 1, "start": start, "size": size}
            found.append(place | {"bootable": status == ACTIVE, "type": kind})
    return found


def format_of(sector: bytes) -> str | None:
    """Return which file system begins with this sector; None for any other than FAT and squashfs."""
    if sector[:4] == b"hsqs":
        return "squashfs"
    is_fat = sector[54:57] == b"FAT" or sector[82:87] == b"FAT32"
    return "fat" if is_fat and sector[510:512] == b"\x55\xaa" else None


def list_files(module: AnsibleModule, path: str, partition: dict[str, Any]) -> list[str]:
    """Return the files of a partition, with absolute paths."""
    offset = str(partition["start"] * SECTOR)
    if partition["format"] == "squashfs":
        # An empty destination: paths are printed as they are in the file system.
        out = run(module, ["unsquashfs", "-dest", "", "-offset", offset, "-ls", path])
        return [line for line in out.splitlines() if line.startswith("/")]
    if partition["format"] == "fat":
        out = run(module, ["mdir", "-b", "-i", f"{path}@@{offset}", "::/"])
        return [line.removeprefix("::") for line in out.splitlines()]
    return []


def run(module: AnsibleModule, argv: list[str]) -> str:
    """Run a reading command and return what it said."""
    # mtools refuses geometries that nobody has used for thirty years.
    code, out, error = module.run_command(argv, environ_update={"MTOOLS_SKIP_CHECK": "1"})
    if code != 0:
        module.fail_json(msg=f"{' '.join(argv)} ended with {code}: {(error or out).strip()}", cmd=argv)
    return out


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)
    path = module.params["path"]
    if not os.path.exists(path):
        module.exit_json(changed=False, exists=False)
    try:
        with open(path, "rb") as stream:
            partitions = partition_table(stream.read(SECTOR))
            for partition in partitions:
                stream.seek(partition["start"] * SECTOR)
                partition["format"] = format_of(stream.read(SECTOR))
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"path: can't read {path} as a disk image: {error}")
    files = [list_files(module, path, partition) for partition in partitions]
    module.exit_json(changed=False, exists=True, size=os.path.getsize(path), partitions=partitions, files=files)


if __name__ == "__main__":
    main()
