"""Where the picture of a cloud draws nodes and actors: nodes as in the inventory, the deck's boxes on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hoplab.flow.actors import ACTORS

ROW, GAP, PAD, TITLE, WIDE = 26, 8, 10, 24, 158
"""Of a box: its height, what lies between two, its distance from the frame, the frame's title, its width; in pixels."""
BESIDE, BELOW, APART = 62, 14, 76
"""Between frames beside each other, below each other, and between the columns of nodes: arrows need room."""
TWO_COLUMNS: Final = 9
"""From so many boxes on a node stand in two columns."""
IDLE_NAMES: Final = 2
"""How many nodes without a part in the run are named in a column; the others are counted."""

USER, COMPUTE, NETWORK, STORE = "User", "Compute node", "Neutron", "Storage"
DECK: Final = (USER, COMPUTE, "Nova", "Keystone", "Glance", "Queue, database, cache", NETWORK, "Cinder", STORE)
"""The boxes of the 17-step deck in the order in which they are placed; others come behind them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of the picture, in pixels.

    title: what it is; holds: the deck's only box on a node, empty for others; idle: whether it has no part in the run.
    """

    title: str
    x: float
    y: float
    w: float
    h: float
    holds: str = ""
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """An actor on a node, and its rectangle in pixels."""

    actor: str
    node: str
    x: float
    y: float
    w: float = WIDE
    h: float = ROW


@dataclass(frozen=True, slots=True)
class Layout:
    """All that stands still in the picture: the nodes, the deck's boxes on them (groups), and the actors in these."""

    width: float
    height: float
    nodes: Sequence[Frame]
    groups: Sequence[Frame]
    boxes: Sequence[Box]


@dataclass(slots=True)
class _Block:
    """A node laid out for itself, at 0, 0."""

    node: Frame
    groups: list[Frame] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)


def lay_out(acting: Mapping[str, Sequence[str]], running: Mapping[str, Iterable[str]], client: str) -> Layout:
    """Return where everything stands.

    acting: by node, the actors that have a part in the run, in the order in which they are to stand; running: by node,
    all actors that are known to be there, in the inventory's order; client: the node of the client, which is none of
    the cloud's.
    """
    names = list(dict.fromkeys([*(name for name in acting if name == client), *running, *acting]))
    columns: tuple[list[_Block], ...] = ([], [], [])
    idle: tuple[list[str], ...] = ([], [], [])
    for name in names:
        at = _column({_group(actor) for actor in (*running.get(name, ()), *acting.get(name, ()))})
        if acting.get(name):
            columns[at].append(_block(name, acting[name], USER if name == client else name or "node not known"))
        elif name != client:
            idle[at].append(name)
    for blocks, unused in zip(columns, idle, strict=True):
        if unused:
            blocks.append(_idle(unused))
    return _put_together([blocks for blocks in columns if blocks])


def _group(actor: str) -> str:
    """Return in which of the deck's boxes an actor is drawn; one that nobody has told of in one of its own."""
    return ACTORS[actor].box if actor in ACTORS else actor


def _column(groups: set[str]) -> int:
    """Return in which column a node stands: left for users and hosts, right for network and storage."""
    groups = groups & {*DECK}
    if groups and groups <= {USER, COMPUTE, NETWORK} and groups != {NETWORK}:
        return 0
    return 2 if groups <= {NETWORK, STORE} else 1


def _place(group: str) -> int:
    return DECK.index(group) if group in DECK else len(DECK)


def _block(name: str, actors: Sequence[str], title: str) -> _Block:
    grouped: dict[str, list[str]] = {}
    for actor in actors:
        grouped.setdefault(_group(actor), []).append(actor)
    ordered = sorted(grouped, key=_place)
    if len(ordered) == 1:
        # A frame within a frame would say nothing more.
        holds = "" if ordered[0] == title else ordered[0]
        boxes = _boxes(grouped[ordered[0]], name, PAD, TITLE)
        return _Block(Frame(title, 0, 0, WIDE + 2 * PAD, _bottom(boxes), holds=holds), [], boxes)
    block = _Block(Frame(title, 0, 0, 0, 0))
    bottoms = [float(TITLE)] * (2 if len(actors) >= TWO_COLUMNS else 1)
    wide = WIDE + 2 * PAD
    for group in ordered:
        column = bottoms.index(min(bottoms))
        x, y = PAD + column * (wide + BESIDE), bottoms[column]
        boxes = _boxes(grouped[group], name, x + PAD, y + TITLE)
        block.groups.append(Frame(group, x, y, wide, _bottom(boxes) - y))
        block.boxes += boxes
        bottoms[column] = _bottom(boxes) + BELOW
    width = PAD * 2 + wide * len(bottoms) + BESIDE * (len(bottoms) - 1)
    block.node = Frame(title, 0, 0, width, max(bottoms) - BELOW + PAD)
    return block


def _boxes(actors: Iterable[str], node: str, x: float, y: float) -> list[Box]:
    return [Box(actor, node, x, y + index * (ROW + GAP)) for index, actor in enumerate(actors)]


def _bottom(boxes: Sequence[Box]) -> float:
    """Return where the frame around some boxes ends."""
    return boxes[-1].y + ROW + PAD


def _idle(names: Sequence[str]) -> _Block:
    """Return what is drawn of the nodes of a column that have no part in the run."""
    more = f" and {len(names) - IDLE_NAMES} more" if len(names) > IDLE_NAMES else ""
    return _Block(Frame(f"{', '.join(names[:IDLE_NAMES])}{more}", 0, 0, WIDE + 2 * PAD, TITLE + GAP, idle=True))


def _put_together(columns: Sequence[Sequence[_Block]]) -> Layout:
    nodes, groups, boxes = list[Frame](), list[Frame](), list[Box]()
    x, height = 0.0, 0.0
    for blocks in columns:
        width = max(block.node.w for block in blocks)
        y = 0.0
        for block in blocks:
            # Narrow ones are as wide as the column, with what is in them in the middle.
            inset = (width - block.node.w) / 2
            nodes.append(replace(block.node, x=x, y=y, w=width))
            groups += [replace(group, x=group.x + x + inset, y=group.y + y) for group in block.groups]
            boxes += [replace(box, x=box.x + x + inset, y=box.y + y) for box in block.boxes]
            y += block.node.h + BELOW
        height = max(height, y - BELOW)
        x += width + APART
    return Layout(max(x - APART, 0), height, nodes, groups, boxes)
