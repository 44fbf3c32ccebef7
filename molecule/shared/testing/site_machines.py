"""Machines of somebody else's: made by this program and not by a role of the lab, with a site's own things on them.

They stand for machines that people have already: systemd-nspawn containers in networks of their own, with a user
who has sudo, a firewall, a time service, a web server and names in /etc/hosts. `site_machines.py create PLACE` makes
them as PLACE/site.json says, `site_machines.py destroy PLACE` removes them; needs root.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

USER = "siteadmin"
LINKS = ("lan0", "tun0", "ext0")
"""Links of each machine: into the management, the tunnel and the external network."""
FILES = {
    "etc/systemd/network/50-lan.network": "[Match]\nName=lan0\n\n[Network]\nAddress={address}/24\nGateway={gateway}\n",
    # Up, and nothing else: the kernel gives them an address of its own.
    "etc/systemd/network/90-spare.network": "[Match]\nName=tun0 ext0\n\n[Link]\nMTUBytes=1600\n",
    "etc/hostname": "{name}\n",
    "etc/hosts": (
        "127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost\n10.77.0.1 wiki.site.example wiki\n"
    ),
    "etc/resolv.conf": "",
    f"etc/sudoers.d/{USER}": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
    "etc/systemd/system/systemd-timesyncd.service": (
        "[Unit]\nDescription=Stands for the site's time service: a container can set no clock\n"
        "[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
    ),
    "etc/systemd/system/site-web.service": (
        "[Unit]\nDescription=A web server of the site\n[Service]\nWorkingDirectory=/usr/share/doc\n"
        "ExecStart=python3 -m http.server 8080\n[Install]\nWantedBy=multi-user.target\n"
    ),
    "etc/systemd/system/site-firewall.service": (
        "[Unit]\nDescription=The site's firewall\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"
        "ExecStart=iptables -A INPUT -p tcp --dport 23 -j DROP\n[Install]\nWantedBy=multi-user.target\n"
    ),
}
UNITS = ("systemd-networkd", "systemd-timesyncd", "site-web", "site-firewall", "ssh")
STATE = r"""
import hashlib, json, os, subprocess
def ask(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
files = {}
for top in ("/etc", "/usr/local", "/root", "/home", "/opt", "/srv", "/var/lib/apt", "/var/cache/apt"):
    for place, directories, names in os.walk(top):
        for name in directories + names:
            path = os.path.join(place, name)
            told = os.lstat(path)
            what = os.readlink(path) if os.path.islink(path) else ""
            if os.path.isfile(path) and not what:
                with open(path, "rb") as stream:
                    what = hashlib.sha256(stream.read()).hexdigest()
            files[path] = [told.st_mode, told.st_uid, told.st_gid, what]
users = ("user@", "user-runtime-dir@")
units = [line.split()[0] for line in ask("systemctl", "list-units", "--type=service", "--state=running", "--plain",
                                         "--no-legend").splitlines()]
links = [[link["ifname"], link["flags"], link["mtu"], link.get("master"), link.get("address"),
          [entry.get("local") for entry in link["addr_info"]]] for link in json.loads(ask("ip", "-json", "address"))]
rules = [line for line in ask("iptables-save").splitlines() if line.startswith("-")]
forwards = open("/proc/sys/net/ipv4/ip_forward").read()
print(json.dumps({"files": files, "units": [name for name in units if not name.startswith(users)], "links": links,
                  "rules": rules, "listeners": sorted(ask("ss", "-Hltun").splitlines()), "forwards": forwards,
                  "packages": hashlib.sha256(open("/var/lib/dpkg/status", "rb").read()).hexdigest(),
                  "host name": os.uname().nodename}))
"""
"""Prints all of a machine that nobody may change who only looks at it."""


def run(*argv: str, stdin: str = "") -> str:
    """Run a command of this machine as root and return its output; AssertionError with what it said when it fails."""
    wanted = argv if os.geteuid() == 0 else ("sudo", "-n", *argv)
    done = subprocess.run(wanted, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}: {done.stderr or done.stdout}"
    return done.stdout


@dataclass(frozen=True)
class SiteMachine:
    """A machine that runs, by its name and the process id of its container's init."""

    name: str
    init: int

    def run(self, command: str, stdin: str = "") -> str:
        """Run a shell command there, without logging in, and return what it printed."""
        return run("nsenter", f"--target={self.init}", "--all", "--wd=/", "sh", "-c", command, stdin=stdin)

    def state(self) -> dict[str, Any]:
        """Return digests of its files, its links, units, firewall rules and listeners."""
        found: dict[str, Any] = json.loads(self.run("python3 -", STATE))
        return found


@dataclass(frozen=True)
class Site:
    """All machines of a site; place: their directory, whose base name their links and containers have in theirs."""

    place: Path

    @property
    def told(self) -> dict[str, Any]:
        """What site.json says: layers, gateway, key, host_keys (private and public) and the machines' addresses."""
        found: dict[str, Any] = json.loads((self.place / "site.json").read_text(encoding="utf-8"))
        return found

    def bridge(self, link: str) -> str:
        """Return the name of the bridge of a network."""
        return f"{self.place.name}-{link}"

    def end(self, machine: str, link: str) -> str:
        """Return the name of this machine's end of a machine's link."""
        return f"{hashlib.sha256(self.place.name.encode()).hexdigest()[:4]}-{machine[:5]}-{link[:3]}"

    def machines(self) -> dict[str, SiteMachine]:
        """Return the machines that run, by name."""
        found = {}
        for process in self._containers():
            children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
            words = Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8").split("\0")
            name = next(word for word in words if word.startswith("--machine=")).rpartition(f"{self.place.name}-")[2]
            if children:
                found[name] = SiteMachine(name, int(children[0]))
        return found

    def _containers(self) -> Iterable[int]:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    words = (entry / "cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
                    if Path(words[0]).name == "systemd-nspawn" and any(f"={self.place}/" in word for word in words):
                        yield int(entry.name)

    # -- making ------------------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Make and boot all machines, and wait until they can be logged in to."""
        told = self.told
        for link, mtu in zip(LINKS, (1500, 1600, 1500), strict=True):
            run("ip", "link", "add", self.bridge(link), "type", "bridge")
            run("ip", "link", "set", self.bridge(link), "mtu", str(mtu), "up")
        for link, address in told["own_addresses"].items():
            run("ip", "address", "add", f"{address}/24", "dev", self.bridge(link))
        for name, address in told["machines"].items():
            self._install(name, address, told)
            self._boot(name)
        for name in told["machines"]:
            self._connect(name)
        for name in told["machines"]:
            self._finish(name)
        self._give_disks(told["disks_of"])

    def _install(self, name: str, address: str, told: dict[str, Any]) -> None:
        place = self.place / name
        for part in ("upper", "work", "root"):
            (place / part).mkdir(parents=True)
        options = f"lowerdir={':'.join(told['layers'])},upperdir={place}/upper,workdir={place}/work"
        run("mount", "-t", "overlay", self.bridge(name), "-o", options, str(place / "root"))
        root = place / "root"
        for path, text in FILES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).unlink(missing_ok=True)
            (root / path).write_text(text.format(name=name, address=address, gateway=told["own_addresses"]["lan0"]))
        (root / f"etc/sudoers.d/{USER}").chmod(0o440)
        (root / "etc/machine-id").write_text(hashlib.sha256(f"{self.place}{name}".encode()).hexdigest()[:32] + "\n")
        key = root / "etc/ssh/ssh_host_ed25519_key"
        key.write_text(told["host_keys"][name])
        key.chmod(0o600)
        run("chroot", str(root), "useradd", "--create-home", "--shell=/bin/bash", USER)
        run("chroot", str(root), "systemctl", "--quiet", "enable", *UNITS)
        home = root / "home" / USER / ".ssh"
        home.mkdir(mode=0o700)
        (home / "authorized_keys").write_text(told["key"] + "\n")
        run("chroot", str(root), "chown", "--recursive", f"{USER}:{USER}", f"/home/{USER}/.ssh")

    def _boot(self, name: str) -> None:
        place = self.place / name
        argv = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", f"--directory={place}/root"]
        argv += [f"--machine={self.place.name}-{name}", f"--hostname={name}", "--capability=all", "--resolv-conf=off"]
        argv += ["--timezone=off", "--link-journal=no", "--console=pipe"]
        argv += [f"--network-veth-extra={self.end(name, link)}:{link}" for link in LINKS]
        group = Path(_hierarchies()[0]) / self.place.name / name
        group.mkdir(parents=True, exist_ok=True)
        # Each in a control group of its own, or its systemd would stop the others' services.
        joined = f'echo 0 > {group}/cgroup.procs && exec "$@"'
        with (place / "console.log").open("ab") as console:
            subprocess.Popen(
                ["sh", "-c", joined, "sh", *argv],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                cwd="/",
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )

    def _connect(self, name: str) -> None:
        for link in LINKS:
            end = self.end(name, link)
            _wait(f"link {end}", Path(f"/sys/class/net/{end}").exists)
            mtu = "1600" if link == "tun0" else "1500"
            run("ip", "link", "set", end, "mtu", mtu, "master", self.bridge(link), "up")

    def _finish(self, name: str) -> None:
        _wait(f"{name} runs", lambda: name in self.machines())
        machine = self.machines()[name]
        # A container takes these over from this machine, which forwards.
        for setting in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            run("nsenter", f"--target={machine.init}", "--net", "sh", "-c", f"echo 0 > /proc/sys/{setting}")
        ready = f"systemctl is-active {' '.join(UNITS)} && ip -6 address show dev tun0 | grep fe80"
        _wait(f"{name} is up", lambda: bool(_answer(machine, ready)))

    def _give_disks(self, name: str) -> None:
        """Give a machine two disks: an empty one, and one with a file system."""
        machine = self.machines()[name]
        for number, kind in enumerate(("empty", "used")):
            image = self.place / f"{kind}.raw"
            with image.open("wb") as stream:
                stream.truncate(64 * 2**20)
            if kind == "used":
                run("mkfs.ext4", "-q", str(image))
            device = run("losetup", "--find", "--show", str(image)).strip()
            minor = os.minor(Path(device).stat().st_rdev)
            node = f"/dev/sd{'xy'[number]}"
            machine.run(
                f"mknod {node} b 7 {minor} && mkdir -p /dev/disk/by-id && ln -s {node} /dev/disk/by-id/site-{kind}"
            )

    # -- removing ----------------------------------------------------------------------------------------------------

    def destroy(self) -> None:
        """Remove all that there is of them, whatever state it is in."""
        groups = [Path(point) / self.place.name for point in _hierarchies()]
        for group in groups:
            with suppress(OSError):
                (group / "cgroup.kill").write_text("1", encoding="utf-8")
        for row in json.loads(run("losetup", "--json", "--list") or "{}").get("loopdevices", []):
            if str(row["back-file"]).startswith(f"{self.place}/"):
                run("losetup", "--detach", row["name"])
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
            point = line.split()[1]
            if point.startswith(f"{self.place}/"):
                run("umount", "--lazy", point)
        for link in sorted(path.name for path in Path("/sys/class/net").iterdir()):
            if link in [self.bridge(name) for name in LINKS] or link.startswith(self.end("", "")[:5]):
                with suppress(AssertionError):  # the kernel removes a container's links some time after its end
                    run("ip", "link", "delete", link)
        for group in groups:
            for directory, _names, _files in os.walk(group, topdown=False):
                _wait(f"{directory} is empty", partial(_removed, Path(directory)))
        shutil.rmtree(self.place, ignore_errors=not self.place.exists())


def _removed(group: Path) -> bool:
    with suppress(OSError):
        group.rmdir()
    return not group.exists()


def _hierarchies() -> list[str]:
    """Return where control groups are mounted, the second version first: systemd may have its own beside it."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    return [words[1] for kind in ("cgroup2", "cgroup") for words in lines if words[2] == kind]


def _answer(machine: SiteMachine, command: str) -> str:
    with suppress(AssertionError):
        return machine.run(command)
    return ""


def _wait(what: str, check: Any, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.2)


def main() -> None:
    """Create or destroy a site's machines, as the command line says."""
    action, place = sys.argv[1:]
    {"create": Site.create, "destroy": Site.destroy}[action](Site(Path(place)))


if __name__ == "__main__":
    main()
