"""The report on a terminal: a line per hop, nothing cut, and the result last."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from hoplab.report.terminal import result_line, show_report
from samples.reports import BROKEN, Document, disordered, document, failed, inconclusive, proved


def plain(sample: Document) -> list[str]:
    out = io.StringIO()
    show_report(sample, Console(file=out, width=40))
    return out.getvalue().splitlines()


def coloured(sample: Document) -> str:
    out = io.StringIO()
    show_report(sample, Console(file=out, force_terminal=True, width=200, color_system="standard"))
    return out.getvalue()


def line_of(lines: list[str], name: str) -> str:
    return next(line for line in lines if f"  {name}  " in line)


@pytest.mark.parametrize("make", [proved, failed, disordered, inconclusive])
def test_a_pipe_gets_a_line_for_each_hop_in_columns_and_no_more(make: Callable[[], Document]) -> None:
    sample = make()
    header, *lines = plain(sample)
    assert header.split() == ["NO", "FROM", "->", "TO", "HOP", "VERDICT", "SINCE", "START", "SEEN", "BY"]
    begin, end = header.index("VERDICT"), header.index("SINCE")
    by_name = {hop["name"]: hop for hop in sample["hops"]}
    for line in lines[: len(sample["hops"])]:
        hop = by_name.pop(line[header.index("HOP") :].split()[0])
        assert line[begin:end].startswith(f"{hop['verdict']} ")
        assert f"{hop['from']} -> {hop['to']} " in line
        assert all(witness["who"] in line for witness in hop["witnesses"])
        assert hop["verdict"] == "proved" or hop["why"] in line
    assert by_name == {}
    assert lines[len(sample["hops"])] == ""
    assert lines[-1] == result_line(sample)
    assert all(line == line.rstrip() for line in lines)


def test_a_proved_launch_ends_with_one_line() -> None:
    sample = proved()
    assert plain(sample)[len(sample["hops"]) + 1 :] == ["", result_line(sample)]
    total = len(sample["hops"])
    assert result_line(sample).startswith(
        f"launch-58 proved: All {total} hops of the launch happened or were not needed. {total} hops: "
    )
    assert result_line(sample).endswith("41.2 s, run 20261121T073200-86d4867f")


def test_numbers_and_times_are_aligned_on_the_right() -> None:
    lines = plain(proved())
    assert line_of(lines, "token-request").startswith(" 1  client -> keystone")
    assert line_of(lines, "conductor-call").startswith("14  nova-compute -> rabbitmq")
    assert line_of(lines, "image-check").startswith(" +  nova-api -> glance-api")
    end = lines[0].index("  SEEN")
    assert all(line[end - 2 : end] in {" s", "  "} for line in lines[1:74])


def test_a_failure_is_told_with_commands_that_can_be_copied() -> None:
    sample = failed()
    failure = sample["failure"]
    said = "\n".join(plain(sample))
    assert f"\nFirst unproven hop: 14 {BROKEN}, nova-compute -> rabbitmq\n" in said
    assert "\n  why        absent: no evidence found: " in said
    assert "\n  actor      nova-compute on node-of-nova-compute\n" in said
    assert "\n  service    nova-compute.service is active (running)\n" in said
    assert f"\n             {failure['last']['line']}\n" in said
    assert f"\n  its log    {failure['log'][0]}\n" in said
    assert all(f"\n  look next  {command}\n" in said for command in failure["next"])
    assert "\nthe launch reported: the instance is still in BUILD after 60 s\n" in said


def test_a_failure_of_which_little_is_known() -> None:
    sample = failed()
    sample["failure"] |= {"name": "not-listed", "node": "", "service": None, "last": None, "log": [], "next": []}
    said = "\n".join(plain(sample))
    assert "\nFirst unproven hop: not-listed\n  actor      nova-compute\n  did last   nothing of it was seen\n" in said


def test_without_a_result_it_says_what_is_in_the_way() -> None:
    said = "\n".join(plain(inconclusive()))
    assert "\nnot proved: 24 object-read: could not be read: " in said
    assert "\nnot proved: 27 dhcp-cast: only " in said
    assert said.count("\nnot proved: ") == 2
    assert "\nnot read: osd.log on node-of-ceph-osd: ssh: no route to host\n" in said


def test_a_terminal_gets_colours_and_the_same_text() -> None:
    sample = failed()
    said = coloured(sample)
    assert "\x1b[1;31mabsent" in said
    assert "\x1b[32mproved" in said
    assert "\x1b[1;31mlaunch-58 failed: " in said
    assert all(line.split("  ")[-1] in said for line in plain(sample) if line)


def test_evidence_moves_no_cursor_and_is_no_markup() -> None:
    sample = failed()
    sample["hops"][0] |= {"verdict": "weak", "why": "[bold]x[/bold] \x1b[2J\n\x07y"}
    sample["failure"]["log"] = ["\x1b]0;title\x07 [red]z"]
    for said in ("\n".join(plain(sample)), coloured(sample)):
        assert "[bold]x[/bold] ␛[2J ␇y" in said
        assert "␛]0;title␇ [red]z" in said
        assert "\x07" not in said


def test_a_launch_of_which_nothing_was_seen() -> None:
    sample = document({hop["name"]: "absent" for hop in proved()["hops"]})
    assert "First unproven hop: 1 token-request, client -> keystone" in plain(sample)


def test_a_hop_that_is_several_steps_is_one_line() -> None:
    lines = plain(document(flow="cli-28"))
    assert sum("  nova-token-validation  " in line for line in lines) == 1
    assert line_of(lines, "nova-token-validation").startswith("4, 5  ")


def test_nothing_is_said_of_hops_that_were_not_needed_where_there_are_none() -> None:
    assert f"All {len(document()['hops'])} hops of the launch happened. " in result_line(document())
