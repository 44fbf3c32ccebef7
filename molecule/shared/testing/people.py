"""People who use a scenario's cloud and have few rights there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import openstack
from openstack.connection import Connection


@contextmanager
def member(cloud: Connection) -> Iterator[Connection]:
    """Make a project with a user who has the role member there, and remove both at the end."""
    identity: Any = cloud.identity
    name, password = f"person-{uuid4().hex[:8]}", uuid4().hex
    project = identity.create_project(name=name, domain_id="default")
    user = identity.create_user(name=name, password=password, domain_id="default")
    try:
        identity.assign_project_role_to_user(project, user, next(iter(identity.roles(name="member"))))
        yield openstack.connection.Connection(
            auth_url=cloud.config.auth["auth_url"],
            region_name=cloud.config.region_name,
            username=name,
            password=password,
            project_name=name,
            user_domain_id="default",
            project_domain_id="default",
        )
    finally:
        identity.delete_user(user)
        identity.delete_project(project)
