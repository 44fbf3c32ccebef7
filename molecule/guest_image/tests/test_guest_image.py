"""The guest image alone: it boots in QEMU without KVM, says what it finds, and is built anew only for a reason."""

import re
import shlex
from collections.abc import Iterator
from typing import TypeVar

import pytest
from scenario import Node, eventually

from hoplab.parse import guest as console

IMAGE = "/var/lib/hoplab/guest.raw"
SOURCE = "/usr/local/lib/hoplab/guest-image"
CACHE = "/var/cache/hoplab/guest-image"
WORK = "/run/guest-image"
UUID = "0c0ffee0-1111-4222-8333-444455556666"
SERIAL = "58b0a7c2-0d5e-4f1c-9"  # 20 characters, which is all that a guest sees of a volume's id
MAC = "52:54:00:12:34:56"
USER_DATA = """#!/bin/sh
echo "tools: $(sudo id -un) at $(hostname) sees $(lsblk --nodeps --noheadings --output NAME | xargs)"
curl --silent http://169.254.169.254/openstack/latest/meta_data.json
"""
# Answers one request of the guest: QEMU starts it for every connection to the address of the metadata service.
METADATA = f"""#!/usr/bin/python3
import json, sys
path = sys.stdin.readline().split()[1]
while sys.stdin.readline().strip():
    pass
pages = {{
    "/openstack/latest/meta_data.json": json.dumps({{"uuid": "{UUID}", "hostname": "probe.lab"}}),
    "/latest/meta-data/public-keys/0/openssh-key": open("{WORK}/key.pub").read(),
    "/openstack/latest/user_data": {USER_DATA!r},
}}
page = pages.get(path, "")
print(f"HTTP/1.0 {{200 if page else 404}} Answer\\r\\nContent-Length: {{len(page)}}\\r\\n\\r\\n{{page}}", end="")
"""
START = f"""set -e
rm -rf {WORK}; mkdir {WORK}; cd {WORK}
cat > metadata; chmod 755 metadata
ssh-keygen -q -t ed25519 -N '' -f key; ssh-keygen -q -t ed25519 -N '' -f another
truncate --size=64M volume
qemu-system-x86_64 -machine pc,accel=tcg -m 128 -nodefaults -display none -daemonize -pidfile pid \
  -serial file:console -monitor unix:monitor,server=on,wait=off \
  -drive file={IMAGE},format=raw,if=none,id=root,snapshot=on -device virtio-blk-pci,drive=root,bootindex=1 \
  -drive file=volume,format=raw,if=none,id=volume -device virtio-blk-pci,drive=volume,serial={SERIAL} \
  -netdev user,id=net,net=169.254.169.0/24,dhcpstart=169.254.169.20,hostfwd=tcp:127.0.0.1:2222-:22,\
guestfwd=tcp:169.254.169.254:80-cmd:{WORK}/metadata \
  -device virtio-net-pci,netdev=net,mac={MAC}
"""
ENTER = (
    f"ssh -p 2222 -i {WORK}/%s -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=30 "
    "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 "
)
PRESS = f"""
import socket
link = socket.socket(socket.AF_UNIX)
link.connect("{WORK}/monitor")
link.sendall(b"system_powerdown\\n")
answer = len(link.recv(100))
"""
Kind = TypeVar("Kind", bound=console.GuestEvent)


def command(output: str, source: str = SOURCE, *arguments: str) -> str:
    """Return the command that builds an image where no network is, with what lies on the node."""
    words = ["unshare", "--net", f"{SOURCE}/build-image", CACHE, f"{source}/guest", output, *arguments]
    return shlex.join(words)


def build(node: Node, output: str, source: str = SOURCE, *arguments: str) -> str:
    """Build an image and return what the build says; five seconds' work, with patience for a machine that is busy."""
    return node.output(command(output, source, *arguments), timeout=600)


def digest(node: Node, path: str) -> str:
    """Return the checksum of a file on the node."""
    return node.output(f"sha256sum {path}").split()[0]


class Guest:
    """A guest that was booted from the image, without KVM, in a network of its own."""

    def __init__(self, node: Node) -> None:
        self.node = node
        node.output(START, METADATA)

    @property
    def said(self) -> str:
        """All that it wrote on its serial console."""
        return self.node.output(f"cat {WORK}/console")

    def hear(self, kind: type[Kind], seconds: float = 120) -> Kind:
        """Return its first event of a kind, as soon as it is there."""

        def heard() -> list[Kind]:
            return [event for event in console.parse(self.said) if isinstance(event, kind)]

        return eventually(f"the guest says {kind.__name__}", heard, seconds)[0]


@pytest.fixture(scope="module")
def guest(ctl1: Node) -> Iterator[Guest]:
    """Boot the image, and end the guest when the tests are over."""
    try:
        booted = Guest(ctl1)
        booted.hear(console.Boot)
        yield booted
    finally:
        ctl1.output(f"[ ! -e {WORK}/pid ] || kill -KILL $(cat {WORK}/pid); rm -rf {WORK}")


