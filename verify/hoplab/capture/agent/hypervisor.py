"""What libvirt tells of its domains: changes of state, and their definitions and disks' counters then."""

import queue
import threading

import libvirt

from hoplab.capture.agent.link import Recorder, send_record, stopping

URI = "qemu:///system"
STATES = {
    libvirt.VIR_DOMAIN_EVENT_DEFINED: "defined",
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: "undefined",
    libvirt.VIR_DOMAIN_EVENT_STARTED: "started",
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: "suspended",
    libvirt.VIR_DOMAIN_EVENT_RESUMED: "resumed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED: "stopped",
    libvirt.VIR_DOMAIN_EVENT_SHUTDOWN: "shutdown",
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: "pmsuspended",
    libvirt.VIR_DOMAIN_EVENT_CRASHED: "crashed",
}
SHOWN = {"started", "resumed"}
WAIT = 1.0


class Hypervisor(Recorder):
    """Every domain of the local libvirt."""

    source = "hypervisor"

    def begin(self) -> None:
        """Connect, and register for changes of state."""
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=self._loop, daemon=True).start()
        self.changes: queue.Queue[libvirt.virDomain] = queue.Queue()
        self.connection = libvirt.openReadOnly(URI)
        self.connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._changed, None)
        self.connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, self._plugged, None)

    def record(self) -> None:
        """Send definitions after changes; ask outside of the callback, in which libvirt must not be asked."""
        started: list[libvirt.virDomain] = []
        while not stopping.is_set():
            try:
                domain = self.changes.get(timeout=WAIT)
            except queue.Empty:
                started = [recorder for recorder in started if not self._count(recorder)]
            else:
                self._show(domain)
                started.append(domain)
        for domain in self.connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
            self._show(domain)
            self._count(domain)

    def end(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _changed(
        self, _connection: object, domain: libvirt.virDomain, state: int, detail: int, _opaque: object
    ) -> None:
        name = STATES.get(state, str(state))
        send_record(self.source, uuid=domain.UUIDString(), name=domain.name(), state=name, detail=detail)
        if name in SHOWN:
            self.changes.put(domain)

    def _plugged(self, _connection: object, domain: libvirt.virDomain, device: str, _opaque: object) -> None:
        send_record(self.source, uuid=domain.UUIDString(), name=domain.name(), plugged=device)
        self.changes.put(domain)

    def _show(self, domain: libvirt.virDomain) -> None:
        try:
            send_record(self.source, uuid=domain.UUIDString(), name=domain.name(), xml=domain.XMLDesc())
        except libvirt.libvirtError as error:
            send_record(self.source, uuid=domain.UUIDString(), gone=str(error))

    def _count(self, domain: libvirt.virDomain) -> bool:
        """Send what QEMU has read of each disk (its own counters, which libvirt passes on); True if all were read."""
        try:
            ((_domain, values),) = self.connection.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_BLOCK)
        except (libvirt.libvirtError, ValueError):
            return True  # It is gone.
        send_record(self.source, uuid=domain.UUIDString(), name=domain.name(), blocks=values)
        return all(values.get(f"block.{number}.rd.bytes") for number in range(values.get("block.count", 0)))

    @staticmethod
    def _loop() -> None:
        while True:
            libvirt.virEventRunDefaultImpl()
