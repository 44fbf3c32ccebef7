"""Packets that are lost: all between two programs, some of them, or those that carry a certain text."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from hoplab.drill.means.place import MARK, Kept, MeansKind, Place
from hoplab.model.errors import SourceError

CLIENT: Final = "client"
CHAINS: Final = {"out": ("OUTPUT", "--destination"), "in": ("INPUT", "--source")}
"""By way, seen from the service at which it is done: the chain, and the option for the other's address."""
OFCTL: Final = ("ovs-ofctl", "--protocols=OpenFlow13")
COOKIE: Final = "0xd211"
"""By which our flow is known."""
HANDLE: Final = "d211:"
"""Of our queue on a link."""


def _lose(place: Place) -> None:
    for rule in _rules(place):
        for texts in _texts(place):
            said = [word for text in texts for word in ("--match", "string", "--algo", "bm", "--string", text)]
            place.ask("iptables", "--wait", "--insert", *rule, *said, *_now_and_then(place), *_drop())


def _texts(place: Place) -> list[list[str]]:
    """Return what a packet has to hold: for each launch the text, and its own id if that has to be there, too.

    {node} in the text is the node's name. A fault that is for all launches leaves the id out.
    """
    holds = [place.options["holds"].replace("{node}", place.node.name)] if "holds" in place.options else []
    own = [launch[place.options["own"]] for launch in place.launches if "own" in place.options]
    return [[*holds, one] for one in own] or [holds]


def _now_and_then(place: Place) -> list[str]:
    share = place.options.get("share")
    return ["--match", "statistic", "--mode", "random", "--probability", share] if share else []


def _drop() -> list[str]:
    return ["--match", "comment", "--comment", MARK, "--jump", "DROP"]


def _rules(place: Place) -> Iterator[list[str]]:
    """Yield which packets are meant: the service's own with another one's port, or the client's with its port."""
    chain, address = CHAINS[place.options["way"]]
    peer = place.options["peer"]
    if peer == CLIENT:
        # Its port is our own: what comes in is to that port, what goes out is from it.
        port = "--destination-port" if place.options["way"] == "in" else "--source-port"
        yield [chain, address, _client(place), "--protocol", "tcp", port, str(place.service.port)]
        return
    group = place.ask("systemctl", "show", "--value", "--property=ControlGroup", "--", place.service.unit).strip()
    port = "--destination-port" if place.options["way"] == "out" else "--source-port"
    for node, service in place.deployment.running(peer):
        for number in place.options.get("ports", str(service.port)).split(","):
            rule = [chain, address, node.address, "--protocol", "tcp", port, number]
            if place.options["way"] == "out" or node != place.node:
                yield [*rule, "--match", "cgroup", "--path", group.lstrip("/")]
            else:
                yield from ([*rule, "--destination-port", own] for own in _connections(place, number, group))


def _connections(place: Place, port: str, group: str) -> list[str]:
    """Return from which ports a service is connected to another one on its own node.

    Whose socket it is for is not known of what comes over the loopback (net/ipv4/ip_input.c: no early demux).
    """
    said = place.ask("ss", "-tnH", "state", "established", f"dport = :{port} and cgroup = {group}")
    found = [line.split()[2].rpartition(":")[2] for line in said.splitlines()]
    if not found:
        raise SourceError(f"{place.node.name}: {place.service.name} has no connection to port {port}")
    return found


def _client(place: Place) -> str:
    """Return our own address as the node sees it."""
    said = place.ask("printenv", "SSH_CONNECTION").split()
    if not said:
        raise SourceError(f"{place.node.name}: SSH does not say from where we come")
    return said[0]


def _slow_link(place: Place) -> None:
    """Let only so much through the link by which the node reaches another service's node; what comes in is not held."""
    place.ask("tc", "qdisc", "add", "dev", _link(place)["link"], "root", *_bucket(place))


def _bucket(place: Place) -> list[str]:
    return ["handle", HANDLE, "tbf", "rate", place.options["rate"], "burst", "32kb", "latency", "500ms"]


def _link(place: Place) -> Kept:
    for node, _service in place.deployment.running(place.options["peer"]):
        words = place.ask("ip", "-oneline", "route", "get", node.address).split()
        if "dev" in words:
            return {"link": words[words.index("dev") + 1]}
    raise SourceError(f"{place.node.name}: there is no way to {place.options['peer']}")


def _free_link(place: Place, kept: Kept) -> None:
    # Another one's queue has another handle. Status 2: there is none, which is well.
    if f" {HANDLE} " in place.ask("tc", "qdisc", "show", "dev", kept["link"]):
        place.ask("tc", "qdisc", "delete", "dev", kept["link"], "root")


def _cut_bridge(place: Place) -> None:
    """Have a bridge of Open vSwitch drop all packets: its own datapath passes by the kernel's rules."""
    place.ask(*OFCTL, "add-flow", place.options["bridge"], f"cookie={COOKIE},priority=65535,actions=drop")


def _join_bridge(place: Place, _kept: Kept) -> None:
    place.ask(*OFCTL, "del-flows", place.options["bridge"], f"cookie={COOKIE}/-1")


def _let_through(place: Place, _kept: Kept) -> None:
    """Remove all our rules of the node: known by their comment, and told by their number, for texts are not escaped."""
    numbers: Counter[str] = Counter()
    found = []
    for line in place.ask("iptables", "--wait", "--list-rules").splitlines():
        if line.startswith("-A "):
            chain = line.split()[1]
            numbers[chain] += 1
            if f"--comment {MARK} " in line:
                found.append((chain, numbers[chain]))
    for chain, number in reversed(found):
        place.ask("iptables", "--wait", "--delete", chain, str(number))


def _mtu(place: Place) -> Kept:
    return {"mtu": place.ask("cat", f"/sys/class/net/{place.options['link']}/mtu").strip()}


def _shrink(place: Place) -> None:
    """Have a link carry smaller packets than those who use it were told; it drops the larger ones."""
    place.ask("ip", "link", "set", place.options["link"], "mtu", place.options["mtu"])


def _grow(place: Place, kept: Kept) -> None:
    place.ask("ip", "link", "set", place.options["link"], "mtu", kept["mtu"])


LOSE: Final = MeansKind(
    _lose, _let_through, options=frozenset({"peer", "way"}), choices=frozenset({"holds", "own", "ports", "share"})
)
CUT_BRIDGE: Final = MeansKind(_cut_bridge, _join_bridge, options=frozenset({"bridge"}))
SLOW_LINK: Final = MeansKind(_slow_link, _free_link, _link, frozenset({"peer", "rate"}))
SHRINK_LINK: Final = MeansKind(_shrink, _grow, _mtu, frozenset({"link", "mtu"}))
