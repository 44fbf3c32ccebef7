"""Faults that are made up, and a program in ssh's place that notes what it was to run."""

import shlex
from types import SimpleNamespace

from hoplab.drill.means import KINDS
from hoplab.drill.model import Fault, Means, Sight

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
}
"""By kind, what takes it out; an endpoint is changed over Keystone's API."""
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
}


class Identity:
    """Keystone's catalogue with one endpoint."""

    def __init__(self) -> None:
        self.urls = ["http://192.0.2.11:9292/v2"]
        self.identity = self

    def services(self, **_wanted: str) -> list[SimpleNamespace]:
        """Return one service, whatever is asked for."""
        return [SimpleNamespace(id="s1")]

    def endpoints(self, **_wanted: str) -> list[SimpleNamespace]:
        """Return its endpoint as it is now."""
        return [SimpleNamespace(id="e1", url=self.urls[-1])]

    def update_endpoint(self, _endpoint: str, *, url: str) -> None:
        """Note the new address."""
        self.urls.append(url)


def fault(*kinds: str, at: str = "nova-scheduler", everywhere: bool = True) -> Fault:
    """Return a fault with means of these kinds."""
    means = []
    for kind in kinds:
        options = {name: OPTIONS[name] for name in KINDS[kind].options}
        if kind == "override":
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
        sees=Sight("BUILD", ""),
        launches=1,
        wait=30,
        rest=0,
        quick=False,
    )
