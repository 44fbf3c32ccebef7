"""What reads runs does without the packages by which a cloud is asked, and what needs them says so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hoplab.commands.main import CLOUD, VERBS
from samples.runs import unpacked

BARE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from hoplab.commands.main import main
sys.exit(main(sys.argv[1:]))
"""


def hoplab(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command where those packages are not installed."""
    program = BARE.replace("{packages!r}", repr(sorted(CLOUD)))
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[1],
    )


def test_a_run_is_judged_again_and_explained() -> None:
    (run, *_) = unpacked("cold")
    done = hoplab("replay", str(run), "--json")
    assert (done.returncode, done.stderr) == (0, f"run {run}\n" if "run " in done.stderr else "")
    assert json.loads(done.stdout)["result"] == "proved"
    assert hoplab("explain", "host-claim").returncode == 0
    assert hoplab("--help").returncode == 0


def test_every_form_of_a_report_is_made(tmp_path: Path) -> None:
    (run, *_) = unpacked("cold")
    files = {name: tmp_path / name for name in ("output", "perfetto", "otlp")}
    done = hoplab("replay", str(run), "--html", *(word for name, file in files.items() for word in (f"--{name}", file)))
    assert done.returncode == 0, done.stderr
    assert "</html>" in files["output"].read_text(encoding="utf-8")
    assert json.loads(files["perfetto"].read_text(encoding="utf-8"))["traceEvents"]
    assert json.loads(files["otlp"].read_text(encoding="utf-8"))["resourceSpans"]
    # Who would take it is not there, which is another matter than a package that is not.
    assert "nobody took it" in hoplab("replay", str(run), "--otlp", "http://127.0.0.1:9").stderr


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"doctor", "replay", "report", "explain", "schema"}))
def test_what_asks_a_cloud_says_what_is_missing(verb: str) -> None:
    done = hoplab(verb)
    assert done.returncode == 2
    assert f"`hoplab {verb}` asks a cloud" in done.stderr
    assert "install it with pip" in done.stderr
