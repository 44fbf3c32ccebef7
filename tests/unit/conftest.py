"""What the unit tests share: the plugins where Ansible finds them, and every file of the default lab, rendered."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Before Ansible is imported: it reads its configuration then.
os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")

from ansible.plugins.loader import init_plugin_loader  # noqa: E402 see above

# From now on `ansible_collections.hoplab.lab` is this repository, as in a run of a playbook.
init_plugin_loader()

from tests.unit.rendering import Lab, Oslo, oslo, render_lab  # noqa: E402 see above


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All files of the default lab, by node and path, as the roles would write them."""
    with render_lab(ROOT, tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def control(rendered: Lab, tmp_path: Path) -> Callable[[str], Oslo]:
    """Parses a configuration file of ctl1, by its path."""
    return lambda path: oslo(rendered.text("ctl1", path), tmp_path)
