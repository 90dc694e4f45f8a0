"""Valid handlers are not rejected, however they are written and whatever is sent."""

from pathlib import Path

import pytest
from handler_packages import REQUESTS, make_package
from handlers.fault_packages import Case, make_case, read_cases, run_package
from sampling import sampled

from slipway_steps.domain.handler import InferenceTestResult
from slipway_steps.domain.verdict import Verdict
from slipway_steps.handlers.rows import take_rows

SUFFIXES = {"application/json": ".json", "text/csv": ".csv"}
PARTS = ((0, 1, 2), (2, 1, 0), (0,), (1,), (2,), (2, 0), (1, 0, 1, 0, 2, 2))
"""The rows of each sample."""
QUICK = ("json_rules", "pickled_dict", "calibrated", "text_rules")
"""Packages whose libraries are imported in no time; `make bench` takes all."""


def run_combinations(name: str, directory: Path) -> InferenceTestResult:
    """Test a package with samples of several rows in all its content types, for each accept type."""
    package = make_package(name, directory / name)
    (package / "payloads").mkdir(exist_ok=True)
    for kind, body in REQUESTS[name].items():
        for number, rows in enumerate(PARTS):
            part = take_rows(body, kind, rows)
            assert part is not None
            (package / "payloads" / f"{number}{SUFFIXES[kind]}").write_bytes(part)
    return run_package(package, directory / "store")


@pytest.mark.parametrize("case", sampled(read_cases("accepted"), 5), ids=lambda case: case.name)
def test_handler_without_a_fault_passes(case: Case, tmp_path: Path) -> None:
    result = run_package(make_case(case, tmp_path / "package"), tmp_path / "store", **case.spec)
    assert result.rejections == []
    assert result.verdict is Verdict.PASS


@pytest.mark.parametrize("name", sampled(QUICK, 2))
def test_package_is_not_rejected(name: str, tmp_path: Path) -> None:
    result = run_combinations(name, tmp_path)
    assert result.rejections == []
    assert len(result.end_to_end_results) == 4 * len(PARTS)
    assert result.verdict is Verdict.PASS
