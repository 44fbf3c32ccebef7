"""Reads a hop's entry in a flow file: what its parts ask for has to go together."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from hoplab.flow.model import NEEDED, PLACEHOLDER, Alternative, Denial, Exemption, Hint, Hop, Witness
from hoplab.flow.vocabulary import ASKED, EVENTS, EXCHANGE, TELLING
from hoplab.model.errors import ConfigurationError

HINT_IDS: Final = frozenset({"image", "instance", "network", "port", "volume"})


def _witness(entry: Mapping[str, Any], where: str) -> Witness:
    wanted = {}
    kind = EVENTS[entry["event"]]
    refuse_unknown(entry["by"], kind.ids, f"{where}: by", kind.name)
    refuse_unknown(entry.get("where", {}), kind.fields, f"{where}: where", kind.name)
    for key, value in entry.get("where", {}).items():
        wanted[key] = (value,) if isinstance(value, str) else tuple(value)
        for name in {name for text in wanted[key] for name in PLACEHOLDER.findall(text)} - {"host"}:
            if name not in entry["by"]:
                raise ConfigurationError(
                    f"{where}: where.{key} has {{{name}}}, and {name} is not in `by`: add it there"
                )
    return Witness(entry["who"], entry["event"], wanted, tuple(entry["by"]), tuple(entry.get("late", ())))


def refuse_unknown(names: Iterable[str], known: frozenset[str], where: str, kind: str) -> None:
    """Refuse what no event of a kind has."""
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{where}: {kind} has no {name}: it has {', '.join(sorted(known))}")


def _denials(entries: Iterable[Mapping[str, Any]], where: str) -> tuple[Denial, ...]:
    """Return what denies a hop."""
    return tuple(
        Denial(_witness(entry["when"], f"{where} {index}"), bool(entry.get("final")))
        for index, entry in enumerate(entries, 1)
    )


def _binding(denials: Iterable[Denial], evidence: Iterable[Witness], exchange: str, where: str) -> None:
    """Refuse what denies a hop by a message's id of which nothing says whether it is the hop's."""
    known = {name for witness in evidence for name in witness.by}
    for index, denial in enumerate(denials, 1):
        loose = set(EXCHANGE).intersection(denial.when.by) - known
        if loose and not exchange and ASKED.isdisjoint(denial.when.by):
            raise ConfigurationError(
                f"{where} {index}: nothing says which {min(loose)} it is: name the hop that began it in `exchange`, or "
                f"ask for one of {', '.join(sorted(ASKED))}, too"
            )


def _exemption(entry: Mapping[str, Any] | None, where: str) -> Exemption | None:
    if entry is None:
        return None
    unless = tuple(
        _witness(each_unless, f"{where}: unless {index}") for index, each_unless in enumerate(entry["unless"], 1)
    )
    return Exemption(_witness(entry["when"], f"{where}: when"), unless, entry["because"])


def _hint(entry: Mapping[str, str], where: str) -> Hint:
    for name in PLACEHOLDER.findall(entry["run"]):
        if name not in HINT_IDS:
            raise ConfigurationError(f"{where}: run has {{{name}}}: ids are {', '.join(sorted(HINT_IDS))}")
    return Hint(entry["at"], entry["run"])


def _tied(evidence: Iterable[Witness], exchange: str, where: str) -> None:
    """Refuse evidence that asks for a message's id of which nothing says whether it is the hop's."""
    for name in EXCHANGE:
        asking = [witness for witness in evidence if name in witness.by]
        if asking and not exchange and all(ASKED.isdisjoint(witness.by) for witness in asking):
            raise ConfigurationError(
                f"{where}: nothing says which {name} it is: name the hop that began it in `exchange`, or ask "
                f"one witness for one of {', '.join(sorted(ASKED))}, too"
            )


def _alternatives(entry: Mapping[str, Any], where: str) -> tuple[Alternative, ...]:
    """Return the other sets of witnesses; each must be another one than the evidence, and as well tied to a launch."""
    found = []
    for number, some in enumerate(entry.get("alternatives", ()), 1):
        place = f"{where}: alternatives {number}: evidence"
        evidence = tuple(_witness(one, f"{place} {index}") for index, one in enumerate(some["evidence"], 1))
        _tied(evidence, entry.get("exchange", ""), place)
        for index, witness in enumerate(evidence, 1):
            if TELLING.isdisjoint(witness.by) and set(witness.by).isdisjoint(EXCHANGE):
                raise ConfigurationError(
                    f"{place} {index}: by: none of {', '.join(sorted(TELLING))} is there, so it may be another launch's"
                )
        if some["evidence"] == entry["evidence"]:
            raise ConfigurationError(f"{place}: it is what `evidence` has: remove it")
        found.append(Alternative(evidence, some["because"]))
    return tuple(found)


def read_hop(entry: Mapping[str, Any], path: Path) -> Hop:
    """Return the hop of an entry that is as its schema says. path: of the file that it is in.

    Raises ConfigurationError that names the file, the hop and the key of what does not go together.
    """
    where = f"{path}: hop {entry['hop']}"
    evidence = tuple(
        _witness(each_evidence, f"{where}: evidence {index}")
        for index, each_evidence in enumerate(entry["evidence"], 1)
    )
    _tied(evidence, entry.get("exchange", ""), f"{where}: evidence")
    alone = len({witness.who for witness in evidence}) < NEEDED
    if alone and not entry.get("one_witness"):
        raise ConfigurationError(
            f"{where}: evidence: it is one actor's word: add another's, or say in one_witness why there is none"
        )
    if not alone and entry.get("one_witness"):
        raise ConfigurationError(f"{where}: one_witness: the evidence has the word of several actors: remove it")
    denials = _denials(entry.get("denied_by", ()), f"{where}: denied_by")
    _binding(denials, evidence, entry.get("exchange", ""), f"{where}: denied_by")
    needs = entry.get("needs", "")
    if needs and needs not in {witness.who for witness in evidence}:
        raise ConfigurationError(f"{where}: needs: the evidence has no word of {needs}: add one, or remove it")
    today = entry["today"]
    return Hop(
        name=entry["hop"],
        sender=entry["from"],
        receiver=entry["to"],
        meaning=entry["meaning"],
        today=today["is"],
        how=today["how"],
        reason=today.get("reason", ""),
        sources=tuple(today["source"]),
        after=tuple(entry["after"]),
        exchange=entry.get("exchange", ""),
        evidence=evidence,
        one_witness=entry.get("one_witness", ""),
        waits_for=tuple(entry.get("waits_for", ())),
        needs=needs,
        once=entry.get("once", ""),
        denied_by=denials,
        not_alone=entry.get("not_alone", ""),
        cached=_exemption(entry.get("cached"), f"{where}: cached"),
        not_applicable=_exemption(entry.get("not_applicable"), f"{where}: not_applicable"),
        hint=_hint(entry["hint"], f"{where}: hint"),
        alternatives=_alternatives(entry, where),
        despite=entry.get("despite", {}),
    )
