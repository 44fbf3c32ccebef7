"""Keys of Ceph that open nothing or too little, full pools and disks, owners and secrets that are refused or gone."""

import json
import time
from collections.abc import Mapping
from typing import Final

from hoplab.drill.means.cover import cover_directory, cover_file, uncover
from hoplab.drill.means.place import MARK, Kept, MeansKind, Place
from hoplab.model.errors import SourceError

HIDDEN: Final = f"/root/{MARK}"
"""Where a node keeps what was taken away from libvirt, for root alone."""
POLLS: Final = 40
"""How often Ceph is asked whether a pool is full, once a second."""


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


def _caps(place: Place) -> Kept:
    """Keep what a client may do, and not its key."""
    said = place.ask("ceph", "auth", "get", place.options["client"], "--format=json")
    return {"caps": json.dumps(json.loads(said)[0]["caps"])}


def _limit_caps(place: Place) -> None:
    """Let a client do less at the OSDs; who is connected keeps what it has until it connects again."""
    _set_caps(place, {**json.loads(_caps(place)["caps"]), "osd": place.options["osd"]})


def _give_caps(place: Place, kept: Kept) -> None:
    _set_caps(place, json.loads(kept["caps"]))


def _set_caps(place: Place, caps: Mapping[str, str]) -> None:
    place.ask("ceph", "auth", "caps", place.options["client"], *(word for pair in caps.items() for word in pair))


def _pool_quota(place: Place) -> Kept:
    said = place.ask("ceph", "osd", "pool", "get-quota", place.options["pool"], "--format=json")
    return {"bytes": str(json.loads(said)["quota_max_bytes"])}


def _fill_pool(place: Place) -> None:
    """Have a pool take no more than it has; Ceph notes that it is full with its next statistics."""
    place.ask("ceph", "osd", "pool", "set-quota", place.options["pool"], "max_bytes", "1")
    for _ in range(POLLS):
        pools = json.loads(place.ask("ceph", "osd", "pool", "ls", "detail", "--format=json"))
        if any(pool["pool_name"] == place.options["pool"] and "full" in pool["flags_names"] for pool in pools):
            return
        time.sleep(1)
    raise SourceError(f"{place.node.name}: Ceph does not take pool {place.options['pool']} for full: is it empty?")


def _empty_pool(place: Place, kept: Kept) -> None:
    place.ask("ceph", "osd", "pool", "set-quota", place.options["pool"], "max_bytes", kept["bytes"])


def _forbid(place: Place) -> None:
    """Let nobody but root into a file or a directory."""
    path = place.options["path"]
    if place.holds("test", "-d", path):
        cover_directory(place, path, "1M")
    else:
        cover_file(place, path, "")
    place.ask("chown", "root:root", path)
    place.ask("chmod", "0700", path)


def _allow(place: Place, _kept: Kept) -> None:
    uncover(place, place.options["path"])


WRONG_KEY: Final = MeansKind(_wrong_key, _right_key, options=frozenset({"client"}))
SUSPEND_OWNER: Final = MeansKind(_suspend, _enable, _owner, frozenset({"bucket"}))
UNDEFINE_SECRET: Final = MeansKind(_undefine_secret, _define_secret, _secret, frozenset({"client"}))
FILL: Final = MeansKind(_fill, _empty, options=frozenset({"directory", "size"}))
LIMIT_CAPS: Final = MeansKind(_limit_caps, _give_caps, _caps, frozenset({"client", "osd"}))
FILL_POOL: Final = MeansKind(_fill_pool, _empty_pool, _pool_quota, frozenset({"pool"}))
FORBID: Final = MeansKind(_forbid, _allow, options=frozenset({"path"}))
