"""How long hops were waited for, and what made a launch slow, in words."""

from hoplab.report.outline import Document, Entry, journey, number


def waited(hop: Entry) -> str:
    """Return how long a hop was waited for, and how long that usually is; empty where it is not known."""
    lag, usual = hop.get("lag_s"), hop.get("usual_s")
    if lag is None:
        return ""
    told = f"{lag:.3f} s{'' if usual is None else f' (usually {usual:.3f} s)'} after what it must follow"
    idle = hop.get("waited_s")
    return f"{told}, of which it waited {idle:.3f} s although the answer was there" if idle else told


def idle_time(hop: Entry) -> str:
    """Return how long the hop's sender waited although the answer was there; empty where it did not, or none knows."""
    return f"{hop['waited_s']:.3f} s" if hop.get("waited_s") else ""


def waiting(document: Document) -> str:
    """Return in one sentence how long daemons waited although the answer was there; empty where it is not known."""
    waits = document.get("waits")
    if waits is None:
        return ""
    callers = ", ".join(dict.fromkeys(call["who"] for call in waits["calls"]))
    return (
        f"In {len(waits['calls'])} calls the answer was there before the caller ({callers}) looked for it: "
        f"{waits['waited_s']:.1f} s of this {journey(document)} were waited so."
    )


def slowness(document: Document) -> str:
    """Return in one sentence which hop made a launch slow; empty if none did, or if that could not be told."""
    slow = document.get("slow")
    if slow is None:
        return ""
    return (
        f"{number(slow)} {slow['name']} made this {journey(document)} slow: it was waited for {slow['lag_s']:.1f} s, "
        f"in this lab's last {slow['runs']} good runs {slow['usual_s']:.1f} s, and never more than "
        f"{slow['longest_s']:.1f} s."
    )
