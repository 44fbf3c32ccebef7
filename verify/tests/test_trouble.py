"""What daemons log of trouble: whose it is, what its cause is, and how much of it is shown."""

from collections.abc import Iterable

import pytest

from hoplab.parse.trouble import ALONE, MOST, Log, find_troubles

INSTANCE = "996a27bb-36aa-46e3-80e9-2c35bcdfd40b"
PORT = "a176d9ad-e4a8-452b-abf1-2c2c59ccabaa"
REQUEST = "req-755bedd6-270e-4123-aed6-74adee9b89e7"
OTHER = "req-11111111-270e-4123-aed6-74adee9b89e7"
IDS = {
    "instance": frozenset({INSTANCE}),
    "request": frozenset({REQUEST}),
    "port": frozenset({PORT}),
    "address": frozenset({"10.77.0.9"}),
}


def line(said: str, *, level: str = "ERROR", second: int = 1, logger: str = "nova.compute.manager") -> str:
    return f"2026-11-27 00:30:{second:02}.254 1873 {level} {logger} {said}\n"


def log(*lines: str, who: str = "nova-compute", node: str = "cmp1", offset: float = 0.0) -> Log:
    return Log(who, node, f"var/log/{who}.log", offset, lines)


def said(logs: Iterable[Log], *actors: str) -> list[str]:
    return [find_trouble.line for find_trouble in find_troubles(logs, IDS, actors)]


class TestWhose:
    @pytest.mark.parametrize(
        "text",
        [
            f"[{OTHER} {REQUEST} - - - -] Failed",
            f"[{OTHER} - - -] [instance: {INSTANCE}] Failed",
            f"[-] Failed to bind port {PORT} on host cmp1",
            "[-] no route to 10.77.0.9",
        ],
    )
    def test_a_line_with_an_id_of_the_launch_counts(self, text: str) -> None:
        (one,) = find_troubles([log(line(text))], IDS)
        assert one.id.partition("=")[2] in text

    @pytest.mark.parametrize(
        "text", [f"[{OTHER} - - -] Failed", f"[-] port {PORT}0", f"[-] x-{PORT}", "[-] 10.77.0.90", "[-] 110.77.0.9"]
    )
    def test_a_line_of_another_launch_does_not(self, text: str) -> None:
        assert not find_troubles([log(line(text))], IDS)

    @pytest.mark.parametrize(("level", "shown"), [("CRITICAL", 1), ("WARNING", 1), ("INFO", 0), ("DEBUG", 0)])
    def test_by_its_level(self, level: str, shown: int) -> None:
        assert len(find_troubles([log(line(f"[{REQUEST}] Failed", level=level))], IDS)) == shown

    def test_without_any_those_of_the_actors_are_shown(self) -> None:
        strange = [line(f"[-] no keys {number}", second=number) for number in range(9)]
        logs = [log(*strange, who="keystone"), log(*strange, who="glance-api")]
        found = find_troubles(logs, IDS, ["keystone"])
        assert [one.who for one in found] == ["keystone"]
        assert (found[0].id, found[0].times) == ("", 9)
        words = [line(f"[-] no {word}", second=number) for number, word in enumerate("abcdefghi")]
        assert len(said([log(*words, who="keystone")], "keystone")) == ALONE
        assert not said([log(*words, who="keystone")])
        assert said([*logs, log(line(f"[{REQUEST}] Failed"))], "keystone") == ["nova.compute.manager: Failed"]
        warned = said([log(*strange, who="keystone"), log(line(f"[{REQUEST}] Slow", level="WARNING"))], "keystone")
        assert warned == ["nova.compute.manager: no keys 0", "nova.compute.manager: Slow"]


