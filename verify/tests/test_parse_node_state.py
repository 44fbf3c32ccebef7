"""What the switch and the hypervisor of a node have: records as the agent makes them, shortened and with other ids."""

import json
import re
from typing import Any

import pytest

from hoplab.model.events import Event
from hoplab.parse.hypervisor import parse_hypervisor
from hoplab.parse.switch import parse_switch

INSTANCE = "8a7d5ebe-0000-4000-8000-000000000001"
PORT = "8a7d5ebe-0000-4000-8000-000000000002"
VOLUME = "8a7d5ebe-0000-4000-8000-000000000003"
MAC = "fa:16:3e:00:00:01"
TIME = 1795248661.4947617

Document = dict[str, Any]


def change(
    kind: str = "update", *, interface: Document | None = None, port: Document | None = None, gone: bool = False
) -> str:
    """Return a record of the switch's database, in which rows are there, changed or gone."""
    rows = {"Interface": {"row-1": interface}, "Port": {"row-2": port}}
    key = "old" if gone else "new"
    tables = {
        table: {row: {key: value} for row, value in found.items()}
        for table, found in rows.items()
        if found[next(iter(found))]
    }
    return json.dumps({"t": TIME, kind: tables}) + "\n"


def tap(**changes: object) -> Document:
    names = [["attached-mac", MAC], ["iface-id", PORT], ["iface-status", "active"], ["vm-uuid", INSTANCE]]
    return {"name": "tap8a7d5ebe-00", "ofport": ["set", []], "external_ids": ["map", names], "type": "", **changes}


def wired(tag: object) -> Document:
    return {"name": "tap8a7d5ebe-00", "interfaces": ["uuid", "row-1"], "tag": tag}


def switch(*lines: str) -> list[Event]:
    return list(parse_switch(lines, node="compute", source="switch"))


class TestSwitch:
    def test_a_tap_as_it_comes_up(self) -> None:
        events = switch(
            change("initial", interface={"name": "br-int", "ofport": 65534, "external_ids": ["map", []]}),
            change(interface=tap(), port=wired(["set", []])),
            change(interface=tap(ofport=-1)),
            change(port=wired(4095)),
            change(port=wired(7)),
            change(interface=tap(ofport=8)),
            change(interface=tap(ofport=8, error=["set", []])),
        )
        assert [(event.fields["attached"], event.fields["tagged"]) for event in events] == [
            ("no", "no"),
            ("no", "yes"),
            ("yes", "yes"),
        ]
        assert {(event.who, event.kind, event.time) for event in events} == {("open-vswitch", "port.wired", TIME)}
        assert events[0].fields["name"] == "tap8a7d5ebe-00"
        assert events[0].fields["host"] == "compute"
        assert all(event.ids == {"port": {PORT}, "instance": {INSTANCE}, "mac": {MAC}} for event in events)

    def test_what_is_there_at_the_beginning_is_told(self) -> None:
        (event,) = switch(change("initial", interface=tap(ofport=3), port=wired(5)))
        assert (event.fields["attached"], event.fields["tagged"]) == ("yes", "yes")

    def test_a_tap_that_is_gone_is_forgotten(self) -> None:
        (event,) = switch(change(interface=tap()), change(interface=tap(), gone=True), change(port=wired(7)))
        assert event.fields["attached"] == "no"

    def test_a_port_of_no_instance_names_none(self) -> None:
        names = ["map", [["attached-mac", MAC], ["iface-id", PORT]]]
        (event,) = switch(change("initial", interface=tap(external_ids=names)))
        assert event.ids == {"port": {PORT}, "mac": {MAC}}


XML = f"""<domain type='qemu' id='7'>
  <uuid>{INSTANCE}</uuid>
  <devices>
    <disk type='network' device='disk'>
      <source protocol='rbd' name='vms/{INSTANCE}_disk' index='2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='network' device='disk'>
      <source protocol='rbd' name='volumes/volume-{VOLUME}' index='1'/>
      <target dev='vdb' bus='virtio'/>
      <serial>{VOLUME}</serial>
    </disk>
    <interface type='ethernet'>
      <mac address='{MAC}'/>
      <virtualport type='openvswitch'><parameters interfaceid='{PORT}'/></virtualport>
    </interface>
  </devices>
</domain>"""


