"""Files and directories that something else is mounted over.

What is underneath stays as it was, with its times: whoever restarts a service that began before its newest setting
(the module `units`) sees no change once the fault is out, and after a restart of the node nothing is left.
"""

from hoplab.drill.means.place import MARK, Place


def cover_file(place: Place, file: str, change: str) -> None:
    """Mount a copy of a file over it, changed by an expression of sed, with the same owner and mode."""
    copy = f"/run/{MARK}{file}"
    # The directory is root's alone; who may read the file reads it where it is mounted.
    place.ask("install", "--directory", "--mode=0700", f"/run/{MARK}", copy.rpartition("/")[0])
    place.ask("cp", "--archive", file, copy)
    place.ask("sed", "--in-place", change, copy)
    place.ask("mount", "--bind", copy, file)


def cover_directory(place: Place, directory: str, size: str) -> None:
    """Mount an empty file system of a size over a directory, with the same owner and mode."""
    owner = place.ask("stat", "--format=uid=%u,gid=%g,mode=0%a", directory).strip()
    place.ask("mount", "-t", "tmpfs", "-o", f"size={size},{owner}", MARK, directory)


def uncover(place: Place, path: str) -> None:
    """Unmount what a drill mounted over a path, and nothing of anybody else's."""
    mounted = place.ask("findmnt", "--noheadings", "--raw", "--output", "TARGET,SOURCE").splitlines()
    if any(target == path and MARK in source for target, _, source in (line.partition(" ") for line in mounted)):
        place.ask("umount", "--lazy", path)
    place.ask("rm", "--force", "--recursive", f"/run/{MARK}")
