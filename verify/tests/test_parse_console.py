"""What the guest says on its console: as it is read now and then, and as events."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.capture.console_log import TAIL, ConsoleLog
from hoplab.model.events import Event
from hoplab.parse.console import parse_console

INSTANCE = "8a7d5ebe-0000-4000-8000-000000000003"
VOLUME = "8a7d5ebe-0000-4000-8000-000000000004"
MAC = "fa:16:3e:00:00:11"
ADDRESS = "10.77.0.238"
BOOT = 1000.0
"""When the guest began to run."""

TEXT = (
    "LABGUEST boot kernel=6.12.117+deb13-cloud-amd64 up=2.86\r\n"
    f"~ # \x1b[6nLABGUEST disk seen dev=vdb sectors=2097152 serial={VOLUME[:20]} up=3.07\r\n"
    "LABGUEST disk rw ok dev=vdb wrote=[LABVOL vdb 51d88c69] previous=[] up=3.38\r\n"
    f"LABGUEST dhcp ok ip={ADDRESS}/24 mac={MAC} server=10.77.0.2 router=10.77.0.1 lease=86400 mtu=1450 up=3.45\r\n"
    f"LABGUEST metadata ok uuid={INSTANCE} hostname=hoplab-1.novalocal up=4.22\r\n"
)


def reading(text: str, since: float | None = BOOT, until: float = BOOT + 10) -> str:
    return json.dumps({"since": since, "t": until, "text": text}) + "\n"


def events(*lines: str, volumes: tuple[str, ...] = (VOLUME,)) -> list[Event]:
    return list(parse_console(lines, node="compute", source="console", boot_time=BOOT, volumes=volumes))


class TestFacts:
    def test_what_the_guest_says(self) -> None:
        found = events(reading(TEXT))
        assert [event.fields["fact"] for event in found] == ["disk-rw", "dhcp-ok", "metadata-ok"]
        assert [event.ids for event in found] == [
            {"volume": {VOLUME}},
            {"mac": {MAC}, "address": {ADDRESS}},
            {"instance": {INSTANCE}},
        ]
        assert {(event.who, event.kind) for event in found} == {("guest", "console.said")}

    def test_one_that_ran_before_it_was_thought_to_says_it_between_two_readings(self) -> None:
        """Its uptime is of no use then: it would put the line at the second reading, as if that were known."""
        line = f"LABGUEST metadata ok uuid={INSTANCE} hostname=hoplab-1.novalocal up=900.5\r\n"
        (event,) = events(reading(line, BOOT + 3, BOOT + 8))
        assert (event.time, event.fields["precision"]) == (BOOT + 3, "5.000")

    @pytest.mark.parametrize("volumes", [(), (INSTANCE.replace("8a", "9a"),), (VOLUME, VOLUME[:-1] + "9")])
    def test_a_disk_that_is_no_or_any_volume(self, volumes: tuple[str, ...]) -> None:
        event = events(reading(TEXT), volumes=volumes)[0]
        assert (event.ids, event.fields["serial"]) == ({}, VOLUME[:20])

    def test_a_disk_whose_serial_was_not_said_is_no_volume(self) -> None:
        (event,) = events(reading("LABGUEST disk rw ok dev=vdb wrote=[LABVOL vdb 51d88c69] previous=[] up=3.38\n"))
        assert event.ids == {}
        assert event.fields == {"fact": "disk-rw", "precision": "6.620"}


SEEN = f"LABGUEST disk seen dev=vdb sectors=2097152 serial={VOLUME[:20]} up=3.07\n"
NIC = f"LABGUEST nic eth0 mac={MAC} mtu=1450 up=3.08\n"
LEASE = f"LABGUEST dhcp ok ip={ADDRESS}/24 mac={MAC} server=10.77.0.2 router=10.77.0.1 up=3.45\n"
STARTED = "LABGUEST boot kernel=6 up=2.86\n"


class TestWhatWentWrong:
    """Each FAIL of the guest is a fact, with the ids that the guest has named since it was started."""

    @pytest.mark.parametrize(
        ("before", "line", "fields", "ids"),
        [
            ("", f"dhcp fail try=2 mac={MAC}", {"fact": "dhcp-fail"}, {"mac": {MAC}}),
            (
                NIC + LEASE,
                "metadata fail try=1 wget: download timed out",
                {"fact": "metadata-fail", "reason": "wget: download timed out"},
                {"mac": {MAC}, "address": {ADDRESS}},
            ),
            (NIC, "metadata fail try=1", {"fact": "metadata-fail"}, {"mac": {MAC}}),
            ("", "metadata fail try=1", {"fact": "metadata-fail"}, {}),
            (SEEN, "disk rw FAIL dev=vdb", {"fact": "disk-fail", "serial": VOLUME[:20]}, {"volume": {VOLUME}}),
            (
                SEEN,
                "disk rw FAIL dev=vdb reason=foreign-data",
                {"fact": "disk-fail", "serial": VOLUME[:20], "reason": "foreign-data"},
                {"volume": {VOLUME}},
            ),
            (SEEN, "disk rw FAIL dev=vdc", {"fact": "disk-fail"}, {}),
            (NIC, "module fail name=virtio_net", {"fact": "image-broken", "part": "virtio_net"}, {"mac": {MAC}}),
            ("", "tools fail dev=vda2", {"fact": "image-broken", "part": "vda2"}, {}),
        ],
    )
    def test_a_fail(self, before: str, line: str, fields: dict[str, str], ids: dict[str, set[str]]) -> None:
        event = events(reading(f"{STARTED}{before}LABGUEST {line} up=5.00\n"))[-1]
        assert {name: value for name, value in event.fields.items() if name != "precision"} == fields
        assert event.ids == ids
        assert event.line == f"{line} up=5.00"

    @pytest.mark.parametrize(
        "line", ["metadata fail try=1", "disk rw FAIL dev=vdb", "disk rw ok dev=vdb wrote=[] previous=[]"]
    )
    def test_what_was_named_before_another_start_counts_no_more(self, line: str) -> None:
        event = events(reading(f"{STARTED}{NIC}{LEASE}{SEEN}{STARTED}LABGUEST {line} up=5.00\n"))[-1]
        assert event.ids == {}

    def test_a_disk_that_came_in_the_place_of_another_is_that_one(self) -> None:
        other = SEEN.replace(VOLUME[:20], "0" * 20)
        text = f"{SEEN}LABGUEST disk gone dev=vdb up=4.00\n{other}LABGUEST disk rw FAIL dev=vdb up=5.00\n"
        assert events(reading(text))[-1].ids == {}

    def test_each_try_is_told(self) -> None:
        tries = "".join(f"LABGUEST metadata fail try={number} x up={number}.00\n" for number in range(1, 5))
        found = events(reading(NIC + tries))
        assert [event.fields["fact"] for event in found] == ["metadata-fail"] * 4


class TestTimes:
    """A line was written after the reading before it, after its uptime at the least, and before its own reading."""

    def test_the_uptime_is_the_earliest_where_readings_are_far_apart(self) -> None:
        assert [(event.time, event.fields["precision"]) for event in events(reading(TEXT))] == [
            (1003.38, "6.620"),
            (1003.45, "6.550"),
            (1004.22, "5.780"),
        ]

    @pytest.mark.parametrize(
        ("since", "until", "time", "precision"),
        [
            (1006.0, 1007.0, 1006.0, "1.000"),
            (None, 1010.0, 1004.22, "5.780"),
            # By its uptime it would be from after its reading, so the time of boot is not quite right.
            (1003.0, 1004.0, 1004.0, "0.000"),
        ],
    )
    def test_of_a_reading(self, since: float | None, until: float, time: float, precision: str) -> None:
        event = events(reading(TEXT, since, until))[-1]
        assert (event.time, event.fields["precision"]) == (time, precision)

    def test_a_line_that_was_cut_is_as_new_as_its_end(self) -> None:
        for cut in range(len(TEXT) - 30, len(TEXT)):
            event = events(reading(TEXT[:cut], 1004.0, 1005.0), reading(TEXT[cut:], 1005.0, 1006.0))[-1]
            assert event.fields["fact"] == "metadata-ok"
            assert event.time == 1005.0

    def test_what_is_said_after_a_second_start_is_not_from_before_its_reading(self) -> None:
        found = events(reading(TEXT, 1003.0, 1005.0), reading(TEXT, 1060.0, 1065.0))
        assert [event.time for event in found if event.fields["fact"] == "metadata-ok"] == [1004.22, 1060.0]


class TestReadings:
    def taken(self, *texts: str) -> list[str]:
        notes: list[str] = []
        log = ConsoleLog(note=notes.append)
        for number, text in enumerate(texts):
            log.took(text, began=BOOT + number, ended=BOOT + number + 0.5)
        return [json.loads(note)["text"] for note in notes]

    def test_only_what_came_is_noted(self) -> None:
        assert self.taken("", "a\n", "a\n", "a\nb\n") == ["a\n", "b\n"]

    def test_its_times_are_those_of_the_question_before_and_of_the_answer(self) -> None:
        notes: list[str] = []
        log = ConsoleLog(note=notes.append)
        for number, text in enumerate(("a", "a", "ab")):
            log.took(text, began=BOOT + number, ended=BOOT + number + 0.5)
        assert [(note["since"], note["t"]) for note in map(json.loads, notes)] == [(None, 1000.5), (1001.0, 1002.5)]

    def test_a_console_whose_beginning_is_gone_goes_on(self) -> None:
        text = "".join(f"line {number}\n" for number in range(1000))
        assert self.taken(text[:8000], text[2000:8500]) == [text[:8000], text[8000:8500]]

    def test_a_console_that_is_another_one_is_taken_whole(self) -> None:
        assert self.taken("x" * TAIL, "y" * TAIL) == ["x" * TAIL, "y" * TAIL]

    @given(st.lists(st.integers(0, len(TEXT)), max_size=6).map(sorted))
    def test_however_often_it_is_read_the_facts_are_the_same(self, cuts: list[int]) -> None:
        notes: list[str] = []
        log = ConsoleLog(note=notes.append)
        for number, cut in enumerate([*cuts, len(TEXT)]):
            log.took(TEXT[:cut], began=BOOT + number, ended=BOOT + number + 0.5)
        facts = [event.fields["fact"] for event in events(*notes)]
        assert facts == ["disk-rw", "dhcp-ok", "metadata-ok"]


@given(st.lists(st.text(max_size=200), max_size=5))
def test_garbage_is_no_event_and_no_error(lines: list[str]) -> None:
    assert events(*lines, *map(reading, lines)) == []


@pytest.mark.parametrize("change", [{"t": None}, {"since": "soon"}, {"t": [1]}, {"text": None}, {"text": {}}])
def test_a_record_that_is_not_as_it_was_written_is_no_event(change: dict[str, object]) -> None:
    assert events(json.dumps(json.loads(reading(TEXT)) | change), "[]", "null", reading(TEXT)[:-3]) == []
