"""What an administrator can set wrong through the APIs: quotas, services out of use, roles, rules, DHCP."""

import json
import uuid
from collections.abc import Iterator
from typing import Any, Final

from openstack.connection import Connection
from openstack.exceptions import raise_from_response

from hoplab.drill.means.place import MARK, Kept, MeansKind, Place
from hoplab.lab.connection import connect, identity_api, new_request_id, project_id, translate_errors, volume_api
from hoplab.launch.plan import Plan
from hoplab.model.errors import SourceError

GROUP: Final = Plan().group
"""How the launches' network, subnet and security group are called."""
VERSION: Final = {"OpenStack-API-Version": "placement 1.30"}
CLAIMS: Final = 200
"""Claims for one host at most."""


def _cloud(place: Place) -> Connection:
    return connect(place.deployment, new_request_id())


def _limit(place: Place) -> Kept:
    resource = place.options["resource"]
    with translate_errors("ask for the quota"):
        api, path, name = _quotas(place)
        found = api.get(path).json()[name]
    if not isinstance(found.get(resource), int):
        raise SourceError(f"{place.options['of']} has no quota of {resource}")
    return {"limit": str(found[resource])}


def _quotas(place: Place) -> tuple[Any, str, str]:
    """Return an API with the path of the project's quotas in it, and what they are called in its answer."""
    cloud = _cloud(place)
    project = project_id(cloud)
    if place.options["of"] == "network":
        return cloud.network, f"/quotas/{project}", "quota"
    return (
        volume_api(cloud) if place.options["of"] == "volume" else cloud.compute,
        f"/os-quota-sets/{project}",
        "quota_set",
    )


def _set_limit(place: Place, limit: str) -> None:
    # By the path: what the SDK's update takes has changed from release to release. Nova and Neutron take a limit below
    # what is in use only if they are forced to; Cinder takes any, and knows no such word.
    with translate_errors("change the quota"):
        api, path, name = _quotas(place)
        forced = {} if place.options["of"] == "volume" else {"force": True}
        raise_from_response(api.put(path, json={name: {place.options["resource"]: int(limit), **forced}}))


def _lower(place: Place) -> None:
    _set_limit(place, place.options["limit"])


def _raise(place: Place, kept: Kept) -> None:
    _set_limit(place, kept["limit"])


def _in_use(place: Place) -> Kept:
    """Keep which daemons of a name are enabled, of Nova or Cinder."""
    with translate_errors("ask which services are enabled"):
        found = [[daemon.binary, daemon.host] for daemon in _daemons(place) if daemon.status == "enabled"]
    return {"rows": json.dumps(found)}


def _daemons(place: Place) -> Iterator[Any]:
    cloud, binary = _cloud(place), place.options["binary"]
    api = cloud.compute if binary.startswith("nova-") else volume_api(cloud)
    yield from (service for service in api.services() if service.binary == binary)


def _disable(place: Place) -> None:
    with translate_errors("disable a service"):
        for daemon in _daemons(place):
            _switch(place, daemon, on=False)


def _use(place: Place, kept: Kept) -> None:
    rows = json.loads(kept["rows"])
    with translate_errors("enable a service"):
        for daemon in _daemons(place):
            if [daemon.binary, daemon.host] in rows:
                _switch(place, daemon, on=True)


def _switch(place: Place, daemon: Any, *, on: bool) -> None:
    cloud = _cloud(place)
    if daemon.binary.startswith("nova-"):
        if on:
            cloud.compute.enable_service(daemon.id)
        else:
            cloud.compute.disable_service(daemon.id, disabled_reason=MARK)
        return
    verb, reason = ("enable", {}) if on else ("disable-log-reason", {"disabled_reason": MARK})
    body = {"binary": daemon.binary, "host": daemon.host, **reason}
    raise_from_response(volume_api(cloud).put(f"/os-services/{verb}", json=body))


def _roles(place: Place) -> Kept:
    with translate_errors("ask for an account's roles"):
        keystone = identity_api(_cloud(place))
        user = keystone.find_user(place.options["account"], ignore_missing=False)
        rows = [
            [assignment.role["id"], assignment.scope["project"]["id"]]
            for assignment in keystone.role_assignments(user_id=user.id)
            if "project" in assignment.scope
        ]
    return {"user": str(user.id), "rows": json.dumps(rows)}


def _take_roles(place: Place) -> None:
    kept = _roles(place)
    with translate_errors("take an account's roles"):
        keystone = identity_api(_cloud(place))
        for role, project in json.loads(kept["rows"]):
            keystone.unassign_project_role_from_user(project, kept["user"], role)


def _give_roles(place: Place, kept: Kept) -> None:
    with translate_errors("give an account its roles"):
        keystone = identity_api(_cloud(place))
        for role, project in json.loads(kept["rows"]):
            keystone.assign_project_role_to_user(project, kept["user"], role)


