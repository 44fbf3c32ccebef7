#!/usr/bin/python3
"""Make the users, services and endpoints of a cloud in Keystone, all in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_catalogue
short_description: Users, services and endpoints of all services in one step
description:
  - For every service a user in the project C(service) with the roles C(admin) and C(service), a service entry and endpoints.
  - One session for all. The modules of C(openstack.cloud) authenticate anew for each object, which takes a minute for 40
    objects, also when there is nothing to do.
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
  identity_catalogue:
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

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import openstack
    from keystoneauth1 import exceptions as auth_exceptions
except ImportError:
    openstack = None

INTERFACES = ("public", "internal", "admin")
ROLES = ("admin", "service")


def can_log_in(params: dict[str, Any], name: str, password: str) -> bool:
    """Tell whether a service's user gets a token with its password."""
    try:
        connect(params["auth_url"], params["region"], name, password, "service").authorize()
    except auth_exceptions.Unauthorized:
        return False
    except openstack.exceptions.SDKException as error:
        if "401" in str(error) or "requires authentication" in str(error):
            return False
        raise
    return True


def connect(url: str, region: str, user: str, password: str, project: str) -> Any:
    """Return an openstacksdk connection."""
    return openstack.connect(auth_url=url, username=user, password=password, project_name=project, user_domain_id="default",
                             project_domain_id="default", region_name=region, load_envvars=False, load_yaml_config=False)


def ensure(identity: Any, params: dict[str, Any], check: bool) -> list[str]:
    """Make what is missing; returns what was made."""
    done: list[str] = []

    def make(what: str, call: Any) -> Any:
        done.append(what)
        return None if check else call()

    project = identity.find_project("service", domain_id="default")
    project = project or make("project service", lambda: identity.create_project(name="service", domain_id="default"))
    known_roles = {role.name: role for role in identity.roles()}
    roles = {}
    for name in ROLES:
        roles[name] = known_roles.get(name) or make(f"role {name}", lambda name=name: identity.create_role(name=name))
    users = {user.name: user for user in identity.users(domain_id="default")}
    assigned = set()
    if project:
        for entry in identity.role_assignments(scope_project_id=project.id):
            assigned.add(((entry.user or {}).get("id"), entry.role["id"]))
    services = {service.type: service for service in identity.services()}
    endpoints = {(end.service_id, end.interface): end for end in identity.endpoints(region_id=params["region"])}
    for wanted in params["services"]:
        name = wanted["name"]
        user = users.get(name)
        if user is None:
            user = make(f"user {name}", lambda: identity.create_user(name=name, password=wanted["password"], domain_id="default"))
        elif not can_log_in(params, name, wanted["password"]):
            make(f"password of {name}", lambda: identity.update_user(user, password=wanted["password"]))
        for role in ROLES:
            if user is None or roles[role] is None or (user.id, roles[role].id) not in assigned:
                make(f"role {role} of {name}", lambda: identity.assign_project_role_to_user(project, user, roles[role]))
        service = services.get(wanted["type"])
        service = service or make(f"service {name}", lambda: identity.create_service(name=name, type=wanted["type"]))
        for interface in INTERFACES:
            end = endpoints.get((service.id, interface)) if service else None
            if end is None:
                make(f"endpoint {interface} of {name}", lambda: identity.create_endpoint(
                    service_id=service.id, interface=interface, region_id=params["region"], url=wanted["url"]))
            elif end.url != wanted["url"]:
                make(f"endpoint {interface} of {name}", lambda: identity.update_endpoint(end, url=wanted["url"]))
    return done


def main() -> None:
    """Run the module."""
    service = {"name": {"type": "str", "required": True}, "type": {"type": "str", "required": True}, "url": {"type": "str", "required": True},
               "password": {"type": "str", "required": True, "no_log": True}}
    module = AnsibleModule(
        argument_spec={
            "auth_url": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "region": {"type": "str", "required": True},
            "services": {"type": "list", "elements": "dict", "required": True, "options": service},
        },
        supports_check_mode=True,
    )
    if openstack is None:
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
