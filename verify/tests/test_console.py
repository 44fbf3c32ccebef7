import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.parse import guest as console

DHCP = (
    "LABGUEST dhcp ok ip=10.77.0.11/24 mac=fa:16:3e:00:00:11 server=10.77.0.2 router=10.77.0.1 lease=86400 mtu=1450 "
    "routes=[169.254.169.254/32 10.77.0.2 0.0.0.0/0 10.77.0.1] up=3.42"
)
SEEN = "LABGUEST disk seen dev=vdb sectors=131072 serial=cccccccc-0000-0000-0 up=14.69"
WROTE = "LABGUEST disk rw ok dev=vdb wrote=[LABVOL vdb d36aa18c-1] previous=[LABVOL vdb 70ec600c-2] up=14.79"
LINES = [
    "LABGUEST boot kernel=6.12.107+deb13-cloud-amd64 up=3.17",
    "LABGUEST nic eth0 mac=fa:16:3e:00:00:11 mtu=1450 up=3.26",
    DHCP,
    "LABGUEST metadata ok uuid=11111111-dead-beef-0000-000000000011 hostname=lab-vm-1.novalocal up=3.70",
    "LABGUEST sshkey ok up=3.73",
    SEEN,
    WROTE,
    "LABGUEST disk rw FAIL dev=vdc up=15.00",
    "LABGUEST disk rw FAIL dev=vdd reason=foreign-data up=16.00",
    "LABGUEST disk gone dev=vdb up=48.45",
    "LABGUEST dhcp fail try=2 mac=fa:16:3e:00:00:11 up=25.06",
    "LABGUEST metadata fail try=1 wget: download timed out up=37.39",
    "LABGUEST userdata rc=3 up=38.00",
    "LABGUEST module fail name=virtio_net up=1.10",
    "LABGUEST tools fail dev=vda2 up=1.20",
    "LABGUEST powerbutton",
]


def test_every_line_of_the_guest_is_known() -> None:
    kinds = [type(event) for event in console.parse("\r\n".join(LINES))]
    assert kinds == [
        console.Boot,
        console.Nic,
        console.DhcpOk,
        console.MetadataOk,
        console.SshKeyOk,
        console.DiskSeen,
        console.DiskRwOk,
        console.DiskRwFail,
        console.DiskRwFail,
        console.DiskGone,
        console.DhcpFail,
        console.MetadataFail,
        console.UserData,
        console.ImageBroken,
        console.ImageBroken,
        console.PowerButton,
    ]


def test_fields_of_a_lease() -> None:
    (event,) = console.parse(DHCP)
    assert isinstance(event, console.DhcpOk)
    assert (event.ip, event.prefix, event.mac, event.server, event.up) == (
        "10.77.0.11",
        24,
        "fa:16:3e:00:00:11",
        "10.77.0.2",
        3.42,
    )


@pytest.mark.parametrize(("more", "reason"), [("", ""), (" reason=foreign-data", "foreign-data")])
def test_a_disk_that_can_t_be_used_says_why(more: str, reason: str) -> None:
    (event,) = console.parse(f"LABGUEST disk rw FAIL dev=vdb{more} up=15.00")
    assert isinstance(event, console.DiskRwFail)
    assert (event.device, event.reason) == ("vdb", reason)


def test_a_failed_metadata_request_says_why() -> None:
    (event,) = console.parse("LABGUEST metadata fail try=1 wget: download timed out up=37.39")
    assert isinstance(event, console.MetadataFail)
    assert (event.attempt, event.reason) == (1, "wget: download timed out")


@pytest.mark.parametrize(
    "before", ["/ # ", "/ # \x1b[6n", "\x1b[1;32m~ $ \x1b[0m", "[    3.1] random: crng init ", "\x1b"]
)
def test_a_prompt_or_escape_sequence_before_the_mark_does_no_harm(before: str) -> None:
    assert console.parse(before + SEEN) == console.parse(SEEN)


@pytest.mark.parametrize("cut", range(len("LABGUEST metadata ok uuid=11111111-dead hostname=h up=3")))
def test_a_torn_line_is_no_evidence(cut: int) -> None:
    line = "LABGUEST metadata ok uuid=11111111-dead hostname=h up=3.70"
    assert console.parse(line[:cut]) == ()


def test_a_line_written_into_by_another_loses_only_itself() -> None:
    torn = "LABGUEST metadata ok uuid=1111" + SEEN
    assert [type(event) for event in console.parse(torn)] == [console.DiskSeen]


def test_only_events_since_the_last_start_count() -> None:
    events = console.parse("\n".join([*LINES[:4], "LABGUEST boot kernel=6 up=3.1", "LABGUEST sshkey ok up=3.9"]))
    assert [type(event) for event in console.last_boot(events)] == [console.Boot, console.SshKeyOk]


def test_a_log_that_begins_after_the_start_is_kept_whole() -> None:
    events = console.parse(DHCP)
    assert console.last_boot(events) == events


def test_a_write_test_is_joined_to_the_serial_of_its_device() -> None:
    (write,) = console.disk_writes(console.parse(f"{SEEN}\n{WROTE}"))
    assert write.serial == console.disk_serial("cccccccc-0000-0000-0000-000000000001")
    assert (write.wrote, write.previous) == ("LABVOL vdb d36aa18c-1", "LABVOL vdb 70ec600c-2")


def test_a_write_test_without_a_serial_proves_nothing() -> None:
    assert console.disk_writes(console.parse(WROTE)) == ()


def test_a_serial_is_forgotten_when_the_disk_goes_or_the_guest_starts_anew() -> None:
    gone = "LABGUEST disk gone dev=vdb up=48.45"
    boot = "LABGUEST boot kernel=6 up=3.1"
    assert console.disk_writes(console.parse(f"{SEEN}\n{gone}\n{WROTE}")) == ()
    assert console.disk_writes(console.parse(f"{SEEN}\n{boot}\n{WROTE}")) == ()


def test_an_empty_disk_has_no_previous_mark() -> None:
    (write,) = console.disk_writes(console.parse(f"{SEEN}\n{WROTE.replace('LABVOL vdb 70ec600c-2', '')}"))
    assert write.previous == ""


PIECES = st.sampled_from([*LINES, "LABGUEST ", " up=", "up=9.9", "\x1b[", "\r", "\n", "dhcp ok ip=", "[", "]", "٣"])


@given(st.lists(st.one_of(st.text(), PIECES)).map("".join))
def test_no_text_makes_it_raise(text: str) -> None:
    events = console.parse(text)
    console.disk_writes(console.last_boot(events))


@given(st.integers(0, 10**40))
def test_numbers_of_any_length_do_no_harm(number: int) -> None:
    console.parse(f"LABGUEST nic eth0 mac=a mtu={number} up={number}.{number}")


@given(
    st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=40).filter(lambda text: "LABGUEST" not in text)
)
def test_whatever_stands_before_a_line_on_the_console_it_is_read_on_the_next(noise: str) -> None:
    assert console.parse(f"{noise}\n{DHCP}\n")[-1:] == console.parse(DHCP)
