"""Pairing the database's note of a statement with that of the service that sent it."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hoplab.join.pairing import AHEAD, LIMIT, Pairing, pair_statements
from hoplab.model.events import Event

TEMPLATES = ("a", "b")


def note(time: float, request: str, *, who: str = "nova-conductor", statement: str = "a", instance: str = "") -> Event:
    ids = {"request": request, "poll-request": request, "global-request": f"global-{request}", "statement": statement}
    ids |= {"instance": instance} if instance else {}
    return event(time, who, "db.sent", fields={}, ids=ids, line=request)


def noted(
    time: float, number: int = 0, *, account: str = "nova-conductor", statement: str = "a", instance: str = ""
) -> Event:
    ids = {"statement": statement} | ({"instance": instance} if instance else {})
    return event(time, "database", "db.statement", fields={"account": account}, ids=ids, line=f"row {number}")


def event(time: float, who: str, kind: str, *, fields: dict[str, str], ids: dict[str, str], line: str) -> Event:
    values = {name: frozenset({value}) for name, value in ids.items()}
    return Event(time=time, node="n", source="s", who=who, kind=kind, fields=fields, ids=values, line=line)


def requests(events: tuple[Event, ...]) -> list[str | None]:
    """Return the request of each of the database's events, by time."""
    some = sorted(
        (event for event in events if event.kind == "db.statement"), key=lambda event: (event.time, event.line)
    )
    return [min(one.ids.get("request", frozenset()), default=None) for one in some]


class TestOne:
    def test_it_gets_all_ids_of_the_request(self) -> None:
        (_note, statement) = pair_statements([note(1.0, "r", instance="i"), noted(1.001, instance="i")])
        assert statement.ids == {
            "request": {"r"},
            "poll-request": {"r"},
            "global-request": {"global-r"},
            "statement": {"a"},
            "instance": {"i"},
        }

    def test_what_is_another_statement_is_no_partner(self) -> None:
        one = note(1.0, "r", instance="i")
        for other in (
            noted(1.0, statement="b", instance="i"),
            noted(1.0, instance="j"),
            noted(1.0),
            noted(1.0, account="nova-api", instance="i"),
            noted(0.999, instance="i"),
            noted(1.1 + LIMIT, instance="i"),
        ):
            assert pair_statements([one, other]) == (one, other)

    def test_the_clocks_doubt(self) -> None:
        assert requests(pair_statements([note(1.0, "r"), noted(0.5)], doubt=0.6)) == ["r"]

    def test_an_account_of_another_name(self) -> None:
        pair = [note(1.0, "r", who="nova-metadata"), noted(1.0, account="nova-api-metadata")]
        assert requests(pair_statements(pair)) == ["r"]
        assert requests(pair_statements(pair, speakers={})) == [None]

    def test_a_request_that_the_statement_itself_names_is_kept(self) -> None:
        named = {"request": "own", "statement": "a"}
        one = event(1.0, "database", "db.statement", fields={"account": "x"}, ids=named, line="row")
        (_note, statement) = pair_statements([note(1.0, "r", who="x"), one])
        assert statement.ids["request"] == {"own", "r"}


Launches = list[tuple[str, str, float]]
"""Launch, statement, and the seconds since the one before."""

launches = st.lists(
    st.tuples(st.sampled_from(["1", "2"]), st.sampled_from(TEMPLATES), st.floats(0.001, 0.5)), min_size=1, max_size=40
)


def run(steps: Launches, *, named: bool) -> list[Event]:
    """Return the notes of two launches, each with the database's half a millisecond after it."""
    events: list[Event] = []
    time = 100.0
    for number, (launch, statement, pause) in enumerate(steps):
        time += pause
        instance = f"i{launch}" if named else ""
        events.append(note(time, f"r{launch}", statement=statement, instance=instance))
        events.append(noted(time + 0.0005, number, statement=statement, instance=instance))
    return events


@given(launches, st.booleans())
def test_launches_that_interleave_never_cross(steps: Launches, named: bool) -> None:
    paired = pair_statements(run(steps, named=named))
    assert requests(paired) == [f"r{launch}" for launch, _statement, _pause in steps]


@given(st.lists(st.sampled_from(["1", "2"]), min_size=1, max_size=30))
def test_nor_do_statements_that_are_all_under_way_at_once(order: list[str]) -> None:
    notes = [note(100 + number / 1000, f"r{launch}") for number, launch in enumerate(order)]
    rows = [noted(100.5 + number / 1000, number) for number in range(len(order))]
    assert requests(pair_statements(notes + rows)) == [f"r{launch}" for launch in order]


