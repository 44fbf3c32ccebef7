"""Keys that open nothing in Ceph, owners whom the object gateway refuses, secrets that libvirt has not, full disks."""

import json
from typing import Final

from hoplab.drill.means.cover import cover_directory, cover_file, uncover
from hoplab.drill.means.place import MARK, Kept, Kind, Place
from hoplab.errors import SourceError

HIDDEN: Final = f"/root/{MARK}"
"""Where a node keeps what was taken away from libvirt, for root alone."""


def _keyring(place: Place) -> str:
    return f"/etc/ceph/ceph.{place.options['client']}.keyring"


def _wrong_key(place: Place) -> None:
    key = place.ask("ceph-authtool", "--gen-print-key").strip()
    cover_file(place, _keyring(place), f"s|key = .*|key = {key}|")


def _right_key(place: Place, _kept: Kept) -> None:
    uncover(place, _keyring(place))


def _owner(place: Place) -> Kept:
    stats = place.ask("radosgw-admin", "bucket", "stats", f"--bucket={place.options['bucket']}")
    return {"owner": str(json.loads(stats)["owner"])}


def _suspend(place: Place) -> None:
    place.ask("radosgw-admin", "user", "suspend", f"--uid={_owner(place)['owner']}")


def _enable(place: Place, kept: Kept) -> None:
    place.ask("radosgw-admin", "user", "enable", f"--uid={kept['owner']}")


def _secret(place: Place) -> Kept:
    """Keep which secret belongs to a client of Ceph; what it is stays on the node."""
    for line in place.ask("virsh", "--quiet", "secret-list").splitlines():
        uuid, *usage = line.split()
        if place.options["client"] in usage:
            return {"uuid": uuid}
    raise SourceError(f"{place.node.name}: libvirt has no secret of {place.options['client']}")


def _undefine_secret(place: Place) -> None:
    uuid = _secret(place)["uuid"]
    place.ask("mkdir", "--parents", "--mode=0700", HIDDEN)
    for end in ("xml", "base64"):
        place.ask("cp", "--archive", f"/etc/libvirt/secrets/{uuid}.{end}", HIDDEN)
    place.ask("virsh", "--quiet", "secret-undefine", uuid)


def _define_secret(place: Place, kept: Kept) -> None:
    form, value = (f"{HIDDEN}/{kept['uuid']}.{end}" for end in ("xml", "base64"))
    if place.holds("test", "-e", value):
        place.ask("virsh", "--quiet", "secret-define", form)
        place.ask("virsh", "--quiet", "secret-set-value", kept["uuid"], "--file", value)
        place.ask("rm", "--force", value, form)


def _fill(place: Place) -> None:
    """Give a directory a file system of its own, in which nothing has room."""
    cover_directory(place, place.options["directory"], place.options["size"])


def _empty(place: Place, _kept: Kept) -> None:
    uncover(place, place.options["directory"])


WRONG_KEY: Final = Kind(_wrong_key, _right_key, options=frozenset({"client"}))
SUSPEND_OWNER: Final = Kind(_suspend, _enable, _owner, frozenset({"bucket"}))
UNDEFINE_SECRET: Final = Kind(_undefine_secret, _define_secret, _secret, frozenset({"client"}))
FILL: Final = Kind(_fill, _empty, options=frozenset({"directory", "size"}))
