"""The page docs/hops.md: every hop explained for somebody who learns OpenStack. Made from the flow files alone.

How the page looks stands in templates/hops.md.j2; here is what its names and filters mean. `python -m
hoplab.report.catalogue` writes the page to standard output; `make hops` puts it in its place.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from hoplab.flow.actors import ACTORS
from hoplab.flow.loader import journey_directory, load_all
from hoplab.flow.model import LAUNCH, Catalogue, Flow, Hop, Step
from hoplab.flow.vocabulary import EVENTS, IDS
from hoplab.model.errors import EXIT_HOLDS, ConfigurationError
from hoplab.report.explanation import documented_steps, hint_place
from hoplab.report.looks import LOOKS
from hoplab.report.outline import ordered
from hoplab.report.wording import TODAYS, kind_words, listed, proof, spoken, witness_words

MAIN: Final = "launch-58"
"""The flow that gives the page its order and the hops their numbers."""
ADDED: Final = "+"
"""What stands for a number where the list of 58 leaves a hop out, as in `hoplab explain` and the reports."""
FEW: Final = 2
"""Hops of a step whose meanings are told one by one."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a launch: a file of hops. name: as in the file's name; says: the comment at the file's head."""

    name: str
    says: str
    hops: tuple[Hop, ...]


def read_stages(catalogue: Catalogue, directory: Path | None = None) -> tuple[Stage, ...]:
    """Return the stages that the files hops/<number>-<name>.yaml of a directory are, by number.

    The files must be those that the catalogue was loaded from; raises OSError, yaml.YAMLError or KeyError for others.
    """
    found = {}
    for path in ((directory or journey_directory(catalogue.name)) / "hops").glob("*.yaml"):
        number, _dash, name = path.stem.partition("-")
        text = path.read_text(encoding="utf-8")
        says = next((line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")), "")
        hops = tuple(catalogue.hops[entry["hop"]] for entry in yaml.safe_load(text)["hops"])
        found[int(number)] = Stage(name, says, hops)
    return tuple(found[number] for number in sorted(found))


def render_hops(catalogue: Catalogue, directory: Path | None = None, others: Iterable[Catalogue] = ()) -> str:
    """Return the page in Markdown. directory: where the catalogue was loaded from; its files are the stages.

    others: of further journeys, which get a part of the page. The same flow files give the same page. Raises KeyError
    for a catalogue without the flow of 58 hops.
    """
    main = catalogue.flows[MAIN]
    listed_ones = {name for step in main.steps for name in step.hops}
    counts = Counter(catalogue.hops[name].today for name in listed_ones)
    page = _Page(catalogue, main)
    return (
        page.environment()
        .get_template("hops.md.j2")
        .render(
            main=main,
            others=page.flows[1:],
            flows=page.flows,
            told=listed(f"{counts[name]} {words}" for name, (words, _meaning) in TODAYS.items() if counts[name]),
            added=len(catalogue.hops) - len(listed_ones),
            stages=read_stages(catalogue, directory),
            hops=page.in_order(),
            journeys=[{"name": other.name, "text": _render_journey(other)} for other in others],
            todays=TODAYS,
            verdicts={verdict: look.meaning for verdict, look in LOOKS.items()},
            actors={actor.name: (actor.called, actor.what) for actor in ACTORS.values()},
            ids={id_kind.name: (id_kind.called, id_kind.what) for id_kind in IDS.values()},
            kinds={event_kind.name: event_kind.said for event_kind in EVENTS.values()},
        )
    )


def _render_journey(catalogue: Catalogue) -> str:
    """Return the part of the page that is a journey's."""
    page = _Page(catalogue, catalogue.flows[catalogue.main])
    made = page.environment().get_template("journey.md.j2")
    stages, hops = read_stages(catalogue), page.in_order()
    return made.render(
        name=catalogue.name, main=page.main, flows=page.flows, stages=stages, hops=hops, todays=TODAYS
    ).strip()


class _Page:
    """What the template's filters mean. flows: the main list, then the others, the longest first."""

    def __init__(self, catalogue: Catalogue, main: Flow) -> None:
        self.catalogue = catalogue
        self.main = main
        others = [flow for flow in catalogue.flows.values() if flow is not main]
        self.flows = [main, *sorted(others, key=lambda flow: -len(flow.steps))]

    def environment(self) -> Environment:
        """Return what fills the template in. Nothing is escaped: the page is Markdown."""
        made = Environment(
            loader=PackageLoader("hoplab.report"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        made.filters |= {
            "cell": lambda text: text.replace("|", "\\|"),
            "dashes": lambda _flow: "---",
            "documented": lambda hop: documented_steps(self.flows, hop),
            "heading": self.heading,
            "kind_words": kind_words,
            "link": self.link,
            "named": self.named,
            "numbered": self.numbered,
            "place": hint_place,
            "places": self.places,
            "proof": proof,
            "route": lambda hop: f"{hop.sender} → {hop.receiver}",
            "seen": lambda witness: witness_words(witness, "`"),
            "silent": self.silent,
            "size": lambda flow: flow.name.rpartition("-")[2],
            "source": lambda text: " ".join(f"`{part}`" for part in text.split(" ", 1)),
            "summary": self.summary,
            "title": lambda flow: f"The {flow.name.rpartition('-')[2]} steps of {flow.name}",
        }
        return made

    def in_order(self) -> list[Hop]:
        """Return all hops in the order in which reports have them."""
        numbers = [(hop, next(iter(self.main.numbers(hop.name)), None)) for hop in self.catalogue.hops.values()]
        entries = [{"name": hop.name, "hop": number, "after": hop.after} for hop, number in numbers]
        return [self.catalogue.hops[entry["name"]] for entry in ordered(entries)]

    def heading(self, hop: Hop) -> str:
        """Return a hop's title: `Hop 14: conductor-call`."""
        numbers = self.main.numbers(hop.name)
        if self.catalogue.name != LAUNCH:
            return f"{self.main.name}, hop {listed(numbers)}: {hop.name}"
        return f"{f'Hop {listed(numbers)}' if numbers else 'Added hop'}: {hop.name}"

    def link(self, hop: Hop | str) -> str:
        """Return a link to a hop, or to the hop of this name."""
        name = hop if isinstance(hop, str) else hop.name
        return f"[{name}](#{self.catalogue.hops[name].name})"

    def numbered(self, name: str) -> str:
        """Return a link to a hop with its number among the 58 before it."""
        return f"{', '.join(self.main.numbers(name)) or ADDED} {self.link(name)}"

    def places(self, hop: Hop) -> list[str]:
        """Return a hop's numbers in each flow."""
        first, *others = (", ".join(flow.numbers(hop.name)) for flow in self.flows)
        return [first or ADDED, *others]

    def silent(self, flow: Flow) -> list[str]:
        """Return the names of those of the 58 that another flow does not name."""
        named = {name for step in flow.steps for name in step.hops}
        return [name for step in self.main.steps for name in step.hops if name not in named]

    def summary(self, step: Step) -> str:
        """Return what a step is: in its own words, else by its hops, or the first and the last of many."""
        meanings = [self.catalogue.hops[name].meaning for name in step.hops]
        return step.says or " ".join(meanings if len(meanings) <= FEW else [meanings[0], "…", meanings[-1]])

    @staticmethod
    def named(actor: str) -> str:
        """Return how an actor is called where a line begins; names of programs stay as they are."""
        words = spoken(actor)
        return f"T{words[1:]}" if words.startswith("the ") else words


def main() -> int:
    """Write the page to standard output; return the exit status."""
    try:
        launch, *others = load_all().values()
        sys.stdout.write(render_hops(launch, others=others))
    except ConfigurationError as error:
        print(f"hops: {error}", file=sys.stderr)
        return error.exit_code
    return EXIT_HOLDS


if __name__ == "__main__":
    sys.exit(main())
