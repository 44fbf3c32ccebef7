"""Where a launch broke: between what is seen and what is missing, with all hops that may be it.

A hop that is seen shows that those happened which it must follow. Of the others, one at which the launch broke has none
before it that is known to be missing, and something after it, or itself, is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hoplab.flow.model import Hop


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a hop by itself.

    evident: something speaks for it, and nothing denies it; whole: it happened, beyond doubt; missing: it did not, or
    not wholly; denied: something says so; doubted: one side is seen, and the other could have been.
    """

    evident: bool = False
    whole: bool = False
    missing: bool = False
    denied: bool = False
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which hops a launch broke, by their names.

    after: the last ones that are seen, before it or at it; missing: the first that is known not to have;
    candidates: those at which it may have broken, the likeliest first.
    """

    after: tuple[str, ...]
    missing: str
    candidates: tuple[str, ...]


def locate(
    hops: Mapping[str, Hop],
    order: Sequence[str],
    standings: Mapping[str, Standing],
    first: str,
    down: Collection[str] = (),
) -> Interval:
    """Return between which hops a launch broke.

    hops: all of its journey, each after those that it must follow; order: their names, in that in which of several that
    are missing one comes first; standings: of each; first: the first missing one; down: actors that did not run.
    """
    shown = _shown(hops, standings)
    happened = {name for name, one in standings.items() if one.whole or (name in shown and not one.missing)}
    missing = {name for name, one in standings.items() if one.missing}
    behind = _behind(hops, missing)
    # The first missing ones of all branches: what must come before one of them may be what broke it.
    before = _before(hops, [name for name in missing if name not in behind])
    place = {name: number for number, name in enumerate(order)}
    found = [first]
    for name in order:
        one = standings[name]
        if name == first or name in happened or name in behind:
            continue
        earlier = name in before and not one.missing and place[name] < place[first]
        # What can't be heard may deny it, and what is denied is named before what is only missing.
        unheard = hops[name].undenied and (name in before or one.missing) and not standings[first].denied
        if earlier or unheard or one.doubted:
            found.append(name)

    def rank(name: str) -> tuple[bool, bool, bool, bool, int]:
        hop, one = hops[name], standings[name]
        stopped = hop.sender in down or hop.receiver in down
        return not one.denied, not stopped, not one.doubted, bool(hop.not_alone), place[name]

    return Interval(_last(hops, found, standings), first, tuple(sorted(found, key=rank)))


def _shown(hops: Mapping[str, Hop], standings: Mapping[str, Standing]) -> set[str]:
    """Return the hops that others show: those that these must follow, and all before them."""
    shown: set[str] = set()
    for name in reversed(list(hops)):
        if standings[name].evident or name in shown:
            shown.update(earlier for earlier in hops[name].after if earlier not in hops[name].despite)
    return shown


def _behind(hops: Mapping[str, Hop], missing: Collection[str]) -> set[str]:
    """Return the hops that must follow one of those."""
    behind: set[str] = set()
    for name, hop in hops.items():
        if any(earlier in missing or earlier in behind for earlier in hop.after):
            behind.add(name)
    return behind


def _before(hops: Mapping[str, Hop], names: Collection[str]) -> set[str]:
    """Return the hops that one of those must follow."""
    before: set[str] = set()
    for name in reversed(list(hops)):
        if name in names or name in before:
            before.update(hops[name].after)
    return before


def _last(hops: Mapping[str, Hop], candidates: Collection[str], standings: Mapping[str, Standing]) -> tuple[str, ...]:
    """Return the hops that are seen right before the candidates, or among them."""
    reach = _before(hops, candidates) | set(candidates)
    seen = [name for name in hops if name in reach and standings[name].evident]
    passed = _before(hops, seen)
    return tuple(name for name in seen if name not in passed)