def test_the_disk_has_a_boot_partition_with_the_kernel_of_the_cache(ctl1: Node) -> None:
    kernel = ctl1.output(f"ls {CACHE} | grep ^linux-image").split("_")[0].removeprefix("linux-image-")
    assert re.fullmatch(r"6\.12\.\d+\+deb13-cloud-amd64", kernel)
    table = ctl1.output(f"sfdisk --dump {IMAGE}")
    assert "label: dos" in table
    assert re.findall(r"start= *(\d+).* type=(\w+)(, bootable)?", table)[0] == ("2048", "e", ", bootable")
    assert len(re.findall("start=", table)) == 2
    ctl1.output(
        f"MTOOLS_SKIP_CHECK=1 mcopy -i {IMAGE}@@1M ::/vmlinuz - | grep --text --count --fixed-strings '{kernel} ('"
    )


def test_the_guest_boots_under_emulation_and_learns_who_it_is(guest: Guest, ctl1: Node) -> None:
    kernel = ctl1.output(f"ls {CACHE} | grep ^linux-image").split("_")[0].removeprefix("linux-image-")
    assert guest.hear(console.Boot).kernel == kernel
    assert guest.hear(console.Nic).mac == MAC
    lease = guest.hear(console.DhcpOk)
    assert (lease.ip, lease.prefix, lease.mac) == ("169.254.169.20", 24, MAC)
    metadata = guest.hear(console.MetadataOk)
    assert (metadata.uuid, metadata.hostname) == (UUID, "probe.lab")
    guest.hear(console.SshKeyOk)
    assert not re.search("LABGUEST (module|tools) fail", guest.said)


def test_the_guest_runs_user_data_with_its_tools(guest: Guest) -> None:
    eventually("the user data were run", lambda: "LABGUEST userdata rc=0" in guest.said)
    assert "tools: root at probe.lab sees vda vdb" in guest.said
    assert f'{{"uuid": "{UUID}", "hostname": "probe.lab"}}' in guest.said


def test_the_guest_writes_to_a_second_disk(guest: Guest, ctl1: Node) -> None:
    seen = guest.hear(console.DiskSeen)
    assert (seen.device, seen.sectors, seen.serial) == ("vdb", 64 * 2048, SERIAL)
    written = guest.hear(console.DiskRwOk)
    assert (written.device, written.previous) == ("vdb", "")
    on_disk = ctl1.output(f"dd if={WORK}/volume bs=512 skip=2048 count=1 status=none | tr -d '\\000'")
    assert on_disk == f"{written.wrote}\n"


def test_only_the_key_of_the_metadata_opens_the_guest(guest: Guest, ctl1: Node) -> None:
    kernel = guest.hear(console.Boot).kernel
    guest.hear(console.SshKeyOk)
    assert ctl1.output(ENTER % "key" + "uname -r").strip() == kernel
    stranger = ctl1.run(ENTER % "another" + "uname -r")
    assert stranger.returncode == 255
    assert "Permission denied (publickey)" in stranger.stderr


def test_the_power_button_ends_the_guest(guest: Guest, ctl1: Node) -> None:
    process = ctl1.output(f"cat {WORK}/pid").strip()
    guest.hear(console.Boot)
    ctl1.python(PRESS)
    guest.hear(console.PowerButton, seconds=30)
    eventually("QEMU has ended", lambda: ctl1.run(f"kill -0 {process}").returncode == 1, seconds=30)


def test_the_same_inputs_give_the_same_image_and_others_another(ctl1: Node) -> None:
    first, scratch = digest(ctl1, IMAGE), "/var/tmp/guest-image-again"
    ctl1.output(f"rm -rf {scratch}; mkdir {scratch}; cp -r {SOURCE}/guest {scratch}")
    assert build(ctl1, f"{scratch}/guest.raw", scratch).startswith("built: ")
    assert digest(ctl1, f"{scratch}/guest.raw") == first
    assert build(ctl1, f"{scratch}/guest.raw", scratch).startswith("current: ")
    ctl1.output(f"sed -i 's/say \"boot /say \"started /' {scratch}/guest/boot")
    assert build(ctl1, f"{scratch}/guest.raw", scratch).startswith("built: ")
    assert digest(ctl1, f"{scratch}/guest.raw") != first
    ctl1.output(f"rm -r {scratch}")


def test_a_build_that_is_killed_leaves_the_image_as_it_was(ctl1: Node) -> None:
    scratch = "/var/tmp/guest-image-killed"
    new, boot = (
        f"{scratch}/guest.raw",
        f"{scratch}/guest.raw.*/boot",
    )  # the boot partition, before it is on the new disk
    ctl1.output(f"rm -rf {scratch}; mkdir {scratch}; cp --sparse=always {IMAGE} {IMAGE}.stamp {scratch}")
    before = digest(ctl1, new)
    assert build(ctl1, new).startswith("current: ")
    ctl1.output(
        f"setsid {command(new, SOURCE, 'loglevel=7')} >/dev/null 2>&1 & "
        f"until ls {boot}; do kill -0 $! || exit 1; sleep 0.1; done; kill -KILL -- -$!",
        timeout=600,
    )
    assert digest(ctl1, new) == before
    assert build(ctl1, new, SOURCE, "loglevel=7").startswith("built: ")
    assert digest(ctl1, new) != before
    ctl1.output(f"rm -r {scratch}")