def domain(**said: object) -> str:
    return json.dumps({"t": TIME, "uuid": INSTANCE, "name": "instance-00000009", **said}) + "\n"


def hypervisor(*lines: str) -> list[Event]:
    return list(parse_hypervisor(lines, node="compute", source="hypervisor"))


def counters(*disks: tuple[str, int]) -> Document:
    found: Document = {"block.count": len(disks)}
    for number, (name, read) in enumerate(disks):
        found |= {f"block.{number}.name": name, f"block.{number}.rd.bytes": read, f"block.{number}.backingIndex": 2}
    return found


class TestHypervisor:
    def test_changes_of_state(self) -> None:
        events = hypervisor(*(domain(state=state, detail=0) for state in ("defined", "started", "resumed")))
        assert [event.fields for event in events] == [
            {"to": "defined", "host": "compute"},
            {"to": "started", "host": "compute"},
            {"to": "resumed", "host": "compute"},
        ]
        assert {(event.who, event.kind, event.time) for event in events} == {("libvirt", "domain.changed", TIME)}
        assert all(event.ids == {"instance": {INSTANCE}} for event in events)

    def test_a_definition_names_port_and_volume(self) -> None:
        interface, disk = hypervisor(domain(xml=XML))
        assert interface.kind == disk.kind == "domain.defined"
        assert interface.fields["has"] == "interface"
        assert interface.ids == {"instance": {INSTANCE}, "port": {PORT}, "mac": {MAC}}
        assert disk.fields == {
            "has": "disk",
            "protocol": "rbd",
            "name": f"volumes/volume-{VOLUME}",
            "host": "compute",
        }
        assert disk.ids == {"instance": {INSTANCE}, "volume": {VOLUME}}

    def test_an_interface_that_nova_plugged_itself_has_its_mac_only(self) -> None:
        """So it is in this lab: os-vif makes the tap, and libvirt takes it (type ethernet)."""
        interface, _disk = hypervisor(domain(xml=re.sub("<virtualport.*</virtualport>", "", XML)))
        assert interface.fields["has"] == "interface"
        assert interface.ids == {"instance": {INSTANCE}, "mac": {MAC}}

    @pytest.mark.parametrize(("read", "said"), [(0, "no"), (1, "yes")])
    def test_whether_a_volume_was_read_is_qemu_s_word(self, read: int, said: str) -> None:
        event = hypervisor(domain(xml=XML), domain(blocks=counters(("vda", 11279872), ("vdb", read))))[-1]
        assert (event.who, event.kind) == ("qemu", "disk.used")
        assert event.ids["volume"] == {VOLUME}
        assert event.fields == {"device": "vdb", "read": said, "host": "compute"}

    def test_a_disk_that_is_plugged_in_is_known_by_the_definition_after_it(self) -> None:
        assert [event.kind for event in hypervisor(domain(plugged="virtio-disk1"), domain(xml=XML))] == [
            "domain.defined",
            "domain.defined",
        ]

    def test_counters_of_disks_that_no_definition_named_say_nothing(self) -> None:
        assert hypervisor(domain(blocks=counters(("vdb", 1)))) == []

    def test_another_domain_s_disk_of_the_same_name_is_another(self) -> None:
        other = domain(blocks=counters(("vdb", 1)), uuid=PORT)
        assert [event.kind for event in hypervisor(domain(xml=XML), other)] == ["domain.defined"] * 2

    @pytest.mark.parametrize("xml", [XML[:-20], "", "<domain/>", 5])
    def test_a_definition_that_is_none_is_no_event(self, xml: object) -> None:
        assert hypervisor(domain(xml=xml), domain(gone="Domain not found"), "x\n") == []
