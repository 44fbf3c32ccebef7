"""What the life-cycle tests share: one guest that is asked, over its console and over SSH, how it is."""

import secrets
from dataclasses import dataclass, replace
from typing import Any, cast

from openstack.connection import Connection
from openstack.identity.v3._proxy import Proxy as IdentityApi
from patience import patient

from hoplab.checks.findings import CheckResult
from hoplab.checks.guest import check_ssh, console_text, guest_target
from hoplab.lab.connection import image_api, new_request_id, project_id, volume_api
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import ensure_key, execute
from hoplab.launch.cleanup import cleanup
from hoplab.launch.instance import LaunchedInstance, PreparedResources, boot, guest_key
from hoplab.launch.networks import ensure_security_group, ensure_tenant_network, find_external_network
from hoplab.launch.plan import Plan
from hoplab.launch.resources import ensure_keypair, ensure_volume, wait_server
from hoplab.launch.waiting import Pending, wait_for
from hoplab.model.errors import SourceError
from hoplab.parse import guest as console

LIFE = Plan(group="hoplab-life", server="hoplab-life", tenant_cidr="10.78.0.0/24")
MEMBER = Plan(group="hoplab-member", server="hoplab-member", tenant_cidr="10.79.0.0/24")
BOOT_SECONDS = 120
STATE_SECONDS = 180


def say(message: str) -> None:
    """Tell what is done; pytest shows it for a test that fails."""
    print(f"lab: {message}")


@dataclass
class Guest:
    """An instance with a volume and a floating IP."""

    cloud: Connection
    deployment: Deployment
    plan: Plan
    journey: LaunchedInstance

    @property
    def id(self) -> str:
        return self.journey.server_id

    def events(self) -> tuple[console.GuestEvent, ...]:
        """Return what the guest said since its last start."""
        return console.last_boot(console.parse(console_text(self.cloud, self.id)))

    def last_line(self) -> str:
        """Return what the guest said last, for messages."""
        events = self.events()
        return events[-1].line if events else "an empty console"

    def writes(self, volume_id: str) -> list[console.DiskWrite]:
        serial = console.disk_serial(volume_id)
        return [write for write in console.disk_writes(self.events()) if write.serial == serial]

    def mark(self) -> str:
        """Return the mark that this start left on the guest's volume: a new one at each start."""
        # Read from the volume itself: after a snapshot, which stops and resumes the guest, its console begins anew.
        read = "dd if=/dev/vdb bs=512 skip=2048 count=1 2>/dev/null | tr -d '\\0' | head -n 1"
        mark = self.output("sh", "-c", read).strip()
        assert mark.startswith("LABVOL"), f"the guest has not written to its volume; there is {mark!r}"
        return mark

    def wait_state(self, status: str, seconds: float = STATE_SECONDS) -> Any:
        """Return the instance once it has the status and no task under way."""
        return wait_server(self.cloud, self.id, status, timeout=patient(seconds))[0]

    def wait_new_start(self, mark: str) -> None:
        """Wait until the guest has started anew, with address, metadata and the volume as it was left.

        mark: what the start before had written; that the guest now finds it proves that this is another start and
        that the volume's data survived.
        """

        def started() -> bool | Pending:
            events = self.events()
            dhcp = any(isinstance(event, console.DhcpOk) and event.ip == self.journey.fixed_address for event in events)
            told = any(isinstance(event, console.MetadataOk) and event.uuid == self.id for event in events)
            found = any(write.previous == mark for write in self.writes(self.journey.volume_id))
            seen = f"DHCP {dhcp}, metadata {told}, previous mark {found}; last line: {self.last_line()}"
            return True if dhcp and told and found else Pending(seen)

        wait_for("the guest's new start", started, timeout=patient(BOOT_SECONDS), interval=1)

    def assert_reachable(self) -> None:
        """Check that this very guest answers over SSH at its floating IP."""
        finding = check_ssh(self.deployment, self.journey, self.plan, None)
        assert finding.verdict is CheckResult.HOLDS, f"{finding.actual} ({finding.evidence})"

    def answers_now(self) -> bool:
        """Tell whether the guest answers over SSH, without waiting for it."""
        target = guest_target(self.deployment, self.journey.floating_address, self.journey.key_file)
        try:
            return execute(target, ["true"], timeout=8).status == 0
        except SourceError:
            return False

    def output(self, *argv: str) -> str:
        """Return what a command prints in the guest."""
        target = guest_target(self.deployment, self.journey.floating_address, self.journey.key_file)
        result = execute(target, argv, timeout=15)
        assert result.status == 0, f"{argv} in the guest: status {result.status}, {result.stderr}"
        return result.stdout

    def flavor(self) -> str:
        """Return the name of the flavor that the instance has."""
        server: Any = self.cloud.compute.get_server(self.id)
        return str(server.flavor["original_name"])


