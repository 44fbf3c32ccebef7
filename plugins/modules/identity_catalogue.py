#!/usr/bin/python3
"""Make the users, services and endpoints of a cloud in Keystone, all in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_catalogue
short_description: Users, services and endpoints of all services in one step
description:
  - For every service a user in the project C(service) with the roles C(admin) and C(service), a service entry and
    endpoints.
  - One session for all. The modules of C(openstack.cloud) authenticate anew for each object, which takes a minute for
    40 objects, also when there is nothing to do.
options:
  auth_url:
    description: Keystone's URL.
    type: str
    required: true
  password:
    description: Password of the user admin.
    type: str
    required: true
  region:
    description: Region of the endpoints.
    type: str
    required: true
  services:
    description: C(name), C(type), C(url) and C(password).
    type: list
    elements: dict
    required: true
author: Hoplab
"""

EXAMPLES = r"""
- name: Make users, services and endpoints
  hoplab.lab.identity_catalogue:
    auth_url: http://192.0.2.11:5000/v3
    password: "..."
    region: RegionOne
    services: [{name: glance, type: image, url: "http://192.0.2.11:9292", password: "..."}]
"""

RETURN = r"""
done:
  description: What was made or changed.
  type: list
  returned: always
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import openstack
    from keystoneauth1 import exceptions as auth_exceptions
except ImportError:
    HAS_OPENSTACK = False
else:
    HAS_OPENSTACK = True

INTERFACES = ("public", "internal", "admin")
ROLES = ("admin", "service")


def can_log_in(params: dict[str, Any], name: str, password: str) -> bool:
    """Tell whether a service's user gets a token with its password."""
    try:
        # The session's own method: the connection's turns every refusal into the same exception.
        connect(params["auth_url"], params["region"], name, password, "service").session.get_token()
    except auth_exceptions.Unauthorized:
        return False
    return True


def connect(url: str, region: str, user: str, password: str, project: str) -> Any:
    """Return an openstacksdk connection."""
    return openstack.connect(
        auth_url=url,
        username=user,
        password=password,
        project_name=project,
        user_domain_id="default",
        project_domain_id="default",
        region_name=region,
        load_envvars=False,
        load_yaml_config=False,
    )


class Catalogue:
    """What Keystone has, read once, and what was made. In check mode nothing is made and what is missing stays None."""

    def __init__(self, identity: Any, params: dict[str, Any], check: bool) -> None:
        self.identity = identity
        self.params = params
        self.check = check
        self.done: list[str] = []
        self.users = {user.name: user for user in identity.users(domain_id="default")}
        self.services = {service.type: service for service in identity.services()}
        self.endpoints = {
            (end.service_id, end.interface): end for end in identity.endpoints(region_id=params["region"])
        }

    def make(self, what: str, call: Callable[[], Any]) -> Any:
        """Note what is made and make it; returns it, or None in check mode."""
        self.done.append(what)
        return None if self.check else call()

    def ensure_project(self) -> Any:
        """Return the project of the services' users, made if missing."""
        found = self.identity.find_project("service", domain_id="default")
        create = partial(self.identity.create_project, name="service", domain_id="default")
        return found or self.make("project service", create)

    def ensure_roles(self) -> dict[str, Any]:
        """Return the roles of the services' users by name, made if missing."""
        known = {role.name: role for role in self.identity.roles()}
        return {
            name: known.get(name) or self.make(f"role {name}", partial(self.identity.create_role, name=name))
            for name in ROLES
        }

    def ensure_user(self, wanted: dict[str, Any]) -> Any:
        """Return a service's user with the password that it shall have."""
        name, password = wanted["name"], wanted["password"]
        user = self.users.get(name)
        if user is None:
            create = partial(self.identity.create_user, name=name, password=password, domain_id="default")
            return self.make(f"user {name}", create)
        if not can_log_in(self.params, name, password):
            self.make(f"password of {name}", partial(self.identity.update_user, user, password=password))
        return user

    def ensure_service(self, wanted: dict[str, Any]) -> None:
        """Make a service's entry and its endpoints what they shall be."""
        name, url = wanted["name"], wanted["url"]
        create = partial(self.identity.create_service, name=name, type=wanted["type"])
        service = self.services.get(wanted["type"]) or self.make(f"service {name}", create)
        for interface in INTERFACES:
            what = f"endpoint {interface} of {name}"
            end = self.endpoints.get((service.id, interface)) if service else None
            if end is None:
                place = {"interface": interface, "region_id": self.params["region"], "url": url}
                service_id = service.id if service else None
                self.make(what, partial(self.identity.create_endpoint, service_id=service_id, **place))
            elif end.url != url:
                self.make(what, partial(self.identity.update_endpoint, end, url=url))


def ensure(identity: Any, params: dict[str, Any], check: bool) -> list[str]:
    """Make what is missing; returns what was made."""
    catalogue = Catalogue(identity, params, check)
    project = catalogue.ensure_project()
    roles = catalogue.ensure_roles()
    assigned = set()
    if project:
        for entry in identity.role_assignments(scope_project_id=project.id):
            assigned.add(((entry.user or {}).get("id"), entry.role["id"]))
    for wanted in params["services"]:
        user = catalogue.ensure_user(wanted)
        for name, role in roles.items():
            if user is None or role is None or (user.id, role.id) not in assigned:
                assign = partial(identity.assign_project_role_to_user, project, user, role)
                catalogue.make(f"role {name} of {wanted['name']}", assign)
        catalogue.ensure_service(wanted)
    return catalogue.done


def main() -> None:
    """Run the module."""
    service = {
        "name": {"type": "str", "required": True},
        "type": {"type": "str", "required": True},
        "url": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
    }
    module = AnsibleModule(
        argument_spec={
            "auth_url": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "region": {"type": "str", "required": True},
            "services": {"type": "list", "elements": "dict", "required": True, "options": service},
        },
        supports_check_mode=True,
    )
    if not HAS_OPENSTACK:
        module.fail_json(msg=missing_required_lib("python3-openstacksdk"))
    params = module.params
    try:
        cloud = connect(params["auth_url"], params["region"], "admin", params["password"], "admin")
        done = ensure(cloud.identity, params, module.check_mode)
    except (openstack.exceptions.SDKException, auth_exceptions.ClientException) as error:
        module.fail_json(msg=f"Keystone at {params['auth_url']} refused: {error}")
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
