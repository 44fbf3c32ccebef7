"""Copies of directories with owners and modes, what they take of the disk, and replacing one by another."""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
from collections.abc import Iterable, Iterator


def _entries(top: str) -> Iterator[os.DirEntry[str]]:
    """Yield all that is in a directory and below it, directories before what is in them; links are not followed."""
    with os.scandir(top) as found:
        for entry in sorted(found, key=lambda one: one.name):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path)


def allocated(top: str) -> int:
    """Return how many bytes of the disk a directory takes with all that is in it; 0 if it is not there."""
    if not os.path.isdir(top):
        return 0
    seen: set[tuple[int, int]] = set()
    total = 0
    for entry in _entries(top):
        status = entry.stat(follow_symlinks=False)
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            total += status.st_blocks * 512
    return total


def copy_tree(source: str, target: str, known: Iterable[str] = ()) -> None:
    """Copy a directory with owners, modes and times. What is no file, directory or link is left out.

    known: directories that have been copied before; a file that one of them has, too, is linked to instead of copied.
    """
    known = list(known)
    os.mkdir(target, mode=0o700)
    _take_over(source, target)
    for entry in _entries(source):
        path = os.path.relpath(entry.path, source)
        made = os.path.join(target, path)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), made)
        elif entry.is_dir():
            os.mkdir(made, mode=0o700)
            _take_over(entry.path, made)
        elif entry.is_file():
            same = (os.path.join(other, path) for other in known)
            twin = next((other for other in same if _twins(entry.path, other)), None)
            if twin:
                os.link(twin, made)
            else:
                shutil.copy2(entry.path, made)
                _take_over(entry.path, made)


def remove_tree(top: str) -> None:
    """Remove a directory with all that is in it, if it is there; raises OSError where something stays.

    It may hold secrets, and must not be taken for a finished one: so what can't be removed is an error.
    """
    if os.path.lexists(top):
        shutil.rmtree(top)


def _twins(one: str, other: str) -> bool:
    """Tell whether two files have the same content, owner and mode."""
    if not os.path.isfile(other) or os.path.islink(other):
        return False
    first, second = os.stat(one), os.stat(other)
    owned = (first.st_uid, first.st_gid, stat.S_IMODE(first.st_mode), first.st_size)
    if owned != (second.st_uid, second.st_gid, stat.S_IMODE(second.st_mode), second.st_size):
        return False
    return filecmp.cmp(one, other, shallow=False)


def _take_over(source: str, target: str) -> None:
    """Give a file or a directory owner, mode and times of another."""
    status = os.stat(source)
    os.chown(target, status.st_uid, status.st_gid)
    shutil.copystat(source, target)


def put_in_place(source: str, target: str) -> None:
    """Put a copy of a directory in place of another one, or where none is. Cut off, it can be done again.

    Raises OSError where it fails, and where the old one is not wholly removed; then it has to be done again, too.
    """
    beside, before = f"{target}.new", f"{target}.old"
    for left in (beside, before):
        remove_tree(left)
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    copy_tree(source, beside)
    if os.path.isdir(target):
        os.rename(target, before)
    os.rename(beside, target)
    remove_tree(before)
