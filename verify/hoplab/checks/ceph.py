"""What Ceph itself says: the image's object in RGW, and who has the volume open."""

import ipaddress
import json
from dataclasses import dataclass
from typing import Any

from hoplab.checks.findings import Finding, fails, holds, unknown
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import NodeConnections
from hoplab.launch.instance import LaunchedInstance
from hoplab.model.errors import SourceError

BUCKET = "glance"
"""Glance's container; an image's object is named by the image's id."""
VOLUME_POOL = "volumes"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in a bucket's index. size: bytes; etag: MD5 of the content, in hex."""

    name: str
    size: int
    etag: str


def bucket_argv(bucket: str = BUCKET) -> list[str]:
    """Return the command that lists a bucket's index as JSON."""
    return ["radosgw-admin", "bucket", "list", f"--bucket={bucket}", "--max-entries=100000"]


def parse_bucket(text: str) -> tuple[StoredObject, ...]:
    """Return the objects in the output of bucket_argv; ValueError if it is something else."""
    document: Any = json.loads(text)
    try:
        return tuple(
            StoredObject(str(entry["name"]), int(entry["meta"]["size"]), str(entry["meta"].get("etag", "")))
            for entry in document
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of objects: {error}") from None


def judge_object(objects: tuple[StoredObject, ...], journey: LaunchedInstance, command: str) -> Finding:
    """Judge whether the image's bytes are in the bucket: one object of its id, or its segments ID-00001, ID-00002..."""
    expected = f"object {journey.image_id} of {journey.image_size} bytes in bucket {BUCKET}"
    whole = [item for item in objects if item.name == journey.image_id]
    segments = [item for item in objects if item.name.startswith(f"{journey.image_id}-")]
    size = sum(item.size for item in (*whole, *segments))
    evidence = f"radosgw-admin bucket list --bucket={BUCKET}: {len(objects)} objects"
    if not whole:
        return fails("image in RGW", expected, "no such object", evidence, command)
    etag = whole[0].etag
    parts = f" and {len(segments)} segments" if segments else ""
    actual = f"object {journey.image_id}{parts}, {size} bytes, MD5 {etag or 'not told'}"
    if size != journey.image_size or (not segments and etag and etag != journey.image_checksum):
        return fails("image in RGW", f"{expected}, MD5 {journey.image_checksum}", actual, evidence, command)
    return holds("image in RGW", expected, actual, evidence)


def check_object(nodes: NodeConnections, deployment: Deployment, journey: LaunchedInstance) -> Finding:
    """Read the bucket's index on the RGW node and judge it."""
    node = deployment.first_in_group("ceph_rgw")
    argv = bucket_argv()
    command = nodes.shown(node, argv)
    expected = f"object {journey.image_id} in bucket {BUCKET}"
    try:
        objects = parse_bucket(nodes.read(node, argv, timeout=60))
    except (SourceError, ValueError) as error:
        return unknown("image in RGW", expected, str(error), f"{node.name}: radosgw-admin bucket list", command)
    return judge_object(objects, journey, command)


def status_argv(volume_id: str) -> list[str]:
    """Return the command that tells who watches a volume's image, as JSON."""
    return ["rbd", "status", f"{VOLUME_POOL}/volume-{volume_id}", "--format", "json"]


def parse_watchers(text: str) -> tuple[str, ...]:
    """Return the watchers' addresses as Ceph writes them ("172.29.20.21:0/123"); ValueError if it is something else."""
    document: Any = json.loads(text)
    try:
        found = document["watchers"]
        # Older releases give an object of watcher1, watcher2, ...
        entries = found.values() if isinstance(found, dict) else found
        return tuple(str(entry["address"]) for entry in entries)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no watchers in it: {error}") from None


def watcher_ip(address: str) -> str:
    """Return the IP address in a watcher's address; empty if it has none."""
    text = address.partition("/")[0].rpartition(":")[0].removeprefix("v1:").removeprefix("v2:").strip("[]")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def judge_watchers(watchers: tuple[str, ...], address: str, journey: LaunchedInstance, command: str) -> Finding:
    """Judge whether the instance's compute node has the volume open. address: that node's management address."""
    expected = f"volume {journey.volume_id} is watched by {journey.host} ({address})"
    evidence = f"rbd status {VOLUME_POOL}/volume-{journey.volume_id}: watchers {', '.join(watchers) or 'none'}"
    ours = [watcher for watcher in watchers if watcher_ip(watcher) == address]
    if ours:
        return holds("volume's RBD watcher", expected, f"{ours[0]} on {journey.host}", evidence)
    actual = f"watched by {', '.join(watchers)}" if watchers else "no watcher"
    return fails("volume's RBD watcher", expected, actual, evidence, command)


def check_watcher(nodes: NodeConnections, deployment: Deployment, journey: LaunchedInstance) -> Finding:
    """Ask Ceph who has the volume open and judge it."""
    node = deployment.first_in_group("ceph_mon")
    compute = deployment.find_node(journey.host)
    argv = status_argv(journey.volume_id)
    command = nodes.shown(node, argv)
    expected = f"volume {journey.volume_id} is watched by {journey.host}"
    if compute is None:
        names = ", ".join(known.name for known in deployment.nodes)
        return unknown("volume's RBD watcher", expected, f"host {journey.host} is none of {names}", "lab.json", command)
    try:
        watchers = parse_watchers(nodes.read(node, argv))
    except (SourceError, ValueError) as error:
        return unknown("volume's RBD watcher", expected, str(error), f"{node.name}: rbd status", command)
    return judge_watchers(watchers, compute.address, journey, command)
