"""The flows that come and go on the integration bridge, as `ovs-ofctl monitor` tells of them."""

from hoplab.capture.agent.link import send_record
from hoplab.capture.agent.program import Program

BRIDGE = "br-int"
"""Neutron's name for it (neutron/conf/plugins/ml2/drivers/ovs_conf.py, integration_bridge)."""
CHANGE = " event="


class Flows(Program):
    """Every flow that is added, changed or deleted from now on. ovs-ofctl tells of them on standard error."""

    source = "flows"
    argv = ("ovs-ofctl", "monitor", BRIDGE, "watch:!initial")
    errors_too = True

    def handle(self, line: str) -> None:
        """Send one change."""
        if line.startswith(CHANGE):
            send_record(self.source, bridge=BRIDGE, flow=line.strip())