def wait_boot_complete(guest: Guest) -> None:
    """Wait until a guest's first start said all that it has to say."""

    def complete() -> bool | Pending:
        events = guest.events()
        told = any(isinstance(event, console.MetadataOk) and event.uuid == guest.id for event in events)
        wrote = bool(guest.writes(guest.journey.volume_id))
        return True if told and wrote else Pending(f"metadata {told}, volume written {wrote}")

    wait_for("the guest's first start", complete, timeout=patient(BOOT_SECONDS), interval=1)


def launch_as_member(cloud: Connection, deployment: Deployment, plan: Plan) -> Guest:
    """Boot an instance with what a member may use: the public image and flavor, and a network of its own."""
    key_file = guest_key(deployment)
    ensure_keypair(cloud, plan.group, ensure_key(key_file, "hoplab"), say)
    image = next(iter(image_api(cloud).images(name=plan.image, visibility="public")))
    flavor = next(flavor for flavor in cloud.compute.flavors() if flavor.name == plan.flavor.name)
    external = find_external_network(cloud)
    prepared = PreparedResources(
        image_id=str(image.id),
        image_size=int(image.size),
        image_checksum=str(image.checksum),
        flavor_id=str(flavor.id),
        keypair=plan.group,
        key_file=key_file,
        external=external,
        tenant=ensure_tenant_network(cloud, plan, external, say),
        security_group_id=str(ensure_security_group(cloud, plan, say).id),
        volume_id=str(ensure_volume(cloud, plan, say).id),
    )
    journey = boot(cloud, plan, prepared, global_request_id=new_request_id(), say=say)
    guest = Guest(cloud, deployment, plan, journey)
    wait_boot_complete(guest)
    return guest


def copy_of(guest: Guest, server_id: str) -> Guest:
    """Return a guest that is asked about another instance over the same connection."""
    return replace(guest, journey=replace(guest.journey, server_id=server_id))


def usage(cloud: Connection) -> dict[str, int]:
    """Return how much of each quota the connection's project uses, from Nova, Cinder and Neutron."""
    project = project_id(cloud)
    # Neutron makes a project's default group at the first look at it: have it counted before and after.
    list(cloud.network.security_groups(project_id=project))
    counted: dict[str, int] = {}
    for name, api in (("nova", cloud.compute), ("cinder", volume_api(cloud))):
        absolute = api.get("/limits").json()["limits"]["absolute"]
        counted |= {f"{name} {key}": int(value) for key, value in absolute.items() if key.endswith("Used")}
    details = cloud.network.get(f"/quotas/{project}/details").json()["quota"]
    counted |= {f"neutron {key}": int(value["used"]) for key, value in details.items() if isinstance(value, dict)}
    # Nova's proxies for networks are no longer kept, whatever they say.
    return {key: value for key, value in counted.items() if "FloatingIps" not in key and "SecurityGroups" not in key}


def wait_usage(cloud: Connection, wanted: dict[str, int]) -> None:
    """Wait until the quota usage is as given: services give back a little after a thing is gone."""

    def same() -> bool | Pending:
        now = usage(cloud)
        return True if now == wanted else Pending(str({key: (wanted.get(key), now[key]) for key in now}))

    wait_for("quota usage as before", same, timeout=patient(60), interval=2)


def allocations(cloud: Connection, consumer: str) -> dict[str, Any]:
    """Return what Placement holds for an instance; empty if nothing."""
    response = cloud.placement.get(f"/allocations/{consumer}")
    assert response.status_code == 200, f"Placement: {response.status_code} {response.text}"
    found: dict[str, Any] = response.json()["allocations"]
    return found


def new_password() -> str:
    """Return a password for a user that lives as long as a test."""
    return secrets.token_urlsafe(24)


def clean(cloud: Connection, plan: Plan) -> None:
    """Remove all that a plan made in a project, and fail if something is left."""
    left = [f"{row.kind}: {row.problem}" for row in cleanup(cloud, plan, say, shared=False) if row.problem]
    assert not left, "; ".join(left)


def identity_api(cloud: Connection) -> IdentityApi:
    """Return Keystone's API in the one version that the lab has."""
    return cast("IdentityApi", cloud.identity)
