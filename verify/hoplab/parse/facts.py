"""What the services say in words: one table of the facts that the flows ask for, and how they are worded.

The wording is that of OpenStack 2025.1; the file that says it stands beside each.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from hoplab.parse.access import UUID
from hoplab.parse.http_client import Calls
from hoplab.parse.log_records import LogFact, LogRecord, Recent

KINDS: Final = frozenset({"address", "image", "instance", "mac", "port", "volume"})
MAC: Final = r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}"
INSTANCE: Final = rf"^\[instance: (?P<instance>{UUID})\] "


class Fact(NamedTuple):
    """A fact, the logger that says it, a text that must be there, and the pattern of what is told.

    Named groups are ids where their name is a kind of id, else fields. The pattern is searched for all over the record:
    what is said of several ports is said of each.
    """

    name: str
    logger: str
    text: str
    pattern: re.Pattern[str]


def _fact(name: str, logger: str, text: str, pattern: str) -> Fact:
    return Fact(name, logger, text, re.compile(pattern))


FACTS: Final = (
    # nova/scheduler/manager.py _get_sorted_hosts
    _fact("filtered", "nova.scheduler.manager", "Filtered ", r"^Filtered \["),
    # nova/scheduler/manager.py select_destinations
    _fact("no-candidates", "nova.scheduler.manager", "Got no allocation candidates", r"^Got no allocation candidates "),
    _fact("hosts-weighed", "nova.scheduler.manager", "Weighed ", r"^Weighed \["),
    # neutron/agent/dhcp/agent.py reload_allocations, _dhcp_ready_ports_loop
    _fact(
        "reload-allocations",
        "neutron.agent.dhcp.agent",
        "Trigger reload_allocations for port ",
        rf"device_id=(?P<instance>{UUID})|ip_address=(?P<address>[^,\]]+)"
        rf"|\bid=(?P<port>{UUID}), mac_address=(?P<mac>{MAC})",
    ),
    _fact("dhcp-completed", "neutron.agent.dhcp.agent", "DHCP configuration for ports ", rf"'(?P<port>{UUID})'"),
    # neutron/plugins/ml2/drivers/openvswitch/agent/ovs_neutron_agent.py treat_vif_port, _bind_devices
    _fact(
        "port-updated",
        "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent",
        " updated. Details: ",
        rf"^Port (?P<port>{UUID}) updated\. Details: |'device_id': '(?P<instance>{UUID})'"
        rf"|'mac_address': '(?P<mac>{MAC})'",
    ),
    _fact(
        "devices-up",
        "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent",
        "Configuration for devices up [",
        rf"'(?P<port>{UUID})'(?=[^\]]*\] and devices down )",
    ),
    # neutron/plugins/ml2/managers.py bind_port
    _fact(
        "binding-failed",
        "neutron.plugins.ml2.managers",
        "Failed to bind port ",
        rf"^Failed to bind port (?P<port>{UUID}) on host (?P<host>\S+) for vnic_type ",
    ),
    # neutron/db/provisioning_blocks.py provisioning_complete
    _fact(
        "port-active",
        "neutron.db.provisioning_blocks",
        "Provisioning complete for port ",
        rf"^Provisioning complete for port (?P<port>{UUID}) triggered by entity (?P<entity>\w+)",
    ),
    # neutron/agent/metadata/agent.py _get_ports
    _fact(
        "port-found",
        "neutron.agent.metadata.agent",
        "Got ports for remote_address ",
        rf"^Got ports for remote_address (?P<address>[^\s,]+),|\{{'id': '(?P<port>{UUID})'"
        rf"|'device_id': '(?P<instance>{UUID})'|'mac_address': '(?P<mac>{MAC})'",
    ),
    # nova/api/openstack/compute/server_external_events.py create
    _fact(
        "external-event",
        "nova.api.openstack.compute.server_external_events",
        "Creating event ",
        rf"^Creating event (?P<name>[a-z-]+):(?P<port>{UUID}) for instance (?P<instance>{UUID})(?: on (?P<host>\S+))?",
    ),
    # nova/compute/manager.py external_instance_event, handle_lifecycle_event
    _fact(
        "event-received",
        "nova.compute.manager",
        "Received event ",
        rf"{INSTANCE}Received event (?P<name>[a-z-]+?)-(?P<port>{UUID})",
    ),
    _fact("lifecycle-started", "nova.compute.manager", "VM Started", rf"{INSTANCE}VM Started \(Lifecycle Event\)"),
    _fact("lifecycle-resumed", "nova.compute.manager", "VM Resumed", rf"{INSTANCE}VM Resumed \(Lifecycle Event\)"),
    # nova/virt/libvirt/driver.py _get_guest_xml
    _fact(
        "guest-xml",
        "nova.virt.libvirt.driver",
        "End _get_guest_xml xml=",
        rf'{INSTANCE}End |<nova:root type="image" uuid="(?P<image>{UUID})"|<nova:port uuid="(?P<port>{UUID})"'
        rf'|type="fixed" address="(?P<address>[^"]+)"|<mac address="(?P<mac>{MAC})"'
        rf"|<serial>(?P<volume>{UUID})</serial>",
    ),
    # nova/virt/libvirt/guest.py attach_device
    _fact(
        "device-xml",
        "nova.virt.libvirt.guest",
        "attach device xml: ",
        rf"<serial>(?P<volume>{UUID})</serial>",
    ),
    # nova/virt/block_device.py _volume_attach
    _fact(
        "attach-failed",
        "nova.virt.block_device",
        "Driver failed to attach volume ",
        rf"{INSTANCE}Driver failed to attach volume (?P<volume>{UUID}) ",
    ),
)
LOGGERS: Final = {name: tuple(fact for fact in FACTS if fact.logger == name) for name in {f.logger for f in FACTS}}

LOCKS: Final = "oslo_concurrency.lockutils"
FETCH: Final = ".Image.cache.<locals>.fetch_func_sync"


def may_tell(logger: str) -> Callable[[str], bool]:
    """Return what tells whether a record of one of LOGGERS may have a fact."""
    texts = [fact.text for fact in LOGGERS[logger]]
    return lambda said: any(text in said for text in texts)


def read_fact(record: LogRecord) -> LogFact | None:
    """Return the fact that a record says, None if it says none of those that the flows ask for."""
    for fact in LOGGERS[record.logger]:
        if fact.text in record.said:
            return _seen(fact, record)
    return None


def _seen(fact: Fact, record: LogRecord) -> LogFact | None:
    fields, ids = {"fact": fact.name}, dict[str, frozenset[str]]()
    some = False
    for found in fact.pattern.finditer(record.said):
        some = True
        for name, value in found.groupdict().items():
            if value and name in KINDS:
                ids[name] = ids.get(name, frozenset()) | {value}
            elif value:
                fields.setdefault(name, value)
    return LogFact("log.said", fields, ids) if some else None


class ImageCache:
    """Finds out that Nova had the image in its cache, which it does not say.

    It takes a lock, looks whether the file is there and if not fetches it, and frees the lock
    (nova/virt/libvirt/imagebackend.py Image.cache). So the image was there if the same request asked for no image
    between the two. That is only known if requests are noted at all: the same launch must have noted some before, as
    that for its port is. calls: the reader of the same file's requests.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._taken: Recent[tuple[str, str], int] = Recent()

    def read(self, record: LogRecord) -> LogFact | None:
        """Return the fact image-in-cache at the record that says that the lock is free again, else None."""
        if FETCH not in record.said:
            return None
        asked = self._calls.images.get(record.speaker, 0)
        if "acquired by" in record.said:
            self._taken[record.speaker] = asked
        elif '"released" by' in record.said:
            before = self._taken.pop(record.speaker, None)
            if before == asked and self._calls.all.get(record.speaker, 0) > 0:
                return LogFact("log.said", {"fact": "image-in-cache"}, {})
        return None