@given(launches, st.booleans(), st.randoms(use_true_random=False))
def test_where_a_statement_is_missing_its_own_note_is_left_over(steps: Launches, named: bool, random: Random) -> None:
    events = run(steps, named=named)
    missing = random.randrange(len(steps))
    del events[2 * missing + 1]
    wanted = [f"r{launch}" for number, (launch, _statement, _pause) in enumerate(steps) if number != missing]
    assert requests(pair_statements(events)) == wanted


@given(launches, st.booleans(), st.randoms(use_true_random=False))
def test_a_statement_whose_note_is_missing_takes_no_note_after_it(steps: Launches, named: bool, random: Random) -> None:
    events = run([(launch, statement, pause + 2 * LIMIT) for launch, statement, pause in steps], named=named)
    missing = random.randrange(len(steps))
    del events[2 * missing]
    found = requests(pair_statements(events))
    assert found[missing] is None
    assert None not in found[:missing] + found[missing + 1 :]


@given(launches, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_the_events_does_not_matter(steps: Launches, named: bool, random: Random) -> None:
    events = run(steps, named=named)
    shuffled = list(events)
    random.shuffle(shuffled)
    assert {repr(each_pair_statement) for each_pair_statement in pair_statements(shuffled)} == {
        repr(one) for one in pair_statements(events)
    }
    assert [pair_statement.line for pair_statement in pair_statements(shuffled)] == [one.line for one in shuffled]


@given(launches, st.integers(0, 40))
def test_each_note_is_used_once(steps: Launches, more: int) -> None:
    events = run(steps, named=False)
    events += [noted(100.7 + number / 10, 1000 + number) for number in range(more)]
    assert sum(request is not None for request in requests(pair_statements(events))) <= len(steps)


Noted = tuple[float, bool, str]
"""When it comes, whether it is a statement or a service's note, and which."""

mixed = st.lists(
    st.tuples(st.integers(0, 240).map(lambda tenths: tenths / 10), st.booleans(), st.sampled_from(TEMPLATES)),
    max_size=60,
)


def events_of(some: list[Noted]) -> list[Event]:
    return [
        noted(time, number, statement=which) if statement else note(time, f"r{number}", statement=which)
        for number, (time, statement, which) in enumerate(some)
    ]


class TestAsTheyCome:
    """Statements that are paired as they come are paired as all at once, which is as the rule says."""

    @given(mixed, st.randoms(use_true_random=False))
    def test_it_is_the_same_as_all_at_once(self, some: list[Noted], random: Random) -> None:
        events = events_of(some)
        late = 1.0
        pairing, found, now = Pairing(), [], float("-inf")
        for event in sorted(events, key=lambda event: event.time + random.uniform(0, late)):
            now = max(now, event.time)
            pairing.add(event)
            found += list(pairing.settled(now - AHEAD - late))
        found += list(pairing.settled(float("inf")))
        whole = dict(zip(map(id, events), pair_statements(events), strict=True))
        assert {id(before): after for before, after in found} == {
            key: after for key, after in whole.items() if after.kind == "db.statement"
        }

    @given(mixed)
    def test_backwards_from_the_last_one_where_all_are_near(self, some: list[Noted]) -> None:
        """The rule in its plainest form, on less than what is looked at ahead."""
        events = events_of([(time / 240 * AHEAD, statement, "a") for time, statement, _which in some])
        ordered = sorted(events, key=lambda event: (event.time, event.source, event.line))
        notes = [one for one in ordered if one.kind == "db.sent"]
        wanted: dict[str, str | None] = {}
        for statement in reversed([one for one in ordered if one.kind == "db.statement"]):
            notes = [note for note in notes if note.time <= statement.time]
            near = bool(notes) and statement.time - notes[-1].time <= LIMIT
            wanted[statement.line] = notes.pop().line if near else None
        found = {
            pair_statement.line: min(pair_statement.ids.get("request", frozenset()), default=None)
            for pair_statement in pair_statements(events)
        }
        assert {line: found[line] for line in wanted} == wanted

    def test_what_is_settled_is_forgotten(self) -> None:
        pairing, most = Pairing(), 0
        for number in range(1000):
            pairing.add(note(number, f"r{number}"))
            pairing.add(noted(number + 0.1, number))
            assert all(after.ids["request"] for _before, after in pairing.settled(number - AHEAD))
            most = max(most, len(pairing))
        assert most < 2 * (AHEAD + LIMIT + 2)
        assert len(list(pairing.settled(float("inf")))) <= AHEAD + 1
        assert len(pairing) == 0

    def test_other_events_are_none_of_its_business(self) -> None:
        pairing = Pairing()
        pairing.add(event(1.0, "x", "log.said", fields={}, ids={"request": "r"}, line="x"))
        assert len(pairing) == 0
