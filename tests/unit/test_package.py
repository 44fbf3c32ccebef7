"""The verification pack as a package: built, installed in a bare environment, and used from any directory."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from hoplab import __version__
from samples.runs import unpacked

ROOT = Path(__file__).resolve().parents[2]


def run(*argv: str | Path, directory: Path) -> str:
    """Run a command to its end, and return what it printed."""
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the programs of an environment that has the built wheel and what it asks for, nothing else."""
    place = tmp_path_factory.mktemp("package")
    # Building leaves files beside its sources.
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy2(ROOT / name, place)
    shutil.copytree(ROOT / "verify" / "hoplab", place / "verify" / "hoplab")
    uv = ROOT / ".venv" / "bin" / "uv"
    run(uv, "build", "--quiet", "--wheel", "--out-dir", place / "dist", place, directory=place)
    (wheel,) = (place / "dist").glob("*.whl")
    assert wheel.name == f"hoplab-{__version__}-py3-none-any.whl"
    run(uv, "venv", "--quiet", place / "bare", directory=place)
    python = place / "bare" / "bin" / "python"
    run(uv, "pip", "install", "--quiet", "--python", python, wheel, directory=place)
    return python.parent


def test_a_recorded_run_is_judged_again_from_any_directory(installed: Path, tmp_path: Path) -> None:
    (recorded, *_) = unpacked("cold")
    told = json.loads(run(installed / "hoplab", "replay", recorded, "--json", directory=tmp_path))
    assert (told["result"], told["run"]) == ("proved", recorded.name)


def test_it_has_all_that_the_page_is_made_of(installed: Path, tmp_path: Path) -> None:
    (recorded, *_) = unpacked("cold")
    run(installed / "hoplab", "replay", recorded, "--html", "--output", "page.html", directory=tmp_path)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    tracked = run("git", "ls-files", "verify/hoplab/report/templates", directory=ROOT).split()
    assert "verify/hoplab/report/templates/page.js" in tracked, "a report is made where no Node.js is"
    assert (ROOT / "verify/hoplab/report/templates/page.js").read_text(encoding="utf-8") in page


def test_its_version_and_licence_are_told(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "hoplab", "--version", directory=tmp_path) == f"hoplab {__version__}\n"
    asked = "from importlib.metadata import metadata; print(metadata('hoplab')['License-Expression'])"
    assert run(installed / "python", "-c", asked, directory=tmp_path) == "Apache-2.0\n"
    (licence,) = installed.parent.glob("lib/python*/site-packages/hoplab-*.dist-info/licenses/LICENSE")
    assert licence.read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(encoding="utf-8")