def _rules(place: Place) -> Kept:
    """Keep the rules by which the launches' guests may send."""
    with translate_errors("ask for the security group's rules"):
        cloud = _cloud(place)
        group = cloud.network.find_security_group(GROUP, project_id=project_id(cloud))
        if group is None:
            raise SourceError(f"there is no security group {GROUP} yet: run `hoplab verify` first")
        found = cloud.network.security_group_rules(security_group_id=group.id, direction="egress")
        rows = [[one.id, one.ether_type] for one in found]
    return {"group": str(group.id), "rows": json.dumps(rows)}


def _close_egress(place: Place) -> None:
    with translate_errors("delete the rules for what guests send"):
        for rule, _kind in json.loads(_rules(place)["rows"]):
            _cloud(place).network.delete_security_group_rule(rule)


def _open_egress(place: Place, kept: Kept) -> None:
    with translate_errors("make the rules for what guests send"):
        there = {kind for _rule, kind in json.loads(_rules(place)["rows"])}
        for _rule, kind in json.loads(kept["rows"]):
            if kind not in there:
                _cloud(place).network.create_security_group_rule(
                    security_group_id=kept["group"], direction="egress", ether_type=kind
                )


def _set_dhcp(place: Place, *, on: bool) -> None:
    with translate_errors("switch a subnet's DHCP"):
        cloud = _cloud(place)
        subnet = cloud.network.find_subnet(GROUP, project_id=project_id(cloud))
        if subnet is None:
            raise SourceError(f"there is no subnet {GROUP} yet: run `hoplab verify` first")
        cloud.network.update_subnet(subnet, is_dhcp_enabled=on)


def _no_dhcp(place: Place) -> None:
    _set_dhcp(place, on=False)


def _dhcp(place: Place, _kept: Kept) -> None:
    _set_dhcp(place, on=True)


def _claim(place: Place) -> None:
    """Claim all that is left of a class of resources, on every host, for instances that are not there."""
    resource = place.options["resource"]
    with translate_errors("claim what hosts have"):
        cloud = _cloud(place)
        project = project_id(cloud)
        for provider in _providers(cloud):
            for consumer, amount in zip(_consumers(provider), _left(cloud, provider, resource), strict=False):
                body = {
                    "allocations": {provider: {"resources": {resource: amount}}},
                    "project_id": project,
                    "user_id": project,
                    "consumer_generation": None,
                }
                raise_from_response(cloud.placement.put(f"/allocations/{consumer}", json=body, headers=VERSION))


def _providers(cloud: Connection) -> list[str]:
    """Return the ids of all that has resources."""
    found = cloud.placement.get("/resource_providers", headers=VERSION).json()["resource_providers"]
    return [str(one["uuid"]) for one in found]


def _consumers(provider: str) -> list[str]:
    """Return who claims what is left of a provider: the same each time, so that they are known again."""
    return [str(uuid.uuid5(uuid.NAMESPACE_URL, f"{MARK}/{provider}/{number}")) for number in range(CLAIMS)]


def _left(cloud: Connection, provider: str, resource: str) -> Iterator[int]:
    """Yield how much of a class of resources a provider has that nobody claims, in pieces that one may claim."""
    root = f"/resource_providers/{provider}"
    have = cloud.placement.get(f"{root}/inventories", headers=VERSION).json()["inventories"].get(resource)
    used = cloud.placement.get(f"{root}/usages", headers=VERSION).json()["usages"].get(resource, 0)
    left = int((have["total"] - have["reserved"]) * have["allocation_ratio"]) - int(used) if have else 0
    while have and left > 0:
        yield min(left, have["max_unit"])
        left -= have["max_unit"]


def _unclaim(place: Place, _kept: Kept) -> None:
    with translate_errors("give back what was claimed"):
        cloud = _cloud(place)
        for provider in _providers(cloud):
            path = f"/resource_providers/{provider}/allocations"
            found = cloud.placement.get(path, headers=VERSION).json()["allocations"]
            for consumer in set(_consumers(provider)).intersection(found):
                cloud.placement.delete(f"/allocations/{consumer}", headers=VERSION)


QUOTA: Final = MeansKind(_lower, _raise, _limit, frozenset({"of", "resource", "limit"}))
DISABLE_SERVICE: Final = MeansKind(_disable, _use, _in_use, frozenset({"binary"}))
TAKE_ROLES: Final = MeansKind(_take_roles, _give_roles, _roles, frozenset({"account"}))
CLOSE_EGRESS: Final = MeansKind(_close_egress, _open_egress, _rules)
SWITCH_OFF_DHCP: Final = MeansKind(_no_dhcp, _dhcp)
CLAIM: Final = MeansKind(_claim, _unclaim, options=frozenset({"resource"}))
