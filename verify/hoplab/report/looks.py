"""How each verdict is shown and what it means: one table for the terminal, the page and the documents."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Look:
    """How a verdict is shown, always beside its name.

    sign: one character; terminal: a style of rich; light, dark: its colour on the page, as CSS has it, on a light and
    on a dark ground; dash, width: of its lines in drawings, as SVG has them; short: what it means, in some words;
    meaning: in whole sentences.
    """

    sign: str
    terminal: str
    light: str
    dark: str
    short: str
    meaning: str
    dash: str = "none"
    width: float = 1.6


LOOKS: Final = {
    "proved": Look(
        sign="\N{CHECK MARK}",
        terminal="green",
        light="#14632c",
        dark="#63d686",
        short="two independent witnesses, joined to this launch by its ids",
        meaning="Two independent witnesses saw it, both joined to this launch by an id.",
    ),
    "weak": Look(
        sign="\N{CIRCLE WITH LEFT HALF BLACK}",
        terminal="yellow",
        light="#7a4b00",
        dark="#e9b949",
        short="one witness only",
        meaning="One witness only. It counts as having happened where the hop says why there can't be a second one.",
        width=1,
    ),
    "cached": Look(
        sign="\N{ANTICLOCKWISE OPEN CIRCLE ARROW}",
        terminal="cyan",
        light="#0a5a8a",
        dark="#79c7f5",
        short="served from a cache, with evidence of that",
        meaning="It was not needed, because the answer came from a cache, and the evidence of that is there.",
        dash="2 3",
    ),
    "not applicable": Look(
        sign="\N{EN DASH}",
        terminal="dim",
        light="#555d66",
        dark="#a9b2bc",
        short="this cloud is configured without it",
        meaning="This cloud is configured without it, and the evidence of that is there.",
        dash="1 5",
        width=1,
    ),
    "absent": Look(
        sign="\N{BALLOT X}",
        terminal="bold red",
        light="#b3001e",
        dark="#ff8f88",
        short="all sources were read, and nothing speaks for it",
        meaning="All sources were read, and nothing speaks for it; or an answer or a guest says that it failed.",
        dash="9 5",
        width=2.6,
    ),
    "out of order": Look(
        sign="\N{UPWARDS ARROW LEFTWARDS OF DOWNWARDS ARROW}",
        terminal="bold red",
        light="#953800",
        dark="#ffa657",
        short="seen before a hop that it must follow",
        meaning="It was seen before a hop that it must follow, by more than the nodes' clocks may be wrong.",
        dash="14 3 3 3",
        width=2.6,
    ),
    "blocked": Look(
        sign="\N{CIRCLED DIVISION SLASH}",
        terminal="magenta",
        light="#6a3190",
        dark="#d5adff",
        short="absent, and so is a hop that it must follow",
        meaning="Nothing speaks for it, and a hop that must come before it did not happen either.",
        dash="6 6",
    ),
    "unknown": Look(
        sign="?",
        terminal="bold yellow",
        light="#6b5600",
        dark="#e6d06a",
        short="a source that it needs could not be read",
        meaning="A source that it needs could not be read: neither good nor bad, and it says what to fix.",
        dash="4 3",
    ),
    "seen": Look(
        sign="\N{CIRCLE WITH UPPER HALF BLACK}",
        terminal="green",
        light="#2b5f57",
        dark="#7fd1c0",
        short="one side saw it, and the other can't be seen in this cloud",
        meaning="One side saw it, and the other one can't be seen in this cloud. It counts as having happened where "
        "that was told before the launch.",
        dash="8 2",
        width=1,
    ),
    "not observable": Look(
        sign="\N{DOTTED CIRCLE}",
        terminal="dim",
        light="#5b5a70",
        dark="#b3b1c9",
        short="no source of this cloud can tell",
        meaning="No source of this cloud can tell whether it happened. It counts as neither good nor bad where that "
        "was told before the launch, and the result says how many hops that are.",
        dash="1 3",
        width=1,
    ),
}
"""All verdicts (`hoplab.judge.verdicts.Verdict`), in the order in which they are counted."""
RESULTS: Final = {"proved": "proved", "failed": "absent", "inconclusive": "unknown"}
"""The verdict in whose colour and with whose sign a result is shown."""
