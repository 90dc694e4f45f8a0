"""A release on one machine asks nobody: no library of it looks up a name."""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from slipway_steps.settings import PROJECT_ROOT

PROGRAM = PROJECT_ROOT / "tests" / "lookups.py"


@cache
def namespaces() -> list[str]:
    """The command that makes namespaces of our own; empty where this machine does not allow it."""
    if shutil.which("unshare") is None:
        return []
    for command in (["unshare", "--net", "--mount"], ["unshare", "--net", "--mount", "--map-root-user"]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []


def looked_up(directory: Path, *command: str) -> list[str]:
    """The names that a command looks up. It has to succeed."""
    if not namespaces():
        pytest.skip("this machine allows no network namespace (unshare --net --mount)")
    found = directory / "names.json"
    done = subprocess.run(
        [*namespaces(), sys.executable, PROGRAM, found, *command],
        env={**os.environ, "SLIPWAY_HOME": str(directory / "home"), "PYTHONPATH": str(PROJECT_ROOT / "steps")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names: list[str] = json.loads(found.read_text())
    return names


def test_a_look_up_of_a_c_library_is_seen(tmp_path: Path) -> None:
    """The next test relies on this: a program that records no look-up would pass it."""
    assert "canary.example" in looked_up(tmp_path, "sh", "-c", "getent hosts canary.example || true")


RELEASE = """
{python} -c 'from slipway_workflows.cli import script; script()' run release-model -p model-package={package} \
  -p load-requests=20 -p load-users=2
code=$?
sleep 12  # ONNX Runtime's first report comes ten seconds after the first model is opened
{python} -c 'from slipway_workflows.cli import script; script()' down
exit $code
"""


def test_a_whole_release_looks_up_no_name(trained_package: Path, tmp_path: Path) -> None:
    script = RELEASE.format(python=sys.executable, package=trained_package)
    assert looked_up(tmp_path, "sh", "-c", script) == []
