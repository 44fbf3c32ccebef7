"""Faults that are made up, and a program in ssh's place that notes what it was to run."""

import shlex
from types import SimpleNamespace

from hoplab.drill.means import KINDS
from hoplab.drill.model import Fault, Means, Symptom

SSH = """#!/bin/sh
for last do :; done
printf '%s\\n' "$last" >>"$HOPLAB_TEST/told"
if [ -e "$HOPLAB_TEST/lost" ]; then echo 'no route to host' >&2; exit 255; fi
case "$last" in
    *list-units*) echo 'x@1.service loaded active running X' ;;
    *mysql.user*) echo '%' ;;
    *'command -v'*) echo /usr/sbin/haproxy ;;
    *'stat --format=%a'*) echo 755 ;;
    *'ss -tnH'*) echo '0 0 192.0.2.11:40001 192.0.2.11:5672' ;;
    *ControlGroup*) echo /system.slice/nova-scheduler.service ;;
    *SSH_CONNECTION*) echo '192.0.2.1 40000 192.0.2.11 22' ;;
    *--list-rules*)
        printf '%s\\n' '-P OUTPUT ACCEPT' '-A OUTPUT -d 192.0.2.11/32 -j ACCEPT' \\
            '-A OUTPUT -d 192.0.2.11/32 -m string --string "\\\\\\"x" -m comment --comment hoplab-drill -j DROP' ;;
    *list_user_permissions*) echo '[{"vhost": "/", "configure": "a", "write": "b|c", "read": "d"}]' ;;
    *list_bindings*)
        echo '[{"source_name": "nova", "destination_name": "compute.cmp1", "routing_key": "compute.cmp1"},' \\
            '{"source_name": "", "destination_name": "conductor", "routing_key": "conductor"}]' ;;
    *'bucket stats'*) echo '{"owner": "abc$abc"}' ;;
    *read_only*SELECT* | *SELECT*read_only*) echo 0 ;;
    *'SHOW TABLES'*) echo services_hoplab_drill ;;
    *get_vm_memory*) echo 0.6 ;;
    *'auth get'*) echo '[{"entity": "client.nova", "key": "S3CRET", "caps": {"mon": "profile rbd", "osd": "all"}}]' ;;
    *get-quota*) echo '{"quota_max_bytes": 0}' ;;
    *'pool ls detail'*) echo '[{"pool_name": "vms", "flags_names": "hashpspool,full_quota,full"}]' ;;
    *'test -d'*) exit 1 ;;
    *class/net*) echo 1600 ;;
    *secret-list*) echo ' 1-2-3   ceph client.nova secret' ;;
    *'stat --format'*) echo uid=64060,gid=64060,mode=0755 ;;
    *findmnt*)
        if [ -e "$HOPLAB_TEST/foreign" ]; then echo '/var/lib/images /dev/sdb1'; exit; fi
        printf '%s\\n' '/ overlay' '/var/lib/images hoplab-drill' '/etc/x.conf tmpfs[/hoplab-drill/etc/x.conf]' \\
            '/etc/ceph/ceph.client.nova.keyring tmpfs[/hoplab-drill/etc/ceph/ceph.client.nova.keyring]' ;;
    *'route get'*) echo '192.0.2.11 dev mgmt0 src 192.0.2.12' ;;
    *'qdisc show'*) echo 'qdisc tbf d211: root refcnt 2' ;;
esac
"""
SQL = ["mariadb", "--batch", "--skip-column-names", "--execute"]
UNDONE: dict[str, str] = {
    "stop": "systemctl start -- x@1.service",
    "freeze": "systemctl kill --signal=SIGCONT -- nova-scheduler.service",
    "hang": "systemctl restart -- nova-scheduler.service",
    "kill-process": "chmod 755 /usr/sbin/haproxy",
    "shift-clock": "rm --force /run/systemd/system/nova-scheduler.service.d/hoplab-drill.conf",
    "lose": "iptables --wait --delete OUTPUT 2",
    "cut-bridge": "ovs-ofctl --protocols=OpenFlow13 del-flows br-tun cookie=0xd211/-1",
    "slow-link": "tc qdisc delete dev mgmt0 root",
    "lock-account": shlex.join([*SQL, "ALTER USER 'nova-api'@'%' ACCOUNT UNLOCK"]),
    "lock-table": "systemctl stop -- hoplab-drill-table.service",
    "take-rights": shlex.join(
        ["rabbitmqctl", "--quiet", "set_permissions", "--vhost", "/", "nova-api", "a", "b|c", "d"]
    ),
    "unbind": shlex.join(
        [
            *("rabbitmqctl", "--quiet", "eval"),
            'rabbit_binding:add({binding,{resource,<<"/">>,exchange,<<"nova">>},<<"compute.cmp1">>,'
            '{resource,<<"/">>,queue,<<"compute.cmp1">>},[]},<<"hoplab-drill">>).',
        ]
    ),
    "wrong-key": "umount --lazy /etc/ceph/ceph.client.nova.keyring",
    "suspend-owner": "radosgw-admin user enable '--uid=abc$abc'",
    "undefine-secret": "virsh --quiet secret-define /root/hoplab-drill/1-2-3.xml",
    "fill": "umount --lazy /var/lib/images",
    "override": "rm --force /etc/x.conf.d/zz-hoplab-drill.conf",
    "rewrite": "umount --lazy /etc/x.conf",
    "endpoint": "http://192.0.2.11:9292/v2",
    "read-only": shlex.join([*SQL, "SET GLOBAL read_only = 0"]),
    "lose-rows": shlex.join(
        [*SQL, "DROP TABLE IF EXISTS nova.services; RENAME TABLE nova.services_hoplab_drill TO nova.services"]
    ),
    "lose-table": shlex.join([*SQL, "RENAME TABLE nova.services_hoplab_drill TO nova.services"]),
    "memory-alarm": shlex.join(
        ["rabbitmqctl", "--quiet", "eval", "vm_memory_monitor:set_vm_memory_high_watermark(0.6)."]
    ),
    "limit-caps": shlex.join(["ceph", "auth", "caps", "client.nova", "mon", "profile rbd", "osd", "all"]),
    "fill-pool": "ceph osd pool set-quota vms max_bytes 0",
    "forbid": "umount --lazy /etc/x.conf",
    "shrink-link": "ip link set tun0 mtu 1600",
    "policy": "rm --force /etc/x.conf.d/zz-hoplab-drill.yaml",
    "rename-host": "rm --force /etc/x.conf.d/zz-hoplab-drill.conf",
    "quota": "PUT /os-quota-sets/p1 {'quota_set': {'volumes': 10}}",
    "disable-service": "enable nova-compute",
    "take-roles": "assign p1 u1 r1",
    "close-egress": "egress IPv4",
    "switch-off-dhcp": "dhcp True",
    "claim": "DELETE /allocations/",
}
"""By kind, what takes it out: a command on a node, or what an API is asked for."""
OPTIONS = {
    "account": "nova-api",
    "process": "haproxy",
    "seconds": "5",
    "peer": "nova-scheduler",
    "way": "out",
    "rate": "1mbit",
    "table": "nova.services",
    "exchange": "nova",
    "key": "compute[.].+",
    "client": "client.nova",
    "bridge": "br-tun",
    "file": "/etc/x.conf",
    "bucket": "glance",
    "directory": "/var/lib/images",
    "size": "1M",
    "section": "nova",
    "option": "password",
    "value": "x",
    "type": "image",
    "interface": "internal",
    "osd": "profile rbd pool=elsewhere",
    "pool": "vms",
    "path": "/etc/x.conf",
    "link": "tun0",
    "mtu": "1300",
    "rule": "create_port",
    "of": "volume",
    "resource": "volumes",
    "limit": "0",
    "binary": "nova-compute",
}


