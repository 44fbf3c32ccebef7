"""Parsing what Ceph's OSDs and object gateway log: a lab's lines with other ids and addresses, and garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoplab.model.events import Event
from hoplab.parse.ceph import learn_images, parse_osd, parse_rgw_log

INSTANCE = "8a7d5ebe-0000-4000-8000-000000000001"
VOLUME = "8a7d5ebe-0000-4000-8000-000000000002"
OTHER = "8a7d5ebe-0000-4000-8000-000000000003"
IMAGE = "8a7d5ebe-0000-4000-8000-000000000004"
MARKER = "460f25e6-0000-4000-8000-000000000005.4162.1"
QEMU = "192.0.2.21:0/3663534558"
CINDER = "192.0.2.11:0/2215642669"
GATEWAY = "192.0.2.31:0/565737688"
HOSTS = {"192.0.2.11": "control", "192.0.2.21": "compute"}
POOLS = {"1": "vms", "2": "volumes", "9": "default.rgw.buckets.data"}
OSD = "[v2:192.0.2.31:6810/954129305,v1:192.0.2.31:6811/954129305]"
TIME = "2026-11-21T07:32:24.377+0000"


def asked(client: str, tid: int, pool: int = 2, way: str = "read") -> str:
    flags = f"ondisk+{way}+known_if_redirected+supports_pool_eio"
    request = f"osd_op(client.4492.0:{tid} {pool}.5 {pool}.b323f0c5 (undecoded) {flags} e26) v8"
    return f"{TIME} 7f9abbd906c0  1 -- {OSD} <== client.4492 {client} 1 ==== {request} ==== 259+0+0 (crc 0 0 0) 0x5\n"


def replied(client: str, tid: int, name: str, steps: str, *, version: str = "0'0", result: str = "0") -> str:
    reply = f"osd_op_reply({tid} {name} [{steps}] v{version} uv1 ondisk = {result}) v8"
    return f"{TIME} 7f9aa32c36c0  1 -- {OSD} --> {client} -- {reply} -- 0x5653c44b7d40 con 0x5653c2b09c00\n"


def osd(*lines: str, images: dict[str, str] | None = None) -> list[Event]:
    return list(parse_osd(lines, node="ceph", source="osd", hosts=HOSTS, pools=POOLS, images=images or {}))


class TestObjects:
    def test_a_name_that_is_looked_up(self) -> None:
        (event,) = osd(asked(QEMU, 1), replied(QEMU, 1, f"rbd_id.volume-{VOLUME}", "stat out=16b"))
        assert (event.who, event.kind, event.time) == ("ceph-osd", "object.read", 1795246344.377)
        assert event.ids == {"volume": {VOLUME}, "ceph-client": {QEMU}}
        assert event.fields == {
            "object": f"rbd_id.volume-{VOLUME}",
            "pool": "volumes",
            "host": "compute",
            "status": "ok",
            "epoch": "26",
        }

    def test_a_disk_that_is_not_there(self) -> None:
        missing = "-2 ((2) No such file or directory)"
        (event,) = osd(asked(QEMU, 1, 1), replied(QEMU, 1, f"rbd_id.{INSTANCE}_disk", "stat", result=missing))
        assert (event.kind, event.fields["status"]) == ("object.read", "ENOENT")
        assert event.ids["instance"] == {INSTANCE}

    def test_a_disk_that_is_made(self) -> None:
        lines = asked(QEMU, 6, 1, "write"), replied(QEMU, 6, f"rbd_id.{INSTANCE}_disk", "create,call", version="26'10")
        (event,) = osd(*lines)
        assert (event.kind, event.fields["pool"], event.fields["status"]) == ("object.written", "vms", "ok")

    def test_a_write_that_was_refused_is_no_success(self) -> None:
        (event,) = osd(asked(QEMU, 6, 1, "write"), replied(QEMU, 6, f"{INSTANCE}_disk.rbd", "create", result="-13 (x)"))
        assert (event.kind, event.fields["status"]) == ("object.written", "EACCES")

    def test_sizes(self) -> None:
        data = "rbd_data.117e8695ed61.0000000000000000"
        steps = "set-alloc-hint object_size 4194304 write_size 4194304,write 1048576~4096 [fadvise_nocache]"
        images = {"117e8695ed61": f"{INSTANCE}_disk"}
        written, read = osd(
            replied(QEMU, 1, data, steps, version="26'9"), replied(QEMU, 2, data, "read 0~4096 out=512b"), images=images
        )
        assert (written.fields["bytes"], read.fields["bytes"]) == ("4096", "512")
        assert written.ids["instance"] == read.ids["instance"] == {INSTANCE}

    @pytest.mark.parametrize(
        ("name", "ids"),
        [
            (f"{MARKER}_{IMAGE}", {IMAGE}),
            (f"{MARKER}__multipart_{IMAGE}.2~abc.1", {IMAGE}),
            (f"{MARKER}__shadow_{IMAGE}.2~abc.1_1", {IMAGE}),
            (f"{MARKER}__shadow_.ntN4xHF-F81NJ66WQY6oCLwqJqz9aC2_1", None),
            (f".dir.{MARKER}.1", None),
            ("notify.0", None),
        ],
    )
    def test_the_gateway_s_objects(self, name: str, ids: set[str] | None) -> None:
        events = osd(replied(GATEWAY, 1, name, "read 0~4194304 out=4194304b"))
        assert [event.ids["image"] for event in events] == ([ids] if ids else [])

    def test_the_pool_is_that_of_the_same_client_s_request(self) -> None:
        (event,) = osd(asked(CINDER, 1, 1), replied(QEMU, 1, f"rbd_id.volume-{VOLUME}", "stat out=16b"))
        assert "pool" not in event.fields

    @pytest.mark.parametrize("client", ["[v2:192.0.2.31:6802/4,v1:192.0.2.31:6803/4]", "192.0.2.31:6802/4", "x"])
    def test_only_clients(self, client: str) -> None:
        assert osd(replied(client, 1, f"rbd_id.volume-{VOLUME}", "stat")) == []

    @pytest.mark.parametrize("length", range(0, 230, 7))
    def test_a_line_that_is_cut_off_is_no_event(self, length: int) -> None:
        assert osd(replied(QEMU, 1, f"rbd_id.volume-{VOLUME}", "stat", result="-17 (x)")[:length]) == []


class TestWatches:
    HEADER = "rbd_header.116ac146dfe2"

    def test_a_watch_of_an_image_that_is_known(self) -> None:
        steps = "watch watch cookie 140682257770112"
        lines = asked(QEMU, 12, 2, "write"), replied(QEMU, 12, self.HEADER, steps, version="26'7")
        (event,) = osd(*lines, images={"116ac146dfe2": f"volume-{VOLUME}"})
        assert event.kind == "watch.held"
        assert (event.fields["pool"], event.fields["host"]) == ("volumes", "compute")
        assert event.ids == {"volume": {VOLUME}, "ceph-client": {QEMU}}

    def test_a_watch_of_an_unknown_image_names_the_client_only(self) -> None:
        (event,) = osd(replied(QEMU, 12, self.HEADER, "watch watch cookie 1", version="26'7"))
        assert event.ids == {"ceph-client": {QEMU}}

    @pytest.mark.parametrize(
        ("steps", "result"),
        [("watch ping cookie 1", "0"), ("watch unwatch cookie 1", "0"), ("watch watch cookie 1", "-108 (x)")],
    )
    def test_what_is_no_new_watch(self, steps: str, result: str) -> None:
        assert osd(replied(QEMU, 12, self.HEADER, steps, result=result)) == []


class TestImages:
    def test_the_image_of_a_client_that_used_one(self) -> None:
        lines = [
            replied(QEMU, 1, f"rbd_id.volume-{VOLUME}", "call out=16b"),
            replied(QEMU, 2, "rbd_header.116ac146dfe2", "call out=8b"),
            replied(QEMU, 3, "rbd_object_map.116ac146dfe2", "call out=8b"),
        ]
        assert learn_images(lines) == learn_images(reversed(lines)) == {"116ac146dfe2": f"volume-{VOLUME}"}

    def test_a_client_that_used_two_teaches_nothing(self) -> None:
        assert (
            learn_images(
                [
                    replied(CINDER, 1, f"rbd_id.volume-{VOLUME}", "call out=16b"),
                    replied(CINDER, 2, f"rbd_id.volume-{OTHER}", "call out=16b"),
                    replied(CINDER, 3, "rbd_header.116ac146dfe2", "call out=8b"),
                ]
            )
            == {}
        )

    def test_what_two_clients_disagree_on_is_left_out(self) -> None:
        lines = [
            replied(client, tid, name, "call out=8b")
            for client, volume in ((QEMU, VOLUME), (CINDER, OTHER))
            for tid, name in ((1, f"rbd_id.volume-{volume}"), (2, "rbd_header.116ac146dfe2"))
        ]
        assert learn_images(lines) == {}

    def test_a_name_that_was_not_found_teaches_nothing(self) -> None:
        lines = [
            replied(QEMU, 1, f"rbd_id.volume-{VOLUME}", "stat", result="-2 (x)"),
            replied(QEMU, 2, "rbd_header.116ac146dfe2", "call out=8b"),
        ]
        assert learn_images(lines) == {}


class TestGateway:
    def test_what_it_reads(self) -> None:
        name = f"{MARKER}_{IMAGE}"
        request = (
            f"osd_op(unknown.0.0:1930 9.6 9:6aa48f6c:::{name}:head [getxattrs,stat,read 0~4194304] snapc 0=[] "
            "ondisk+read+known_if_redirected+supports_pool_eio e26) v8 -- 0x5"
        )
        reply = (
            f"osd_op_reply(1930 {name} [getxattrs out=950b,stat out=16b,read 0~4194304 out=4194304b] v0'0 uv3 "
            "ondisk = 0) v8 ==== 308+0+4195270 (crc 0 0 0) 0x5"
        )
        lines = [
            f"{TIME} 7fa7bf5416c0  1 -- {GATEWAY} --> {OSD} -- {request}",
            f"{TIME} 7fa7f6dd16c0  1 -- {GATEWAY} <== osd.1 v2:192.0.2.31:6810/954129305 643 ==== {reply}",
        ]
        (event,) = parse_rgw_log(lines, node="ceph", source="rgw", hosts=HOSTS, pools=POOLS)
        assert (event.who, event.kind) == ("ceph-rgw", "object.read")
        assert (event.fields["pool"], event.fields["bytes"]) == ("default.rgw.buckets.data", "4194304")
        assert event.ids == {"image": {IMAGE}, "ceph-client": {GATEWAY}}


@given(st.lists(st.text(max_size=200), max_size=5))
def test_garbage_is_no_event_and_no_error(lines: list[str]) -> None:
    marked = [mark + line for line in lines for mark in ("", " osd_op(", " osd_op_reply(", "_map ")]
    assert osd(*marked) == []
    assert list(parse_rgw_log(marked, node="ceph", source="rgw", hosts=HOSTS, pools=POOLS)) == []
    assert learn_images(marked) == {}


def test_a_time_that_is_none_is_no_event() -> None:
    assert osd(replied(QEMU, 1, f"rbd_id.volume-{VOLUME}", "stat").replace(TIME, "2026-13-21T07:32:24")) == []
    assert osd(replied(QEMU, 1, f"rbd_id.volume-{VOLUME}", "stat").replace(TIME, "2026-11-21T07:32:24")) == []
