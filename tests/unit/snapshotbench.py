"""A lab of two nodes in directories of a test, and what is done with its snapshots. Real files, no nodes."""

from pathlib import Path
from typing import Any

from ansible_collections.hoplab.lab.plugins.module_utils.lab_host import Lab
from ansible_collections.hoplab.lab.plugins.module_utils.lab_snapshots import Snapshots
from ansible_collections.hoplab.lab.plugins.modules.lab_snapshot import carry_out


class Bench:
    """A lab of two nodes in directories of a test, and what is done with its snapshots."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.lab = Lab("benchlab")
        self.snapshots = Snapshots(self.lab)
        self.controller = place / "clone" / ".lab" / "local"
        self.inventory = place / "clone" / "inventories" / "local"
        self.roots = [str(place / name) for name in ("packages-1", "base-1")]

    def build(self, content: str) -> None:
        """Make the lab as lab_nodes would, with this content everywhere."""
        for root in self.roots:
            Path(root).mkdir(exist_ok=True)
        for node in ("ctl1", "cmp1"):
            node_place = Path(self.lab.node_directory(node))
            for part in ("upper", "work", "root"):
                (node_place / part).mkdir(parents=True)
            (node_place / "ready").write_text("\n".join(self.roots))
        self.lab.write_record("/clone", "stopped")
        (self.controller / "ssh").mkdir(parents=True, exist_ok=True)
        self.inventory.mkdir(parents=True, exist_ok=True)
        (self.inventory / "hosts.yml").write_text("all: {hosts: {ctl1: {node_id: 11}}}\n")
        self.write(content)

    def write(self, content: str) -> None:
        """Write something on each node and on the controller, as services and people do."""
        for node in ("ctl1", "cmp1"):
            upper = Path(self.lab.node_directory(node), "upper")
            (upper / "data").write_text(f"{node} {content}")
        (self.controller / "secrets.yml").write_text(f"password: {content}\n")
        (self.controller / "secrets.yml").chmod(0o600)
        (self.controller / "guest.raw").write_bytes(b"guest" * 20_000)

    def read(self) -> dict[str, str]:
        """Return what each node and the controller see: the uppermost layer that has the file."""
        found = {}
        for node, lower in self.snapshots.state.lowers().items():
            for layer in (f"{self.lab.node_directory(node)}/upper", *lower):
                if Path(layer, "data").exists():
                    found[node] = Path(layer, "data").read_text()
                    break
        found["controller"] = (self.controller / "secrets.yml").read_text()
        return found

    def whole(self, content: str) -> dict[str, str]:
        """Return what `read` gives where everything is of one state."""
        return {
            "ctl1": f"ctl1 {content}",
            "cmp1": f"cmp1 {content}",
            "controller": f"password: {content}\n",
        }

    def do(self, action: str, name: str = "", *, check: bool = False, layers: list[str] | None = None) -> Any:
        """Carry out what the module does."""
        params = {
            "lab": self.lab.name,
            "owner": "/clone",
            "action": action,
            "name": name,
            "controller": str(self.controller),
            "inventory": str(self.inventory),
            "layers": layers or self.roots,
            "version": "0.1.0",
        }
        return carry_out(self.snapshots, params, check)

    def layers(self) -> list[str]:
        """Return the layers that are kept."""
        place = Path(self.snapshots.layers)
        return sorted(path.name for path in place.iterdir()) if place.exists() else []
