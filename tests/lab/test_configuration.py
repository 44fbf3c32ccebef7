"""No configuration file names an option that its service does not know: asked on the nodes, where the services are."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import NodeConnections

pytestmark = pytest.mark.lab

COMMON = ("oslo.log", "oslo.messaging", "oslo.concurrency", "oslo.db", "oslo.cache", "oslo.policy", "oslo.middleware")
API = ("oslo.service.service", "keystonemiddleware.auth_token")
AGENT = ("neutron", "neutron.agent", "neutron.base.agent")

# What no list of options has: those of the authentication plugin, which auth_type chooses when the service runs.
PLUGIN_OPTIONS = {"auth_type", "auth_url", "username", "password", "user_domain_name", "project_name"}
PLUGIN_OPTIONS |= {"project_domain_name"}
PLUGIN_GROUPS = {"keystone_authtoken", "service_user", "nova"}

# The program's two ways to speak of an option that it doesn't know. The second is for groups that it knows in part.
UNKNOWN = re.compile(r"^ERROR:root:(\S+)/(\S+) is not part of the sample config$", re.MULTILINE)
IGNORED = re.compile(r'Ignoring missing option "(\S+)" from group "(\S+)"')

SCRIPT = """
set -e
for file in {files}; do test -s "$file"; done
cat {files} {extra} | sed {renames} | oslo-config-validator --input-file /dev/stdin {namespaces} 2>&1
"""


@dataclass(frozen=True)
class Program:
    """Programs that read the same files. sections: by which name the list of options knows a section."""

    group: str
    files: tuple[str, ...]
    namespaces: tuple[str, ...]
    sections: dict[str, str] = field(default_factory=dict)


def own(project: str, *names: str) -> tuple[str, ...]:
    """Return the files of accounts of a project's programs."""
    return tuple(f"/etc/{project}/{name}.conf.d/credentials.conf" for name in names)


def agent(name: str, file: str, *namespaces: str) -> Program:
    files = (f"/etc/neutron/{file}", *own("neutron", f"neutron-{name}-agent"))
    return Program(f"neutron_{namespaces[0].split('.')[1]}", files, (*namespaces, *AGENT, *COMMON))


SWITCH = agent("openvswitch", "plugins/ml2/openvswitch_agent.ini", "neutron.ml2.ovs.agent")
PROGRAMS = {
    "keystone": Program(
        "keystone", ("/etc/keystone/keystone.conf", *own("keystone", "keystone-manage")), ("keystone", *COMMON)
    ),
    "glance": Program(
        "glance",
        ("/etc/glance/glance-api.conf", *own("glance", "glance-api", "glance-manage")),
        ("glance", "glance.api", "glance.store", "glance.multi_store", *COMMON, *API),
        # Sections of stores have the names that enabled_backends and Glance itself give them.
        {
            "rgw": "glance.store.swift.store",
            "os_glance_staging_store": "glance_store",
            "os_glance_tasks_store": "glance_store",
        },
    ),
    "placement": Program(
        "placement",
        ("/etc/placement/placement.conf", *own("placement", "uwsgi", "placement-manage")),
        ("placement.conf", *COMMON, *API),
    ),
    "nova": Program(
        "nova_control",
        (
            "/etc/nova/nova.conf",
            *own("nova", "nova-api", "nova-api-metadata", "nova-scheduler", "nova-conductor", "nova-manage"),
        ),
        ("nova.conf", *COMMON, *API),
    ),
    "nova-compute": Program(
        "nova_compute",
        ("/etc/nova/nova-compute.conf", *own("nova", "nova-compute")),
        ("nova.conf", "os_vif", *COMMON, *API),
    ),
    "neutron": Program(
        "neutron_server",
        (
            "/etc/neutron/neutron.conf",
            "/etc/neutron/plugins/ml2/ml2_conf.ini",
            *own("neutron", "neutron-api", "neutron-rpc-server", "neutron-periodic-workers", "neutron-db-manage"),
        ),
        ("neutron", "neutron.db", "neutron.extensions", "neutron.ml2", "neutron.agent", "nova.auth", *COMMON, *API),
    ),
    "neutron-dhcp-agent": agent("dhcp", "dhcp_agent.ini", "neutron.dhcp.agent"),
    "neutron-l3-agent": agent("l3", "l3_agent.ini", "neutron.l3.agent"),
    "neutron-metadata-agent": agent("metadata", "metadata_agent.ini", "neutron.metadata.agent"),
    "neutron-openvswitch-agent": Program("neutron_ovs_agent", SWITCH.files, SWITCH.namespaces),
    "cinder": Program(
        "cinder",
        ("/etc/cinder/cinder.conf", *own("cinder", "cinder-api", "cinder-scheduler", "cinder-volume", "cinder-manage")),
        ("cinder", *COMMON, *API),
        # A backend's section has the name that enabled_backends gives it; any of its options may stand here as well.
        {"rbd": "backend_defaults"},
    ),
}


@pytest.fixture(scope="module")
def nodes(deployment: Deployment) -> Iterator[NodeConnections]:
    with NodeConnections(deployment.ssh) as opened:
        yield opened


def unknown_options(deployment: Deployment, nodes: NodeConnections, program: Program, added: str = "") -> set[str]:
    """Return (as group/option) what a program's files say that the program does not know; added: more lines."""
    renames = [f"-e s/^\\[{name}\\]$/[{known}]/" for name, known in program.sections.items()]
    script = SCRIPT.format(
        files=" ".join(program.files),
        extra="-" if added else "",
        renames=" ".join(shlex.quote(part) for part in renames) or "-e ''",
        namespaces=" ".join(f"--namespace {name}" for name in program.namespaces),
    )
    shell = f"printf %s {shlex.quote(added)} | sh -c {shlex.quote(script)}"
    result = nodes.run(deployment.first_in_group(program.group), ["sh", "-c", shell], timeout=60)
    assert result.status in {0, 1}, result.stdout + result.stderr
    assert "Traceback" not in result.stdout, result.stdout
    found = {(group, option) for group, option in UNKNOWN.findall(result.stdout)}
    assert bool(found) == bool(result.status), f"status {result.status}: {result.stdout}{result.stderr}"
    found |= {(group, option) for option, group in IGNORED.findall(result.stdout)}
    return {f"{group}/{option}" for group, option in found if not (group in PLUGIN_GROUPS and option in PLUGIN_OPTIONS)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_option_is_known(deployment: Deployment, nodes: NodeConnections, name: str) -> None:
    assert unknown_options(deployment, nodes, PROGRAMS[name]) == set()


@pytest.mark.parametrize(
    ("name", "lines", "found"),
    [
        ("nova", "\n[DEFAULT]\nmy_ipp = x\n", "DEFAULT/my_ipp"),
        ("nova", "\n[keystone_authtoken]\nusernam = x\n", "keystone_authtoken/usernam"),
        ("glance", "\n[rgw]\nswift_store_contaner = x\n", "glance.store.swift.store/swift_store_contaner"),
        ("glance", "\n[rwg]\nswift_store_container = x\n", "rwg/swift_store_container"),
        ("cinder", "\n[rbd]\nrbd_pol = x\n", "backend_defaults/rbd_pol"),
    ],
)
def test_a_misspelt_option_is_seen(
    deployment: Deployment, nodes: NodeConnections, name: str, lines: str, found: str
) -> None:
    assert unknown_options(deployment, nodes, PROGRAMS[name], lines) == {found}
