"""The guest image in Glance: there once, and the same bytes as the local file."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from openstack import exceptions
from openstack.connection import Connection
from openstack.image.v2.image import Image

from hoplab.lab.connection import image_api
from hoplab.model.errors import ConfigurationError, LaunchError

PROPERTIES = {
    "hw_disk_bus": "virtio",
    "hw_vif_model": "virtio",
    "hw_rng_model": "virtio",
    "os_type": "linux",
    "os_distro": "debian",
    "os_admin_user": "root",
}


def file_digest(path: Path, algorithm: str) -> str:
    """Return a file's digest in hex; ConfigurationError if it can't be read, ValueError for an unknown algorithm."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"guest_image {path}: cannot be read ({error.strerror}): run `make lab`") from None


def same_bytes(image: Image, path: Path) -> bool:
    """Tell whether an image in Glance has the content of a local file, by size and by the digest that Glance made."""
    if image.status != "active" or image.size != path.stat().st_size:
        return False
    if image.hash_algo and image.hash_value:
        return file_digest(path, str(image.hash_algo)) == str(image.hash_value)
    return file_digest(path, "md5") == str(image.checksum)


def ensure_image(cloud: Connection, name: str, path: Path, say: Callable[[str], None]) -> tuple[Image, list[Image]]:
    """Return the public image of this name with the file's content, uploaded if missing, and the outdated ones.

    Outdated are all others of the name: another content, or an upload that never ended. The caller retires them
    once nothing boots from them any more.
    Raises LaunchError if the upload ends in any other state than active.
    """
    found = list(image_api(cloud).images(name=name))
    current = next((image for image in found if same_bytes(image, path)), None)
    if current is None:
        say(f"uploading image {name} ({path.stat().st_size / 1e6:.1f} MB)")
        created = image_api(cloud).create_image(
            name,
            filename=str(path),
            disk_format="raw",
            container_format="bare",
            visibility="public",
            allow_duplicates=True,
            disable_vendor_agent=False,
            properties=dict(PROPERTIES),
        )
        current = image_api(cloud).get_image(created.id)
        if not same_bytes(current, path):
            raise LaunchError(
                f"image {name}: {current.id} is {current.status} with {current.size} bytes and checksum "
                f"{current.checksum}, which is not what was uploaded ({path})",
                services=("glance-api", "ceph-radosgw"),
            )
    return current, [image for image in found if image.id != current.id]


def find_same(cloud: Connection, path: Path) -> Image | None:
    """Return any image in Glance that has the file's content, None if there is none."""
    return next((image for image in image_api(cloud).images(status="active") if same_bytes(image, path)), None)


def retire_image(cloud: Connection, image: Image) -> None:
    """Delete an image; where it is still in use, hide it from lists instead."""
    try:
        image_api(cloud).delete_image(image.id, ignore_missing=True)
    except exceptions.ConflictException:
        image_api(cloud).update_image(image.id, is_hidden=True)