class Cloud:
    """A cloud with one of everything, which notes what it is asked to change."""

    def __init__(self) -> None:
        self.asked = ["http://192.0.2.11:9292/v2"]
        self.current_project_id = "p1"
        self.rules = {"r1": "IPv4"}
        self.claims = ["somebody-else"]
        # Every API is this one: no name stands for two things.
        self.identity = self.compute = self.network = self.block_storage = self.placement = self

    def services(self, **_wanted: str) -> list[SimpleNamespace]:
        """Return one service, as Keystone and Nova have them."""
        return [SimpleNamespace(id="s1", binary="nova-compute", host="cmp1", status="enabled")]

    def endpoints(self, **_wanted: str) -> list[SimpleNamespace]:
        """Return its endpoint as it is now."""
        return [SimpleNamespace(id="e1", url=self.asked[-1])]

    def update_endpoint(self, _endpoint: str, *, url: str) -> None:
        """Note the new address."""
        self.asked.append(url)

    def get(self, path: str, **_options: object) -> SimpleNamespace:
        """Answer as Placement does of a provider with four of something, of which one is in use; and of quotas."""
        answers = {
            "/os-quota-sets/p1": {"quota_set": {"volumes": 10}},
            "/resource_providers/u1/allocations": {"allocations": dict.fromkeys(self.claims)},
            "/resource_providers": {"resource_providers": [{"uuid": "u1"}]},
            "/resource_providers/u1/inventories": {
                "inventories": {"volumes": {"total": 4, "reserved": 0, "allocation_ratio": 1.0, "max_unit": 2}}
            },
            "/resource_providers/u1/usages": {"usages": {"volumes": 1}},
        }
        return SimpleNamespace(json=lambda: answers[path])

    def put(self, path: str, *, json: object, **_options: object) -> SimpleNamespace:
        """Note what is put."""
        if path.startswith("/allocations/"):
            self.claims.append(path.rpartition("/")[2])
        self.asked.append(f"PUT {path} {json}")
        return SimpleNamespace(status_code=200)

    def delete(self, path: str, **_options: object) -> SimpleNamespace:
        """Note what is deleted."""
        self.asked.append(f"DELETE {path}")
        return SimpleNamespace(status_code=204)

    def disable_service(self, _service: str, **_options: str) -> None:
        """Note that a service is disabled."""
        self.asked.append("disable nova-compute")

    def enable_service(self, _service: str) -> None:
        """Note that a service is enabled."""
        self.asked.append("enable nova-compute")

    def find_user(self, _name: str, **_options: bool) -> SimpleNamespace:
        """Return the one account."""
        return SimpleNamespace(id="u1")

    def role_assignments(self, **_wanted: str) -> list[SimpleNamespace]:
        """Return its one role."""
        return [SimpleNamespace(role={"id": "r1"}, scope={"project": {"id": "p1"}})]

    def unassign_project_role_from_user(self, *_ids: str) -> None:
        """Note that the role is taken."""
        self.asked.append("unassign")

    def assign_project_role_to_user(self, *ids: str) -> None:
        """Note to whom the role is given."""
        self.asked.append(f"assign {' '.join(ids)}")

    def find_security_group(self, _name: str, **_wanted: str) -> SimpleNamespace:
        """Return the one group."""
        return SimpleNamespace(id="g1")

    def security_group_rules(self, **_wanted: str) -> list[SimpleNamespace]:
        """Return the rules that are there."""
        return [SimpleNamespace(id=rule, ether_type=kind) for rule, kind in self.rules.items()]

    def delete_security_group_rule(self, rule: str) -> None:
        """Take a rule away."""
        del self.rules[rule]

    def create_security_group_rule(self, *, ether_type: str, direction: str, **_options: str) -> None:
        """Note a rule that is made."""
        self.rules["r2"] = ether_type
        self.asked.append(f"{direction} {ether_type}")

    def find_subnet(self, _name: str, **_wanted: str) -> str:
        """Return the one subnet."""
        return "n1"

    def update_subnet(self, _subnet: str, *, is_dhcp_enabled: bool) -> None:
        """Note how DHCP is switched."""
        self.asked.append(f"dhcp {is_dhcp_enabled}")

    def agents(self, *, host: str = "ctl1", **_wanted: str) -> list[SimpleNamespace]:
        """Return one agent on any host."""
        return [SimpleNamespace(id="a1", host=host)]

    def delete_agent(self, agent: SimpleNamespace) -> None:
        """Note which host's agent is forgotten."""
        self.asked.append(f"forget {agent.host}")


def fault(*kinds: str, at: str = "nova-scheduler", everywhere: bool = True) -> Fault:
    """Return a fault with means of these kinds."""
    means = []
    for kind in kinds:
        options = {name: OPTIONS[name] for name in KINDS[kind].options}
        if kind in {"override", "policy", "rename-host"}:
            options["directory"] = "/etc/x.conf.d"
        means.append(Means(kind, at, everywhere, options))
    return Fault(
        name="made-up",
        title="Something is wrong.",
        component="nova",
        means=tuple(means),
        hop="schedule-take",
        slows=False,
        besides=(),
        because="",
        sees=Symptom("BUILD", ""),
        launches=1,
        wait=30,
        settle=0,
        rest=0,
        quick=False,
    )
