"""The picture of a run as data: order, times, what stands where, and that it can stand in a page."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest

from hoplab.flow.actors import ACTORS, ON_HOST
from hoplab.report.html import page_script, render_html
from hoplab.report.layout import DECK, Box, Frame, lay_out
from hoplab.report.looks import LOOKS
from hoplab.report.nodes import nodes_and_actors
from hoplab.report.picture import LONGEST, SHORTEST, WORST, embedded, picture
from hoplab.run.record import Unit
from samples.hostile import EVIL, hostile
from samples.reports import BROKEN, KNOWN, Document, disordered, document, failed, following, inconclusive, proved
from samples.run_reports import RUNS, run_report

MADE = {name: make() for name, make in (("proved", proved), ("failed", failed), ("unread", inconclusive))}
LAB = {
    "ctl1": ["nova-api", "nova-conductor", "nova-scheduler", "keystone", "rabbitmq", "database", "glance-api"],
    "net1": ["dhcp-agent", "dnsmasq"],
    "cmp1": ["nova-compute", "libvirt", "qemu", "guest", "l2-agent", "open-vswitch"],
    "cmp2": ["nova-compute", "libvirt", "qemu", "guest", "l2-agent", "open-vswitch"],
    "ceph1": ["ceph-rgw", "ceph-mon", "ceph-osd"],
}


def steps(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in data["steps"]}


def inside(one: Frame | Box, frame: Frame) -> bool:
    return (
        frame.x <= one.x
        and one.x + one.w <= frame.x + frame.w
        and frame.y <= one.y
        and one.y + one.h <= frame.y + frame.h
    )


def apart(some: Sequence[Frame | Box]) -> bool:
    pairs = ((one, other) for index, one in enumerate(some) for other in some[:index])
    return all(
        one.x + one.w <= other.x or other.x + other.w <= one.x or one.y + one.h <= other.y or other.y + other.h <= one.y
        for one, other in pairs
    )


class TestSteps:
    def test_every_hop_is_there_once(self) -> None:
        for report in MADE.values():
            assert len(steps(picture(report))) == len(picture(report)["steps"]) == len(report["hops"])

    def test_they_are_in_the_order_of_their_times(self) -> None:
        real = [step["real"] for step in picture(proved())["steps"] if step["real"] is not None]
        assert real == sorted(real)
        assert real[0] == 0

    def test_each_is_shown_as_long_as_eyes_need_and_no_longer_than_they_like(self) -> None:
        data = picture(proved())
        bent = [step["bent"] for step in data["steps"]]
        gaps = [round(after - before, 3) for before, after in pairwise(bent)]
        assert min(gaps) == SHORTEST
        assert max(gaps) == LONGEST
        assert data["end"] == round(bent[-1] + LONGEST, 3)

    def test_between_the_two_a_gap_is_as_it_was(self) -> None:
        for before, after in pairwise(picture(proved())["steps"]):
            if before["real"] is not None and after["real"] is not None:
                gap = after["real"] - before["real"]
                if SHORTEST < gap < LONGEST:
                    assert after["bent"] - before["bent"] == pytest.approx(gap, abs=0.002)

    def test_a_broken_run_ends_with_the_hop_that_is_missing(self) -> None:
        data = picture(failed())
        last = data["steps"][data["reached"] - 1]
        assert last["name"] == data["broken"]["name"] == BROKEN
        assert {step["name"] for step in data["steps"][data["reached"] :]} == following(BROKEN)
        assert all(step["bent"] > data["end"] for step in data["steps"][data["reached"] :])
        assert ["actor", "nova-compute on node-of-nova-compute"] in data["broken"]["lines"]

    def test_what_happened_beside_the_missing_hop_is_played_before_it(self) -> None:
        report = document({BROKEN: "absent"})
        data = picture(report)
        assert data["reached"] == len(data["steps"])
        assert data["steps"][-1]["name"] == BROKEN

    def test_what_was_not_needed_or_not_read_stands_where_it_should_have_been(self) -> None:
        data = picture(proved())
        names = [step["name"] for step in data["steps"]]
        cached = steps(data)["neutron-token-validation"]
        assert cached["real"] is None
        assert all(names.index(earlier) < names.index(cached["name"]) for earlier in cached["after"])
        assert data["reached"] == len(names)

    def test_a_hop_that_came_too_early_is_played_when_it_came(self) -> None:
        data = picture(disordered())
        assert data["steps"][0]["name"] == data["broken"]["name"] == "port-active"
        assert data["steps"][0]["real"] < 0

    def test_nothing_is_played_of_a_run_that_was_not_prepared(self) -> None:
        report = document(dict.fromkeys((hop["name"] for hop in proved()["hops"]), "blocked"))
        report["first_unproven"] = {"stage": "preparation", "hop": None, "name": "preparation"}
        report["preparation"] = {
            "step": "volume",
            "service": "cinder-api",
            "request": "POST /v3/volumes",
            "request_id": "",
            "answer": "503",
            "nodes": ["ctl1"],
            "down": ["x is dead"],
            "log": [],
            "next": ["on ctl1: look"],
        }
        data = picture(report)
        assert data["reached"] == 0
        assert ["answer", "503"] in data["broken"]["lines"]
        assert "Nothing was launched" in data["sentence"]

    def test_of_a_run_that_goes_on_only_what_was_seen_is_played(self) -> None:
        report = failed()
        data = picture(report, live=True)
        seen = {hop["name"] for hop in report["hops"] if hop["at"]}
        assert {step["name"] for step in data["steps"][: data["reached"]]} == seen
        assert data["live"] is True

    def test_the_looks_are_the_table_s(self) -> None:
        looks = picture(proved())["looks"]
        assert {verdict: look["sign"] for verdict, look in looks.items()} == {
            verdict: look.sign for verdict, look in LOOKS.items()
        }
        assert sorted(WORST) == sorted(LOOKS)


class TestPlaces:
    def test_an_actor_stands_where_it_was_seen(self) -> None:
        report = run_report("cold")
        data = picture(report)
        host = report["launch"]["host"]
        assert steps(data)["build-take"]["to"] == f"nova-compute@{host}" or host in steps(data)["build-take"]["from"]
        assert {box["node"] for box in data["boxes"] if box["actor"] == "guest"} == {host}
        assert {box["node"] for box in data["boxes"]} == {"client", "ctl1", "net1", "ceph1", host}

    def test_nodes_are_those_of_the_inventory(self) -> None:
        titles = [node["title"] for node in picture(run_report("cold"))["nodes"]]
        assert sorted(titles) == ["User", "ceph1", "cmp1", "cmp2", "ctl1", "net1"]

    def test_what_acts_on_the_host_is_on_one_also_where_none_was_chosen(self) -> None:
        report = run_report("cold")
        report["launch"]["host"] = ""
        for hop in report["hops"]:
            hop["witnesses"] = [one for one in hop["witnesses"] if one["node"] not in {"cmp1", "cmp2"}]
        data = picture(report)
        nodes = {box["node"] for box in data["boxes"] if box["actor"] in ON_HOST}
        assert nodes == {"cmp1"}

    def test_hosts_of_a_launch_that_was_tried_twice_are_both_there(self) -> None:
        report = run_report("rescheduled")
        nodes = {box["node"] for box in picture(report)["boxes"] if box["actor"] == "nova-compute"}
        assert report["launch"]["host"] in nodes

    @pytest.mark.parametrize("name", RUNS)
    def test_every_end_of_a_hop_has_a_box(self, name: str) -> None:
        data = picture(run_report(name))
        boxes = {box["id"] for box in data["boxes"]}
        assert {step[end] for step in data["steps"] for end in ("from", "to")} == boxes

    def test_a_report_that_does_not_say_who_runs_where(self) -> None:
        report = run_report("cold")
        del report["nodes"]
        data = picture(report)
        assert {box["node"] for box in data["boxes"]} == {"client", "ctl1", "net1", "ceph1", report["launch"]["host"]}

    def test_a_report_in_which_nothing_tells_of_nodes(self) -> None:
        report = document(dict.fromkeys((hop["name"] for hop in proved()["hops"]), "absent"))
        report |= {"clocks": {}, "launch": report["launch"] | {"host": ""}}
        data = picture(report)
        assert {node["title"] for node in data["nodes"]} == {"User", "node not known"}
        assert KNOWN["host"] not in json.dumps(data["boxes"])

    def test_nodes_and_who_runs_there_come_from_the_states_of_the_daemons(self) -> None:
        units = [Unit("b", "libvirtd", "libvirtd.service", "active"), Unit("a", "mariadb", "mariadb.service", "failed")]
        assert nodes_and_actors(units, ["c", "a"]) == [
            {"name": "b", "actors": ["guest", "libvirt", "qemu"]},
            {"name": "a", "actors": ["database"]},
            {"name": "c", "actors": []},
        ]
        (node,) = nodes_and_actors([Unit("n", "neutron-dhcp-agent", "x.service", "active")])
        assert "metadata-proxy" in node["actors"]


class TestLayout:
    @pytest.mark.parametrize("name", RUNS)
    def test_nothing_lies_over_another_and_all_is_in_its_node(self, name: str) -> None:
        data = picture(run_report(name))
        nodes = [Frame(**node) for node in data["nodes"]]
        groups = [Frame(**group) for group in data["groups"]]
        boxes = [Box(**{key: box[key] for key in ("actor", "node", "x", "y", "w", "h")}) for box in data["boxes"]]
        assert apart(nodes)
        assert apart(groups)
        assert apart(boxes)
        within: list[Frame | Box] = [*groups, *boxes]
        assert all(any(inside(one, node) for node in nodes) for one in within)
        assert all(inside(node, Frame("", 0, 0, data["width"], data["height"])) for node in nodes)

    def test_boxes_are_the_deck_s(self) -> None:
        titles = {group["title"] for group in picture(run_report("cold"))["groups"]}
        assert titles <= set(DECK)
        assert {"Nova", "Keystone", "Glance", "Cinder", "Neutron"} <= titles
        assert {actor.box for actor in ACTORS.values()} >= set(DECK)

    def test_hosts_stand_left_control_in_the_middle_network_and_storage_right(self) -> None:
        layout = lay_out({**LAB, "client": ["client"]}, LAB, "client")
        at = {frame.title: frame.x for frame in layout.nodes}
        assert at["User"] == at["cmp1"] == at["cmp2"] < at["ctl1"] < at["net1"] == at["ceph1"]

    def test_many_nodes_without_a_part_are_counted(self) -> None:
        running = {**LAB, **{f"cmp{number}": LAB["cmp1"] for number in range(3, 100)}}
        acting = {name: actors for name, actors in LAB.items() if name != "cmp2"}
        layout = lay_out(acting, running, "client")
        idle = [frame.title for frame in layout.nodes if frame.idle]
        assert idle == ["cmp2, cmp3 and 96 more"]

    def test_all_on_one_node(self) -> None:
        everyone = {"aio": list(dict.fromkeys(actor for actors in LAB.values() for actor in actors))}
        layout = lay_out({**everyone, "client": ["client"]}, everyone, "client")
        assert [frame.title for frame in layout.nodes] == ["User", "aio"]
        assert len(layout.boxes) == len(everyone["aio"]) + 1

    def test_an_actor_that_nobody_has_told_of_has_a_box_of_its_own(self) -> None:
        layout = lay_out({"a": ["nova-api", "stranger"]}, {}, "client")
        assert [frame.title for frame in layout.groups] == ["Nova", "stranger"]


class TestEmbedding:
    def test_data_comes_back_as_it_was(self) -> None:
        data = picture(failed())
        assert json.loads(embedded(data)) == data

    @pytest.mark.parametrize("make", [proved, failed, disordered, inconclusive, lambda: run_report("failed")])
    def test_hostile_text_ends_no_script_and_is_no_markup(self, make: Any) -> None:
        report: Document = hostile(make())
        data = picture(report)
        text = embedded(data)
        assert text.isascii()
        assert not re.search(r"[<>&\x00-\x1f\x7f]", text)
        assert any("window.harmed" in one for one in strings(json.loads(text)))
        assert not any(sign in one for one in strings(data) for sign in "\x1b\x00\ud800\u202e")

    def test_hostile_text_is_in_every_field(self) -> None:
        whole = list(strings(hostile(failed())))
        plain = {text for text in whole if EVIL not in text}
        allowed = {*LOOKS, "failed", "proved"}
        assert [text for text in plain - allowed if not re.fullmatch(r"[0-9T:.+Z-]+", text)] == []

    def test_the_policy_lets_this_style_and_this_script_in(self) -> None:
        page = render_html(proved())
        found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
        assert found is not None
        told = dict(part.split(" ", 1) for part in found[1].replace("&#39;", "'").split("; "))
        assert told["default-src"] == told["base-uri"] == told["form-action"] == told["connect-src"] == "'none'"
        style = page.partition("<style>")[2].partition("</style>")[0]
        script = page.rpartition("<script>")[2].partition("</script>")[0]
        assert page_script() in script
        for name, text in (("style-src", style), ("script-src", script)):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert told[name] == f"'sha256-{digest}'"

    def test_other_data_can_be_shown_and_a_server_be_let_in(self) -> None:
        page = render_html(proved(), data={"other": "<data>"}, connect="'self'")
        assert '{"other":"\\u003cdata\\u003e"}' in page
        assert "connect-src &#39;self&#39;;" in page


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
