"""The shipped scenarios, run as people run them: whole releases, which take minutes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
