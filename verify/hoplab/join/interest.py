"""What of an event can matter to some launch: made from the flows, so that all else is left out at first sight."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from hoplab.flow.actors import BY_ACCOUNT
from hoplab.flow.model import FAILED, PLACEHOLDER, Catalogue, Witness, without_failure
from hoplab.flow.vocabulary import ASKED, EXCHANGE
from hoplab.join.agreement import relaxed_witnesses
from hoplab.join.pairing import CARRIED
from hoplab.model.events import Event


@dataclass(frozen=True, slots=True)
class Interest:
    """A way in which an event can be a launch's.

    where: what its fields must be, but for what depends on the launch; owned: names of ids that the launch must have;
    there: names of ids that only must be there; taught: names of ids that are the launch's by this.
    """

    where: tuple[tuple[str, frozenset[str]], ...]
    owned: tuple[str, ...]
    there: tuple[str, ...] = ()
    taught: tuple[str, ...] = ()

    def fits(self, event: Event) -> bool:
        """Tell whether an event says what is asked for, whosever it is."""
        fields, ids = event.fields, event.ids
        for key, wanted in self.where:
            if fields.get(key) not in wanted:
                return False
        for name in self.owned:
            if not ids.get(name):
                return False
        return all(ids.get(name) for name in self.there)


class Match(NamedTuple):
    """The ways in which an event can be a launch's, and the names of all ids that a launch may own it by."""

    interests: tuple[Interest, ...]
    owned: tuple[str, ...]


NO_MATCH: Final = Match((), ())


@dataclass(frozen=True, slots=True)
class _Speaker:
    """What is asked of an actor's events of one kind.

    always: which values one of the fields must have at least, None if there is none that is always asked for; fields:
    which values of which are asked for; known: by these and the ids.
    """

    interests: tuple[Interest, ...]
    always: tuple[str, frozenset[str]] | None
    fields: tuple[tuple[str, frozenset[str]], ...]
    known: dict[tuple[str | None, ...], Match] = field(default_factory=dict)


@dataclass(slots=True)
class Interests:
    """All ways in which events can be a launch's, by whose word an event is and its kind."""

    catalogue: Catalogue
    _voices: dict[tuple[str, str], _Speaker] = field(default_factory=dict)
    _paired: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    _witnesses: dict[tuple[str, str], list[Witness]] = field(init=False, default_factory=dict)
    _statements: tuple[Witness, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        for witness in self.catalogue.witnesses:
            self._witnesses.setdefault((witness.who, witness.event), []).append(witness)
        # An account can be an actor's that has another name, so these are looked at together.
        self._statements = tuple(
            witness
            for (_who, kind), witnesses in self._witnesses.items()
            if kind == "db.statement"
            for witness in witnesses
            if not set(CARRIED).isdisjoint(witness.by)
        )

    def match(self, event: Event) -> Match:
        """Return the ways in which an event can be a launch's; none for most events."""
        key = (event.who, event.kind)
        voice = self._voices.get(key)
        if voice is None:
            interests = tuple(dict.fromkeys(self._all(*key)))
            asked: dict[str, frozenset[str]] = {}
            for name, wanted in (pair for interest in interests for pair in interest.where):
                asked[name] = asked.get(name, frozenset()) | wanted
            always = [
                each_pair for each_pair in asked.items() if all(each_pair[0] in dict(some.where) for some in interests)
            ]
            voice = self._voices[key] = _Speaker(interests, next(iter(always), None), tuple(asked.items()))
        fields = event.fields
        if voice.always is None:
            if not voice.interests:
                return NO_MATCH
        elif fields.get(voice.always[0]) not in voice.always[1]:
            return NO_MATCH
        # There are few different answers: what a field is counts only if it is asked for.
        said = [value if (value := fields.get(name)) in wanted else None for name, wanted in voice.fields]
        known = (*event.ids, *said)
        found = voice.known.get(known)
        if found is None:
            fitting = tuple(each_interest for each_interest in voice.interests if each_interest.fits(event))
            owned = dict.fromkeys(name for one in fitting for name in one.owned)
            found = voice.known[known] = Match(fitting, tuple(owned))
        return found

    def paired(self, event: Event) -> bool:
        """Tell whether a statement, or a service's note of one, has to be paired for a launch to own it."""
        account = event.fields.get("account", "")
        who = event.who if event.kind == "db.sent" else BY_ACCOUNT.get(account, account)
        key = (who, event.fields.get("verb", ""), event.fields.get("table", ""))
        known = self._paired.get(key)
        if known is None:
            known = self._paired[key] = any(_pairs(witness, *key) for witness in self._statements)
        return known

    def _all(self, who: str, kind: str) -> Iterator[Interest]:
        for witness in self._witnesses.get((who, kind), ()):
            yield _witness_interest(witness)
            # What contradicts the others of a hop is as much of interest as what speaks for it.
            for loose, name in relaxed_witnesses(witness):
                interest = _witness_interest(loose)
                yield replace(interest, there=(*interest.there, name), taught=())
            if FAILED in witness.where:
                # The same without a failure takes back what was said against a hop.
                yield _witness_interest(replace(witness, where=without_failure(witness.where)))
        for lesson in self.catalogue.lessons:
            if kind in lesson.kinds:
                for name in sorted(lesson.beside):
                    yield Interest(_fixed(lesson.where), (name,), (lesson.name,), (lesson.name,))
        tries = self.catalogue.tries
        if tries and kind == tries.event:
            yield Interest(_fixed(tries.where), (tries.by,))


_known: list[Interests] = []


def catalogue_interests(catalogue: Catalogue) -> Interests:
    """Return what can matter by a catalogue. Who judges many runs by one finds out only once what that is."""
    if not _known or _known[0].catalogue is not catalogue:
        _known[:] = [Interests(catalogue)]
    return _known[0]


def _pairs(witness: Witness, who: str, verb: str, table: str) -> bool:
    """Tell whether a witness, which is a statement's, is such a one of an actor."""
    accounts = {BY_ACCOUNT.get(account, account) for account in witness.where.get("account", (who,))}
    return (
        who in accounts and verb in witness.where.get("verb", (verb,)) and table in witness.where.get("table", (table,))
    )


def _witness_interest(witness: Witness) -> Interest:
    """Return what a witness asks for. One by a message's id alone needs one that is known to be the launch's."""
    owned = tuple(name for name in witness.by if name not in EXCHANGE)
    exchange = tuple(name for name in witness.by if name in EXCHANGE)
    where = _fixed(witness.where)
    if not owned:
        return Interest(where, exchange)
    return Interest(where, owned, exchange, exchange if not ASKED.isdisjoint(owned) else ())


def _fixed(where: Mapping[str, str] | Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return what fields must be, without those that have an id of the launch in them."""
    found = {key: frozenset({some} if isinstance(some, str) else some) for key, some in where.items()}
    return tuple((key, some) for key, some in found.items() if not any(map(PLACEHOLDER.search, some)))
