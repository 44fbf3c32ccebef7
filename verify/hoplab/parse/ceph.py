"""What OSDs and the object gateway log of operations on RADOS objects, at debug_ms 1.

The forms of the lines are those of src/messages/MOSDOp.h and MOSDOpReply.h (print) and of src/msg/Messenger.h of Ceph
18.2. An OSD does not decode the operations of a request before it logs it, so what was done is read from the answer,
and the pool's number from the request. The daemons' clock for logs is a coarse one: a time is up to 4 ms early.
"""

import errno
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from hoplab.model.events import Event
from hoplab.parse.access import UUID
from hoplab.parse.log_records import Recent

CLIENT: Final = re.compile(r"(?:v[12]:)?(?P<address>(?P<ip>[\d.]+|\[[0-9a-f:]+\]):0/\d+)")
"""A client's address: it listens on no port, so its port is 0, and the nonce after it is the client's own."""

_HEAD = r"^(?P<time>\S+) \S+ +\d+ -- (?P<self>\S+) "
REQUEST: Final = re.compile(
    _HEAD + r"(?:<== \S+ (?P<client>\S+) \d+ ====|--> \S+ --) osd_op\(\S+:(?P<tid>\d+) (?P<pool>\d+)\.[0-9a-f]+ "
    r".*? \S*(?P<way>read|write)\S* e(?P<epoch>\d+)\) v\d+",
    re.ASCII,
)
REPLY: Final = re.compile(
    _HEAD + r"(?:--> (?P<client>\S+) --|<== osd\.\d+ \S+ \d+ ====) osd_op_reply\((?P<tid>\d+) (?P<object>\S+) "
    r"\[(?P<steps>.*)\] v(?P<version>\d+'\d+) uv\d+ \S+ = (?P<result>-?\d+)(?: \(|\) v)",
    re.ASCII,
)
UNCHANGED: Final = "0'0"
READ: Final = re.compile(r"(?:^|,)(?:sparse-)?read [^,]* out=(\d+)b")
WRITTEN: Final = re.compile(r"(?:^|,)(?:write|writefull|append) \d+~(\d+)")

NAMED: Final = (
    ("instance", re.compile(rf"^(?:rbd_id\.)?({UUID})_disk(?:[._]\S*)?$")),
    ("volume", re.compile(rf"^(?:rbd_id\.)?volume-({UUID})(?:\.\S+)?$")),
    ("image", re.compile(rf"^{UUID}\.\d+\.\d+_(?:_(?:multipart|shadow)_)?({UUID})(?:[-.~/]\S*)?$")),
)
"""Where an object's name has an id: an RBD image's id object, its header in the old format, and RGW's objects."""
OF_IMAGE: Final = re.compile(r"^rbd_(?:header|data|object_map)\.([0-9a-f]+)(?:\.[0-9a-f]+)?$")
RBD_ID: Final = "rbd_id."