class TestRecords:
    def test_the_cause_is_the_last_line_of_the_traceback_which_has_no_id(self) -> None:
        (one,) = find_troubles(
            [
                log(
                    line(f"[{REQUEST}] error opening rbd image"),
                    line("Traceback (most recent call last):"),
                    line('  File "rbd_utils.py", line 75, in __init__'),
                    line("rbd.PermissionError: [errno 1] RBD permission error"),
                    line(""),
                )
            ],
            IDS,
        )
        assert one.line == "nova.compute.manager: error opening rbd image"
        assert one.cause == "rbd.PermissionError: [errno 1] RBD permission error"

    def test_an_id_in_the_traceback_alone_counts(self) -> None:
        about = f"[instance: {INSTANCE}] "
        (one,) = find_troubles(
            [log(line("[-] Failed"), line(f"{about}Traceback (most recent call last):"), line(f"{about}Some: cause"))],
            IDS,
        )
        assert (one.line, one.cause) == ("nova.compute.manager: Failed", "Some: cause")

    def test_a_record_of_another_request_is_no_part_of_it(self) -> None:
        other = line(f"[{OTHER} - -] Failed, too")
        assert said([log(line(f"[{REQUEST}] Failed"), other)]) == ["nova.compute.manager: Failed"]

    def test_lines_that_have_no_head_go_on_with_it(self) -> None:
        (one,) = find_troubles([log(line(f"[{REQUEST}] Failed"), "Stderr: it was refused\n", "ACCESS t=1\n")], IDS)
        assert one.cause == "Stderr: it was refused"


class TestAll:
    def test_in_the_order_of_time_by_our_clock(self) -> None:
        early = log(line(f"[{REQUEST}] second", second=9), node="cmp2", offset=5.0)
        assert said([early, log(line(f"[{REQUEST}] first", second=3))]) == [
            "nova.compute.manager: first",
            "nova.compute.manager: second",
        ]

    def test_the_same_again_is_counted(self) -> None:
        (one,) = find_troubles([log(*(line(f"[{REQUEST}] try {n} of {INSTANCE}", second=n) for n in range(9)))], IDS)
        assert one.times == 9

    def test_errors_before_warnings_where_there_are_too_many(self) -> None:
        words = [f"{first}{second}" for first in "abcdefgh" for second in "ijklmnop"]
        warnings = [line(f"[{REQUEST}] {word}", level="WARNING", second=1) for word in words]
        found = find_troubles([log(*warnings, line(f"[{REQUEST}] the cause", second=50))], IDS)
        assert len(found) == MOST
        assert found[-1].line == "nova.compute.manager: the cause"

    def test_memory_does_not_grow_with_what_others_log(self) -> None:
        mine = line(f"[{REQUEST}] Failed")
        endless = (line(f"[-] another {number}", logger=f"a{number}") for number in range(20000))
        long = "x" * 100_000
        found = find_troubles(
            [Log("nova-api", "ctl1", "a", 0.0, endless), log(mine, f"{long}\n" * 3)], IDS, ["nova-api"]
        )
        assert [len(one.cause) for one in found] == [500]


class TestBroker:
    """RabbitMQ names no request; where nova-api waits for it in vain its word is the cause."""

    ALARM = (
        "2026-11-27 05:14:04.493046+00:00 [info] <0.44899.0> accepting AMQP connection\n",
        "2026-11-27 05:14:04.493046+00:00 [warning] <0.435.0> memory resource limit alarm set on node rabbit@ctl1.\n",
        "2026-11-27 05:14:04.493046+00:00 [warning] <0.435.0> \n",
        "2026-11-27 05:14:04.493046+00:00 [warning] <0.435.0> ******\n",
        "2026-11-27 05:14:04.493046+00:00 [warning] <0.435.0> *** Publishers will be blocked until this alarm ***\n",
        "2026-11-27 05:14:04.493046+00:00 [warning] <0.435.0> ******\n",
        "2026-11-27 05:14:30.174726+00:00 [info] <0.437.0> vm_memory_high_watermark clear\n",
    )

    def test_it_is_shown_where_it_should_have_acted(self) -> None:
        logs = [log(*self.ALARM, who="rabbitmq"), log(line(f"[{REQUEST}] timed out"))]
        broker, nova = find_troubles(logs, IDS, ["nova-api", "rabbitmq"])[::-1]
        assert broker.line == "rabbitmq: memory resource limit alarm set on node rabbit@ctl1."
        assert broker.cause == "*** Publishers will be blocked until this alarm ***"
        assert (broker.level, broker.times) == ("WARNING", 1)
        assert nova.line == "nova.compute.manager: timed out"

    def test_it_is_not_where_it_should_not(self) -> None:
        assert not said([log(*self.ALARM, who="rabbitmq")], "nova-api", "database")
