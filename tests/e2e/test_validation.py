"""The shipped scenarios, run as people run them: whole releases, which take minutes."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from slipway_steps.settings import PROJECT_ROOT

SHIPPED = PROJECT_ROOT / "workflows" / "validation" / "scenarios"


def validated(home: Path, path: Path) -> tuple[int, Any]:
    command = [sys.executable, "-m", "slipway_workflows.cli", "--home", str(home), "validate-e2e", str(path)]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.timeout(3600)
def test_the_six_shipped_scenarios_end_as_expected_in_one_report(tmp_path: Path) -> None:
    code, told = validated(tmp_path / "home", SHIPPED)
    results = {one["scenario_name"]: one for one in told["results"]}
    assert {name: (one["outcome"], one["error_details"]) for name, one in results.items()} == {
        "bad architecture": ("rejected", None),
        "custom workflow": ("succeeded", None),
        "flaky metrics": ("rejected", None),
        "normal release": ("promoted", None),
        "oversized": ("rejected", None),
        "slow": ("rejected", None),
    }
    assert code == 0
    assert all(not one["left_behind"] and not one["steps_unexpected"] for one in results.values())
    page = Path(told["report"]).read_text()
    assert "All 6 scenarios went as expected" in page
    # the same seed gives the same verdict and the same numbers
    code, again = validated(tmp_path / "again", SHIPPED / "flaky-metrics.yaml")
    assert code == 0
    (only,) = again["results"]
    assert only["validation_results"] == results["flaky metrics"]["validation_results"]


CROSSING = """
scenario_name: too little memory
pipeline_config_path: release-model
expected_steps: [train, evaluate, handler, register, build, deploy, integration, resources, load, promote]
expect: promoted
timeout_minutes: 10
memory_limit_gb: 0.3
"""


def test_a_release_that_crosses_its_memory_limit_is_ended_in_its_middle(tmp_path: Path) -> None:
    (tmp_path / "crossing.yaml").write_text(CROSSING)
    home = tmp_path / "home"
    code, told = validated(home, tmp_path / "crossing.yaml")
    (only,) = told["results"]
    assert (code, only["outcome"], only["running_steps"]) == (2, "memory", ["train"])
    found = re.fullmatch(
        r"killed at (\d\.\d\d) GiB, above its memory limit of 0\.3 GiB, while train ran; "
        r"all of it was gone (\d\.\d\d) s after it was last below",
        only["error_details"].splitlines()[0],
    )
    assert found, only["error_details"]
    assert 0.3 <= float(found[1]) < 1  # as it is written, with two digits
    assert float(found[2]) < 1
    assert only["peak_memory_usage"] > 0.3
    assert "while train ran" in Path(told["report"]).read_text()
    assert not [one for one in processes() if str(tmp_path) in one], "a process of the release is left"
    assert not list(home.glob("validation/*/home"))


def processes() -> list[str]:
    """The command lines, environments and working directories of all processes, but of this one and its parents."""
    own = {os.getpid(), *(one.pid for one in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid not in own:
                found.append(f"{process.cmdline()} {process.environ().get('SLIPWAY_HOME')} {process.cwd()}")
    return found