def seconds(text: str) -> float:
    """Return seconds since 1970 of a time with its offset. Raises ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"without an offset: {text}")
    return moment.timestamp()


class Images:
    """Learns the names of RBD images by their internal ids, as in `rbd_header.<id>`, from the logs of all OSDs.

    It is learnt from clients that looked up one name and then used the objects of one image; an image's objects lie on
    different OSDs. What two clients disagree on is left out.
    """

    def __init__(self) -> None:
        self._clients: Recent[str, tuple[set[str], set[str]]] = Recent()
        self._said: Recent[str, dict[str, str]] = Recent()
        self.names: Recent[str, str] = Recent()

    def note(self, line: str) -> None:
        """Take note of a line, in whatever order they come."""
        if "osd_op_reply(" not in line or " rbd_" not in line:
            return
        found = REPLY.match(line)
        if not found or not found["client"] or found["result"].startswith("-"):
            return
        name, client = found["object"], found["client"]
        called, used = self._clients.get(client) or (set[str](), set[str]())
        before = len(called), len(used)
        if name.startswith(RBD_ID):
            called.add(name.removeprefix(RBD_ID))
        elif inside := OF_IMAGE.match(name):
            used.add(inside[1])
        if (len(called), len(used)) != before:
            self._clients[client] = called, used
            self._judge(client, called, used)

    def _judge(self, client: str, called: set[str], used: set[str]) -> None:
        """Note what a client tells now: nothing once it has used a second name or image."""
        sure = len(called) == 1 and len(used) == 1
        for image in used:
            said = self._said.get(image, {})
            said.pop(client, "")
            if sure:
                said[client] = next(iter(called))
            self._said[image] = said
            if len(set(said.values())) == 1:
                self.names[image] = next(iter(said.values()))
            else:
                self.names.pop(image, "")


def learn_images(lines: Iterable[str]) -> dict[str, str]:
    """Return the names of RBD images by their internal ids. lines: of the logs of all OSDs, in any order."""
    images = Images()
    for line in lines:
        images.note(line)
    return dict(images.names)


def image_ids(name: str, images: Mapping[str, str]) -> dict[str, str]:
    """Return the ids in an object's name, by their kind. images: from `Images`.

    The random prefix of the gateway's tail objects is in no log, so those have none; the head has the image's id.
    """
    inside = OF_IMAGE.match(name)
    if inside:
        name = images.get(inside[1], "")
    return dict(_named(name))


@lru_cache(maxsize=1024)
def _named(name: str) -> tuple[tuple[str, str], ...]:
    found = ((kind, form.match(name)) for kind, form in NAMED)
    return tuple((kind, match[1]) for kind, match in found if match)


def parse_osd(
    lines: Iterable[str],
    *,
    node: str,
    source: str,
    hosts: Mapping[str, str],
    pools: Mapping[str, str],
    images: Mapping[str, str],
    who: str = "ceph-osd",
) -> Iterator[Event]:
    """Yield what an OSD did for clients: `object.read`, `object.written` and `watch.held`.

    hosts: names of nodes by their IP; pools: names by number; images: from `Images`. Only objects that belong to
    an instance, a volume or an image are events, and watches on RBD headers. Fields, where known: `object`, `pool`,
    `host` of the client, `status` (`ok`, or the name of the error such as `ENOENT`), `bytes` that were read or written,
    and the `epoch` of the client's OSD map.
    """
    return _parse(lines, _Log(node, source, who, hosts, pools, images))


def parse_rgw_log(
    lines: Iterable[str],
    *,
    node: str,
    source: str,
    hosts: Mapping[str, str],
    pools: Mapping[str, str],
    who: str = "ceph-rgw",
) -> Iterator[Event]:
    """Yield what the object gateway read and wrote in RADOS for an image, from its own log. See `parse_osd`.

    Here the client is the gateway itself, and the time that of the answer.
    """
    return _parse(lines, _Log(node, source, who, hosts, pools, {}))


@dataclass(frozen=True, slots=True)
class _Log:
    """Where lines are from, and the names that they do not tell."""

    node: str
    source: str
    who: str
    hosts: Mapping[str, str]
    pools: Mapping[str, str]
    images: Mapping[str, str]


def _parse(lines: Iterable[str], log: _Log) -> Iterator[Event]:
    asked: Recent[tuple[str, str], tuple[str, str, str]] = Recent()
    for line in lines:
        if " osd_op" not in line:
            continue
        if " osd_op(" in line:
            if found := REQUEST.match(line):
                asked[found["client"] or found["self"], found["tid"]] = found["pool"], found["way"], found["epoch"]
            continue
        found = REPLY.match(line)
        if not found:
            continue
        client = found["client"] or found["self"]
        pool, way, epoch = asked.pop((client, found["tid"]), ("", "", ""))
        address = _address(client)
        kind = _kind(found["steps"], way, found["version"], found["result"])
        ids = image_ids(found["object"], log.images)
        if address is None or not kind or not (ids or OF_IMAGE.match(found["object"])):
            continue
        try:
            time = seconds(found["time"])
        except ValueError:
            continue
        fields = {
            "object": found["object"],
            "pool": log.pools.get(pool, ""),
            "host": log.hosts.get(address["ip"].strip("[]"), ""),
            "status": _status(int(found["result"])),
            "bytes": _bytes(kind, found["steps"]),
            "epoch": epoch,
        }
        yield Event(
            time=time,
            node=log.node,
            source=log.source,
            who=log.who,
            kind=kind,
            fields={name: value for name, value in fields.items() if value},
            ids={name: frozenset({value}) for name, value in (ids | {"ceph-client": address["address"]}).items()},
            line=line.rstrip("\n"),
        )


@lru_cache(maxsize=1024)
def _address(client: str) -> re.Match[str] | None:
    return CLIENT.fullmatch(client)


def _kind(steps: str, way: str, version: str, result: str) -> str:
    """Return what the operation was; empty for what is neither a read nor a write of the object's content."""
    if steps.startswith("watch watch "):
        return "watch.held" if result == "0" else ""
    if steps.startswith(("watch ", "notify")):
        return ""
    # Calls of an object's class may be either. A changed object has a new version, and the request says its intent.
    return "object.written" if version != UNCHANGED or way == "write" else "object.read"


def _status(result: int) -> str:
    return "ok" if result >= 0 else errno.errorcode.get(-result, str(result))


def _bytes(kind: str, steps: str) -> str:
    sizes = (READ if kind == "object.read" else WRITTEN).findall(steps)
    return str(sum(map(int, sizes))) if sizes else ""
