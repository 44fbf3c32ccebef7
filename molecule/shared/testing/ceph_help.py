"""Asking a Ceph cluster from one of its nodes: as which entity, with which key, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scenario import Node, Scenario

REFUSED = "EACCES"
OSDS = 2  # of a storage node
# A key of cephx's form that no entity has.
WRONG_KEY = "AQBoZWxsAAAAABAAKip0aGlzIGlzIHdyb25nKg=="

# One connection for all commands, as an entity with a key, or with the keyring that the node has for it.
COMMANDS = """
import errno, rados
name = lambda error: errno.errorcode.get(abs(error), str(error))
settings = {"client_mount_timeout": "20", "rados_mon_op_timeout": "20", "log_to_stderr": "false", "log_file": ""}
if given["key"]:
    settings.update(key=given["key"], keyring="/dev/null")
if given["monitors"]:
    settings.update(mon_host=given["monitors"])
cluster = rados.Rados(name=given["entity"], conffile="/etc/ceph/ceph.conf", conf=settings)
def read(text):
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()

try:
    cluster.connect()
    answer = []
except rados.Error as error:
    answer = name(error.errno)
for command in given["commands"] if answer == [] else []:
    send = cluster.mgr_command if command.pop("to_manager", False) else cluster.mon_command
    number = command.pop("to_osd", None)
    if number is not None:
        send = lambda *words, timeout: cluster.osd_command(number, *words, timeout)
    status, said, words = send(json.dumps({"format": "json", **command}), b"", timeout=20)
    answer.append(name(status) if status else read(said.decode()))
cluster.shutdown()
"""

IMAGES = """
import errno, rados, rbd
answer = []
with rados.Rados(rados_id=given["client"], conffile="/etc/ceph/ceph.conf") as cluster:
    with cluster.open_ioctx(given["pool"]) as pool:
        act = {
            "create": lambda image, size: rbd.RBD().create(pool, image, size),
            "remove": lambda image: rbd.RBD().remove(pool, image),
            "list": lambda: sorted(rbd.RBD().list(pool)),
            "size": lambda image: rbd.Image(pool, image, read_only=True).size(),
            "read": lambda image, at, size: rbd.Image(pool, image, read_only=True).read(at, size).decode(),
            "write": lambda image, at, text: rbd.Image(pool, image).write(text.encode(), at),
        }
        for action, *words in given["actions"]:
            try:
                answer.append(act[action](*words))
            except (rados.Error, rbd.Error) as error:
                answer.append(errno.errorcode.get(abs(error.errno or 0), repr(error)))
"""


@dataclass(frozen=True)
class Cluster:
    """A cluster, asked through librados on a node."""

    node: Node

    def ask(self, prefix: str, **arguments: Any) -> Any:
        """Return client.admin's answer to a command of the monitors.

        to_manager=True sends it to the manager daemon, to_osd to the OSD with that number.
        """
        answer = self.commands("client.admin", "", {"prefix": prefix, **arguments})
        assert isinstance(answer, list), f"the monitors refuse client.admin: {answer}"
        return answer[0]

    def commands(self, entity: str, key: str, *commands: dict[str, Any], monitors: str = "") -> Any:
        """Return the answer to each command, or the name of its error; the error's name alone if nobody lets it in."""
        return self.node.python(COMMANDS, entity=entity, key=key, commands=commands, monitors=monitors)

    def clean(self) -> bool:
        """Tell whether all OSDs of the storage node are up, and all placement groups active and clean.

        The OSDs are asked first: after a reboot the monitors call those up that were so before it.
        """
        own = [self.ask("status", to_osd=number) for number in range(OSDS)]
        if any(not isinstance(one, dict) or one["state"] != "active" for one in own):
            return False
        told = self.ask("status")
        states = {state["state_name"] for state in told["pgmap"]["pgs_by_state"]}
        return bool(told["osdmap"]["num_up_osds"] == OSDS and states == {"active+clean"})


def images(node: Node, client: str, pool: str, *actions: tuple[Any, ...]) -> list[Any]:
    """Do things with RBD images through librbd, with the keyring that the node has for a client.

    Actions are ("create", image, size), ("write", image, at, text), ("read", image, at, size), ("size", image),
    ("remove", image) and ("list",). Each comes to its result, or to the name of its error.
    """
    answer: list[Any] = node.python(IMAGES, client=client, pool=pool, actions=actions)
    return answer


def key_of(scenario: Scenario, entity: str) -> str:
    """Return the key that an entity has in this scenario's lab."""
    return scenario.secret(f"ceph_key_{entity}")
