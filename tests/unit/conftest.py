"""What the unit tests share: the plugins where Ansible finds them, and every file of the default lab, rendered."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Before Ansible is imported: it reads its configuration then.
os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")

import ansible.module_utils  # noqa: E402 see above

ansible.module_utils.__path__.append(str(ROOT / "plugins" / "module_utils"))

from rendering import Lab, render_lab  # noqa: E402 see above


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All files of the default lab, by node and path, as the roles would write them."""
    with render_lab(ROOT, tmp_path_factory.mktemp("lab")) as lab:
        yield lab
